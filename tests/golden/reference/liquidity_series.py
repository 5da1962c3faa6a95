"""Cost and shape as series: a name, aggregations, and the value on one book."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from . import shape
from .book_bars import BID_ASK, Series, levels_of

Named = tuple[str, Sequence[str], Series]


def liquidity(options: Mapping[str, Any], depth: int) -> list[Named]:
    """Every series of the groups `liquidity`, with a place for the aggregation in its name."""
    found: list[Named] = []
    for given in options.get("liquidity", []):
        group = {**{k: v for k, v in options.items() if k == "levels"}, **given}
        for measure in group["measures"]:
            for name, series in _of(measure, group, given, depth):
                found.append((name + "{aggregation}", given.get("aggregations", ["Last"]), series))
    return found


def _of(measure: str, group: Mapping[str, Any], given: Mapping[str, Any], depth: int) -> Iterator[tuple[str, Series]]:
    levels = levels_of(group, depth)
    deepest = max(levels)
    visible = deepest if "levels" in given else depth
    if measure.startswith("Xlm"):
        yield from _round_trips(measure, group, visible)
    elif measure == "DepthWithin":
        yield from _depth_within(group, visible)
    elif measure == "DepthSlope":
        for side in BID_ASK:
            yield f"{side}DepthSlope", lambda b, s=side: shape.depth_slope(b, s, deepest)  # type: ignore[misc]
    elif measure == "LogDepthSlope":
        yield "LogDepthSlope", lambda b: shape.log_slope(b, deepest)
    else:
        for level in levels:
            yield f"DepthSpreadBps{level}", lambda b, i=level: shape.depth_spread(b, i)  # type: ignore[misc]


def _round_trips(measure: str, group: Mapping[str, Any], deepest: int) -> Iterator[tuple[str, Series]]:
    by = group.get("by", "notional")
    for amount in group["notionals"]:
        if measure == "XlmUnfilledRatio":
            yield f"{measure}{amount}", lambda b, v=amount: shape.unfilled(b, v, by, deepest)  # type: ignore[misc]
        else:
            yield (
                f"{measure}Bps{amount}",
                lambda b, v=amount: shape.round_trip(b, measure, v, by, deepest),  # type: ignore[misc]
            )


def _depth_within(group: Mapping[str, Any], deepest: int) -> Iterator[tuple[str, Series]]:
    reference, unit = group.get("reference", "mid"), group.get("unit", "shares")
    for side in group.get("sides", BID_ASK):
        for bps in group["bps"]:
            name = f"{side}DepthWithin{bps}Bps"
            yield (
                name,
                lambda b, s=side, x=bps: shape.depth_within(b, s, x, reference, unit, deepest),  # type: ignore[misc]
            )
            yield (
                f"{name}Truncated",
                lambda b, s=side, x=bps: shape.truncated(b, s, x, reference, deepest),  # type: ignore[misc]
            )
