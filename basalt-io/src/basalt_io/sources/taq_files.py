"""Where TAQ files lie, and their rows with one set of names, whichever of TAQ's layouts they have."""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import attrs
import polars as pl

from basalt.errors import DataError, UserError
from basalt.tables import NS_UTC
from basalt_io.files import first_line
from basalt_io.sources.csv_files import refuse_cut, scan

TRADE_NUMBERS = {"PRICE": ("PRICE",), "SIZE": ("SIZE",)}
QUOTE_NUMBERS = {
    "BID": ("BID",),
    "ASK": ("ASK", "OFR"),
    "BIDSIZ": ("BIDSIZ",),
    "ASKSIZ": ("ASKSIZ", "OFRSIZ"),
}
TRADE_TEXTS = {"COND": ("TR_SCOND", "COND"), "CORR": ("TR_CORR", "CORR"), "TR_ID": ("TR_ID",)}
DAY = 86_400_000_000_000
_DATE = re.compile(r"(?<!\d)(\d{4})-?(\d\d)-?(\d\d)(?!\d)")
_SUFFIXES = (".csv", ".csv.gz", ".parquet")


@attrs.frozen
class Clock:
    """A date and the time zone of stamps that have none. `midnight`: the nanosecond that times of day count from."""

    date: dt.date
    zone: str
    midnight: int


def find(root: Path, pattern: str, what: str) -> dict[dt.date, list[Path]]:
    """Files below `root` that match, by the date in their names. UserError for one that has none or is of no kind
    that is read."""
    if not root.is_dir():
        raise UserError(f"source taq: root {root} is no folder: set `root` to the folder of the files")
    try:
        places = sorted(place for place in root.glob(pattern) if place.is_file())
    except (ValueError, NotImplementedError) as error:
        raise UserError(
            f"source taq: {what} = {pattern!r} is no pattern ({first_line(error)}): write it as '*trade*'"
        ) from None
    found: dict[dt.date, list[Path]] = {}
    for place in places:
        if not place.name.lower().endswith(_SUFFIXES):
            raise UserError(
                f"source taq: {place} matches {what} = {pattern!r} and is none of {', '.join(_SUFFIXES)}: "
                "narrow the pattern"
            )
        found.setdefault(_date(place), []).append(place)
    return found


def rows(
    file: Path, clock: Clock, numbers: Mapping[str, Sequence[str]], texts: Mapping[str, Sequence[str]]
) -> pl.LazyFrame:
    """EventTimestamp, EX, SYMBOL, the numbers as Float64 and the texts as String, null where the file has none.

    DataError where a column is missing or the last row is cut short; the query fails on a value that is no finite
    number or no time, on a row without key, number or (if there are any) correction, and on a row of another date than
    the file's name says.
    """
    found = _scan(file)
    theirs = _schema(found, file)
    corrections = ["CORR"] if "CORR" in texts and not theirs.keys().isdisjoint(texts["CORR"]) else []
    required = ("EventTimestamp", "EX", "SYMBOL", *numbers, *corrections)
    canonical = found.select(
        _stamp(theirs, clock, file).alias("EventTimestamp"),
        pl.col(_one(theirs, ("EX",), file)).cast(pl.String).str.strip_chars().alias("EX"),
        _symbol(theirs, file).alias("SYMBOL"),
        *(pl.col(_one(theirs, names, file)).cast(pl.Float64).alias(ours) for ours, names in numbers.items()),
        *(_text(theirs, names).alias(ours) for ours, names in texts.items()),
    )
    check = partial(_checked, file=file, clock=clock, required=required)
    return canonical.map_batches(check, streamable=True, predicate_pushdown=False)


def _scan(file: Path) -> pl.LazyFrame:
    if file.name.lower().endswith(".parquet"):
        return pl.scan_parquet(file, glob=False)
    try:
        if file.name.lower().endswith(".csv"):
            with file.open("rb") as stream:
                refuse_cut(stream, str(file))
        found = scan(file, infer_schema=False)
        plain = {name: name.strip('"') for name in found.collect_schema()}
        return found.rename(plain, strict=False).with_columns(pl.all().str.strip_chars('"'))
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"{file} cannot be read ({first_line(error)}): fetch it again") from error


def _schema(found: pl.LazyFrame, file: Path) -> dict[str, tuple[str, pl.DataType]]:
    """Name and dtype by upper-case name."""
    try:
        schema = found.collect_schema()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"{file} cannot be read ({first_line(error)}): fetch it again") from error
    return {name.upper(): (name, dtype) for name, dtype in schema.items()}


def _one(theirs: Mapping[str, tuple[str, pl.DataType]], names: Sequence[str], file: Path) -> str:
    for name in names:
        if name in theirs:
            return theirs[name][0]
    has = ", ".join(there for there, _ in theirs.values())
    raise DataError(f"{file} has no column {' or '.join(names)}, it has {has}: rename its columns as TAQ's are")


def _text(theirs: Mapping[str, tuple[str, pl.DataType]], names: Sequence[str]) -> pl.Expr:
    there = next((theirs[name][0] for name in names if name in theirs), None)
    return pl.lit(None, pl.String) if there is None else pl.col(there).cast(pl.String).str.strip_chars()


def _symbol(theirs: Mapping[str, tuple[str, pl.DataType]], file: Path) -> pl.Expr:
    root = pl.col(_one(theirs, ("SYMBOL", "SYM_ROOT"), file)).cast(pl.String).str.strip_chars()
    if "SYMBOL" in theirs or "SYM_SUFFIX" not in theirs:
        return root
    suffix = _text(theirs, ("SYM_SUFFIX",))
    return pl.when(suffix.fill_null("") == "").then(root).otherwise(root + "." + suffix)


def _stamp(theirs: Mapping[str, tuple[str, pl.DataType]], clock: Clock, file: Path) -> pl.Expr:
    if "DT" in theirs:
        return _zoned(*theirs["DT"], clock.zone)
    date, time = _one(theirs, ("DT", "DATE"), file), _one(theirs, ("TIME_M", "TIME"), file)
    same_day = pl.col(date).cast(pl.String).str.replace_all("-", "", literal=True) == f"{clock.date:%Y%m%d}"
    timed = theirs[time.upper()][1] == pl.Time
    of_day = pl.col(time) if timed else pl.col(time).cast(pl.String).str.to_time("%H:%M:%S%.f")
    another_day = pl.lit(clock.midnight - 1)  # found by the check that follows
    return pl.when(same_day).then(of_day.cast(pl.Int64) + clock.midnight).otherwise(another_day).cast(NS_UTC)


def _zoned(name: str, dtype: pl.DataType, zone: str) -> pl.Expr:
    column = pl.col(name)
    if isinstance(dtype, pl.Datetime):
        local = column.dt.replace_time_zone(zone) if dtype.time_zone is None else column
        return local.dt.convert_time_zone("UTC").cast(NS_UTC)
    plain = column.cast(pl.String).str.replace("T", " ", literal=True).str.strip_suffix("Z")
    read = plain.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="ns")
    utc = column.cast(pl.String).str.ends_with("Z")
    return (
        pl.when(utc)
        .then(read.dt.replace_time_zone("UTC"))
        .otherwise(read.dt.replace_time_zone(zone, ambiguous="null").dt.convert_time_zone("UTC"))
    )


def _date(place: Path) -> dt.date:
    for year, month, day in _DATE.findall(place.name):
        with suppress(ValueError):
            return dt.date(int(year), int(month), int(day))
    raise UserError(f"source taq: {place} has no date in its name: split it by date, into files as trades_20180102.csv")


def _checked(found: pl.DataFrame, file: Path, clock: Clock, required: Sequence[str]) -> pl.DataFrame:
    for name in required:
        if name in found.columns and (nulls := found[name].null_count()):
            raise DataError(f"{file} has {nulls} rows without {name}: fetch it again")
        if name in found.columns and found[name].dtype.is_float() and not found[name].is_finite().all():
            raise DataError(f"{file} has a {name} that is no number: fetch it again")
    if "EventTimestamp" in found.columns and found.height:
        since = found["EventTimestamp"].to_physical() - clock.midnight
        if not since.is_between(0, DAY, closed="left").all():
            raise DataError(f"{file} has rows of another date than {clock.date}: split it by date")
    return found
