"""LOBSTER's files: which belong together, what their names say, and whether their first row is what it should be.

A *ticker day* is a message file with the order-book file beside it, if there is one.
"""

import datetime as dt
import gzip
import re
import zlib
from contextlib import suppress
from pathlib import Path

import attrs

from basalt.errors import DataError, UserError
from basalt_io.files import first_line
from basalt_io.sources.csv_files import ends

MESSAGE_COLUMNS = 6
_NAME = re.compile(
    r"(?P<ticker>.+?)_(?P<date>\d{4}-\d\d-\d\d)_(?P<middle>.*?)_?(?P<kind>message|orderbook)_(?P<levels>\d+)\.csv(\.gz)?"
)
_SESSION = re.compile(r"(\d+)_(\d+)")


@attrs.frozen
class TickerDay:
    """Start and end in milliseconds after midnight, None where the names do not say."""

    ticker: str
    date: dt.date
    levels: int
    start: int | None
    end: int | None
    messages: Path
    book: Path | None


def find(root: Path) -> list[TickerDay]:
    """The ticker days of a folder, by (date, ticker); UserError where there is none, or one is there twice."""
    if not root.is_dir():
        raise UserError(f"source lobster: root {root} is no folder: set `root` to the folder of the files")
    named = [(match, file) for file in sorted(root.iterdir()) if (match := _NAME.fullmatch(file.name))]
    books = {_stem(match): file for match, file in named if match["kind"] == "orderbook"}
    days: dict[tuple[dt.date, str], TickerDay] = {}
    for match, file in named:
        if match["kind"] == "message":
            day = _ticker_day(match, file, books.get(_stem(match)))
            twin = days.setdefault((day.date, day.ticker), day)
            if twin is not day:
                raise UserError(
                    f"source lobster: {twin.messages} and {day.messages} are the same ticker and date: keep one of them"
                )
    if not days:
        raise UserError(
            f"source lobster: {root} holds no message file: they are named as "
            "AMZN_2012-06-21_34200000_57600000_message_1.csv"
        )
    return [days[key] for key in sorted(days)]


def width(file: Path, least: int, exact: bool) -> int:
    """Number of columns of the file's first row, `least` where it has no row. DataError where there are fewer (or
    more, if `exact`), where a plain file's last row is cut short, or where it cannot be read."""
    try:
        first, last = _ends(file)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{file} cannot be read ({first_line(error)}): fetch it again") from error
    found = first.count(b",") + 1 if first else least
    if found < least or (exact and found > least):
        raise DataError(f"{file} has {found} columns, and its kind and level ask for {least}: fetch it again")
    if last and last.count(b",") + 1 < least:
        raise DataError(f"{file} ends in the middle of a row: fetch it again")
    return found


def _ends(file: Path) -> tuple[bytes, bytes]:
    """The first and the last row; the last is empty for gzip, which tells itself when it is cut short."""
    if file.suffix == ".gz":
        with gzip.open(file) as stream:
            return stream.readline().rstrip(), b""
    with file.open("rb") as plain:
        return ends(plain)


def _stem(match: re.Match[str]) -> tuple[str, ...]:
    return match["ticker"], match["date"], match["middle"], match["levels"]


def _ticker_day(match: re.Match[str], messages: Path, book: Path | None) -> TickerDay:
    session = _SESSION.fullmatch(match["middle"])
    start, end = (int(session[1]), int(session[2])) if session else (None, None)
    with suppress(ValueError):
        day = dt.date.fromisoformat(match["date"])
        return TickerDay(match["ticker"], day, int(match["levels"]), start, end, messages, book)
    raise UserError(f"source lobster: {messages} names no date of the calendar: rename it")
