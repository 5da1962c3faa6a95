"""Five dates of twelve listings of seven instruments, small enough to be run a hundred times.

Drawn from a seed, a listing and date at a time, so that no listing depends on another: trades with unknown sides and
equal stamps, two-sided, locked, crossed and one-sided books, and a halt of listing 3 each day. Listings of one
instrument do not stand together; listing 10 is an instrument of its own.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

import polars as pl

from basalt.tables import AGGRESSOR, NS_UTC, STATE

DATES = [date(2026, 1, day) for day in (5, 6, 7, 8, 9)]
LISTINGS = list(range(1, 13))
INSTRUMENTS = [1, 2, 1, 3, 2, 4, 4, 5, 1, None, 6, 2]
HALTED = 3
TRADES = {
    "ListingId": pl.Int64,
    "EventTimestamp": NS_UTC,
    "SequenceNo": pl.Int64,
    "Price": pl.Float64,
    "Size": pl.Float64,
    "AggressorSide": AGGRESSOR,
}
BOOK = {
    "ListingId": pl.Int64,
    "EventTimestamp": NS_UTC,
    "SequenceNo": pl.Int64,
    **{f"{side}{what}1": pl.Float64 for side in ("Bid", "Ask") for what in ("Price", "Quantity")},
}
STATES = {"ListingId": pl.Int64, "EventTimestamp": NS_UTC, "MarketState": STATE}


def write_market(root: Path, is_sorted: bool = True, parts: int = 1, numbered: bool = True) -> None:
    """The tables as a source folder: rows by (listing, time), or by time alone, in small row groups.

    `parts`: files of each table and date. `numbered`: with SequenceNo; without, equal stamps are in file order.
    """
    for day in DATES:
        for table, frame in tables(day).items():
            rows = frame if is_sorted else frame.sort("EventTimestamp", maintain_order=True)
            _write(rows if numbered else rows.drop("SequenceNo", strict=False), root / table / f"date={day}", parts)
    reference = {"ListingId": LISTINGS, "InstrumentId": INSTRUMENTS}
    more = {"MIC": ["XLON" if n % 2 else "XPAR" for n in LISTINGS], "IsPrimary": [n % 2 == 1 for n in LISTINGS]}
    pl.DataFrame({**reference, **more}).write_parquet(root / "reference.parquet")


def _write(rows: pl.DataFrame, folder: Path, parts: int) -> None:
    folder.mkdir(parents=True)
    height = -(-rows.height // parts)
    for part in range(parts):
        rows.slice(part * height, height).write_parquet(folder / f"part-{part}.parquet", row_group_size=150)


def tables(day: date) -> dict[str, pl.DataFrame]:
    """Trades, book and states of all listings on one date, by (listing, time)."""
    parts = [_listing(n, day) for n in LISTINGS]
    return {name: pl.concat([part[name] for part in parts]) for name in parts[0]}


def _listing(listing: int, day: date) -> dict[str, pl.DataFrame]:
    random = Random(f"{listing} {day}")
    nine = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
    books = list(_books(random, listing, nine))
    trades = list(_trades(random, listing, nine))
    return {
        "trades": pl.DataFrame(trades, schema=TRADES, orient="row"),
        "l2": pl.DataFrame(books, schema=BOOK, orient="row"),
        "marketstate": pl.DataFrame(list(_states(listing, nine)), schema=STATES, orient="row"),
    }


def _stamps(random: Random, nine: datetime, count: int) -> list[datetime]:
    """Ascending within half an hour, a fifth of them equal to the one before."""
    found = sorted(nine + timedelta(milliseconds=random.randrange(1_800_000)) for _ in range(count))
    for i in range(1, count):
        if random.random() < 0.2:
            found[i] = found[i - 1]
    return found


def _trades(random: Random, listing: int, nine: datetime) -> Iterator[tuple[object, ...]]:
    for n, stamp in enumerate(_stamps(random, nine, 40)):
        side = random.choice(["Buy", "Sell", None])
        yield listing, stamp, n, 100 + listing + random.randrange(-50, 50) / 100, float(random.randrange(1, 500)), side


def _books(random: Random, listing: int, nine: datetime) -> Iterator[tuple[object, ...]]:
    for n, stamp in enumerate(_stamps(random, nine, 120)):
        bid = 100 + listing + random.randrange(-30, 30) / 100
        ask = bid + random.choice([0.02, 0.01, 0.01, 0.05, 0.0, -0.01])
        sides = [bid, float(random.randrange(1, 900)), ask, float(random.randrange(1, 900))]
        if random.random() < 0.05:
            sides[2:] = [None, None]
        yield listing, stamp, n, *sides


def _states(listing: int, nine: datetime) -> Iterator[tuple[object, ...]]:
    yield listing, nine - timedelta(minutes=5), "PRE_OPEN"
    yield listing, nine + timedelta(seconds=20), "CONTINUOUS_TRADING"
    if listing == HALTED:
        yield listing, nine + timedelta(minutes=10, seconds=20), "HALTED"
        yield listing, nine + timedelta(minutes=14, seconds=40), "CONTINUOUS_TRADING"
    yield listing, nine + timedelta(minutes=28), "CLOSING_AUCTION"
    yield listing, nine + timedelta(minutes=29), "CLOSED"
