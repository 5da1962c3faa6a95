"""The module `auction`."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import attrs
import polars as pl

from basalt.documents import ResultColumn
from basalt.metrics import Rollup, ratio
from basalt.modules import FrameModule, PassContext
from basalt_analytics.auction import messages, prints
from basalt_analytics.auction.columns import MESSAGE_COUNT, OF_MEASURE, dislocation
from basalt_analytics.auction.options import OF_MESSAGES, WHO, AuctionOptions
from basalt_analytics.auction.phases import KEY, last_seen, phases
from basalt_analytics.auction.references import with_column, with_mid
from basalt_analytics.groups import Template
from basalt_analytics.trade.admissible import check_column, check_keys
from basalt_analytics.transforms.quote_rows import of_listings

ON = [KEY, "TimeBucket"]
PRICES = ("Indicative", "IndicativeTWA", "Path", "ToReference", "IndicativeError")
COUNTS = ("MessageCount", "Volume", "IndicativeCoverageSeconds")
Columns = Mapping[str, pl.DataType]
_MOVED = (1e4 * ratio(pl.col("Price") - pl.col("Against"), pl.col("Against"))).last()
_WEIGHT = pl.when(_MOVED.is_not_null()).then(pl.col("Volume").last())
_DISLOCATION = {
    "DislocationBps": _MOVED.abs(),
    "DislocationBpsWeight": _WEIGHT,
    "DislocationSignedBps": _MOVED,
    "DislocationSignedBpsWeight": _WEIGHT,
}


class Auction(FrameModule):
    """The indicative price and imbalance of call auctions, what they traded, and how far from the market.

    Rows are of the buckets of a phase from its first message on, of those in which an auction prints, and with Share of
    the one with the date's last trade. A phase that no state ends lasts to the end of the session, else of the bucket
    of the listing's last row. Trades and quotes are read where a measure needs them.
    """

    name = "auction"
    inputs = ("imbalance", "marketstate")
    Config = AuctionOptions
    config: AuctionOptions

    def prepare(self) -> None:
        """Check the options against the tables, and keep what they come to."""
        self._check()
        self.valid = self._touching()

    @classmethod
    def reads(cls, config: AuctionOptions) -> tuple[Sequence[str], Sequence[str]]:
        """Messages, trades and quotes as the measures need them, and the states."""
        quotes = {"l2": ("l2",), "cbbo": ("cbbo", "reference")}[config.quotes]
        return (
            *(("imbalance",) if config.reads_messages else ()),
            *(("trades",) if config.reads_prints else ()),
            "marketstate",
            *(quotes if config.reads_mids else ()),
        ), ()

    def columns(self) -> list[ResultColumn]:
        """The columns of the measures in the order asked, the number of messages in front where any reads them."""
        counted = [MESSAGE_COUNT] if self._of_messages else []
        return [self._named(c) for c in (*counted, *(c for m in self.config.measures for c in self._described(m)))]

    def compute(self, inputs: Mapping[str, pl.LazyFrame], pass_: PassContext) -> pl.LazyFrame:
        """One row a listing and bucket of an auction."""
        check_keys(pass_, WHO)
        assert self.rule is not None
        found = phases(inputs["marketstate"], self.config.phases)
        said, printed = self._said(inputs, found, pass_), self._printed(inputs, found, pass_)
        parts = []
        if said is not None and self._of_messages:
            parts.append(self._of_said(said, printed, pass_))
        if printed is not None and set(self.config.measures) & {"Final", "Dislocation"}:
            parts.append(self._of_printed(printed, said, inputs, found))
        if printed is not None and "Share" in self.config.measures:
            parts.append(prints.shares(inputs["trades"], printed, self.rule, pass_))
        whole, *more = parts
        for part in more:
            whole = whole.join(part, on=ON, how="full", coalesce=True)
        there = whole.collect_schema()
        zeros = [pl.col(n).fill_null(0) for n in there if n in COUNTS or n.endswith("Weight")]
        columns = [part for part in self._parts if part in there]
        return whole.with_columns(zeros).select(*ON, **{self._name(part): pl.col(part) for part in columns})

    def _said(self, inputs: Mapping[str, pl.LazyFrame], found: pl.LazyFrame, pass_: PassContext) -> pl.LazyFrame | None:
        assert self.rule is not None
        if not self.config.reads_messages:
            return None
        events = ("imbalance", "marketstate", *(("trades",) if self.config.reads_prints else ()))
        seen = last_seen([inputs[name] for name in events], self.rule, pass_)
        return messages.messages(inputs["imbalance"], found, seen, self.rule, pass_)

    def _printed(
        self, inputs: Mapping[str, pl.LazyFrame], found: pl.LazyFrame, pass_: PassContext
    ) -> pl.LazyFrame | None:
        assert self.rule is not None
        return prints.prints(inputs["trades"], found, self.rule, pass_) if self.config.reads_prints else None

    def _of_said(self, said: pl.LazyFrame, printed: pl.LazyFrame | None, pass_: PassContext) -> pl.LazyFrame:
        """What messages come to in each bucket."""
        assert self.rule is not None
        pieces = messages.pieces_of(said, self.rule, pass_)
        rows = messages.in_buckets(said, pieces, self.config.max_age)
        values = {name: value for name, value in messages.VALUES.items() if name in self._parts}
        if printed is not None and "IndicativeError" in self.config.measures:
            values["IndicativeErrorBps"] = messages.ERROR
            rows = rows.join(prints.finals(printed), on="StretchId", how="left", maintain_order="left")
        counted = rows.group_by(ON).agg(**values)
        if "IndicativeTWA" not in self.config.measures:
            return counted
        return counted.join(messages.time_weighted(pieces, self.config.max_age), on=ON, how="left")

    def _of_printed(
        self,
        printed: pl.LazyFrame,
        said: pl.LazyFrame | None,
        inputs: Mapping[str, pl.LazyFrame],
        found: pl.LazyFrame,
    ) -> pl.LazyFrame:
        """What auctions traded, in the bucket of their print; of several in one bucket, the price is the last one's."""
        auctions = prints.by_bucket(printed)
        values = {
            "Price": pl.col("Price").last(),
            "Volume": pl.col("Volume").sum(),
            "PriceConflict": pl.col("PriceConflict").any(),
        }
        if "Dislocation" in self.config.measures:
            auctions = self._against(auctions, said, inputs, found).sort(KEY, "FirstHere")
            values |= _DISLOCATION
        return auctions.group_by(ON).agg(**values)

    def _against(
        self,
        auctions: pl.LazyFrame,
        said: pl.LazyFrame | None,
        inputs: Mapping[str, pl.LazyFrame],
        found: pl.LazyFrame,
    ) -> pl.LazyFrame:
        if self.config.reference == "column":
            assert said is not None
            return with_column(auctions, said)
        quotes = inputs[self.config.quotes]
        if self.config.quotes == "cbbo":
            quotes = of_listings(quotes, inputs["reference"], inputs["marketstate"])
        return with_mid(auctions, quotes, found, self.config.reference, self.config.lag)

    @property
    def _of_messages(self) -> bool:
        return bool(set(self.config.measures) & set(OF_MESSAGES))

    @property
    def _parts(self) -> list[str]:
        """The columns by what the template calls their measure, in order."""
        counted = [MESSAGE_COUNT.name] if self._of_messages else []
        return [*counted, *(c.name for measure in self.config.measures for c in OF_MEASURE[measure])]

    def _described(self, measure: str) -> Sequence[ResultColumn]:
        if measure != "Dislocation":
            return OF_MEASURE[measure]
        quotes = self.config.quotes
        reads = ["imbalance.ReferencePrice"]
        if self.config.reads_mids:
            reads = [f"{quotes}.BidPrice1", f"{quotes}.AskPrice1", "marketstate.MarketState"]
        later = self.config.lag if self.config.reference == "after" else 0
        return dislocation(reads, timedelta(microseconds=-(-later // 1000)))

    def _name(self, part: str) -> str:
        """The column's name; a weight is named after what it weighs."""
        template = Template(self.config.name)
        if part.endswith("Weight"):
            return template.filled(measure=part.removesuffix("Weight")) + "Weight"
        return template.filled(measure=part)

    def _named(self, column: ResultColumn) -> ResultColumn:
        return attrs.evolve(
            column,
            name=self._name(column.name),
            reads=tuple(name for name in column.reads if self._has(name)),
            over_time=self._rollup(column.over_time),
            over_listings=self._rollup(column.over_listings),
        )

    def _rollup(self, rollup: Rollup) -> Rollup:
        return attrs.evolve(rollup, weight=self._name(rollup.weight)) if isinstance(rollup.weight, str) else rollup

    def _has(self, name: str) -> bool:
        table, _, column = name.partition(".")
        return column in self.columns_of.get(table, {})

    def _check(self) -> None:
        """UserError for a column that a measure needs and its table does not have."""
        for measure in self.config.measures:
            for name in _needed(measure, self.config):
                table, _, column = name.partition(".")
                who = f"{WHO}: measure {measure!r}"
                check_column(column, self.columns_of[table], who, f"leave {measure!r} out, or add it", table)

    def _touching(self) -> dict[str, pl.Expr]:
        """Quotes make no bucket, and trades that are not an auction's only where all volume is asked for."""
        counted = prints.COUNTED if "Share" in self.config.measures else prints.PRINTED
        return {"l2": pl.lit(False), "trades": counted}


def _needed(measure: str, config: AuctionOptions) -> list[str]:
    """The columns without which a measure says nothing, as `table.column`."""
    found = ["imbalance.IndicativePrice"] if measure in PRICES else []
    if measure == "Imbalance":
        found += [f"imbalance.{name}" for name in ("PairedQuantity", "ImbalanceQuantity", "ImbalanceSide")]
    if measure == "ToReference" or (measure == "Dislocation" and config.reference == "column"):
        found.append("imbalance.ReferencePrice")
    if measure in ("Final", "IndicativeError", "Dislocation", "Share"):
        found.append("trades.TradeType")
    if measure == "Dislocation" and config.reads_mids:
        found.append(f"{config.quotes}.AskPrice1")
        found += ["reference.InstrumentId"] if config.quotes == "cbbo" else []
    return found
