"""The transforms of order events under the laws, through what modules read of the tables they make."""

import polars as pl
import pytest
from few_days import FEW

from basalt import Metric, Unit, analytic
from basalt.testing import AnalyticLaws
from basalt.testing.trials import Setting

pytestmark = pytest.mark.slow
BOOKS = {
    "module": "l2",
    "levels": 2,
    "market_states": "all",
    "crossed": "keep",
    "book": [{"measures": ["Price", "Quantity", "NumOrders"], "aggregations": ["Last", "Mean"]}],
    "prices": [{"sources": ["Mid"], "aggregations": ["Last", "Mean", "Std"]}],
}


@analytic("l3")
def fronts():
    """What stands in front of orders."""
    for name, unit in (("SizeAhead", Unit.SHARES), ("OrdersAhead", Unit.COUNT)):
        yield Metric(f"{name}Sum", pl.col(name).cast(pl.Float64).sum(), unit, doc="Sum over events.")
    known = pl.col("SizeAhead").is_not_null().sum().cast(pl.Int64)
    yield Metric("Placed", known, Unit.COUNT, doc="Events with a place.", dtype=pl.Int64)


def with_book(**options):
    return {"preprocess": [{"transform": "l3_book", "levels": 2, **options}]}


HOURS = {"session": {"start": "07:00", "end": "18:00", "tz": "UTC"}}
AT_EDGES = {**with_book(emit="bucket"), **HOURS, "closed": "left", "label": "start"}
"""Books repeat to the session's end: without one, to the last event, so that later events add rows before them."""
IN_FRONT = {"preprocess": [{"transform": "l3_queue", "replace": True}]}


class TestBooks(AnalyticLaws):
    analytic = BOOKS
    options = with_book()


class TestBooksAtTheEdgesOfBuckets(AnalyticLaws):
    analytic = BOOKS
    options = AT_EDGES
    days = FEW


class TestBooksThatChange(AnalyticLaws):
    analytic = BOOKS
    options = with_book(emit="timestamp", only_changes=True, crossed="drop", unknown_order="ignore")
    days = FEW


class TestQueues(AnalyticLaws):
    analytic = fronts
    options = IN_FRONT


@pytest.mark.parametrize(("module", "preprocess"), [(BOOKS, with_book()), (fronts, IN_FRONT)], ids=["books", "queues"])
def test_every_column_has_a_value_on_some_sample_day(module, preprocess):
    """Without one, no law says anything about the column."""
    trials = Setting(module, "1m", preprocess).trials()
    names = [c.name for c in trials[0].columns]
    counts = pl.concat([trial.whole.select(pl.col(names).count()) for trial in trials]).sum()
    assert [name for name in names if counts.item(0, name) == 0] == []
