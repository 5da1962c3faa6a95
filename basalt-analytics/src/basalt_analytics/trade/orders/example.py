"""Two parent orders on the example day: a purchase filled in two parts, and a sale that nobody took."""

from typing import Any

import polars as pl

from basalt.example_day import NINE
from basalt.tables import AGGRESSOR, NS_UTC

ROWS = [
    (2, "A", "Arrival", "Buy", 100.0, None, None, None, 100.02),
    (6, "A", "Fill", "Buy", None, 100.04, 20.0, 1.0, None),
    (17, "A", "Fill", "Buy", None, 100.04, 10.0, 1.0, None),
    (22, "A", "End", "Buy", None, None, None, None, None),
    (3, "B", "Arrival", "Sell", 200.0, None, None, None, None),
    (24, "B", "End", "Sell", None, None, None, None, None),
]
NAMES = ("OrderId", "Event", "OrderSide", "OrderQuantity", "Price", "Size", "Fee", "DecisionPrice")


def example_orders() -> pl.DataFrame:
    """Rows of table orders, as short as they can be."""
    start = int(NINE.timestamp()) * 10**9
    stamps = pl.Series("EventTimestamp", [start + row[0] * 10**9 for row in ROWS], dtype=pl.Int64).cast(NS_UTC)
    dtypes: dict[str, Any] = {
        "OrderSide": AGGRESSOR,
        "Event": pl.Enum(["Arrival", "Fill", "End"]),
        "OrderId": pl.String,
    }
    columns = {name: [row[i + 1] for row in ROWS] for i, name in enumerate(NAMES)}
    frame = pl.DataFrame(columns, schema={name: dtypes.get(name, pl.Float64) for name in NAMES})
    return frame.select(pl.lit(1, pl.Int64).alias("ListingId"), stamps, *NAMES)
