"""Small tables in a line, and modules computed on them: one listing, seconds after 09:00:00, bars of 10 s."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import attrs
import polars as pl
import pytest

import basalt
from basalt.config.structure import structure
from basalt.modules import BucketModule, Part, PassContext
from basalt.tables import AGGRESSOR, NS_UTC, STATE, TRADE_TYPE
from basalt_analytics.transforms.quotes_at_trades import QuotesAtTrades, QuotesAtTradesOptions

NINE = datetime(2026, 1, 5, 9, tzinfo=UTC)
DTYPES: Mapping[str, Any] = {
    "AggressorSide": AGGRESSOR,
    "TradeType": TRADE_TYPE,
    "MarketState": STATE,
    "IsCancelled": pl.Boolean,
    "IsBlock": pl.Boolean,
    "SequenceNo": pl.Int64,
    "PublicationTimestamp": NS_UTC,
    "BidNumOrders1": pl.Int32,
    "AskNumOrders1": pl.Int32,
    "BidNumOrders2": pl.Int32,
    "AskNumOrders2": pl.Int32,
}
Rows = Sequence[Sequence[Any]]
Bars = list[dict[str, Any]]


def stamps(seconds: Sequence[Any]) -> pl.Series:
    """Seconds after 09:00:00, exactly (as text where a float would round), as event times; None stays null."""
    start = int(NINE.timestamp()) * 10**9
    found = [None if s is None else start + int(Decimal(str(s)) * 10**9) for s in seconds]
    return pl.Series(found, dtype=pl.Int64).cast(NS_UTC)


def table(columns: str, rows: Rows, **more: Sequence[Any]) -> pl.DataFrame:
    """Rows of listing 1 whose first value is the time; `more` are whole columns."""
    names = columns.split()
    made = pl.DataFrame(
        {name: [row[i + 1] for row in rows] for i, name in enumerate(names)} | more,
        schema={name: DTYPES.get(name, pl.Float64) for name in [*names, *more]},
    )
    first = pl.lit(1, pl.Int64).alias("ListingId")
    return made.select(first, stamps([row[0] for row in rows]).alias("EventTimestamp"), *made.columns)


@pytest.fixture(name="table")
def table_() -> Callable[..., pl.DataFrame]:
    """The builder of event tables."""
    return table


@pytest.fixture(name="stamps")
def stamps_() -> Callable[[Sequence[Any]], pl.Series]:
    """The builder of event times."""
    return stamps


@pytest.fixture
def traded() -> Callable[..., Bars]:
    """Bars of module trade with these options over rows of (seconds, price, size) and more columns."""

    def bars(options: Mapping[str, Any], rows: Rows, tables: Mapping[str, Any] | None = None, **more: Any) -> Bars:
        trades = table("Price Size", rows, **more)
        result = basalt.compute([{"module": "trade", **options}], every="10s", trades=trades, **(tables or {}))
        return result.to_dicts()

    return bars


ONE_LEVEL = "BidPrice1 AskPrice1 BidQuantity1 AskQuantity1"


@pytest.fixture
def booked() -> Callable[..., Bars]:
    """Bars of module l2 with these options over book rows: (seconds, bid, ask, bid size, ask size) by default."""

    def bars(
        options: Mapping[str, Any],
        rows: Rows,
        columns: str = ONE_LEVEL,
        tables: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Bars:
        book = table(columns, rows, **more)
        result = basalt.compute([{"module": "l2", **options}], every="10s", l2=book, **(tables or {}))
        return result.to_dicts()

    return bars


@pytest.fixture
def parts() -> Callable[..., Sequence[Part]]:
    """The parts of a module configured so, over a table with these columns."""

    def of(module: type[BucketModule], options: Mapping[str, Any], columns: Mapping[str, Any]) -> Sequence[Part]:
        return module(structure(module.Config, options, "modules[0]"), columns).parts()

    return of


@pytest.fixture(name="transform")
def transform_() -> Callable[..., QuotesAtTrades]:
    """The transform quotes_at_trades with these options."""

    def made(**options: Any) -> QuotesAtTrades:
        return QuotesAtTrades(structure(QuotesAtTradesOptions, options, "preprocess[0]"))

    return made


@pytest.fixture
def quoted(transform: Callable[..., QuotesAtTrades]) -> Callable[..., pl.DataFrame]:
    """Trades of these tables with their quotes; `of_pass` are fields of the pass's context."""

    def rows(tables: Mapping[str, pl.DataFrame], of_pass: Any = (), **options: Any) -> pl.DataFrame:
        pass_ = attrs.evolve(PassContext("bars", NINE.date(), ["ListingId"], None), **dict(of_pass))
        made = transform(**options).apply({name: frame.lazy() for name, frame in tables.items()}, pass_)
        return made["trades"].collect()

    return rows
