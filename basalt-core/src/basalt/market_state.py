"""The `market_state` transform: the venue's state on every row of an event table, as of the row's own stamp."""

from collections.abc import Mapping, Sequence
from typing import Literal

import attrs
import polars as pl

from basalt.modules import PassContext
from basalt.options import option
from basalt.tables import STATE
from basalt.transforms import Transform


@attrs.frozen
class MarketStateOptions:
    """Options of `market_state`."""

    table: str = option("the event table that gets the state, as `trades`")
    on_existing: Literal["fill_null", "keep", "replace"] = option(
        "what happens to states the table already has", default="fill_null"
    )
    tie: Literal["after", "before"] = option(
        "state of a row stamped exactly at a change: the new one (after) or the old one (before)", default="after"
    )
    at_primary: bool = option(
        "add MarketStateAtPrimary, the state of the instrument's primary listing, through reference", default=False
    )
    state_since: bool = option("add MarketStateSince, when the state began; null before the first", default=False)


class MarketState(Transform):
    """The state in force at each row: the latest one stamped at or before it; UNKNOWN before the first.

    Of several state rows at one stamp the last counts. No row is ever dropped.
    """

    name = "market_state"
    Config = MarketStateOptions
    config: MarketStateOptions

    def __init__(self, config: MarketStateOptions) -> None:
        super().__init__(config)
        self.scope = "instrument" if config.at_primary else "listing"  # the primary listing may lie in another batch

    @property
    def inputs(self) -> Sequence[str]:
        """The event table, marketstate, and reference where the primary's state is asked."""
        return [self.config.table, "marketstate", *(["reference"] if self.config.at_primary else [])]

    @property
    def output(self) -> str:
        """The event table."""
        return self.config.table

    def columns(self, columns_of: Mapping[str, Mapping[str, pl.DataType]]) -> dict[str, pl.DataType]:
        """The table's columns and MarketState, with what the options add."""
        added: dict[str, pl.DataType] = {"MarketState": STATE}
        if self.config.state_since:
            added["MarketStateSince"] = columns_of["marketstate"]["EventTimestamp"]
        if self.config.at_primary:
            added["MarketStateAtPrimary"] = STATE
        return {**columns_of[self.config.table], **added}

    def apply(self, inputs: Mapping[str, pl.LazyFrame], pass_: PassContext) -> dict[str, pl.LazyFrame]:
        """The table with its states, rows and their order untouched."""
        states = _changes(inputs["marketstate"])
        rows = inputs[self.config.table]
        found = self._as_of(rows, states, "ListingId").with_columns(self._filled(rows))
        if self.config.at_primary:
            found = self._at_primary(found, states, inputs["reference"])
        if not self.config.state_since:
            found = found.drop("MarketStateSince")
        return {self.config.table: found.drop("_State")}

    def _as_of(self, rows: pl.LazyFrame, states: pl.LazyFrame, key: str) -> pl.LazyFrame:
        return rows.drop("MarketStateSince", strict=False).join_asof(
            states,
            left_on="EventTimestamp",
            right_on="MarketStateSince",
            by_left=key,
            by_right="ListingId",
            strategy="backward",
            allow_exact_matches=self.config.tie == "after",
            coalesce=False,
            check_sortedness=False,
        )

    def _filled(self, rows: pl.LazyFrame) -> pl.Expr:
        found = pl.col("_State").fill_null(pl.lit("UNKNOWN", dtype=STATE))
        if self.config.on_existing == "replace" or "MarketState" not in rows.collect_schema():
            return found.alias("MarketState")
        existing = pl.col("MarketState")
        return existing if self.config.on_existing == "keep" else pl.coalesce(existing, found)

    def _at_primary(self, rows: pl.LazyFrame, states: pl.LazyFrame, reference: pl.LazyFrame) -> pl.LazyFrame:
        primary = reference.filter("IsPrimary").group_by("InstrumentId").agg(_Primary=pl.col("ListingId").first())
        pairs = reference.select("ListingId", "InstrumentId").join(primary, on="InstrumentId").drop("InstrumentId")
        renamed = states.select("ListingId", _AtPrimary="_State", _PrimarySince="MarketStateSince")
        return (
            rows.join(pairs, on="ListingId", how="left", maintain_order="left")
            .with_row_index("_Row")
            .sort("_Primary", "EventTimestamp", maintain_order=True)
            .join_asof(
                renamed,
                left_on="EventTimestamp",
                right_on="_PrimarySince",
                by_left="_Primary",
                by_right="ListingId",
                strategy="backward",
                allow_exact_matches=self.config.tie == "after",
                coalesce=False,
                check_sortedness=False,
            )
            .sort("_Row")
            .with_columns(MarketStateAtPrimary=pl.col("_AtPrimary").fill_null(pl.lit("UNKNOWN", dtype=STATE)))
            .drop("_Row", "_Primary", "_AtPrimary", "_PrimarySince")
        )


def _changes(marketstate: pl.LazyFrame) -> pl.LazyFrame:
    """(ListingId, MarketStateSince, _State), one row a stamp, in order whatever order it came in."""
    return (
        marketstate.select("ListingId", MarketStateSince="EventTimestamp", _State="MarketState")
        .sort("ListingId", "MarketStateSince", maintain_order=True)
        .unique(["ListingId", "MarketStateSince"], keep="last", maintain_order=True)
    )
