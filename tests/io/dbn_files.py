"""DBN files as tests write them, the real ones, and rows of a table."""

import datetime as dt
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest

from basalt_io.sources.databento import DatabentoOptions, DatabentoSource

dbn = pytest.importorskip("databento_dbn", reason="databento-dbn is not installed: pip install 'basalt-io[dbn]'")

REAL = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "databento"
DAY = dt.date(2023, 12, 25)
MIDNIGHT = 1_703_462_400_000_000_000  # 2023-12-25 in nanoseconds since the epoch
SECOND = 1_000_000_000
SNAPSHOT, LAST = 32, 128


def real_folder() -> Path:
    """CME's orders of 2023-12-24 and 25, and small files of other schemas."""
    if not REAL.is_dir():
        pytest.skip("the Databento files are not in the folder `shared/data/databento` beside the checkout")
    return REAL.resolve()


def source(folder: Path, **options: object) -> DatabentoSource:
    return DatabentoSource(DatabentoOptions(root=str(folder), **options), Path("/nowhere"))


def write(folder: Path, schema: str, records: list[object], **how: object) -> DatabentoSource:
    """A source of one plain file of 2023-12-25 in which instrument 7 is ESH4, unless `how` says otherwise."""
    symbols = how.get("symbols", {"ESH4": "7"})
    days = how.get("days", 1)
    interval = {"start_date": DAY, "end_date": DAY + dt.timedelta(days=days)}
    metadata = dbn.Metadata(
        dataset=how.get("dataset", "GLBX.MDP3"),
        start=how.get("start", MIDNIGHT),
        end=MIDNIGHT + days * 86_400 * SECOND,
        stype_in=dbn.SType("raw_symbol"),
        stype_out=dbn.SType("instrument_id"),
        schema=dbn.Schema(schema),
        symbols=list(symbols),
        version=how.get("version", dbn.DBN_VERSION),
        mappings=[
            SimpleNamespace(raw_symbol=name, intervals=[SimpleNamespace(**interval, symbol=number)])
            for name, number in symbols.items()
        ],
    )
    (folder / how.get("name", "one.dbn")).write_bytes(bytes(metadata) + b"".join(map(bytes, records)))
    return source(folder)


def order(second: float, action: str, side: str, price: float, size: int, number: int, flags: int = LAST) -> object:
    """An mbo record at that second of the date, received a microsecond later."""
    at = MIDNIGHT + round(second * SECOND)
    units = dbn.UNDEF_PRICE if price is None else round(price * SECOND)
    return dbn.MBOMsg(1, 7, at, number, units, size, dbn.Action(action), dbn.Side(side), at + 1_000, flags)


def definition(second: int, number: int, symbol: str, action: str, tick: int = 250_000_000, **more: object) -> object:
    at = MIDNIGHT + second * SECOND
    kind, what = dbn.InstrumentClass("F"), dbn.SecurityUpdateAction(action)
    return dbn.InstrumentDefMsg(1, number, at, at, tick, SECOND, symbol, "ES", "FUT", kind, what, **more)


def rows(frame: pl.LazyFrame, *columns: str) -> list[tuple[object, ...]]:
    return frame.select(columns).collect().rows()
