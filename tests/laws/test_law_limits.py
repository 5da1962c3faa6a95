"""What the laws take into account: lags, scopes, units of options, traits; and what they say and refuse."""

from datetime import UTC, datetime, timedelta

import attrs
import polars as pl
import pytest

from basalt import FrameModule, Metric, Unit, analytic, option, ratio
from basalt.documents import ResultColumn
from basalt.errors import UserError
from basalt.metrics import Known
from basalt.modules import BucketModule
from basalt.testing import AnalyticLaws
from basalt.testing.days import DAYS
from basalt.testing.differences import differences
from basalt.testing.laws import LAWS
from basalt.testing.trials import Setting

SOUND = pl.col("Size").is_finite() & (pl.col("Size") > 0)


def broken_by(analytic):
    trials = Setting(analytic).trials()
    return {law.name for law in LAWS if law.broken(trials)}


class Volumes(FrameModule):
    """Shares of each bucket; subclasses change what happens to the rows."""

    name = "volumes"
    inputs = ("trades",)
    unit = Unit.SHARES
    known_after: timedelta | Known = timedelta(0)

    def columns(self):
        return [ResultColumn("Shares", self.unit, "Shares of the bucket.", known_after=self.known_after)]

    def compute(self, inputs, pass_):
        label = self.rule.bucket(pl.col("EventTimestamp"), pass_.date)
        rows = inputs["trades"].filter(SOUND).with_columns(TimeBucket=label)
        return self.changed(rows.group_by("ListingId", "TimeBucket").agg(Shares=pl.col("Size").sum()))

    def changed(self, rows):
        return rows


class OfTheNextMinute(Volumes):
    """Shares of the minute after the bucket: known one minute after its end."""

    def changed(self, rows):
        return rows.with_columns(pl.col("TimeBucket").dt.offset_by("-1m"))


@pytest.mark.parametrize(
    ("lag", "broken"),
    [
        (timedelta(0), {"look-ahead"}),
        (timedelta(seconds=59), {"look-ahead"}),
        (timedelta(minutes=1), set()),
        (timedelta(minutes=5), set()),
        (Known.END_OF_DATE, set()),
    ],
)
def test_a_lag_may_not_be_shorter_than_the_value_takes(lag, broken):
    assert broken_by(type("Lagged", (OfTheNextMinute,), {"known_after": lag})) == broken


class ShareOfTheDay(Volumes):
    unit, known_after = Unit.RATIO, Known.END_OF_DATE

    def changed(self, rows):
        return rows.with_columns(Shares=ratio(pl.col("Shares"), pl.col("Shares").sum().over("ListingId")))


def test_a_share_of_the_whole_day_is_known_when_the_date_is_over():
    assert broken_by(ShareOfTheDay) == set()


class ShareOfAll(Volumes):
    unit = Unit.RATIO

    def changed(self, rows):
        return rows.with_columns(Shares=ratio(pl.col("Shares"), pl.col("Shares").sum().over("TimeBucket")))


class ShareOfTheInstrument(Volumes):
    unit, inputs = Unit.RATIO, ("trades", "reference")

    def compute(self, inputs, pass_):
        instruments = inputs["reference"].select("ListingId", "InstrumentId")
        rows = super().compute(inputs, pass_).join(instruments, on="ListingId")
        total = pl.col("Shares").sum().over("InstrumentId", "TimeBucket")
        return rows.with_columns(Shares=ratio(pl.col("Shares"), total)).drop("InstrumentId")


@pytest.mark.parametrize(
    ("module", "scope", "broken"),
    [
        (ShareOfAll, "listing", {"isolation"}),
        (ShareOfAll, "instrument", {"isolation"}),
        (ShareOfAll, "universe", set()),
        (ShareOfTheInstrument, "listing", {"isolation"}),
        (ShareOfTheInstrument, "instrument", set()),
    ],
)
def test_a_scope_is_as_wide_as_what_the_value_reads(module, scope, broken):
    assert broken_by(type("Scoped", (module,), {"scope": scope})) == broken


@attrs.frozen
class Band:
    at_least: float = option("smallest price that counts", default=7.0, unit=Unit.PRICE)


@attrs.frozen
class Limits:
    sizes: list[int] = option("sizes above which shares count", factory=lambda: [300, 500], unit=Unit.SHARES)
    bands: list[Band] = option("price bands", factory=lambda: [Band()])
    unused: float | None = option("a size that is not given", default=None, unit=Unit.SHARES)


class AboveLimits(BucketModule):
    name, table, Config = "above_limits", "trades", Limits

    def metrics(self):
        size, price = pl.col("Size"), pl.col("Price")
        for i, limit in enumerate(self.config.sizes):
            kept = (size > limit) & (price >= self.config.bands[0].at_least) & price.is_finite()
            yield Metric(f"Shares{i}", pl.when(kept).then(size).sum(), Unit.SHARES, doc="Shares above the limit.")


@pytest.mark.parametrize("options", [{}, {"sizes": [100], "bands": [{"at_least": 8.3}]}])
def test_options_with_a_unit_are_multiplied_along_defaults_included(options):
    assert broken_by({"module": AboveLimits, **options}) == set()


@attrs.frozen
class Unitless:
    size: float = option("size above which shares count, its unit forgotten", default=300.0)


class AboveUnitless(BucketModule):
    name, table, Config = "above_unitless", "trades", Unitless

    def metrics(self):
        size = pl.col("Size")
        yield Metric("Shares", pl.when(size > self.config.size).then(size).sum(), Unit.SHARES, doc="Shares above it.")


def test_an_option_that_forgets_its_unit_breaks_unit_scaling():
    assert broken_by(AboveUnitless) == {"unit scaling"}


@analytic("trades")
def shares_above_500():
    large = pl.when(pl.col("Size") > 500).then(pl.col("Size")).sum()
    traits = frozenset(["scale_dependent"])
    yield Metric("SharesAbove500", large, Unit.SHARES, doc="Shares of trades above 500.", traits=traits)


def test_a_trait_exempts_from_scaling():
    assert broken_by(shares_above_500) == set()


def test_a_complaint_names_law_column_rows_cut_and_day():
    law = next(law for law in LAWS if law.name == "look-ahead")
    complaint = law.broken(Setting(OfTheNextMinute).trials())
    assert complaint.startswith("look-ahead: a bucket appeared in 1 row that were final at")
    assert complaint.endswith("on the sample day 'quiet'")


def test_an_analytic_that_never_has_a_row_is_refused():
    nothing = type("Nothing", (AnalyticLaws,), {"analytic": "trade", "days": {"empty": DAYS["empty"]}})
    with pytest.raises(AssertionError, match="no sample day gives the analytic a row"):
        nothing().test_building_runs_no_query()


def test_an_entry_that_names_its_pass_is_refused():
    with pytest.raises(UserError, match="set `source` of the class to the modules of the pass it reads"):
        Setting({"module": "generic", "source": "bars"}).trials()


NINE = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def rows(values):
    return pl.DataFrame({"ListingId": [1] * len(values), "TimeBucket": [NINE] * len(values), "X": values})


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ([1.0], [1.0 + 1e-15], []),
        ([1e6], [1e6 + 1e-7], []),
        ([1.0], [1.0 + 1e-9], ["X changed in 1 row so (ListingId 1 at 09:00: 1.0 → 1.000000001)"]),
        ([None], [0.0], ["X changed in 1 row so (ListingId 1 at 09:00: null → 0.0)"]),
        ([None], [None], []),
        ([float("nan")], [float("nan")], []),
        ([float("inf")], [float("inf")], []),
        ([float("inf")], [1.0], ["X changed in 1 row so (ListingId 1 at 09:00: inf → 1.0)"]),
        ([2], [2], []),
        ([1], [2], ["X changed in 1 row so (ListingId 1 at 09:00: 1 → 2)"]),
        ([1.0], [], ["a bucket vanished in 1 row so (ListingId 1 at 09:00)"]),
        ([], [1.0], ["a bucket appeared in 1 row so (ListingId 1 at 09:00)"]),
    ],
)
def test_floats_may_differ_by_1e_12_of_the_larger_one_and_all_else_not_at_all(before, after, said):
    schema = {
        "X": pl.Int64 if all(isinstance(x, int) for x in before + after) else pl.Float64,
        "TimeBucket": pl.Datetime("us", "UTC"),
    }
    frames = (rows(values).cast({**schema, "ListingId": pl.Int64}) for values in (before, after))
    assert [d.when("so") for d in differences(*frames, ["ListingId", "TimeBucket"], ["X"])] == said
