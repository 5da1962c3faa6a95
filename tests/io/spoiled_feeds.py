"""Small sound files of each feed, ways to spoil one of them, and how many rows the spoilt bytes still hold.

A *case* is a file that is spoilt among sound ones, and the tables of which each of its lines or records is a row.
"""

import gzip
import io
import json
import random
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import attrs
import test_bitstamp as bitstamp
import test_china_l2 as shanghai
import test_china_l2_shenzhen as shenzhen
from dbn_files import MIDNIGHT, SECOND, SNAPSHOT, dbn, order, write
from taq_files import QUOTES, WRDS

ROWS = 8
Counted = Callable[[bytes], int | range | None]
ORDER_BYTES, TRADE_BYTES, FLAGS, ACTION = 56, 48, 36, 38


@attrs.frozen
class Case:
    """`rows` of bytes: how many they hold, or between which numbers; None where they are no sound file, so that they
    must be refused. `tables`: names, apart by blanks.
    `ends_anyhow`: it is no plain CSV file that must end with a line end. `whole`: cut anywhere, it must be refused."""

    name: str
    source: str
    files: Mapping[str, bytes]
    spoilt: str
    tables: str
    rows: Counted
    options: tuple[str, ...] = ()
    ends_anyhow: bool = False
    whole: bool = False

    def __str__(self) -> str:
        return self.name

    def holds(self, content: bytes, found: int) -> bool:
        """Whether so many rows are what such content is."""
        wanted = self.rows(content)
        return found in wanted if isinstance(wanted, range) else found == wanted

    def put(self, folder: Path, content: bytes) -> None:
        """The files in a folder, the one that is spoilt with this content."""
        for name, sound in self.files.items():
            place = folder / name
            place.parent.mkdir(exist_ok=True)
            place.write_bytes(content if name == self.spoilt else sound)


def text(*lines: str) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def lines(header: int) -> Counted:
    """Lines that are not empty, without the header."""
    return lambda content: max(sum(bool(line.strip()) for line in content.split(b"\n")) - header, 0)


def unpacked(inner: Counted) -> Counted:
    """Of what a gzip file holds, if it is sound."""

    def counted(content: bytes) -> int | None:
        try:
            return inner(gzip.decompress(content))
        except (OSError, EOFError, zlib.error):
            return None

    return counted


def archived(inner: Counted) -> Counted:
    """Of what a zip's trade.csv holds, if it is sound."""

    def counted(content: bytes) -> int | None:
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                return inner(archive.read("trade.csv"))
        except Exception:  # noqa: BLE001 - zipfile raises whatever it meets
            return None

    return counted


def records(content: bytes) -> int | None:
    """Of a plain DBN file: its metadata say how long they are, and each record of its schema is as long."""
    return len(_records(content, TRADE_BYTES)) if _records(content, TRADE_BYTES) is not None else None


def order_records(content: bytes) -> range | None:
    """Of a plain DBN file of mbo: a row of l3, l3_snapshot or trades each, but for clears, fills, nothings, and what
    changes in a snapshot."""
    found = _records(content, ORDER_BYTES)
    if found is None:
        return None
    sure = sum(record[ACTION : ACTION + 1] in b"ACMT" and not record[FLAGS] & SNAPSHOT for record in found)
    return range(sure, len(found) + 1)


def _records(content: bytes, size: int) -> list[bytes] | None:
    body = content[8 + int.from_bytes(content[4:8], "little") :]
    whole = len(content) >= 8 + int.from_bytes(content[4:8], "little") and not len(body) % size
    return [body[at : at + size] for at in range(0, len(body), size)] if whole else None


ZSTD = b"\x28\xb5\x2f\xfd\xa0"  # one segment, its size in four bytes, no checksum


def framed(content: bytes) -> bytes:
    """A zstd file of one frame with one block, which is not compressed."""
    size = len(content)
    return ZSTD + size.to_bytes(4, "little") + (size << 3 | 1).to_bytes(3, "little") + content


def framed_orders(content: bytes) -> range | None:
    """Of such a file, where its head is as it was; what is in the block, nothing but the records tells."""
    inner = content[12:]
    return order_records(inner) if content == framed(inner) else None


def _dbn(schema: str, made: list[object]) -> bytes:
    with TemporaryDirectory() as folder:
        write(Path(folder), schema, made)
        return (Path(folder) / "one.dbn").read_bytes()


def _print(second: int) -> object:
    at = MIDNIGHT + second * SECOND
    return dbn.TradeMsg(1, 7, at, 100 * SECOND, 1 + second, dbn.Action("T"), dbn.Side("B"), 0, at)


DBN = _dbn("mbo", [order(n, "A", "B", 100.0 - n, 1 + n, n) for n in range(ROWS)])
DBN_TRADES = _dbn("trades", [_print(n) for n in range(ROWS)])
STEM = "AMZN_2012-06-21_34200000_57600000"
MESSAGES = text(*[f"342{n:02}.1,4,{n},{n + 1},2239500,1" for n in range(ROWS)])
BOOK = text(*[f"223950{n},100,2231800,5{n}" for n in range(ROWS)])
LOBSTER = {f"{STEM}_message_1.csv": MESSAGES, f"{STEM}_orderbook_1.csv": BOOK}
TRADES = text(WRDS, *[f"20180102,9:30:0{n},N,XXX,,@F,{n + 1},10.{n},00,{n}" for n in range(ROWS)])
QUOTED = text(QUOTES, *[f"20180102,9:30:0{n},N,9.{n},{n + 1},11,2,R,XXX," for n in range(ROWS)])
TAQ = {"trades_20180102.csv": TRADES, "quotes_20180102.csv": QUOTED}
SHANGHAI = {
    "20230201/entrust.csv": text(shanghai.ENTRUST, *[shanghai.order(n, "A", "S", 10.0, 9, n) for n in range(ROWS)]),
    "20230201/trade.csv": text(shanghai.TRADE, *[shanghai.trade(n + 9, "B", 10.0, 3, 99, n) for n in range(ROWS)]),
    "20230201/snapshot.csv": text(
        shanghai.SNAPSHOT, *[shanghai.snapshot(f"10:00:0{n}", "TRADE", BidPrice1=9.9) for n in range(ROWS)]
    ),
}
COUNTED = SHANGHAI | {
    "20230201/snapshot.csv": text(
        f"{shanghai.SNAPSHOT},TradNumber",
        *[f"{shanghai.snapshot(f'10:00:0{n}', 'TRADE')},{n + 1}" for n in range(ROWS)],
    )
}
SHENZHEN = {
    "20230201/entrust.csv": text(shenzhen.ENTRUST, *[shenzhen.order(n + 1, "2", 10.0, 9) for n in range(ROWS)]),
    "20230201/trade.csv": text(shenzhen.TRADE, *[shenzhen.fill(n + 50, 99, n + 1, 10.0, 3) for n in range(ROWS)]),
}
ORDERS = text(bitstamp.ORDERS, *[bitstamp.event(f"{n} {n} 100 {n + 1} created bid") for n in range(ROWS)])
PRINTS = text(bitstamp.TRADES, *[bitstamp.event(f"{n} {n} 100 0.5 1 2 sell") for n in range(ROWS)])
META = json.dumps({"pair": "btcusd", "total_order_rows": ROWS, "trades": ROWS}).encode()
BITSTAMP = {"orders.csv": ORDERS, "trades.csv": PRINTS, "meta.json": META}


def _zipped() -> bytes:
    with io.BytesIO() as place:
        with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("trade.csv", SHANGHAI["20230201/trade.csv"])
        return place.getvalue()


def _gzipped(files: Mapping[str, bytes], name: str) -> dict[str, bytes]:
    return {file: content for file, content in files.items() if file != name} | {
        f"{name}.gz": gzip.compress(files[name], mtime=0)
    }


def _cases() -> list[Case]:
    message, book = LOBSTER
    zipped = "600000_20230201_level2.zip"
    one = ("--set", "listing=btcusd")
    packed = {"ends_anyhow": True, "whole": True}
    trades = "20230201/trade.csv"
    taq, quotes = TAQ
    zst, orders, dated = "one.dbn.zst", "l3 l3_snapshot trades", ("--date", "2023-12-25")
    return [
        Case("databento", "databento", {"one.dbn": DBN}, "one.dbn", orders, order_records, dated, ends_anyhow=True),
        Case("databento-trades", "databento", {"one.dbn": DBN_TRADES}, "one.dbn", "trades", records, dated, True),
        Case("databento-zst", "databento", {zst: framed(DBN)}, zst, orders, framed_orders, dated, **packed),
        Case("lobster-messages", "lobster", LOBSTER, message, "l2", lines(0), ends_anyhow=True, whole=True),
        Case("lobster-book", "lobster", LOBSTER, book, "l2", lines(0), ends_anyhow=True),
        Case("lobster-gz", "lobster", _gzipped(LOBSTER, message), f"{message}.gz", "l2", unpacked(lines(0)), **packed),
        Case("taq-trades", "taq", TAQ, taq, "trades", lines(1)),
        Case("taq-quotes", "taq", TAQ, quotes, "l2", lines(1)),
        Case("taq-gz", "taq", _gzipped(TAQ, taq), f"{taq}.gz", "trades", unpacked(lines(1)), **packed),
        Case("shanghai-trades", "china_l2", SHANGHAI, trades, "trades", lines(1)),
        Case("shanghai-counted", "china_l2", COUNTED, trades, "trades", lines(1), whole=True),
        Case("shanghai-books", "china_l2", SHANGHAI, "20230201/snapshot.csv", "l2", lines(1)),
        Case("shanghai-zip", "china_l2", {zipped: _zipped()}, zipped, "trades", archived(lines(1)), **packed),
        Case("shenzhen-trades", "china_l2", SHENZHEN, trades, "trades", lines(1)),
        Case("bitstamp-orders", "bitstamp", BITSTAMP, "orders.csv", "l3", lines(1), whole=True),
        Case("bitstamp-trades", "bitstamp", BITSTAMP, "trades.csv", "trades", lines(1), whole=True),
        Case("bitstamp-bare", "bitstamp", {"orders.csv": ORDERS}, "orders.csv", "l3", lines(1), one),
        Case(
            "bitstamp-gz",
            "bitstamp",
            _gzipped(BITSTAMP, "orders.csv"),
            "orders.csv.gz",
            "l3",
            unpacked(lines(1)),
            **packed,
        ),
    ]


CASES = _cases()
WRONG = (b"", b"x", b"nan", b"-1", b"1e400", b"9" * 40, b"2023-13-45", b"\xff\xfe", b'"', b"0x1F", b"true", b" ")


def truncated(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randrange(len(content))]


def reordered(content: bytes, chance: random.Random) -> bytes:
    """Lines in another order, or two pieces changed over."""
    if chance.random() < 0.5:
        rows = content.splitlines(keepends=True)
        chance.shuffle(rows)
        return b"".join(rows)
    first, last = sorted(chance.sample(range(len(content)), 2))
    return content[first:last] + content[:first] + content[last:]


def wrong_types(content: bytes, chance: random.Random) -> bytes:
    """One field or several, or as many bytes of a binary file, with what is no such thing."""
    if not content.isascii():
        at = chance.randrange(len(content))
        return content[:at] + chance.randbytes(8) + content[at + 8 :]
    fields = content.split(b",")
    for at in chance.sample(range(len(fields)), chance.randrange(1, 4)):
        head, line, tail = fields[at].partition(b"\n")
        wrong = chance.choice(WRONG)
        fields[at] = wrong + line + tail if chance.random() < 0.5 else head + line + wrong
    return b",".join(fields)


def empty(content: bytes, chance: random.Random) -> bytes:
    """Nothing, line ends, or the first line alone, with and without its end."""
    first = content.partition(b"\n")[0]
    return chance.choice([b"", b"\n", b"\r\n\r\n", first, first + b"\n", b"\0" * 4096])


def huge(content: bytes, chance: random.Random) -> bytes:
    """A field of a megabyte, a line of 20,000 fields, a number of 400 digits, or 20,000 times the last line."""
    at = chance.randrange(len(content))
    last = content.rstrip(b"\n").rpartition(b"\n")[2] + b"\n"
    more = [b"7" * 1_000_000, b"x" * 1_000_000, b",1" * 20_000, b"1" + b"0" * 400]
    return chance.choice([*(content[:at] + each + content[at:] for each in more), content + last * 20_000])


def garbage(content: bytes, chance: random.Random) -> bytes:
    """Random bytes in place of some, put in between, at an end, or instead of everything."""
    noise, at = chance.randbytes(chance.randrange(1, 300)), chance.randrange(len(content))
    return chance.choice(
        [noise, content + noise, noise + content, content[:at] + noise + content[at + chance.randrange(40) :]]
    )


WAYS = (truncated, reordered, wrong_types, empty, huge, garbage)
