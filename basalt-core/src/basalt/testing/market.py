"""A simulated market day: consistent tables for examples, tests and timing, from a seed.

    from basalt.testing import market

    day = market.simulate(listings=4, seed=1)
    day["trades"], day["l2"], day["l3"], day["imbalance"], day["marketstate"], day["reference"]

The model. Each listing is a price-time-priority book (`matching`) fed by random orders (`flow`): limit orders around a
reference price that walks at random, cancels, amends (smaller keeps its place; larger or another price loses it), and
takers that walk the book. Listings come in pairs, one instrument on the two venues XLON (primary) and AQXE; both follow
the instrument's reference path and are otherwise independent. A day in UTC: PRE_OPEN 07:00, OPENING_AUCTION 07:50,
CONTINUOUS_TRADING within 30 s after 08:00, CLOSING_AUCTION 16:30, POST_TRADE within 30 s after 16:35, CLOSED 17:15.

What it guarantees
* Deterministic: the same arguments give the same rows. Listing k is the same whatever `listings` and `tables` are.
* Rows are in (ListingId, EventTimestamp, SequenceNo) order. Stamps lie strictly inside their phase; some are tied.
* One sequence a listing over l3, l2, trades and imbalance, without gaps over l3 and imbalance. An l2 row carries the
  number of the last l3 row of the exchange event that changed the book; a trade that of the l3 row it executed (in an
  auction, of the second of the two orders).
* l3 rebuilt into a book is l2, row by row: one row for each exchange event that changed the first `levels` levels. In a
  call the book may be crossed; in continuous trading it never is, nor locked.
* Every execution of l3 is in trades once, with its TradeId: one l3 row in continuous trading (the resting order; what
  an aggressive order executes at once never rests and is no row), two in an auction (both orders).
* A trade's quote is the best quote in force when the exchange event that made it arrived: all prints of a sweep, and of
  an uncross (a crossed quote), have that of before the event. It is the last l2 row of smaller SequenceNo.
* The uncross and the indications clear at the price of `matching.clearing_price`; the last indication of a call is
  what the uncross then does. IndicativePrice is null, and quantities 0, while nothing would execute.

What it does not: the flow is no estimate of any real market; spreads, volumes, queues and volatility have no meaning
beyond being plausible. No hidden orders, icebergs, market orders in calls, halts, busts or off-book trades; nothing
links the two venues but the path; what rests at the end is never removed; days of one seed are not one history.
"""

import datetime as dt
from collections.abc import Iterable
from random import Random

import attrs
import polars as pl

from basalt.durations import DAY
from basalt.errors import UserError
from basalt.tables import MARKETSTATE, REFERENCE
from basalt.testing.flow import Flow, Path, Session
from basalt.testing.matching import Book
from basalt.testing.recorder import PRICE_UNITS, RECORDED, Tape, declared

TABLES = ("reference", "marketstate", "l3", "l2", "trades", "imbalance")
VENUES = ("XLON", "AQXE")
TICKS = (5, 10, 20, 50, 100, 200)
CURRENCIES = ("GBP", "GBP", "EUR")
TRADES_IN = (
    ("Energy", "Oil and Gas", "Integrated Oil"),
    ("Financials", "Banks", "Diversified Banks"),
    ("Health Care", "Pharmaceuticals", "Biotechnology"),
    ("Financials", "Insurance", "Life Insurance"),
    ("Basic Materials", "Mining", "Gold Mining"),
    ("Consumer Staples", "Beverages", "Distillers"),
)


@attrs.frozen
class Instrument:
    """What both of an instrument's listings share: number, tick in PRICE_UNITS, usual price in ticks, shares issued."""

    number: int
    tick: int
    price: int
    shares: int

    @classmethod
    def draw(cls, seed: int, number: int) -> "Instrument":
        """The same on every date."""
        rng = Random(f"{seed}/instrument {number}")
        return cls(number, rng.choice(TICKS), rng.randint(2_000, 5_000), rng.randint(50, 5_000) * 1_000_000)

    @property
    def isin(self) -> str:
        """A well-formed ISIN, check digit included."""
        body = f"GB{self.number + 1:09d}"
        digits = "".join(str(int(character, 36)) for character in body)
        doubled = (int(d) * (2 - i % 2) for i, d in enumerate(reversed(digits)))
        return f"{body}{-sum(d // 10 + d % 10 for d in doubled) % 10}"


def simulate(
    listings: int = 4,
    seed: int = 1,
    date: dt.date = dt.date(2026, 1, 5),
    events: int = 2_000,
    levels: int = 10,
    tables: Iterable[str] | None = None,
) -> dict[str, pl.DataFrame]:
    """One day of `listings` listings with about `events` order events (l3 rows) each; by default all TABLES.

    The closing uncross comes on top of `events`. Listings are 1001, 1002, … ; two successive ones are an instrument.
    """
    wanted = TABLES if tables is None else tuple(tables)
    _refuse(listings, events, levels, wanted)
    depth = levels if "l2" in wanted else 0
    parts: dict[str, list[pl.DataFrame]] = {
        name: [Tape(depth).frame(name, 0, "", 1)] for name in wanted if name in RECORDED or name == "l2"
    }
    sessions = {}
    for number in range(listings):
        instrument = Instrument.draw(seed, number // len(VENUES))
        rng = Random(f"{seed}/{date}/listing {number}")
        sessions[number] = Session.draw(_midnight(date), rng)
        if not parts:
            continue
        tape = _listing_day(instrument, sessions[number], rng, seed, date, events, depth)
        for name, frames in parts.items():
            frames.append(tape.frame(name, _listing_id(number), VENUES[number % len(VENUES)], instrument.tick))
    day = {name: pl.concat(frames, rechunk=True) for name, frames in parts.items()}
    day["reference"] = _reference(seed, listings)
    day["marketstate"] = _marketstate(sessions)
    return {name: day[name] for name in TABLES if name in wanted}


def _refuse(listings: int, events: int, levels: int, tables: tuple[str, ...]) -> None:
    for name, value, least in (("listings", listings, 0), ("events", events, 0), ("levels", levels, 1)):
        if value < least:
            raise UserError(f"simulate was asked for {name} = {value}: it must be at least {least}")
    unknown = [name for name in tables if name not in TABLES]
    if unknown:
        raise UserError(f"simulate was asked for table {unknown[0]!r}: it makes {', '.join(TABLES)}")


def _listing_day(
    instrument: Instrument, session: Session, rng: Random, seed: int, date: dt.date, events: int, depth: int
) -> Tape:
    walk = Random(f"{seed}/{date}/instrument {instrument.number}")
    path = Path(walk, instrument.price, session.opening, session.closed)
    tape = Tape(depth)
    Flow(rng, path, Book(tape, depth)).day(session, events)
    return tape


def _midnight(date: dt.date) -> int:
    return (date - dt.date(1970, 1, 1)).days * DAY


def _listing_id(number: int) -> int:
    return 1001 + number


def _reference(seed: int, listings: int) -> pl.DataFrame:
    rows = [_described(Instrument.draw(seed, number // len(VENUES)), number) for number in range(listings)]
    return pl.DataFrame(rows, schema={column.name: column.dtype for column in REFERENCE.columns}, orient="row")


def _described(instrument: Instrument, number: int) -> dict[str, object]:
    sector, industry, subindustry = TRADES_IN[instrument.number % len(TRADES_IN)]
    venue = number % len(VENUES)
    return {
        "ListingId": _listing_id(number),
        "InstrumentId": 5001 + instrument.number,
        "Ticker": f"SIM{instrument.number + 1}",
        "MIC": VENUES[venue],
        "CurrencyCode": CURRENCIES[instrument.number % len(CURRENCIES)],
        "ISIN": instrument.isin,
        "IsPrimary": venue == 0,
        "TickSize": instrument.tick / PRICE_UNITS,
        "LotSize": 1.0,
        "Sector": sector,
        "Industry": industry,
        "Subindustry": subindustry,
        "MarketCap": instrument.shares * instrument.price * instrument.tick / PRICE_UNITS,
        "MatchingRule": "FIFO",
    }


def _marketstate(sessions: dict[int, Session]) -> pl.DataFrame:
    rows = [(_listing_id(number), *change) for number, session in sessions.items() for change in session.states()]
    raw = pl.DataFrame(rows, schema=["ListingId", "EventTimestamp", "MarketState"], orient="row")
    return raw.select(pl.col(name).cast(declared(MARKETSTATE, name).dtype) for name in raw.columns)
