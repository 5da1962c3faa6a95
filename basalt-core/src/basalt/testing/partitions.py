"""Sample partitions for the laws of outputs: every dtype a pass may publish, nulls in each, and their document."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from basalt.buckets import BucketRule
from basalt.columns import DType, Unit
from basalt.documents import PassResult, ResultColumn, to_json
from basalt.durations import NANOSECONDS
from basalt.outputs import Target
from basalt.tables import AGGRESSOR, NS_UTC, US_UTC

DATES = (date(2026, 1, 5), date(2026, 1, 6), date(2026, 1, 7))
COLUMNS: dict[str, tuple[DType, Sequence[Any]]] = {
    "Price": (pl.Float64(), [101.25, 0.1 + 0.2, -1e-300]),
    "Share": (pl.Float32(), [0.5, 0.25, 0.0]),
    "Count": (pl.Int64(), [2**53 + 1, -(2**63), 0]),
    "Small": (pl.Int32(), [-(2**31), 2**31 - 1, 0]),
    "Rank": (pl.UInt32(), [2**32 - 1, 0, 1]),
    "Order": (pl.Boolean(), [True, False, True]),
    "Side": (AGGRESSOR, ["Buy", "Sell", "Buy"]),
    "Label %": (pl.String(), ["", 'it\'s "quoted"; é', "\N{GREEK SMALL LETTER SIGMA}\n\t"]),
    "LastAt": (NS_UTC, [1_767_603_600_000_000_001, 0, -1]),
    "SeenAt": (US_UTC, [1_767_603_600_000_001, 0, -1]),
}
"""By column its dtype and three values; a fourth is null. `Order` is a keyword of SQL, `Label %` needs quotes."""
RULE = BucketRule(NANOSECONDS["m"])
RESULT = PassResult(
    "bars",
    ("ListingId",),
    RULE,
    tuple(ResultColumn(name, Unit.LABEL, f"Sample column {name}.", dtype) for name, (dtype, _) in COLUMNS.items()),
    (pl.Int64(),),
)
KEYS = ("Date", "Universe", "ListingId", "TimeBucket")


def target(day: date = DATES[0], universe: str = "all", result: str = "bars") -> Target:
    """Where the sample of that date goes."""
    return Target("desk", result, day, universe, "sample")


def document(key: str) -> dict[str, Any]:
    """The sample's column document, published under that key."""
    return to_json(RESULT, pipeline="desk", key=key)


def rows(day: date = DATES[0], universe: str = "all", listings: Sequence[int] = (1, 2)) -> pl.DataFrame:
    """Four minutes of each listing: the values of `COLUMNS` and a null, ascending by listing and time."""
    nine = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
    count = len(listings)
    keys = {
        "Date": [day] * (4 * count),
        "Universe": [universe] * (4 * count),
        "ListingId": [listing for listing in listings for _ in range(4)],
        "TimeBucket": [nine + timedelta(minutes=n) for n in range(4)] * count,
    }
    values = {name: [*three, None] * count for name, (_, three) in COLUMNS.items()}
    schema: dict[str, Any] = {"Date": pl.Date, "Universe": pl.String, "ListingId": pl.Int64, "TimeBucket": US_UTC}
    return pl.DataFrame({**keys, **values}, {**schema, **{name: dtype for name, (dtype, _) in COLUMNS.items()}})


def spooled(folder: Path, *batches: pl.DataFrame) -> list[Path]:
    """The batches as files, as the engine spools them."""
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{number:05}.parquet" for number in range(len(batches))]
    for file, batch in zip(files, batches, strict=True):
        batch.write_parquet(file)
    return files
