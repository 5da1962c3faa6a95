"""The `simulator` source: market days that `basalt.testing.market` makes from a seed, when their rows are first read.

A scan knows its schema without simulating, so that planning takes no day's time; a query that runs simulates the day.
"""

import datetime as dt
from collections.abc import Sequence
from functools import lru_cache, partial
from pathlib import Path
from threading import RLock
from typing import Any

import attrs
import polars as pl

import basalt
from basalt.errors import UserError
from basalt.options import option
from basalt.sources import Promises, Source
from basalt.testing import market
from basalt_io.files import fingerprint
from basalt_io.sources.dates import refuse_table, span

FIRST_DATE = dt.date(2026, 1, 5)
DAYS_KEPT = 2
# A query reads its tables on several threads, and all but the first must wait for the day. Re-entrant: Polars may hand
# another table's scan to the thread that simulates.
_SIMULATING = RLock()


@attrs.frozen
class SimulatorOptions:
    """`[source] type = "simulator"`. Dates are a list, or every weekday from one to another."""

    listings: int = option("number of listings; two successive ones are one instrument on two venues", default=4)
    seed: int = option("the same seed gives the same days", default=1)
    events: int = option("order events of a listing and day, about", default=2_000)
    dates: list[dt.date] | None = option("trading dates, instead of `from` and `to`", default=None)
    from_: dt.date = option("first date, inclusive", default=FIRST_DATE)
    to: dt.date | None = option("last date, inclusive; not set: the first date alone", default=None)


class SimulatorSource(Source):
    """Simulated days; rows are sorted, and one sequence runs over l3, l2, trades and imbalance."""

    name = "simulator"
    Config = SimulatorOptions
    promises = Promises(sorted=True, shared_sequence=True)

    def __init__(self, config: Any, folder: Path) -> None:
        super().__init__(config, folder)
        self.days = trading_dates(config.dates, config.from_, config.to)

    def tables(self) -> Sequence[str]:
        """What the simulator makes."""
        return market.TABLES

    def dates(self, table: str) -> Sequence[dt.date]:
        """The configured dates, for every table."""
        return self.days

    def fingerprint(self, table: str, day: dt.date) -> str:
        """Changes with the options and with basalt's version, whose simulator may make other days."""
        config = self.config
        return fingerprint([], basalt.__version__, config.listings, config.seed, config.events, table, day)

    def scan(self, table: str, day: dt.date) -> pl.LazyFrame:
        """Rows of the simulated day, which is made when a query first reads a table of it."""
        refuse_table(self.name, table, market.TABLES)
        if day not in self.days:
            raise UserError(
                f"source simulator has no {table} for {day}: it has {span(self.days)}, set `dates`, or `from` and `to`"
            )
        config = self.config
        # No listing is no work; a number that is no number of listings is refused here, not while running.
        schema = market.simulate(listings=min(config.listings, 0), events=config.events, tables=[table])[table].schema
        return pl.defer(partial(_table, config.listings, config.seed, day, config.events, table), schema=schema)


def trading_dates(dates: Sequence[dt.date] | None, first: dt.date, last: dt.date | None) -> list[dt.date]:
    """`dates` ascending, or the weekdays of [first, last]; UserError where that leaves none."""
    if dates is not None:
        found = sorted(set(dates))
    else:
        days = ((last or first) - first).days + 1
        found = [day for n in range(days) if (day := first + dt.timedelta(n)).weekday() < 5]
    if not found:
        asked = "an empty list of dates" if dates is not None else f"the weekdays from {first} to {last or first}"
        raise UserError(f"the simulator was asked for {asked}, and there is none: name at least one date")
    return found


def _table(listings: int, seed: int, day: dt.date, events: int, table: str) -> pl.DataFrame:
    with _SIMULATING:
        return _simulated(listings, seed, day, events)[table]


@lru_cache(maxsize=DAYS_KEPT)
def _simulated(listings: int, seed: int, day: dt.date, events: int) -> dict[str, pl.DataFrame]:
    return market.simulate(listings=listings, seed=seed, date=day, events=events)
