"""DBN bytes as frames: a row a record, a column a field, as `databento_dbn` lays records out.

The package decompresses, upgrades older versions and cuts the stream into records; their bytes become columns in
Polars. Prices are units of 1e-9, stamps nanoseconds since the epoch; what DBN calls undefined is null.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO

import attrs
import polars as pl

from basalt.errors import BasaltError, DataError, UserError
from basalt_io.files import first_line

UNDEFINED_PRICE = 2**63 - 1
UNDEFINED_STAMP = 2**64 - 1
UNDEFINED_SIZE = 2**32 - 1
PRICE_UNITS, PRICE_DECIMALS = 1e9, 9
_CHUNK, _HEAD = 1 << 20, 1 << 12  # bytes
_ZSTD = b"\x28\xb5\x2f\xfd"


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


def library() -> ModuleType:
    """The package that reads DBN; UserError where it is not installed."""
    try:
        import databento_dbn
    except ImportError as error:
        raise UserError(
            "source databento reads DBN through databento-dbn, which is not installed: pip install 'basalt-io[dbn]'"
        ) from error
    return databento_dbn


def header(file: Path) -> Any:
    """The file's metadata, of which no more is read than that takes; DataError where there is none."""
    with _decoding(file), file.open("rb") as stream:
        for records in _batches(stream, _HEAD):
            if records:
                return records[0]
    raise DataError(f"{file} ends before its metadata does: fetch it again")


def empty(schema: str) -> pl.DataFrame:
    """No record, with the columns that records of that schema have."""
    return _fields(pl.Series("record", [], pl.Binary), SCHEMAS[schema])


def read(file: Path, schema: str) -> pl.DataFrame:
    """Every record of the file. DataError where it is cut short, cannot be decoded, or holds a record of another
    schema."""
    layout = SCHEMAS[schema]
    with _decoding(file), file.open("rb") as stream:
        frames, heads = [empty(schema)], 1
        for found in _batches(stream, _CHUNK):
            records = pl.Series("record", list(map(bytes, found[heads:])), pl.Binary)
            heads -= min(heads, len(found))
            _refuse_others(records, layout, schema, file)
            frames.append(_fields(records, layout))
        stream.seek(0)
        if stream.read(4) == _ZSTD and not _ends_with_its_frames(stream):
            raise _cut_short(file)
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


def _batches(stream: BinaryIO, chunk: int) -> Iterator[Sequence[Any]]:
    """The decoder's objects, a chunk of the file at a time; DataError where the file ends within a record."""
    dbn = library()
    packed = stream.read(4) == _ZSTD
    stream.seek(0)
    decoder = dbn.DBNDecoder(compression=dbn.Compression.ZSTD if packed else dbn.Compression.NONE)
    while data := stream.read(chunk):
        yield decoder.write_and_decode(data)
    if decoder.buffer():
        raise _cut_short(Path(stream.name))


def _cut_short(file: Path) -> DataError:
    return DataError(f"{file} is cut short: fetch it again")


def _refuse_others(records: pl.Series, layout: Layout, schema: str, file: Path) -> None:
    found = records.to_frame().select(_number(pl.col("record"), 1, "u1")).to_series()
    other = found.filter(~found.is_in(layout.types))
    if len(other):
        raise DataError(
            f"{file} holds a record of type {other[0]}, and its schema {schema} has type "
            f"{' or '.join(map(str, layout.types))}: fetch it again, one schema a file"
        )


def _fields(records: pl.Series, layout: Layout) -> pl.DataFrame:
    """`instrument_id`, `publisher_id` and the layout's fields; levels as bid_px_00, bid_sz_00, bid_ct_00, …"""
    places = _places(layout)
    level = [
        f"{side}_{what}_{i:02}"
        for i in range(layout.levels)
        for side in ("bid", "ask")
        for what in ("px", "sz", layout.counts)
    ]
    names = ("instrument_id", "publisher_id", *layout.fields, *level)
    return records.to_frame().select(_defined(name, *places[name]).alias(name) for name in names)


def _places(layout: Layout) -> dict[str, tuple[int, str]]:
    """Where each field begins in the record, and its type as NumPy spells it: i8, u4, S1."""
    places, offset = {}, 0
    for name, kind in getattr(library(), layout.record)._dtypes:
        places[name] = (offset, kind)
        offset += int(kind[1:])
    return places


def _defined(name: str, offset: int, kind: str) -> pl.Expr:
    field = pl.col("record")
    if kind[0] == "S":
        return field.bin.slice(offset, int(kind[1:])).cast(pl.String).str.strip_chars_end("\0")
    number = _number(field, offset, "i8" if name == "order_id" else kind)
    if name.startswith("ts_"):
        known = pl.when(number != UNDEFINED_STAMP).then(number)
        return known.cast(pl.Int64).cast(pl.Datetime("ns", "UTC"))
    if kind == "i8" and name != "order_id":
        return pl.when(number != UNDEFINED_PRICE).then(number)
    if name.endswith("_qty"):
        return pl.when(number != UNDEFINED_SIZE).then(number)
    return number


def _number(field: pl.Expr, offset: int, kind: str) -> pl.Expr:
    width = int(kind[1:])
    dtype = {"i": (pl.Int8, pl.Int16, pl.Int32, pl.Int64), "u": (pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64)}
    return field.bin.slice(offset, width).bin.reinterpret(
        dtype=dtype[kind[0]][width.bit_length() - 1], endianness="little"
    )


def _ends_with_its_frames(stream: BinaryIO) -> bool:
    """Whether the compressed file ends where its last frame does: the decoder does not mind a frame cut short.

    A frame is a head, blocks that each say their size and whether they are the last, and a checksum if the head says.
    """
    size = stream.seek(0, 2)
    stream.seek(0)
    while stream.tell() < size:
        if not _pass_frame(stream):
            return False
    return stream.tell() == size


def _pass_frame(stream: BinaryIO) -> bool:
    magic = stream.read(4)
    if len(magic) == 4 and magic[0] & 0xF0 == 0x50 and magic[1:] == b"\x2a\x4d\x18":
        stream.seek(int.from_bytes(stream.read(4), "little"), 1)
        return True
    head = stream.read(1)
    if magic != _ZSTD or not head:
        return False
    single, checksum = head[0] >> 5 & 1, head[0] >> 2 & 1
    stream.seek(1 - single + (0, 1, 2, 4)[head[0] & 3] + (single, 2, 4, 8)[head[0] >> 6], 1)
    while len(block := stream.read(3)) == 3:
        said = int.from_bytes(block, "little")
        stream.seek(1 if said >> 1 & 3 == 1 else said >> 3, 1)
        if said & 1:
            stream.seek(4 * checksum, 1)
            return True
    return False
