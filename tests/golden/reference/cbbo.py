"""Module `cbbo` once more, slowly: bucket by bucket, one elementary piece of time after another, in plain Python."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from math import inf, isfinite
from typing import Any, NamedTuple

from .clock import Rule, nanoseconds, states_of, stretches

Row = Mapping[str, Any]
Value = float | None
SIDES = ("Bid", "Ask")


class Quote(NamedTuple):
    """One side: price as a whole number of 1e-9, price, size, and how many venues are there."""

    key: int
    price: float
    size: float | None
    venues: int | None


class Moment(NamedTuple):
    """A piece of time: how long, and by side the venue's quote and its instrument's, None where there is none."""

    span: int
    own: Mapping[str, Quote | None]
    best: Mapping[str, Quote | None]

    @property
    def two_sided(self) -> bool:
        return all(self.best.values())


def quote(row: Row | None, side: str) -> Quote | None:
    """The side of a row, unless its price or its size is none that a level can have."""
    price, size = (row or {}).get(f"{side}Price1"), (row or {}).get(f"{side}Quantity1")
    if price is None or not isfinite(price) or price <= 0 or (size is not None and (not isfinite(size) or size <= 0)):
        return None
    return Quote(round(price * 1e9), price, size, (row or {}).get(f"{side}Venues"))


def spans(own: Sequence[Row], changes: Sequence[tuple[int, str]] | None, asked: Any, rule: Rule) -> list[Any]:
    """Admissible time of a listing, [start, end); without states whole buckets from its first row to its last."""
    labels = [rule.bucket(row["EventTimestamp"]) for row in own]
    last = rule.interval(max(labels))[1] if labels else None
    if changes is None:
        return [(rule.interval(min(labels))[0], last)] if labels else []
    runs = stretches(changes, states_of(asked, True))
    begin = min([t for t, _ in changes] + [row["EventTimestamp"] for row in own])
    begin = rule.interval(rule.bucket(begin))[0]
    if runs == [(-inf, inf)]:  # every state but CLOSED: one run, until the one that lasts
        runs = [(-inf, closed_for_good(sorted(dict(changes).items())))]
    bounded = [(max(start, begin), last if end == inf else end) for start, end in runs]
    return [(start, end) for start, end in bounded if end is not None and end > start]


def closed_for_good(changes: Sequence[tuple[int, str]]) -> float:
    """When the last CLOSED began, if no other state comes behind it."""
    end = inf
    for t, state in reversed(changes):
        if state != "CLOSED":
            return end
        end = t
    return end


def moments(own: Sequence[Row], best: Sequence[Row], runs: Sequence[Any], rule: Rule, shift: int) -> Iterator[Any]:
    """(label, moment) of every piece."""
    timed = [[(row["EventTimestamp"], row) for row in own], [(row["EventTimestamp"] - shift, row) for row in best]]
    for start, end in runs:
        cuts = {t for rows in timed for t, _ in rows if start < t < end}
        first = rule.interval(rule.bucket(start))[0]
        cuts |= {edge for edge in range(first, end, rule.width) if start < edge < end}
        for a, b in pairwise(sorted({start, *cuts, end})):
            in_force = [next((row for t, row in reversed(rows) if t <= a), None) for rows in timed]
            own_, best_ = ({side: quote(row, side) for side in SIDES} for row in in_force)
            yield rule.bucket(a + 1 if rule.closed == "right" else a), Moment(b - a, own_, best_)


def cbbo(
    own: Sequence[Row], best: Sequence[Row], changes: Any, rule: Rule, options: Row
) -> dict[int, dict[str, Value]]:
    """Every measure by label."""
    runs = spans(own, changes, options.get("market_states"), rule)
    found: dict[int, list[Moment]] = {}
    for label, moment in moments(own, best, runs, rule, nanoseconds(options.get("cbbo_shift", "0s"))):
        found.setdefault(label, []).append(moment)
    return {label: measured(pieces, options) for label, pieces in found.items()}


def measured(pieces: Sequence[Moment], options: Row) -> dict[str, Value]:
    """Every measure of these pieces."""
    values: dict[str, Value] = {}
    spent = {side: [0, 0, 0] for side in (*SIDES, "Both")}
    for side in SIDES:
        values |= of_side(pieces, side, options)
    for piece in pieces:
        for side, sides in (("Bid", ("Bid",)), ("Ask", ("Ask",)), ("Both", SIDES)):
            ok = all(valid(piece, s, options) for s in sides)
            at = ok and all(at_best(piece, s) for s in sides)
            alone = at and all(piece.best[s].venues == 1 for s in sides)
            spent[side] = [x + piece.span * y for x, y in zip(spent[side], (ok, at, alone), strict=True)]
    for side, (ok, at, alone) in spent.items():
        values[f"Valid{side}Seconds"] = ok / 1e9
        for name, time in (("TimeAtBest", at), ("ExclusiveTimeAtBest", alone)):
            values |= {f"{name}{side}Seconds": time / 1e9, f"{name}{side}Ratio": over(time, ok)}
    both = [p for p in pieces if p.two_sided]
    for name, is_so in (("Locked", int.__eq__), ("Crossed", int.__gt__)):
        time = sum(p.span for p in both if is_so(p.best["Bid"].key, p.best["Ask"].key))
        values |= {f"Cbbo{name}Seconds": time / 1e9, f"Cbbo{name}Ratio": over(time, sum(p.span for p in both))}
    return values


def valid(piece: Moment, side: str, options: Row) -> bool:
    """Whether the instrument has a price on that side, in time that counts."""
    dropped = options.get("invalid_cbbo", "exclude") == "exclude"
    bad = piece.two_sided and piece.best["Bid"].key >= piece.best["Ask"].key
    return piece.best[side] is not None and not (dropped and bad)


def at_best(piece: Moment, side: str) -> bool:
    """Whether the venue's price is as good as its instrument's, or better."""
    own, best = piece.own[side], piece.best[side]
    if own is None:
        return False
    return own.key >= best.key if side == "Bid" else own.key <= best.key


def of_side(pieces: Sequence[Moment], side: str, options: Row) -> dict[str, Value]:
    """Sizes, shares and distance."""
    sized, shares, at, away = [], [], 0, []
    for piece in pieces:
        if not valid(piece, side, options):
            continue
        own, best = piece.own[side], piece.best[side]
        q = own.size if at_best(piece, side) else 0.0
        if q is not None:
            sized.append((q, piece.span))
            at += piece.span * at_best(piece, side)
            shares += [(q, best.size, piece.span)] if best.size is not None else []
        if piece.two_sided and own is not None:
            mid = (piece.best["Bid"].price + piece.best["Ask"].price) / 2
            worse = best.price - own.price if side == "Bid" else own.price - best.price
            away.append((worse / mid, piece.span))
    total, time = sum(q * dt for q, dt in sized), sum(dt for _, dt in sized)
    known = sum(dt for *_, dt in shares)
    apart = over(sum(x * dt for x, dt in away), sum(dt for _, dt in away))
    return {
        f"QuantityAtBest{side}TWA": over(total, time),
        f"QuantityAtBest{side}Min": min((q for q, _ in sized), default=None),
        f"QuantityAtBest{side}Max": max((q for q, _ in sized), default=None),
        f"QuantityAtBest{side}Median": median(sized),
        f"QuantityWhenAtBest{side}TWA": over(total, at),
        f"QuoteShare{side}": over(sum(q * dt for q, _, dt in shares), sum(all_ * dt for _, all_, dt in shares)),
        f"QuoteShare{side}Mean": over(sum(q / all_ * dt for q, all_, dt in shares), known),
        f"DistanceToBest{side}BpsTWA": None if apart is None else 1e4 * apart,
    }


def median(values: Sequence[tuple[float, int]]) -> Value:
    """The first value by which more than half of the time is spent; at exactly half, its mean with the next."""
    spent: dict[float, int] = {}
    for value, span in sorted(values):
        spent[value] = spent.get(value, 0) + span
    total, so_far, ordered = sum(spent.values()), 0, list(spent.items())
    for i, (value, span) in enumerate(ordered):
        so_far += span
        if 2 * so_far == total:
            return (value + ordered[i + 1][0]) / 2
        if 2 * so_far > total:
            return value
    return None


def over(num: float, den: float) -> Value:
    """num / den, None for a denominator of 0."""
    return num / den if den else None
