"""Whose rows a pass of a partition reads, in units that batches never part, and whose it keeps."""

from collections.abc import Sequence
from datetime import date
from functools import cached_property

import attrs
import polars as pl

from basalt.planning.instruments import Instruments, read_instruments
from basalt.planning.plan import Plan
from basalt.planning.program import Program
from basalt.planning.sizing import Input, Units

LISTING, INSTRUMENT = "ListingId", "InstrumentId"


class Members:
    """The members of a universe on a date. `listings`: None where every listing is one."""

    def __init__(self, plan: Plan, day: date, listings: pl.Series | None) -> None:
        self._plan = plan
        self._day = day
        self.listings = listings

    def keys(self, key: str) -> pl.Series | None:
        """Values of that key column that belong to the universe; None: all."""
        if self.listings is None or key not in (LISTING, INSTRUMENT):
            return None
        return self.listings if key == LISTING else self._instruments.of(self.listings)

    def units(self, program: Program, inputs: Sequence[Input]) -> Units:
        """What the pass's batches are runs of, ascending; one unit for a pass that needs its whole universe."""
        if program.scope == "instrument":
            return self._whole_instruments(inputs)
        units = Units.single(self._found(program.key, inputs))
        if program.key == LISTING and self._plan.knows_instruments and _reads(INSTRUMENT, inputs):
            pairs = units.members[LISTING].join(self._instruments.pairs, on=LISTING, maintain_order="left")
            units = attrs.evolve(units, members={**units.members, INSTRUMENT: pairs.select("Unit", INSTRUMENT)})
        return _as_one(units) if program.scope == "universe" else units

    @cached_property
    def _instruments(self) -> Instruments:
        return read_instruments(self._plan.source, self._plan.schemas, self._day)

    def _whole_instruments(self, inputs: Sequence[Input]) -> Units:
        found = self.listings
        if found is None:
            named = self._found(LISTING, inputs)
            instruments = self._found(INSTRUMENT, inputs)
            found = pl.concat([named, self._instruments.listings_of(instruments)])
        return Units.grouped(self._instruments.groups(self._instruments.around(found)), self._instruments.pairs)

    def _found(self, key: str, inputs: Sequence[Input]) -> pl.Series:
        """Keys of that column that some input has and the universe too, ascending."""
        there = [one.rows[key] for one in inputs if one.key == key]
        if not there:
            return pl.Series(key, [], dtype=self._instruments.pairs.schema[key])
        found = pl.concat(there).drop_nulls().unique().sort()
        own = self.keys(key)
        return found if own is None else found.filter(found.is_in(own.implode()))


def _reads(key: str, inputs: Sequence[Input]) -> bool:
    return any(one.key == key for one in inputs)


def _as_one(units: Units) -> Units:
    """The same members in a single unit; none where there is none."""
    one = {name: frame.with_columns(Unit=pl.lit(0, pl.UInt32)) for name, frame in units.members.items()}
    return Units(min(units.count, 1), one)
