"""Group `twap`: the last trade's price, weighted by how long it was the last."""

from collections.abc import Iterator
from typing import Literal

import attrs
import polars as pl

from basalt.columns import Unit
from basalt.metrics import Metric, mean, ratio
from basalt.modules import Intervals, Part
from basalt.options import option
from basalt_analytics.groups import required
from basalt_analytics.trade.filters import all_of
from basalt_analytics.trade.populations import PAID
from basalt_analytics.trade.selection import NAME_DOC, Group, Selection


@attrs.frozen
class TwapGroup(Selection):
    """A group of `twap`."""

    sources: list[Literal["Trade"]] = option(
        "whose price; that of the mid is MidTWA of the module l2tw", factory=lambda: ["Trade"]
    )
    name: str = option(NAME_DOC, default="{source}TWAP")


def twap(group: Group[TwapGroup], table: str, valid: pl.Expr | None) -> Iterator[Part]:
    """The part of the group: its trades are in force until the next one, or the end of their stretch."""
    required({"sources": group.options.sources}, group.label)
    template = group.template("source")
    metrics = tuple(_twap(template.filled(source=source)) for source in group.options.sources)
    frame = Intervals(table, group.states, memory="stretch")
    yield Part(frame, metrics, valid=valid, where=all_of(group.mask, group.filter()))


def _twap(name: str) -> Metric:
    price, seconds = pl.col("Price"), pl.col("Seconds")
    traded = pl.when(price.is_not_null()).then(seconds).sum()
    return Metric(
        name,
        ratio((price * seconds).sum(), traded),
        Unit.PRICE,
        doc="Last trade price weighted by the time it was the last, carried in from the stretch; it may be an old one.",
        over_time=mean(traded),
        formula="Σ P·Δt / Σ Δt",
        sign=PAID,
    )
