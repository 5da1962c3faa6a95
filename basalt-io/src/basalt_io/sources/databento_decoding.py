"""DBN bytes as frames: a row a record, a column a field, as `databento_dbn` lays records out.

That package upgrades older versions and refuses what is no DBN; records of a schema have one length, so their bytes are
columns to NumPy, whatever their number. Prices are units of 1e-9, stamps nanoseconds since the epoch; what DBN calls
undefined is null.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import attrs
import polars as pl

from basalt.errors import BasaltError, DataError, UserError
from basalt_io.files import first_line

if TYPE_CHECKING:
    import numpy as np

UNDEFINED_PRICE = 2**63 - 1
UNDEFINED_STAMP = 2**64 - 1
UNDEFINED_SIZE = 2**32 - 1
PRICE_UNITS, PRICE_DECIMALS = 1e9, 9
_CHUNK, _HEAD = 1 << 20, 1 << 12  # bytes
_ZSTD = b"\x28\xb5\x2f\xfd"
_WORD = 4  # bytes: records tell their length in words
_LETTERS = pl.Series([chr(number) if number else "" for number in range(128)] + ["\N{REPLACEMENT CHARACTER}"] * 128)
"""Text of one byte, by that byte; one that is no ASCII is no letter of any field."""


@attrs.frozen
class Layout:
    """Records of a schema: their class in `databento_dbn`, their types, the fields that are read, and book levels."""

    record: str
    types: tuple[int, ...]
    fields: tuple[str, ...]
    levels: int = 0
    counts: str = "ct"


_STAMPS = ("ts_event", "ts_recv")
_BOOK = (*_STAMPS, "flags")
_TRADED = (*_BOOK, "price", "size", "action", "side")
_AUCTION = ("ref_price", "cont_book_clr_price", "ind_match_price", "paired_qty", "total_imbalance_qty", "side")
_DEFINED = (
    *("raw_symbol", "exchange", "currency", "min_price_increment", "min_lot_size_round_lot"),
    *("match_algorithm", "security_update_action"),
)
SCHEMAS: Mapping[str, Layout] = {
    "mbo": Layout("MBOMsg", (160,), (*_TRADED, "order_id")),
    "mbp-1": Layout("MBP1Msg", (1,), _TRADED, 1),
    "mbp-10": Layout("MBP10Msg", (10,), _TRADED, 10),
    "tbbo": Layout("MBP1Msg", (1, 197), _TRADED, 1),
    "trades": Layout("TradeMsg", (0,), _TRADED),
    "bbo-1s": Layout("BBOMsg", (195,), _BOOK, 1),
    "bbo-1m": Layout("BBOMsg", (196,), _BOOK, 1),
    "cmbp-1": Layout("CMBP1Msg", (177,), _TRADED, 1, "pb"),
    "tcbbo": Layout("CMBP1Msg", (177, 194), _TRADED, 1, "pb"),
    "cbbo-1s": Layout("CBBOMsg", (192,), _BOOK, 1, "pb"),
    "cbbo-1m": Layout("CBBOMsg", (193,), _BOOK, 1, "pb"),
    "imbalance": Layout("ImbalanceMsg", (20,), (*_STAMPS, *_AUCTION)),
    "status": Layout("StatusMsg", (18,), (*_STAMPS, "action", "reason", "is_trading")),
    "definition": Layout("InstrumentDefMsg", (19,), (*_STAMPS, *_DEFINED)),
}


@attrs.frozen
class Libraries:
    """The packages of the extra `dbn`."""

    dbn: ModuleType
    numpy: ModuleType
    zstandard: ModuleType


@cache
def libraries() -> Libraries:
    """What reads DBN; UserError where a package is not installed."""
    try:
        return Libraries(*map(import_module, ("databento_dbn", "numpy", "zstandard")))
    except ImportError as error:
        raise UserError(
            f"source databento reads DBN through {error.name}, which is not installed: pip install 'basalt-io[dbn]'"
        ) from error


def header(file: Path) -> Any:
    """The file's metadata, of which no more is read than that takes; DataError where there is none."""
    decoder = libraries().dbn.DBNDecoder()
    with _decoding(file):
        for data in _unpacked(file, _HEAD):
            if found := decoder.write_and_decode(data):
                return found[0]
    raise DataError(f"{file} ends before its metadata does: fetch it again")


def empty(schema: str) -> pl.DataFrame:
    """No record, with the columns that records of that schema have."""
    layout = SCHEMAS[schema]
    return _fields(libraries().numpy.empty(0, _record(layout)), layout)


def read(file: Path, schema: str) -> pl.DataFrame:
    """Every record of the file. DataError where it is cut short, cannot be decoded, or holds a record of another
    schema."""
    layout, frames = SCHEMAS[schema], [empty(schema)]
    kind = _record(layout)
    with _decoding(file):
        for found in _records(file):
            records = libraries().numpy.frombuffer(found, kind, len(found) // kind.itemsize)
            _refuse_others(records, found[records.nbytes :], layout, schema, file)
            frames.append(_fields(records, layout))
    return pl.concat(frames)


def dollars(units: pl.Expr) -> pl.Expr:
    """The float nearest to the decimal price: rounding undoes that Polars multiplies by the reciprocal."""
    return (units / PRICE_UNITS).round(PRICE_DECIMALS)


class _decoding:  # noqa: N801 - reads as a statement
    """Whatever the decoder raises on bytes that are no DBN, a panic included, is a DataError."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if error is None or isinstance(error, BasaltError):
            return
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            raise DataError(f"{self.file} is no readable DBN file ({first_line(error)}): fetch it again") from error


def _unpacked(file: Path, chunk: int) -> Iterator[bytes]:
    """The file's bytes, decompressed where they are not plain; DataError where it ends within a compressed frame."""
    decompressor = libraries().zstandard.ZstdDecompressor()
    with file.open("rb") as stream:
        packed = stream.read(len(_ZSTD)) == _ZSTD
        stream.seek(0)
        frame = decompressor.decompressobj() if packed else None
        while data := stream.read(chunk):
            while frame is not None and data:
                if frame.eof:
                    frame = decompressor.decompressobj()
                yield frame.decompress(data)
                data = frame.unused_data
            if frame is None:
                yield data
    if frame is not None and not frame.eof:
        raise _cut_short(file)


def _records(file: Path) -> Iterator[bytes]:
    """Whole records, one behind the other, as the newest version of DBN lays them out; DataError where the file ends
    within one."""
    dbn, out = libraries().dbn, BytesIO()
    transcoder = dbn.Transcoder(out, dbn.Encoding.DBN, dbn.Compression.NONE)
    in_head = True
    for data in _unpacked(file, _CHUNK):
        transcoder.write(data)
        transcoder.flush()
        found = out.getvalue()
        if in_head and len(found) < (behind := _behind_head(found)):
            continue
        yield found[behind:] if in_head else found
        in_head = False
        out.seek(0)
        out.truncate()
    if in_head or transcoder.buffer():
        raise _cut_short(file)


def _behind_head(found: bytes) -> int:
    """Where the metadata end: behind `DBN`, the version, and as many bytes as the next four say."""
    return 8 + int.from_bytes(found[4:8], "little")


def _cut_short(file: Path) -> DataError:
    return DataError(f"{file} is cut short: fetch it again")


def _record(layout: Layout) -> "np.dtype[Any]":
    """A record as NumPy sees it, its text as bytes."""
    return libraries().numpy.dtype(getattr(libraries().dbn, layout.record)._dtypes)


def _refuse_others(records: "np.ndarray[Any, Any]", rest: bytes, layout: Layout, schema: str, file: Path) -> None:
    """Records of another type, or of another length, behind which nothing is where it seems. `rest`: bytes behind the
    last record, which another length leaves."""
    other = ~libraries().numpy.isin(records["rtype"], layout.types) | (records["length"] != records.itemsize // _WORD)
    types = [*records["rtype"][other][:1].tolist(), *rest[1:2]]
    if types:
        raise DataError(
            f"{file} holds a record of type {types[0]}, and its schema {schema} has type "
            f"{' or '.join(map(str, layout.types))}: fetch it again, one schema a file"
        )


def _fields(records: "np.ndarray[Any, Any]", layout: Layout) -> pl.DataFrame:
    """`instrument_id`, `publisher_id` and the layout's fields; levels as bid_px_00, bid_sz_00, bid_ct_00, …"""
    level = [
        f"{side}_{what}_{i:02}"
        for i in range(layout.levels)
        for side in ("bid", "ask")
        for what in ("px", "sz", layout.counts)
    ]
    names = ("instrument_id", "publisher_id", *layout.fields, *level)
    kinds = {name: records.dtype[name] for name in names}
    return pl.DataFrame([_column(name, records[name]) for name in names]).select(
        _defined(name, kinds[name].str[1:]) for name in names
    )


def _column(name: str, values: "np.ndarray[Any, Any]") -> pl.Series:
    plain = libraries().numpy.ascontiguousarray(values)
    if plain.dtype.kind != "S":
        return pl.Series(name, plain.view("i8") if name == "order_id" else plain)
    if plain.dtype.itemsize > 1:
        return pl.Series(name, plain.astype("U").tolist(), pl.String)
    return _LETTERS.gather(pl.Series(plain.view("u1"))).alias(name)


def _defined(name: str, kind: str) -> pl.Expr:
    """The column, null where DBN says that it is undefined."""
    column = pl.col(name)
    if name.startswith("ts_"):
        known = pl.when(column != UNDEFINED_STAMP).then(column)
        return known.cast(pl.Int64).cast(pl.Datetime("ns", "UTC"))
    if kind == "i8":
        return pl.when(column != UNDEFINED_PRICE).then(column)
    if name.endswith("_qty"):
        return pl.when(column != UNDEFINED_SIZE).then(column)
    return column
