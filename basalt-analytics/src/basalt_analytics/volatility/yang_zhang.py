"""The module `yang_zhang`: variance from the last bars of an earlier pass, overnight gaps included.

Apart from `l2_volatility`, which reads tables: its bars are the columns of a pass, of previous dates too. A *bar* is a
row of that pass that has all four edges.
"""

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import and_

import attrs
import polars as pl

from basalt.columns import Unit
from basalt.documents import ResultColumn
from basalt.errors import UserError
from basalt.modules import FrameModule, PassContext
from basalt.options import option
from basalt_analytics.volatility.ranges import log_ratio, rogers_satchell

EDGES = ("Open", "High", "Low", "Close")


@attrs.frozen
class YangZhangOptions:
    """Options of `yang_zhang`. Nothing configured: the last 20 bars of the mid."""

    sources: list[str] = option(
        "what the bars are of: the part of their columns' names before Open, High, Low and Close, as 'TradeTotal'",
        factory=lambda: ["Mid"],
    )
    bars: int = option("how many bars, 2 or more", default=20)
    history: int = option("previous dates whose bars count too", default=0)


class YangZhang(FrameModule):
    """Variance a bar from open, high, low and close of the last bars, with the gaps between them and without drift."""

    name = "yang_zhang"
    Config = YangZhangOptions
    config: YangZhangOptions

    def prepare(self) -> None:
        """Check the options against the tables, and keep what they come to."""
        if self.config.bars < 2 or self.config.history < 0 or not self.config.sources:
            raise UserError("yang_zhang needs 2 bars or more, sources, and a history of 0 dates or more")
        self.history = self.config.history
        read = self.source.name if self.source else ""
        there = [column.name for column in self.source.columns] if self.source else []
        for name in (name + edge for name in self.config.sources for edge in EDGES):
            if name not in there:
                said = f"yang_zhang needs column {name}, which pass {read!r} does not have"
                raise UserError(f"{said}; it has: {', '.join(there)}")

    def columns(self) -> Sequence[ResultColumn]:
        """One a source."""
        assert self.source is not None
        return [
            ResultColumn(
                f"{name}YangZhang{self.config.bars}",
                Unit.VARIANCE,
                f"Variance a bar of {name} from the last {self.config.bars} bars, gaps between them included, whatever "
                "the drift; where bars are few a minute apart, it is mostly the gaps.",
                formula="V_o + k·V_c + (1 − k)·V_rs, k = .34/(1.34 + (n + 1)/(n − 1)); o = ln(O/C before), c = ln(C/O)",
                citation="Yang & Zhang 2000",
                reads=tuple(f"{self.source.name}.{name}{edge}" for edge in EDGES),
            )
            for name in self.config.sources
        ]

    def compute(self, inputs: Mapping[str, pl.LazyFrame], pass_: PassContext) -> pl.LazyFrame:
        """A row for each of the day's rows of the pass."""
        rows = inputs["source"]
        keys = [*pass_.keys, "TimeBucket"]
        today = rows.filter(Date=pass_.date) if self.history else rows
        found = today.select(keys)
        for name in self.config.sources:
            found = found.join(
                self._of(name, rows, pass_), on=keys, how="left", maintain_order="left", nulls_equal=True
            )
        return found

    def _of(self, name: str, rows: pl.LazyFrame, pass_: PassContext) -> pl.LazyFrame:
        open_, high, low, close = edges = [pl.col(name + edge) for edge in EDGES]
        bars = rows.filter(reduce(and_, (edge.is_not_null() for edge in edges)))
        value = yang_zhang(open_, high, low, close, self.config.bars, pass_.keys).alias(
            f"{name}YangZhang{self.config.bars}"
        )
        return bars.select(*pass_.keys, "TimeBucket", value)


def yang_zhang(open_: pl.Expr, high: pl.Expr, low: pl.Expr, close: pl.Expr, n: int, keys: Sequence[str]) -> pl.Expr:
    """Of bars in the order of time: the variance at each, null until n of them with a close before are there."""
    gap, move = log_ratio(open_, close.shift(1)), log_ratio(close, open_)
    k = 0.34 / (1.34 + (n + 1) / (n - 1))
    of_gap, of_move, of_range = (
        pl.concat_list([x.shift(i).over(keys) for i in range(n)])
        for x in (gap, move, rogers_satchell(open_, high, low, close))
    )
    whole = [x.list.eval(pl.element().is_not_null()).list.all() for x in (of_gap, of_move, of_range)]
    value = of_gap.list.var(1) + k * of_move.list.var(1) + (1 - k) * of_range.list.mean()
    return pl.when(reduce(and_, whole)).then(value)
