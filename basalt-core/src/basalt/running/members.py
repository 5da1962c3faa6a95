"""Whose rows a pass of a partition reads, in units that batches never part, and whose it keeps."""

from collections.abc import Sequence
from datetime import date
from functools import cached_property

import attrs
import polars as pl

from basalt.planning.inputs import scan
from basalt.planning.instruments import Instruments, read_instruments
from basalt.planning.plan import Plan
from basalt.planning.program import Program
from basalt.planning.sides import Side
from basalt.planning.sizing import Input, Units

LISTING, INSTRUMENT = "ListingId", "InstrumentId"


class Members:
    """The members of a universe on a date. `listings`: None where every listing is one."""

    def __init__(self, plan: Plan, day: date, listings: pl.Series | None) -> None:
        self._plan = plan
        self._day = day
        self.listings = listings

    def keys(self, key: str) -> pl.Series | None:
        """Values of that key column that belong to the universe; None: all, or it cannot be told."""
        if key == LISTING or self.listings is None:
            return self.listings
        known = key == INSTRUMENT and self._plan.knows_instruments
        return self._instruments.of(self.listings) if known else None

    def expected(self, key: str) -> pl.Series | None:
        """The values of that key column that should have a row: the universe's, else those that reference has for its
        listings; None where neither tells."""
        own = self.keys(key)
        if own is not None or key not in self._plan.columns_of.get("reference", {}):
            return own
        rows = scan(self._plan.source, self._plan.schemas["reference"], self._day)
        if self.listings is not None:
            rows = rows.filter(pl.col(LISTING).is_in(self.listings.implode()))
        return rows.select(pl.col(key).unique()).collect()[key].drop_nulls().sort()

    def own(self, rows: pl.DataFrame, key: str) -> pl.DataFrame:
        """The rows of the universe's members. `key`: whose rows they are; where that is neither listing nor instrument,
        by such a column beside it."""
        beside = next((name for name in (LISTING, INSTRUMENT) if name in rows.columns), key)
        key = key if key in (LISTING, INSTRUMENT) else beside
        members = self.keys(key)
        return rows if members is None else rows.filter(pl.col(key).is_in(members.implode()))

    def reach(self, program: Program, key: str) -> pl.Series | None:
        """The values of that key column whose rows any batch of the pass may read, told before a table is opened, as
        `units` is not; None: all, or it cannot be told."""
        if self.listings is None or program.scope != "instrument":
            follows = key == program.key or (program.key, key) == (LISTING, INSTRUMENT) or program.scope == "universe"
            return self.keys(key) if follows else None
        if key == LISTING:
            return self._instruments.around(self.listings)
        return self._instruments.of(self.listings) if key == INSTRUMENT else None

    def units(self, program: Program, inputs: Sequence[Input]) -> Units:
        """What the pass's batches are runs of, ascending.

        One unit for a pass that needs its whole universe, or whose rows, or those of a side output, are by a key that
        nothing it reads is cut by.
        """
        parted = all(_parted(side, program) for side in self._plan.sides[program.name])
        if program.scope == "instrument":
            return self._whole_instruments(inputs, parted)
        if program.scope == "universe" or not parted or not _reads(program.key, inputs):
            return self._as_one(inputs)
        units = Units.single(self._found(program.key, inputs))
        if program.key == LISTING and self._plan.knows_instruments and _reads(INSTRUMENT, inputs):
            pairs = units.members[LISTING].join(self._instruments.pairs, on=LISTING, maintain_order="left")
            units = attrs.evolve(units, members={**units.members, INSTRUMENT: pairs.select("Unit", INSTRUMENT)})
        return units

    @cached_property
    def _instruments(self) -> Instruments:
        return read_instruments(self._plan.source, self._plan.schemas, self._day)

    def _whole_instruments(self, inputs: Sequence[Input], parted: bool) -> Units:
        """Each instrument a unit; all of them together where they are not to be `parted`."""
        found = self.listings
        if found is None:
            named = self._found(LISTING, inputs)
            instruments = self._found(INSTRUMENT, inputs)
            found = pl.concat([named, self._instruments.listings_of(instruments)])
        around = self._instruments.around(found)
        groups = self._instruments.groups(around) if parted or around.is_empty() else [around.to_list()]
        return Units.grouped(groups, self._instruments.pairs)

    def _as_one(self, inputs: Sequence[Input]) -> Units:
        """Everything that the universe has, never parted."""
        keys = dict.fromkeys(one.key for one in inputs)
        found = {
            key: self._found(key, inputs).to_frame().select(pl.lit(0, pl.UInt32).alias("Unit"), key) for key in keys
        }
        return Units(1, found)

    def _found(self, key: str, inputs: Sequence[Input]) -> pl.Series:
        """Keys of that column that some input has and the universe too, ascending; of instruments, none if no input."""
        there = [one.rows[key] for one in inputs if one.key == key]
        if not there:
            return self._instruments.pairs[key].clear()
        found = pl.concat(there).drop_nulls().unique().sort()
        own = self.keys(key)
        return found if own is None else found.filter(found.is_in(own.implode()))


def _parted(side: Side, program: Program) -> bool:
    """Whether each of its rows comes from one unit, so that none is made twice."""
    by = (LISTING, INSTRUMENT) if program.scope == "instrument" else (program.key,)
    return any(name in side.columns for name in by)


def _reads(key: str, inputs: Sequence[Input]) -> bool:
    return any(one.key == key for one in inputs)
