"""A Bitstamp capture's files: which there are, what meta.json says of them, and their rows, each checked."""

import datetime as dt
import json
from pathlib import Path

import attrs
import polars as pl

from basalt.errors import DataError, UserError
from basalt.tables import NS_UTC
from basalt_io.files import first_line
from basalt_io.sources.csv_files import refuse_cut

ORDERS = "orders.csv"
NUMBERS = {"id": pl.Int64, "exchange_timestamp": pl.Int64, "price": pl.Float64, "volume": pl.Float64}
CHOICES = {"action": ("created", "changed", "deleted"), "direction": ("bid", "ask")}
TRADE_NUMBERS = {
    **dict.fromkeys(("trade_id", "exchange_timestamp", "buy_order_id", "sell_order_id"), pl.Int64),
    **dict.fromkeys(("price", "amount"), pl.Float64),
}
TRADE_CHOICES = {"side": ("buy", "sell")}
_EARLIEST, _LATEST = 1_230_768_000_000, 4_102_444_800_000  # 2009 and 2100 in milliseconds
_SPELT = {"exchange.timestamp": "exchange_timestamp"}  # as the R package writes it
_MILLISECOND = 1_000_000


def _rows(numbers: dict[str, type[pl.DataType]], choices: dict[str, tuple[str, ...]]) -> pl.DataFrame:
    names = {name: kind for name, kind in numbers.items() if name != "exchange_timestamp"}
    return pl.DataFrame(
        schema={"EventTimestamp": NS_UTC, "SequenceNo": pl.Int64, **names, **dict.fromkeys(choices, pl.String)}
    )


NO_ORDERS = _rows(NUMBERS, CHOICES)
NO_TRADES = _rows(TRADE_NUMBERS, TRADE_CHOICES)


@attrs.frozen
class Capture:
    """Files of one capture, and what its meta.json says; None where it says nothing."""

    orders: Path
    trades: Path | None
    meta: Path | None
    pair: str | None = None
    snapshot: dt.datetime | None = None
    made_up: int = 0
    rows: int | None = None
    prints: int | None = None

    @property
    def files(self) -> list[Path]:
        """Those that are there."""
        return [file for file in (self.orders, self.trades, self.meta) if file is not None]


def find(root: Path) -> Capture:
    """The capture in a folder; UserError where there is no order file, or two; DataError for a broken meta.json."""
    if not root.is_dir():
        raise UserError(f"source bitstamp: root {root} is no folder: set `root` to the folder of orders.csv")
    orders, trades = _one(root, ORDERS), _one(root, "trades.csv")
    if orders is None:
        raise UserError(f"source bitstamp: {root} holds no orders.csv or orders.csv.gz: set `root` to the folder of it")
    meta = root / "meta.json"
    if not meta.is_file():
        return Capture(orders, trades, None)
    try:
        said = json.loads(meta.read_text())
        stamp = said.get("snapshot_microtimestamp")
        # Milliseconds, as in the files: the snapshot's rows have the stamp cut to them.
        snapshot = (
            None
            if stamp is None
            else dt.datetime.fromtimestamp(int(stamp) // 1_000_000, dt.UTC)
            + dt.timedelta(milliseconds=int(stamp) // 1_000 % 1_000)
        )
        rows, prints = said.get("total_order_rows"), said.get("trades")
        return Capture(
            orders,
            trades,
            meta,
            None if said.get("pair") is None else str(said["pair"]),
            snapshot,
            int(said.get("synthetic_deleted", 0)),
            None if rows is None else int(rows),
            None if prints is None else int(prints),
        )
    except (OSError, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise DataError(f"{meta} makes no sense ({first_line(error)}): mend it, or remove it") from error


def _one(root: Path, name: str) -> Path | None:
    there = [file for file in (root / name, root / f"{name}.gz") if file.is_file()]
    if len(there) > 1:
        raise UserError(f"source bitstamp: {root} holds both {name} and {name}.gz: keep one of them")
    return there[0] if there else None


def days(file: Path, expected: int | None = None) -> list[dt.date]:
    """UTC dates of the file's stamps; `expected`: how many rows it has, where that is known."""
    found = _checked(file, {"exchange_timestamp": pl.Int64}, {})
    _refuse_cut(file, found.height, expected)
    return found["EventTimestamp"].dt.date().unique().sort().to_list()


def _refuse_cut(file: Path, height: int, expected: int | None) -> None:
    if not height and file.name.startswith(ORDERS):
        raise DataError(f"{file} has no row: fetch it again")
    if expected is not None and height != expected:
        raise DataError(f"{file} has {height} rows, and meta.json says {expected}: fetch both again")


def orders(capture: Capture) -> pl.DataFrame:
    """Order events in the order of stamp and row, without those that the recorder made up at the end."""
    found = _checked(capture.orders, NUMBERS, CHOICES)
    _refuse_cut(capture.orders, found.height, capture.rows)
    last = found.tail(capture.made_up)
    if last.height < capture.made_up or (last["action"] != "deleted").any() or last["EventTimestamp"].n_unique() > 1:
        raise DataError(
            f"{capture.orders} does not end with the {capture.made_up} rows deleted at one stamp that {capture.meta} "
            "says: fetch both again"
        )
    return found.head(found.height - capture.made_up).sort("EventTimestamp", "SequenceNo")


def prints(capture: Capture) -> pl.DataFrame:
    """Trades in file order."""
    assert capture.trades is not None
    found = _checked(capture.trades, TRADE_NUMBERS, TRADE_CHOICES)
    _refuse_cut(capture.trades, found.height, capture.prints)
    return found


def _checked(file: Path, numbers: dict[str, type[pl.DataType]], choices: dict[str, tuple[str, ...]]) -> pl.DataFrame:
    """The named columns, with EventTimestamp and SequenceNo in front. DataError for a field that is no such thing."""
    read = _text(file)
    missing = [name for name in (*numbers, *choices) if name not in read.columns]
    if missing:
        raise DataError(f"{file} has no column {missing[0]}, it has {', '.join(read.columns)}: fetch it again")
    cast = read.with_columns(
        *(pl.col(name).cast(kind, strict=False) for name, kind in numbers.items()),
        *(pl.when(pl.col(name).is_in(known)).then(name) for name, known in choices.items()),
    ).with_columns(pl.when(pl.col("exchange_timestamp").is_between(_EARLIEST, _LATEST)).then("exchange_timestamp"))
    floats = [name for name, kind in numbers.items() if kind == pl.Float64]
    sound = cast.with_columns(pl.when(pl.col(floats).is_finite() & (pl.col(floats) >= 0)).then(pl.col(floats)))
    for name in (*numbers, *choices):
        if sound[name].null_count():
            row = sound[name].is_null().arg_true()[0]
            raise DataError(
                f"{file}, row {row + 1}: {name} is {read[name][row]!r}, not {_wanted(name, choices)}: fetch it again"
            )
    stamp = (pl.col("exchange_timestamp") * _MILLISECOND).cast(NS_UTC).alias("EventTimestamp")
    rest = [name for name in (*numbers, *choices) if name != "exchange_timestamp"]
    return sound.with_row_index("SequenceNo", 1).select(stamp, pl.col("SequenceNo").cast(pl.Int64), *rest)


def _wanted(name: str, choices: dict[str, tuple[str, ...]]) -> str:
    if name == "exchange_timestamp":
        return "milliseconds since the epoch"
    return " or ".join(choices[name]) if name in choices else "a number"


def _text(file: Path) -> pl.DataFrame:
    try:
        if file.suffix == ".csv":
            with file.open("rb") as stream:
                refuse_cut(stream, str(file))
        found = pl.read_csv(file, infer_schema=False, glob=False, quote_char=None)
        return found.rename(_SPELT, strict=False)
    except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise DataError(f"{file} is no readable CSV file ({first_line(error)}): fetch it again") from error
