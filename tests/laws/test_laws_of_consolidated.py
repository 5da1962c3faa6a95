"""The transform consolidated_book under the laws, through what small modules read of its columns."""

from functools import cache

import polars as pl
import pytest
from few_days import FEW

from basalt import Metric, Unit, analytic
from basalt.testing import AnalyticLaws
from basalt.testing.days import DAYS
from basalt.testing.trials import Setting

pytestmark = pytest.mark.slow

STATES = ("OK", "LOCKED", "CROSSED", "ONE_SIDED", "EMPTY", "UNCROSSED")
ODD = {
    "levels_in": 3,
    "top_n": 2,
    "market_states": "all",
    "max_age": "20m",
    "min_quantity": "lot",
    "quantity": "largest",
    "crossed": "drop_oldest",
    "locked": "null",
    "own_crossed": "keep",
    "currency": "any",
    "exclude_venues": ["XPAR"],
}
OF_VENUES = {"venues": ["XLON", "AQXE"], "per_venue": ["BidPrice1", "AskQuantity1", "BidNumOrders2"], "crossed": "null"}


@analytic("cbbo")
def best():
    """What the rows of instruments show."""
    yield from _book()
    for state in STATES:
        yield _count(state, pl.col("BookState") == state)


@analytic("cbbo")
def on_venues():
    """What the venues show beside them."""
    for mic in ("XLON", "AQXE"):
        yield Metric(f"{mic}Bid", pl.col(f"{mic}BidPrice1").mean(), Unit.PRICE, doc="Mean over rows.")
        yield Metric(f"{mic}Size", pl.col(f"{mic}AskQuantity1").mean(), Unit.SHARES, doc="Mean over rows.")
        yield Metric(f"{mic}Orders", pl.col(f"{mic}BidNumOrders2").mean(), Unit.COUNT, doc="Mean over rows.")


@analytic("l2")
def of_primary():
    """What the rows of primary listings show."""
    yield from _book()


def _book():
    for side in ("Bid", "Ask"):
        for level in (1, 2):
            name = f"{side}{level}"
            price, size, orders = (pl.col(f"{side}{part}{level}") for part in ("Price", "Quantity", "NumOrders"))
            yield Metric(f"{name}Price", price.mean(), Unit.PRICE, doc="Mean over rows.")
            yield Metric(f"{name}Size", size.mean(), Unit.SHARES, doc="Mean over rows.")
            yield Metric(f"{name}Orders", orders.mean(), Unit.COUNT, doc="Mean over rows.")
        yield Metric(f"{side}Venues", pl.col(f"{side}Venues").mean(), Unit.COUNT, doc="Mean over rows.")
    yield _count("Several", pl.col("EligibleVenues") > 1)


def _count(name, mask):
    return Metric(f"{name}Count", mask.sum().cast(pl.Int64), Unit.COUNT, doc="Rows of that kind.", dtype=pl.Int64)


def preprocess(of_pass=(), **options):
    return {"preprocess": [{"transform": "consolidated_book", **options}], **dict(of_pass)}


def by_instrument(**options):
    return preprocess({"keys": ["InstrumentId"]}, **options)


def slow(day):
    """The day without the quotes of every third minute, so that more of them grow old."""

    @cache
    def made():
        tables = day()
        return tables | {"l2": tables["l2"].filter(pl.col("EventTimestamp").dt.minute() % 3 > 0)}

    return made


SLOW = {name: slow(DAYS[name]) for name in ("ties", "halt", "nulls", "crossed", "midnight")}
SOME = {name: DAYS[name] for name in ("quiet", "halt", "nulls", "one_sided")}


class TestBest(AnalyticLaws):
    analytic = best
    options = by_instrument()


class TestOddBest(AnalyticLaws):
    analytic = best
    every = "5m"
    options = by_instrument(**ODD, emit="event", only_changes=False)
    days = SLOW


class TestBestOfVenues(AnalyticLaws):
    analytic = on_venues
    every = "15m"
    options = by_instrument(**OF_VENUES)
    days = FEW


class TestBooksOfPrimaries(AnalyticLaws):
    analytic = of_primary
    every = "5m"
    options = preprocess(index_by="PrimaryListingId", top_n=3)
    days = SOME


class TestBooksAtEdges(AnalyticLaws):
    analytic = of_primary
    every = "15m"
    options = preprocess({"closed": "left"}, index_by="PrimaryListingId", top_n=2, emit="bucket", flags=False)
    days = FEW


def test_every_column_has_a_value_on_some_sample_day():
    for laws in (TestBest, TestOddBest, TestBestOfVenues, TestBooksOfPrimaries):
        trials = Setting(laws.analytic, laws.every, laws.options, days=laws.days).trials()
        names = [c.name for c in trials[0].columns]
        counts = pl.concat([trial.whole.select((pl.col(names).fill_null(0) != 0).sum()) for trial in trials]).sum()
        missing = {name for name in names if counts.item(0, name) == 0}
        assert missing <= {"UNCROSSEDCount", "CROSSEDCount"} if laws is TestBest else missing <= {"CROSSEDCount"}
