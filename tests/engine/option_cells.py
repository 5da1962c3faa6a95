"""Modules × options of a pass: a day on which each option tells, and runs of one module with one option at a time.

Listing 1 trades in continuous trading until 09:03:10, is halted until 09:05:10, and both close at 09:06:40. Trades and
book rows have the same even seconds, some on the edge of a minute, and the venues X and Y by turns. A *variant* is the
same day altered, so that a run without an option over it must have what a run with the option has.
"""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import attrs
import polars as pl
from option_modules import MODULES
from small import MONDAY, Small, events

from basalt.documents import ResultColumn
from basalt.tables import ACTION, NS_UTC, SIDE

Tables = Mapping[str, pl.DataFrame]
NINE = datetime(2026, 1, 5, 9, tzinfo=UTC)
SECONDS = {1: [30, 60, 62, 100, 130, 200, 330, 390], 2: [46, 120, 300, 360]}
STATES = {
    1: [(0, "CONTINUOUS_TRADING"), (190, "HALTED"), (310, "CONTINUOUS_TRADING"), (400, "CLOSED")],
    2: [(0, "CONTINUOUS_TRADING"), (400, "CLOSED")],
}
VENUES = "XYXXY"
SESSION = {"start": "09:00:40", "end": "09:03:20"}
FINE = [{"module": "trade", "generic": [{"measures": ["Volume", "VWAP", "AvgPrice", "OHLC"]}]}]


def day() -> dict[str, pl.DataFrame]:
    """The tables as they are."""
    times = [(listing, at, i) for listing, ats in SECONDS.items() for i, at in enumerate(ats)]
    trades = [(n, at, 100 + i + n, 10.0 * (i + 1), VENUES[i % 5]) for n, at, i in times]
    book = [(n, at, 99 + i, 5.0 + i, 101 + 2 * i, 7.0, VENUES[i % 5]) for n, at, i in times]
    states = [(n, at, state) for n, changes in STATES.items() for at, state in changes]
    quotes = "BidPrice1 BidQuantity1 AskPrice1 AskQuantity1 Venue"
    return {
        "trades": events(MONDAY, "Price Size Venue", *trades),
        "l2": events(MONDAY, quotes, *book),
        "l3": fills(events(MONDAY, "Price Size Venue", *trades)),
        "marketstate": events(MONDAY, "MarketState", *states),
    }


def fills(trades: pl.DataFrame) -> pl.DataFrame:
    """The trades as executions of resting bids and asks by turns."""
    side = pl.when(pl.int_range(pl.len()) % 2 == 0).then(pl.lit("Bid")).otherwise(pl.lit("Ask")).cast(SIDE)
    order = pl.int_range(pl.len(), dtype=pl.Int64).cast(pl.String)
    return trades.select(
        "ListingId",
        "EventTimestamp",
        "Venue",
        OrderId=order,
        Side=side,
        Action=pl.lit("Remove").cast(ACTION),
        ExecutionPrice="Price",
        ExecutionSize="Size",
    )


def with_times(change: Callable[[pl.Expr], pl.Expr]) -> Tables:
    """The day with other stamps."""
    changed = change(pl.col("EventTimestamp")).cast(NS_UTC).alias("EventTimestamp")
    return {name: rows.with_columns(changed) for name, rows in day().items()}


def of_venue(venue: str) -> Tables:
    """The rows of one venue, and all states."""
    return {name: rows if name == "marketstate" else rows.filter(Venue=venue) for name, rows in day().items()}


def without_states(rows: pl.Expr = pl.lit(True)) -> Tables:
    """These rows of the day, of which no state is known."""
    return {name: frame.filter(rows) for name, frame in day().items() if name != "marketstate"}


def as_continuous(states: Sequence[str]) -> Tables:
    """The day as if these states were continuous trading."""
    state = pl.col("MarketState")
    cast = pl.when(state.cast(pl.String).is_in(states)).then(pl.lit("CONTINUOUS_TRADING")).otherwise(state)
    found = day()
    dtype = found["marketstate"].schema["MarketState"]
    return {**found, "marketstate": found["marketstate"].with_columns(cast.cast(dtype).alias("MarketState"))}


def calendar() -> pl.DataFrame:
    """The session as table `calendar` has it, of XLON."""
    edges = [NINE + timedelta(seconds=40), NINE + timedelta(minutes=3, seconds=20)]
    return pl.DataFrame({"MIC": "XLON", "Date": MONDAY, "SessionStart": edges[0], "SessionEnd": edges[1]})


def inside() -> pl.Expr:
    """Rows inside the session."""
    start, end = (pl.lit(NINE + timedelta(seconds=s)) for s in (40, 200))
    return pl.col("EventTimestamp").is_between(start, end)


VARIANTS: dict[str, Callable[[], Tables]] = {
    "as it is": day,
    "half the time": lambda: with_times(lambda t: pl.lit(NINE) + (t - pl.lit(NINE)) / 2),
    "one nanosecond later": lambda: with_times(lambda t: t + pl.duration(nanoseconds=1, time_unit="ns")),
    "half a minute earlier": lambda: with_times(lambda t: t - pl.duration(seconds=30)),
    "venue X": lambda: of_venue("X"),
    "venue Y": lambda: of_venue("Y"),
    "no states": without_states,
    "no states, in the session": lambda: without_states(inside()),
    "calendar, no states": lambda: {**without_states(), "calendar": calendar()},
    "halts are continuous": lambda: as_continuous(["HALTED"]),
    "all is continuous": lambda: as_continuous(["HALTED", "CONTINUOUS_TRADING"]),
}


@attrs.frozen
class Case:
    """A module as an entry of a pass. `behind`: it reads the pass `fine`, and no table."""

    entry: Mapping[str, Any]
    behind: bool = False


CASES: dict[str, Case] = {
    "trade": Case({"module": "trade", "generic": [{"measures": ["Volume", "VWAP", "AvgPrice", "OHLC"]}]}),
    "l2": Case(
        {
            "module": "l2",
            "levels": 1,
            "book": [{"measures": ["Price"], "aggregations": ["Last", "Mean"]}],
            "ohlc": [{"sources": ["Mid"], "open_mode": "prev_close"}],
        }
    ),
    "execution": Case({"module": "execution", "trades": []}),
    "l3": Case({"module": "l3", "flow": [{"actions": ["Fill", "FullFill"]}], "ratios": ["CancelToTrade"]}),
    "generic": Case({"module": "generic", "source": "fine"}, behind=True),
    "printed": Case({"module": "printed"}),
    "bucketed": Case({"module": "bucketed"}),
    "framed": Case({"module": "framed"}),
    "behind": Case({"module": "behind", "source": "fine"}, behind=True),
}
TABULAR = [name for name, case in CASES.items() if not case.behind]
READERS = [name for name, case in CASES.items() if case.behind]


@attrs.frozen(eq=False)
class Found:
    """What a run published of the pass. `columns`: as it describes them, hidden ones last."""

    rows: pl.DataFrame
    columns: Sequence[ResultColumn]


def run(
    module: str, variant: str = "as it is", fine: Mapping[str, Any] = {}, prefix: str = "", **options: Any
) -> Found:
    """The module in a pass `p` with these options, of one minute unless they say otherwise; `fine`: of that pass."""
    return _run(module, variant, _frozen(fine), prefix, _frozen({"every": "1m", **options}))


def _frozen(options: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    """As an argument of a cached function; None leaves an option out."""
    kept = ((name, value) for name, value in options.items() if value is not None)
    return tuple(
        (name, tuple(v.items()) if isinstance(v, dict) else tuple(v) if isinstance(v, list) else v) for name, v in kept
    )


def _thawed(options: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
    return {name: dict(v) if name == "session" else list(v) if isinstance(v, tuple) else v for name, v in options}


@cache
def _run(module: str, variant: str, fine: Any, prefix: str, options: Any) -> Found:
    case = CASES[module]
    entry = {**case.entry, **({"prefix": prefix} if prefix else {})}
    passes = [{"name": "p", **_thawed(options), "modules": [entry]}]
    if case.behind:
        passes.insert(0, {"name": "fine", "every": "30s", "modules": FINE, **_thawed(fine)})
    with tempfile.TemporaryDirectory() as folder:
        desk = Small(Path(folder), list(MODULES))
        for table, rows in VARIANTS[variant]().items():
            desk.put(table, None if table == "calendar" else MONDAY, rows)
        result = desk.run(*passes)
        assert [each.error for each in result.failed] == []
        return Found(desk.published("p").drop("Date", "Universe"), result.plan.program("p").result.columns)
