"""Transform quotes_at_trades: for each trade of a listing, the quote before it and mids at offsets, row by row.

A trade's row comes back as a new dict with the columns of the transform. Times are nanoseconds.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import inf
from typing import Any, NamedTuple

from .book_bars import Book
from .clock import Row, nanoseconds, stretch_of
from .values import near

Runs = Sequence[tuple[float, float]]
MIDS = {"mid": "Mid", "weighted_mid": "WeightedMid"}


class Quote(NamedTuple):
    """One book row as the options see it: sides without their invalid levels; `mid` None where the row is not valid."""

    time: int
    sequence: Any
    bid: Any
    ask: Any
    bid_size: Any
    ask_size: Any
    status: str
    mid: Any


def quotes_of(rows: Sequence[Row], options: Mapping[str, Any]) -> list[Quote]:
    """Book rows in order as quotes."""
    return [_quote(row, options) for row in rows]


def _quote(row: Row, options: Mapping[str, Any]) -> Quote:
    book = Book(row, options, 1)
    (bid, bid_size, _), (ask, ask_size, _) = (book.levels[side][0] for side in ("Bid", "Ask"))
    mid = book.price(MIDS[options.get("mid", "mid")])
    return Quote(row["EventTimestamp"], row.get("SequenceNo"), bid, ask, bid_size, ask_size, status_of(bid, ask), mid)


def status_of(bid: Any, ask: Any) -> str:
    """What a quote is, whatever it is worth."""
    if bid is None and ask is None:
        return "Missing"
    if bid is None or ask is None:
        return "OneSided"
    if near(bid, ask):
        return "Locked"
    return "Crossed" if ask < bid else "Ok"


def session_runs(runs: Runs, hours: tuple[int, int] | None) -> Runs:
    """The stretches of states, or the session where none is told, its last instant inside."""
    return [(hours[0], hours[1] + 1)] if hours else runs


def before(quotes: Sequence[Quote], t: int, sequence: Any = None) -> Quote | None:
    """The last row strictly before (t, sequence), or before t alone where no sequence is given."""
    if sequence is None:
        found = [q for q in quotes if q.time < t]
    else:
        found = [q for q in quotes if (q.time, q.sequence) < (t, sequence)]
    return found[-1] if found else None


def valid_at(quotes: Sequence[Quote], t: int, runs: Runs, most: float = inf) -> Quote | None:
    """The last valid row stamped at or before t; None outside the stretches, and for one older than `most`.

    Rows stamped at its start are inside it; of those before it only the very latest is in force when it opens, and
    where that one is not valid nothing older replaces it.
    """
    stretch = stretch_of(runs, t)
    if stretch is None:
        return None
    found = _last_valid([q for q in quotes if q.time <= t], runs[stretch][0])
    return found if found and t - found.time <= most else None


def _last_valid(quotes: Sequence[Quote], start: float) -> Quote | None:
    inside = [q for q in quotes if q.time >= start]
    before = [] if inside and inside[0].time == start else [q for q in quotes if q.time < start][-1:]
    valid = [q for q in before + inside if q.mid is not None]
    return valid[-1] if valid else None


def quotes_at_trades(
    trades: Sequence[Row], books: Sequence[Row], runs: Runs, options: Mapping[str, Any], shared: bool = False
) -> list[Row]:
    """Trades of one listing with their quotes. `runs`: the stretches of the pass's market states. `shared`: one
    sequence over both tables, which both carry."""
    quotes = quotes_of(books, options)
    by_sequence = shared and options.get("order", "time_sequence") == "time_sequence"
    return [{**row, **_columns(row, quotes, runs, options, by_sequence)} for row in trades]


def _columns(row: Row, quotes: Sequence[Quote], runs: Runs, options: Mapping[str, Any], by_sequence: bool) -> Row:
    t, lag = row["EventTimestamp"], nanoseconds(options.get("lag", "0s"))
    most = nanoseconds(options["tolerance"]) if options.get("tolerance") else inf
    found: Row = _at_trade(before(quotes, t - lag, row["SequenceNo"] if by_sequence else None), t, most)
    for horizon in options.get("horizons", []):
        found |= _at_offset(quotes, t + nanoseconds(horizon), after(horizon), runs, most, options)
    if options.get("next_quote"):
        found["NextQuoteSeconds"] = _wait(_changes(quotes, runs), row, runs, by_sequence, options["next_quote"])
    own = {name: row[name] for name in ("BidPrice", "AskPrice", "BidQuantity", "AskQuantity") if name in row}
    if not options.get("overwrite") and any(x is not None for x in own.values()):
        found |= own
    return found


def _changes(quotes: Sequence[Quote], runs: Runs) -> list[Quote]:
    """Rows whose best prices or sizes are not those of the row before in their stretch; its first row is none."""
    pairs = pairwise([q for q in quotes if stretch_of(runs, q.time) is not None])
    inside = [(p, q) for p, q in pairs if stretch_of(runs, p.time) == stretch_of(runs, q.time)]
    return [q for p, q in inside if not (_same(p.bid, q.bid) and _same(p.ask, q.ask) and p[4:6] == q[4:6])]


def _same(x: Any, y: Any) -> bool:
    return x is y if x is None or y is None else near(x, y)


def _wait(changes: Sequence[Quote], row: Row, runs: Runs, by_sequence: bool, most: str) -> float | None:
    """Seconds until the first of these quotes that is not before the trade and lies in its stretch."""
    t = row["EventTimestamp"]
    if by_sequence:
        later = [q for q in changes if (q.time, q.sequence) >= (t, row["SequenceNo"])]
    else:
        later = [q for q in changes if q.time >= t]
    stretch = stretch_of(runs, t)
    if stretch is None or not later or stretch_of(runs, later[0].time) != stretch:
        return None
    return (later[0].time - t) / 1e9 if later[0].time - t <= nanoseconds(most) else None


def after(horizon: str) -> str:
    """The column of a horizon."""
    return f"MidBefore{horizon[1:]}" if horizon.startswith("-") else f"MidAfter{horizon}"


def _at_trade(quote: Quote | None, t: int, most: float) -> Row:
    names = ("BidPrice", "AskPrice", "BidQuantity", "AskQuantity", "MidAtTrade", "QuoteAgeSeconds")
    if quote is None:
        return {**dict.fromkeys(names), "QuoteStatus": "Missing"}
    age, stale = (t - quote.time) / 1e9, t - quote.time > most
    there = (None,) * 5 if stale else (quote.bid, quote.ask, quote.bid_size, quote.ask_size, quote.mid)
    values = (*there, age)
    return {**dict(zip(names, values, strict=True)), "QuoteStatus": "Stale" if stale else quote.status}


def _at_offset(quotes: Sequence[Quote], t: int, name: str, runs: Runs, most: float, options: Mapping[str, Any]) -> Row:
    """The mid at t; with clamp = "session_end" that of the session's end where t is after it."""
    end = options["hours"][1] if options.get("hours") else runs[-1][1] if runs else inf
    clamped = t > end
    if clamped and options.get("clamp") == "session_end":
        found, t = _last_valid([q for q in quotes if q.time < runs[-1][1]], runs[-1][0]), int(end)
        found = found if found and end - found.time <= most else None
    else:
        found = None if clamped else valid_at(quotes, t, runs, most)
    values: Row = {name: found.mid if found else None, f"{name}AgeSeconds": (t - found.time) / 1e9 if found else None}
    return values | ({f"{name}Clamped": clamped} if options.get("clamp") == "session_end" else {})
