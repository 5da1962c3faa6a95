"""The transforms of trades under the laws, through what a small module reads of the columns they add."""

from functools import cache

import polars as pl
import pytest
from few_days import FEW

from basalt import Metric, Unit, analytic, ratio, signed
from basalt.testing import AnalyticLaws
from basalt.testing.days import DAYS
from basalt.testing.trials import Setting

pytestmark = pytest.mark.slow

HORIZONS = ["-1s", "0s", "5s", "1m"]
MIDS = ["MidBefore1s", "MidAfter0s", "MidAfter5s", "MidAfter1m"]


@analytic("trades")
def quotes():
    """The quotes that trades have."""
    for name in ("BidPrice", "AskPrice", "MidAtTrade"):
        yield Metric(f"{name}Mean", _finite(name), Unit.PRICE, doc="Mean over trades.")
    for name in ("BidQuantity", "AskQuantity"):
        yield Metric(f"{name}Sum", _sum(name), Unit.SHARES, doc="Sum over trades.")
    yield Metric("AgeMean", pl.col("QuoteAgeSeconds").mean(), Unit.SECONDS, doc="Mean over trades.")
    for status in ("Ok", "Locked", "Crossed", "OneSided", "Stale", "Missing"):
        yield _count(status, pl.col("QuoteStatus") == status)


@analytic("trades")
def mids():
    """The mids around trades."""
    for name in MIDS:
        yield Metric(f"{name}Mean", pl.col(name).mean(), Unit.PRICE, doc="Mean over trades.")
        move = ratio(pl.col(name) - pl.col("Price"), pl.col("Price"))
        yield Metric(f"{name}Move", pl.when(pl.col("Price").is_finite()).then(move).mean(), Unit.RATIO, doc="Mean.")
        yield Metric(f"{name}Age", pl.col(f"{name}AgeSeconds").mean(), Unit.SECONDS, doc="Mean over trades.")


@analytic("trades")
def waits():
    """How long until the next quote."""
    yield Metric("Wait", pl.col("NextQuoteSeconds").mean(), Unit.SECONDS, doc="Mean over trades.")


@analytic("trades")
def clamped():
    """The mids up to the session's end."""
    for name in MIDS:
        yield Metric(f"{name}Mean", pl.col(name).mean(), Unit.PRICE, doc="Mean over trades.")
        yield _count(f"{name}AtEnd", pl.col(f"{name}Clamped"))


@analytic("trades")
def signs():
    """The sides that trades have."""
    yield Metric("Signs", signed("AggressorSide").sum(), Unit.COUNT, doc="Bought less sold trades.")
    for source in ("Exchange", "Quote", "Tick"):
        yield _count(source, pl.col("SideSource") == source)


def _count(name, mask):
    return Metric(f"{name}Count", mask.sum().cast(pl.Int64), Unit.COUNT, doc="Trades of that kind.", dtype=pl.Int64)


def _finite(name):
    return pl.when(pl.col(name).is_finite()).then(pl.col(name)).mean()


def _sum(name):
    return pl.when(pl.col(name).is_finite()).then(pl.col(name)).sum()


def preprocess(of_pass=(), **options):
    return {"preprocess": [{"transform": "quotes_at_trades", **options}], **dict(of_pass)}


def with_signs(**options):
    steps = [{"transform": "quotes_at_trades", "overwrite": True}, {"transform": "trade_signs", **options}]
    return {"preprocess": steps, "market_states": "all"}


def with_cbbo(day):
    """The sample day with quotes of instruments: the books of their primary listings."""

    @cache
    def made():
        tables = day()
        primary = tables["reference"].filter("IsPrimary").select("ListingId", "InstrumentId")
        quotes = tables["l2"].join(primary, on="ListingId").sort("InstrumentId", "EventTimestamp", maintain_order=True)
        columns = [f"{side}{what}1" for side in ("Bid", "Ask") for what in ("Price", "Quantity")]
        return tables | {"cbbo": quotes.select("InstrumentId", "EventTimestamp", *columns)}

    return made


def late(day):
    """The sample day with trades printed a millisecond after what they did to the book."""

    @cache
    def made():
        tables = day()
        printed = pl.col("EventTimestamp").dt.offset_by("1ms")
        return tables | {"trades": tables["trades"].with_columns(printed)}

    return made


ODD = {
    "locked": "drop",
    "crossed": "keep",
    "mid": "weighted_mid",
    "tolerance": "90s",
    "lag": "1s",
    "order": "time",
    "overwrite": True,
}


LATE = {name: late(day) for name, day in DAYS.items()}
WITH_CBBO = {name: with_cbbo(day) for name, day in DAYS.items()}
CLAMPED = {"module": clamped, "market_states": "all"}


class TestQuotes(AnalyticLaws):
    analytic = quotes
    options = preprocess(overwrite=True)


class TestOddQuotes(AnalyticLaws):
    analytic = quotes
    every = "5m"
    options = preprocess({"market_states": "all", "closed": "left"}, **ODD)
    days = FEW


class TestQuotesOfTheSource(AnalyticLaws):
    analytic = quotes
    every = "15m"
    options = preprocess(tolerance="90s")
    days = FEW


class TestMids(AnalyticLaws):
    analytic = mids
    options = preprocess(horizons=HORIZONS)


class TestOddMids(AnalyticLaws):
    analytic = mids
    every = "5m"
    options = preprocess({"market_states": "all"}, horizons=HORIZONS, **ODD)
    days = FEW


class TestMidsOfInstruments(AnalyticLaws):
    analytic = mids
    every = "5m"
    options = preprocess(horizons=HORIZONS, quotes="cbbo")
    days = WITH_CBBO


class TestWaits(AnalyticLaws):
    analytic = waits
    options = preprocess(next_quote="90s")
    days = LATE


class TestClampedMids(AnalyticLaws):
    analytic = CLAMPED
    every = "5m"
    options = preprocess(horizons=HORIZONS, clamp="session_end")
    days = FEW


class TestSigns(AnalyticLaws):
    analytic = signs
    options = with_signs(rule="exchange", fallback="lee_ready")


class TestOverriddenSigns(AnalyticLaws):
    analytic = signs
    every = "5m"
    options = with_signs(rule="emo", fallback="exchange", override=True)
    days = FEW


class TestSignsByZone(AnalyticLaws):
    analytic = signs
    every = "5m"
    options = with_signs(rule="quote", fallback="clnv", override=True)
    days = FEW


@pytest.mark.parametrize(
    ("analytic", "options"),
    [
        (quotes, preprocess(overwrite=True)),
        (mids, preprocess(horizons=HORIZONS)),
        (waits, TestWaits.options),
        (CLAMPED, TestClampedMids.options),
        (signs, TestSigns.options),
    ],
)
def test_every_column_has_a_value_on_some_sample_day(analytic, options):
    trials = Setting(analytic, options=options).trials()
    names = [c.name for c in trials[0].columns]
    counts = pl.concat([trial.whole.select((pl.col(names).fill_null(0) != 0).sum()) for trial in trials]).sum()
    assert [name for name in names if counts.item(0, name) == 0] in ([], ["StaleCount"])
