"""Each law against mutants: small analytics that break it, and keep every other law."""

from collections.abc import Sequence

import polars as pl
import pytest

from basalt import FrameModule, Metric, Unit, analytic, ratio
from basalt.documents import ResultColumn
from basalt.metrics import Empty
from basalt.modules import BucketModule
from basalt.testing import AnalyticLaws
from basalt.testing.laws import LAWS
from basalt.testing.trials import Setting

SIZE = pl.when(pl.col("Size").is_finite()).then(pl.col("Size"))


class Clip(FrameModule):
    """Mean size of a bucket's trades: lawful; mutants change one step."""

    name = "clip"
    inputs: Sequence[str] = ("trades",)
    unit, dtype = Unit.SHARES, pl.Float64

    def columns(self):
        return [ResultColumn("Clip", self.unit, "Mean size of the bucket's trades.", self.dtype, empty=Empty.NULL)]

    def value(self):
        return SIZE.mean()

    def compute(self, inputs, pass_):
        label = self.rule.bucket(pl.col("EventTimestamp"), pass_.date)
        rows = inputs["trades"].with_columns(TimeBucket=label).group_by("ListingId", "TimeBucket")
        return rows.agg(Clip=self.value())


class OtherDtypeWhereThereAreRows(Clip):
    name = "mutant"

    def compute(self, inputs, pass_):
        def narrowed(rows):
            return rows.cast({"Clip": pl.Float32}) if rows.height else rows

        return super().compute(inputs, pass_).map_batches(narrowed, validate_output_schema=False)


class RowWhereThereAreNone(Clip):
    name = "mutant"

    def compute(self, inputs, pass_):
        rows = super().compute(inputs, pass_)
        start = pl.lit(pass_.date).cast(pl.Datetime("us", "UTC"))
        nothing = inputs["trades"].select(pl.len()).filter(pl.col("len") == 0)
        row = nothing.with_columns(ListingId=pl.lit(0, pl.Int64), TimeBucket=start, Clip=0.0).drop("len")
        return pl.concat([rows, row])


class ShareOfAllListings(Clip):
    name = "mutant"
    unit = Unit.RATIO

    def compute(self, inputs, pass_):
        total = pl.col("Clip").sum().over("TimeBucket")
        return super().compute(inputs, pass_).with_columns(Clip=ratio(pl.col("Clip"), total))


class ShiftedBack(BucketModule):
    name, table = "mutant", "trades"

    def derive(self):
        return {"NextSize": SIZE.shift(-1)}

    def metrics(self):
        yield Metric("NextSize", pl.col("NextSize").mean(), Unit.SHARES, doc="Mean of the sizes that follow.")


class WholeDaysMean(Clip):
    name = "mutant"

    def compute(self, inputs, pass_):
        return super().compute(inputs, pass_).with_columns(pl.col("Clip").mean().over("ListingId"))


class PresumesSortedReference(Clip):
    """An as-of join finds the tick: right only where the reference happens to be in order of ListingId."""

    name, inputs, unit = "mutant", ("trades", "reference"), Unit.PRICE

    def compute(self, inputs, pass_):
        rows = super().compute(inputs, pass_).sort("ListingId")
        ticks = inputs["reference"].select("ListingId", "TickSize")
        found = rows.join_asof(ticks, on="ListingId", check_sortedness=False)
        return found.select("ListingId", "TimeBucket", Clip="TickSize")


class LastAfterAnEquiJoin(Clip):
    """A join on equal keys loses the order of rows, so that `last` is any of them."""

    name, inputs = "mutant", ("trades", "reference")

    def value(self):
        return pl.col("Size").last()

    def compute(self, inputs, pass_):
        joined = inputs["trades"].join(inputs["reference"].select("ListingId", "TickSize"), on="ListingId")
        return super().compute({"trades": joined}, pass_)


class BareShift(Clip):
    """The size before each print: for the first one of a listing that is its neighbour's last of the day."""

    name = "mutant"

    def compute(self, inputs, pass_):
        return super().compute({"trades": inputs["trades"].with_columns(pl.col("Size").shift(1))}, pass_)


class ToUsual(FrameModule):
    """A bucket's volume in parts of what two previous dates had at that time: lawful; mutants change the dates."""

    name = "usual"
    history = 2

    def columns(self):
        return [ResultColumn("ToUsual", Unit.RATIO, "Volume of the bucket in parts of the usual one of its time.")]

    def usual(self, rows, pass_):
        return rows.filter(pl.col("Date") < pass_.date)

    def compute(self, inputs, pass_):
        rows = inputs["source"].with_columns(At=pl.col("TimeBucket").dt.time())
        usual = self.usual(rows, pass_).group_by("ListingId", "At").agg(Usual=pl.col("TradeTotalVolume").mean())
        today = rows.filter(Date=pass_.date).join(usual, on=["ListingId", "At"], how="left")
        return today.select("ListingId", "TimeBucket", ToUsual=ratio(pl.col("TradeTotalVolume"), pl.col("Usual")))


class OfTheWholeDayItself(ToUsual):
    name = "mutant"

    def compute(self, inputs, pass_):
        mean = pl.col("TradeTotalVolume").mean().over("ListingId")
        rows = inputs["source"].with_columns(Mean=mean).filter(Date=pass_.date)
        return rows.select("ListingId", "TimeBucket", ToUsual=ratio(pl.col("TradeTotalVolume"), pl.col("Mean")))


class OfPreviousDatesToo(ToUsual):
    """Rows of previous dates come out again."""

    name = "mutant"

    def compute(self, inputs, pass_):
        rows = inputs["source"]
        return rows.select("ListingId", "TimeBucket", ToUsual=pl.lit(1.0))


@analytic("trades")
def threshold_without_a_trait():
    large = pl.when(pl.col("Size") > 500).then(pl.col("Size"))
    yield Metric("LargeVolume", large.sum(), Unit.SHARES, doc="Shares of trades above 500.")


@analytic("trades")
def price_called_bps():
    yield Metric("MeanPrice", pl.col("Price").mean(), Unit.BPS, doc="Mean price, under a wrong unit.")


@analytic("trades")
def collects_while_building():
    half = pl.LazyFrame({"Share": [0.5]}).collect().item()
    yield Metric("HalfClip", half * pl.col("Size").mean(), Unit.SHARES, doc="Half the mean size.")


class CollectsInCompute(Clip):
    name = "mutant"

    def compute(self, inputs, pass_):
        return super().compute({"trades": inputs["trades"].collect().lazy()}, pass_)


@analytic("trades")
def bare_division():
    sold, bought = (pl.when(pl.col("AggressorSide") == side).then(pl.col("Size")).sum() for side in ("Sell", "Buy"))
    yield Metric("SoldToBought", sold / bought, Unit.RATIO, doc="Shares sold for each share bought.")


MUTANTS = {
    "schema": [OtherDtypeWhereThereAreRows],
    "empty": [RowWhereThereAreNone],
    "isolation": [ShareOfAllListings],
    "look-ahead": [ShiftedBack, WholeDaysMean],
    "row order": [PresumesSortedReference],
    "unit scaling": [threshold_without_a_trait, price_called_bps],
    "laziness": [collects_while_building, CollectsInCompute],
    "NaN-free": [bare_division],
}


def broken_by(analytic, source=()):
    """Complaints by law, from the tests that an author's subclass inherits."""
    laws = type("Laws", (AnalyticLaws,), {"analytic": analytic, "source": source})()
    complaints = []
    for name in [name for name in dir(laws) if name.startswith("test_")]:
        try:
            getattr(laws, name)()
        except AssertionError as error:
            complaints.append(str(error))
    return {complaint.partition(":")[0]: complaint for complaint in complaints}


def test_every_law_has_a_mutant():
    assert set(MUTANTS) == {law.name for law in LAWS}


def test_what_the_mutants_change_is_lawful():
    assert broken_by(Clip) == {}


@pytest.mark.parametrize(("law", "mutant"), [(law, mutant) for law, found in MUTANTS.items() for mutant in found])
def test_a_mutant_breaks_its_law_and_no_other(law, mutant):
    assert set(broken_by(mutant)) == {law}


def test_what_looks_back_sees_the_day_again_and_its_morning():
    """Volume in parts of its usual one is 1 before noon. Later one date had it and the other nothing, which is no row:
    1 again."""
    trial = Setting(ToUsual, source=["trade"]).trial("quiet")
    assert trial.looks_back == 2
    assert trial.whole["ToUsual"].drop_nulls().unique().to_list() == [1.0]
    assert trial.whole["ToUsual"].count() > 10
    assert broken_by(ToUsual, ["trade"]) == {}


@pytest.mark.parametrize(("mutant", "law"), [(OfTheWholeDayItself, "look-ahead"), (OfPreviousDatesToo, "empty")])
def test_what_looks_back_wrongly_breaks_a_law(mutant, law):
    assert law in broken_by(mutant, ["trade"])


@pytest.mark.skipif(pl.thread_pool_size() == 1, reason="one thread keeps the order that a join may lose")
def test_an_equi_join_before_last_breaks_the_row_order():
    """And other laws with luck: which row comes last differs from run to run."""
    assert "came" in broken_by(LastAfterAnEquiJoin)["row order"]


def test_a_bare_shift_across_listings_breaks_isolation():
    """And look-ahead: the row it reads is later."""
    assert set(broken_by(BareShift)) == {"isolation", "look-ahead"}
