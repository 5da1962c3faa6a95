"""Days small enough to compute by hand: fixture F, fixture F2, and a builder for days of a test's own."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from basalt.tables import AGGRESSOR, NS_UTC, STATE

NINE = datetime(2026, 1, 5, 9, tzinfo=UTC)
DTYPES = {"AggressorSide": AGGRESSOR, "MarketState": STATE, "IsCancelled": pl.Boolean}
Rows = Sequence[Sequence[Any]]


def table(columns: str, rows: Rows) -> pl.DataFrame:
    """Rows of listing 1; the first value of each is seconds after 09:00:00, as text where a float would round."""
    names = columns.split()
    start = int(NINE.timestamp()) * 10**9
    stamps = [start + int(Decimal(str(row[0])) * 10**9) for row in rows]
    time = pl.Series("EventTimestamp", stamps, dtype=pl.Int64).cast(NS_UTC)
    made = pl.DataFrame(
        {name: [row[i + 1] for row in rows] for i, name in enumerate(names)},
        schema={name: DTYPES.get(name, pl.Float64) for name in names},
    )
    return made.select(pl.lit(1, pl.Int64).alias("ListingId"), time, *names)


@pytest.fixture(name="table")
def table_() -> Callable[[str, Rows], pl.DataFrame]:
    """The builder of event tables."""
    return table


@pytest.fixture
def bars() -> Callable[..., dict[float, dict[str, Any]]]:
    """Rows of a result by the seconds of their label after 09:00:00."""

    def by_label(result: pl.DataFrame) -> dict[float, dict[str, Any]]:
        return {(row["TimeBucket"] - NINE) / timedelta(seconds=1): row for row in result.iter_rows(named=True)}

    return by_label


@pytest.fixture(scope="session")
def f_trades() -> pl.DataFrame:
    """Trades 1 to 12 of fixture F; trade 8 is one nanosecond after trade 7."""
    return table(
        "Price Size AggressorSide IsCancelled",
        [
            (1, 100.04, 100, "Buy", False),
            (3, 100.01, 200, "Sell", False),
            (4, 90.00, 1000, "Buy", True),
            (6, 100.04, 50, "Buy", False),
            (8, 100.035, 100, "Sell", False),
            (9.5, 100.02, 50, None, False),
            (10, 100.03, 10, "Buy", None),
            ("10.000000001", 100.00, 20, "Sell", False),
            (13, 100.01, 40, "Sell", False),
            (17, 100.04, 30, "Buy", False),
            (19, 100.06, 60, "Buy", False),
            (25, 100.03, 0, "Buy", False),
        ],
    )


@pytest.fixture(scope="session")
def f_quotes() -> pl.DataFrame:
    """The eight book rows of fixture F: one-sided at 12, locked at 14, crossed at 16."""
    return table(
        "BidPrice1 BidQuantity1 AskPrice1 AskQuantity1",
        [
            (0, 100.00, 500, 100.04, 300),
            (2, 100.01, 200, 100.04, 400),
            (5, 100.02, 600, 100.05, 100),
            (9, 100.00, 400, 100.03, 200),
            (12, 100.01, 300, None, None),
            (14, 100.02, 100, 100.02, 200),
            (16, 100.05, 100, 100.03, 100),
            (18, 100.02, 200, 100.06, 200),
        ],
    )


@pytest.fixture(scope="session")
def f_states() -> pl.DataFrame:
    """Fixture F trades continuously from t = −10 until t = 28."""
    return table("MarketState", [(-10, "CONTINUOUS_TRADING"), (28, "CLOSING_AUCTION")])


@pytest.fixture(scope="session")
def f2() -> Mapping[str, pl.DataFrame]:
    """Fixture F2: continuous 0–12 and 20–30, halted between; a one-sided book is what the halt begins with."""
    return {
        "trades": table("Price Size", [(5, 100.02, 10), (11, 100.03, 10), (25, 100.02, 10)]),
        "l2": table(
            "BidPrice1 BidQuantity1 AskPrice1 AskQuantity1",
            [(1, 100.00, 500, 100.04, 300), (8, 100.02, 200, None, None), (25, 100.01, 100, 100.05, 100)],
        ),
        "marketstate": table(
            "MarketState",
            [(0, "CONTINUOUS_TRADING"), (12, "HALTED"), (20, "CONTINUOUS_TRADING"), (30, "CLOSING_AUCTION")],
        ),
    }
