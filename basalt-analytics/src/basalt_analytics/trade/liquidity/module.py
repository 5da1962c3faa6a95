"""The module `liquidity`."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

import attrs
import polars as pl

from basalt.buckets import BucketRule, WholeDate
from basalt.columns import Unit
from basalt.documents import PassResult, ResultColumn
from basalt.durations import format_duration, parse_duration
from basalt.errors import UserError
from basalt.metrics import ratio
from basalt.modules import FrameModule, PassContext
from basalt.tables import AGGRESSOR
from basalt_analytics.groups import required
from basalt_analytics.l2.book import Book, Rules
from basalt_analytics.trade.admissible import KEY, Admissible, check_column, check_keys, check_states
from basalt_analytics.trade.filters import all_of, valid
from basalt_analytics.trade.liquidity.measures import COLUMNS, OF_SUB_INTERVALS, OF_TRADES, SIGNED
from basalt_analytics.trade.liquidity.options import LiquidityOptions, UsualVolume, VpinOptions
from basalt_analytics.trade.liquidity.sub_intervals import Priced, sub_intervals
from basalt_analytics.trade.liquidity.volume_time import usual_volumes, vpin_of_buckets
from basalt_analytics.trade.selection import module_filter
from basalt_analytics.transforms.quote_rows import with_level

WHO = "liquidity"
UNSIGNED = ("UnsignedVolumeShare", "UnsignedVolumeShareWeight")


class Liquidity(FrameModule):
    """Price impact, illiquidity, implied spread and imbalance in volume time, of the buckets in which there is a trade.

    Prices of sub-intervals are mids in force, from l2, unless `price` says trades. Where nothing asks for mids, l2 need
    not be there. Volume buckets by usual volume are looked up in the pass that `source` names, on previous dates.
    """

    name = "liquidity"
    inputs = ("trades", "l2")
    optional = ("marketstate",)
    valid: Mapping[str, pl.Expr] = MappingProxyType({"trades": valid(allow_nonpositive_prices=False)})
    Config = LiquidityOptions
    config: LiquidityOptions

    def prepare(self) -> None:
        """Check the options against the tables, and keep what they come to."""
        self.history = self.config.usual.history if self.config.usual else 0
        self._trades = self.columns_of["trades"]
        self._check(self.columns_of)
        self._where = self._filter()
        self._sub = self._grid(self.rule) if self.rule is not None and self._on_a_grid else None

    @classmethod
    def reads(cls, config: LiquidityOptions) -> tuple[Sequence[str], Sequence[str]]:
        """l2 where there are mids, and an earlier pass where that has the volume."""
        source = ("source",) if config.usual else ()
        if config.price == "mid" and set(config.measures) & set(OF_SUB_INTERVALS):
            return (*cls.inputs, *source), cls.optional
        return ("trades", *source), ("l2", *cls.optional)

    def columns(self) -> list[ResultColumn]:
        """The measures in the order asked, with what they need beside them."""
        names = [
            name
            for measure in self.config.measures
            for name in ((measure, "AmihudCount") if measure == "Amihud" else (measure,))
        ]
        beside = UNSIGNED if self._signed else ()
        return [attrs.evolve(COLUMNS[n], reads=tuple(self._lineage(n))) for n in (*names, *beside)]

    def compute(self, inputs: Mapping[str, pl.LazyFrame], pass_: PassContext) -> pl.LazyFrame:
        """One row for each bucket in which there is a trade that counts."""
        check_keys(pass_, WHO)
        assert self.rule is not None
        admissible = Admissible(inputs, self.rule, pass_, self.config.market_states)
        trades = self._counted(admissible.rows("trades", stretch=True))
        found = self._of_trades(trades)
        if self._on_a_grid:
            found = found.join(self._of_sub_intervals(trades, admissible, pass_), on=[KEY, "TimeBucket"], how="left")
        if self.config.vpin is not None:
            sized = self._sized(trades, self.config.vpin, inputs, pass_)
            found = found.join(vpin_of_buckets(sized, self.config.vpin), on=[KEY, "TimeBucket"], how="left")
        counts = pl.col("^AmihudCount$").fill_null(0)
        return found.with_columns(counts).select(KEY, "TimeBucket", *(c.name for c in self.columns()))

    def _lineage(self, name: str) -> Iterator[str]:
        yield from ("trades.Price", "trades.Size")
        if name in SIGNED or name in UNSIGNED or (name == "Vpin" and self._by_side):
            yield "trades.AggressorSide"
        if name in OF_SUB_INTERVALS and self.config.price == "mid":
            yield from ("l2.BidPrice1", "l2.AskPrice1")
        if name == "Vpin" and self.config.usual and self.source:
            yield f"{self.source.name}.{self.config.usual.column}"

    def _check(self, columns_of: Mapping[str, Mapping[str, pl.DataType]]) -> None:
        """UserError for options that cannot be."""
        own = self.config
        required({"measures": own.measures}, WHO)
        if len(set(own.measures)) < len(own.measures):
            raise UserError(f"{WHO}: measures names one twice: list each once")
        if ("Vpin" in own.measures) != (own.vpin is not None):
            raise UserError(
                f"{WHO}: measure 'Vpin' and the option vpin go together: "
                + ("set vpin = { bucket_volume = … }" if own.vpin is None else "add 'Vpin' to measures, or drop vpin")
            )
        check_states(own.market_states, columns_of, WHO)
        if self._signed:
            check_column("AggressorSide", self._trades, WHO, "add the transform trade_signs, or drop signed measures")
        if "l2" in self.reads(own)[0]:
            check_column("AskPrice1", columns_of["l2"], WHO, "add it, or take price = 'trade'", "l2")
        if own.usual and self.source:
            _check_volume(own.usual.column, self.source)

    @property
    def _signed(self) -> bool:
        return self._by_side or bool(set(self.config.measures) & set(SIGNED))

    @property
    def _on_a_grid(self) -> bool:
        return bool(set(self.config.measures) & set(OF_SUB_INTERVALS))

    @property
    def _by_side(self) -> bool:
        return self.config.vpin is not None and self.config.vpin.side == "exchange"

    def _filter(self) -> pl.Expr | None:
        own = self.config
        for column, asked in (("TradeType", own.trade_types), ("PublicationTimestamp", own.max_publication_delay)):
            if asked is not None:
                check_column(column, self._trades, WHO, "leave out the option that filters by it")
        return all_of(self.valid["trades"], module_filter(own, self._trades, WHO))

    def _grid(self, rule: BucketRule) -> BucketRule:
        """The grid of sub-intervals, labelled by their starts; UserError where buckets are no whole number of them."""
        step = parse_duration(self.config.every_sub)
        if isinstance(rule, WholeDate):
            raise UserError(f"{WHO} cuts buckets of a width, and a daily timeline has none: set every, as every = '1d'")
        if step <= 0 or rule.every % step:
            raise UserError(
                f"{WHO}: every_sub = {self.config.every_sub!r} does not divide the bucket of "
                f"'{format_duration(rule.every)}': choose a width that does"
            )
        return attrs.evolve(rule, every=step, label="start")

    def _counted(self, trades: pl.LazyFrame) -> pl.LazyFrame:
        kept = trades if self._where is None else trades.filter(self._where)
        if "AggressorSide" not in self._trades:
            kept = kept.with_columns(AggressorSide=pl.lit(None, AGGRESSOR))
        return kept

    def _sized(
        self, trades: pl.LazyFrame, vpin: VpinOptions, inputs: Mapping[str, pl.LazyFrame], pass_: PassContext
    ) -> pl.LazyFrame:
        """The trades with the volume of a bucket of their listing."""
        if isinstance(vpin.bucket_volume, UsualVolume):
            usual = usual_volumes(inputs["source"], vpin.bucket_volume, pass_)
            return trades.join(usual, on=KEY, how="left", maintain_order="left")
        return trades.with_columns(BucketVolume=pl.lit(vpin.bucket_volume))

    def _of_trades(self, trades: pl.LazyFrame) -> pl.LazyFrame:
        price, stretch, size = pl.col("Price"), pl.col("StretchId"), pl.col("Size")
        follows = (stretch == stretch.shift(1)) & (pl.col("TimeBucket") == pl.col("TimeBucket").shift(1))
        bounced = trades.with_columns(Bounce=pl.when(follows).then(price - price.shift(1)))
        unsigned = pl.when(pl.col("AggressorSide").is_null()).then(size).sum()
        share = {"UnsignedVolumeShare": ratio(unsigned, size.sum()), "UnsignedVolumeShareWeight": size.sum()}
        return bounced.group_by(KEY, "TimeBucket").agg(**OF_TRADES, **share)

    def _of_sub_intervals(self, trades: pl.LazyFrame, admissible: Admissible, pass_: PassContext) -> pl.LazyFrame:
        assert self.rule is not None
        assert self._sub is not None
        labelled = trades.with_columns(Sub=self._sub.bucket(pl.col("EventTimestamp"), pass_.date))
        found = admissible.stretches("l2" if self.config.price == "mid" else "trades")
        if self.config.price == "mid":
            priced = Priced(with_level(admissible.inputs["l2"]), Book(pl.col, Rules()).mid, found)
        else:
            priced = Priced(trades, pl.col("Price"), found, memory="stretch")
        pieces = sub_intervals(labelled, priced, self.rule, self._sub)
        return pieces.group_by(KEY, "TimeBucket").agg(**OF_SUB_INTERVALS)


def _check_volume(column: str, source: PassResult) -> None:
    """UserError where the earlier pass has no such volume of a listing."""
    shares = [c.name for c in source.visible if c.unit is Unit.SHARES]
    if source.keys[0] != KEY:
        raise UserError(
            f"{WHO} looks volume up by listing, and pass {source.name!r} has rows by {source.keys[0]}: name another"
        )
    if column not in shares:
        raise UserError(
            f"{WHO} needs column {column}, in shares, of pass {source.name!r}, which does not have it; in shares it "
            f"has: {', '.join(shares) or 'nothing'}"
        )
