"""The transform `iceberg_tags`: prints that executed an iceberg, told from order events."""

from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import Any

import attrs
import polars as pl

from basalt.columns import Unit
from basalt.config.spellings import Duration
from basalt.durations import parse_duration
from basalt.errors import UserError
from basalt.metrics import Known
from basalt.modules import PassContext
from basalt.options import option
from basalt.tables import NS_UTC
from basalt.transforms import Transform
from basalt_analytics.iceberg.detection import detected
from basalt_analytics.iceberg.events import check, counting
from basalt_analytics.iceberg.happenings import KEY
from basalt_analytics.iceberg.matches import MATCH, MATCHES, PRINT, Nearness, matched
from basalt_analytics.iceberg.options import DetectionOptions
from basalt_analytics.iceberg.tables import ICEBERG_KIND
from basalt_analytics.l3.inputs import Columns, each
from basalt_analytics.l3.listings import each_listing
from basalt_analytics.trade.admissible import check_column

WHO = "iceberg_tags"
WHOLE = "_Whole"
TAGS: dict[str, Any] = {
    "IsIceberg": pl.Boolean(),
    "IcebergId": pl.Int64(),
    "IcebergKind": ICEBERG_KIND,
    "IcebergHiddenSize": pl.Float64(),
    "IcebergKnownAt": NS_UTC,
    "IcebergMatch": MATCHES,
}


@attrs.frozen
class IcebergTagsOptions(DetectionOptions):
    """Options of `iceberg_tags`."""

    tolerance: Duration = option(
        "how far a print and its execution may be apart in time, either way, where no id tells", default="500us"
    )
    size_tolerance: float = option("how far their sizes may be apart, where no id tells", default=0.0, unit=Unit.SHARES)
    match_sides: bool = option(
        "whether an execution must be of the side that the print's aggressor met, where that is known", default=True
    )

    @property
    def nearness(self) -> Nearness:
        """What counts as near."""
        return Nearness(parse_duration(self.tolerance), self.size_tolerance, self.match_sides)

    def _check(self) -> None:
        super()._check()
        if parse_duration(self.tolerance) < 0:
            raise UserError(f"{WHO}: tolerance = {self.tolerance!r} is negative: give a duration from '0s' on")
        if not (isfinite(self.size_tolerance) and self.size_tolerance >= 0):
            raise UserError(f"{WHO}: size_tolerance = {self.size_tolerance} is no size: give a number from 0 on")


class IcebergTags(Transform):
    """IsIceberg and what else is known of the iceberg a print executed; no row is dropped or moved.

    A print is matched to executions of order events; IsIceberg is null where none is found. Whether an order is an
    iceberg may only show later, so that all of it is known when the date is over, and IcebergKnownAt says when it was.
    """

    name = WHO
    Config = IcebergTagsOptions
    config: IcebergTagsOptions
    optional = ("marketstate",)
    whole_book = True

    @property
    def inputs(self) -> Sequence[str]:
        """Trades and order events."""
        return ["trades", "l3"]

    @property
    def output(self) -> str:
        """Trades."""
        return "trades"

    def columns(self, columns_of: Mapping[str, Columns]) -> dict[str, pl.DataType]:
        """The table's columns, and the tags."""
        check(columns_of["l3"], "marketstate" in columns_of, self.config.market_states, WHO)
        for name in ("Price", "Size"):
            check_column(name, columns_of["trades"], WHO, "take a source that has it")
        return {**columns_of["trades"], **TAGS}

    @property
    def known_after(self) -> Mapping[str, Known]:
        """All of them when the date is over."""
        return dict.fromkeys(TAGS, Known.END_OF_DATE)

    def notes(self, columns_of: Mapping[str, Columns], shared_sequence: bool, hours: bool) -> Iterator[str]:
        """How prints are matched, where a column lacks."""
        for table in ("trades", "l3"):
            if "TradeId" not in columns_of[table]:
                yield f"{WHO} matches prints by price, size and time alone, as {table} has no TradeId"

    def apply(self, inputs: Mapping[str, pl.LazyFrame], pass_: PassContext) -> dict[str, pl.LazyFrame]:
        """Trades with their tags, in their order."""
        trades, events = inputs["trades"], counting(inputs, pass_, self.config.market_states)
        columns = {**trades.collect_schema(), **TAGS}
        whole = trades.select(KEY, pl.struct(pl.all()).alias(WHOLE))
        both = pl.concat([events, whole], how="diagonal")
        return {"trades": each(both, self._tagged, columns)}

    def _tagged(self, both: pl.DataFrame) -> pl.DataFrame:
        trades = both.filter(pl.col(WHOLE).is_not_null())[WHOLE].struct.unnest()
        found = detected(both.filter(pl.col(WHOLE).is_null()).drop(WHOLE), self.config)
        executions = found.rows.filter(pl.col("Executed").is_not_null()).partition_by(KEY, as_dict=True)
        none = found.rows.clear()
        parts = [trades.clear().with_columns(pl.lit(None, dtype).alias(name) for name, dtype in TAGS.items())]
        for prints in each_listing(trades):
            parts.append(self._of_listing(prints, executions.get((prints[KEY][0],), none)))
        tagged = pl.concat(parts)
        assert tagged.height == trades.height, "every print has one row"
        return tagged

    def _of_listing(self, prints: pl.DataFrame, executions: pl.DataFrame) -> pl.DataFrame:
        """The prints of one listing, with what the executions of each come to."""
        own = matched(prints, executions, self.config.nearness).filter(pl.col(PRINT).is_not_null())
        iceberg = pl.col("IcebergKind").is_not_null()
        tags = own.group_by(PRINT).agg(
            IsIceberg=iceberg.any(),
            IcebergId=pl.col("IcebergId").drop_nulls().first(),
            IcebergKind=pl.col("IcebergKind").drop_nulls().first(),
            IcebergHiddenSize=pl.col("HiddenSize").sum(),
            Confirmed=pl.col("Confirmed").max(),
            IcebergMatch=pl.col(MATCH).first(),
        )
        numbered = prints.drop(TAGS, strict=False).with_columns(pl.int_range(pl.len()).alias(PRINT))
        joined = numbered.join(tags, on=PRINT, how="left", maintain_order="left")
        known = pl.max_horizontal("EventTimestamp", "Confirmed").cast(NS_UTC)
        return joined.with_columns(IcebergKnownAt=pl.when("IsIceberg").then(known)).select(
            *prints.columns, *(n for n in TAGS if n not in prints.columns)
        )
