"""The records of one table and date: decoded, checked, named and numbered, in file order."""

import datetime as dt
from collections.abc import Sequence

import polars as pl

from basalt.errors import DataError
from basalt_io.sources.databento_decoding import empty, read
from basalt_io.sources.databento_files import DbnFile

ACTIONS = ("A", "C", "M", "F", "T", "R", "N")
SIDES = ("A", "B", "N")
_BOOK = ("A", "C", "M")
_PRINTS = ("T", "F")
_TRADES_ALONE = ("trades", "tbbo", "tcbbo")


def none(schema: str) -> pl.LazyFrame:
    """No record of that schema, with its columns."""
    return _named(empty(schema), {}).with_row_index("SequenceNo", 1).cast({"SequenceNo": pl.Int64}).lazy()


def records(files: Sequence[DbnFile], day: dt.date, publisher: int | None, by_venue: bool) -> pl.LazyFrame:
    """What arrived on that UTC date; SequenceNo counts it from 1. `by_venue`: rows of one venue each, so that a listing
    is of one publisher. DataError where a record cannot be what it says, or a listing is of several."""
    frames = []
    for one in files:
        frame = read(one.file, one.schema)
        _refuse_unsound(frame, one)
        frames.append(_named(frame.filter(pl.col("ts_recv").dt.date() == day), one.symbols(day)))
    found = pl.concat(frames)
    if by_venue and publisher is not None:
        found = found.filter(pl.col("publisher_id") == publisher)
    if by_venue:
        _refuse_mixed(found, files[0])
    return found.with_row_index("SequenceNo", 1).cast({"SequenceNo": pl.Int64}).lazy()


def _named(frame: pl.DataFrame, symbols: dict[int, str]) -> pl.DataFrame:
    number = pl.col("instrument_id")
    symbol = (
        number.replace_strict(symbols, default=None, return_dtype=pl.String) if symbols else pl.lit(None, pl.String)
    )
    return frame.with_columns(ListingId=pl.coalesce(symbol, number.cast(pl.String)))


def _refuse_unsound(frame: pl.DataFrame, one: DbnFile) -> None:
    covered = pl.col("ts_recv").dt.date().is_between(one.dates[0], one.dates[-1])
    what = {f"a stamp outside {one.dates[0]} to {one.dates[-1]}, which its metadata cover": ~covered.fill_null(False)}
    if "side" in frame.columns:
        what["a side that is none of A, B, N"] = ~pl.col("side").is_in(SIDES)
    if frame.schema.get("action") == pl.String:
        action = pl.col("action")
        what["an action that is none of A, C, M, F, T, R, N"] = ~action.is_in(ACTIONS)
        what["a trade without price"] = action.is_in(_PRINTS) & pl.col("price").is_null()
    if one.schema in _TRADES_ALONE:
        what["an action that is not T"] = pl.col("action") != "T"
    if one.schema == "mbo":
        book = pl.col("action").is_in(_BOOK)
        what["an order event without side or price"] = book & ((pl.col("side") == "N") | pl.col("price").is_null())
    found = frame.select(n.sum().alias(said) for said, n in what.items()).row(0, named=True)
    for said, count in found.items():
        if count:
            raise DataError(f"{one.file} has {count} of {frame.height} records with {said}: fetch it again")


def _refuse_mixed(found: pl.DataFrame, one: DbnFile) -> None:
    several = (
        found.group_by("ListingId")
        .agg(pl.col("publisher_id").unique().sort())
        .filter(pl.col("publisher_id").list.len() > 1)
        .sort("ListingId")
    )
    if several.height:
        listing, publishers = several.row(0)
        raise DataError(
            f"{one.file} has {listing} from publishers {', '.join(map(str, publishers))}, and a listing is a line on "
            f"one venue: name one, as publisher = {publishers[0]}"
        )
