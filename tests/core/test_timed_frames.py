"""The frames of time: pieces on which a row is in force, and points of a grid; seconds after 09:00:00, bars of 10 s."""

from datetime import UTC, datetime, timedelta
from typing import ClassVar

import attrs
import polars as pl
import pytest

import basalt
from basalt import BucketModule, Metric, Unit
from basalt.errors import PluginError, UserError
from basalt.metrics import previous
from basalt.modules import ALL_STATES, Grid, Intervals, Part, Rows
from basalt.tables import NS_UTC, STATE

NINE = datetime(2026, 1, 5, 9, tzinfo=UTC)
START = int(NINE.timestamp()) * 10**9
MID = (pl.col("BidPrice1") + pl.col("AskPrice1")) / 2


def stamped(rows, names):
    """Rows of listing 1: seconds, then one value a name."""
    stamps = pl.Series("EventTimestamp", [START + round(row[0] * 1e9) for row in rows], dtype=pl.Int64).cast(NS_UTC)
    return pl.DataFrame({n: [r[i + 1] for r in rows] for i, n in enumerate(names)}).with_columns(
        stamps, ListingId=pl.lit(1, pl.Int64)
    )


def book(*rows):
    """(seconds, mid): a spread of 2 around it; None has no bid."""
    sides = [(t, None if m is None else m - 1.0, 1.0, (m or 10) + 1.0, 1.0) for t, m in rows]
    names = ["BidPrice1", "BidQuantity1", "AskPrice1", "AskQuantity1"]
    return stamped(sides, names).cast(dict.fromkeys(names, pl.Float64))


def states(*rows):
    return stamped(rows, ["MarketState"]).cast({"MarketState": STATE})


OPEN = states((0, "CONTINUOUS_TRADING"), (28, "CLOSED"))
HALTED = states((0, "CONTINUOUS_TRADING"), (12, "HALTED"), (16, "CONTINUOUS_TRADING"), (28, "CLOSED"))


class InForce(BucketModule):
    """Seconds, seconds with a mid, and Σ mid·seconds, of pieces of time."""

    name = "in_force"
    table = "l2"
    options: ClassVar = {}

    def parts(self):
        weighted = {"Admissible": pl.col("Seconds"), "Valid": pl.col("Seconds").filter(MID.is_not_null())}
        metrics = [Metric(n, e.sum(), Unit.SECONDS, doc="Seconds.") for n, e in weighted.items()]
        area = Metric("Area", (MID * pl.col("Seconds")).sum(), Unit.PRICE, doc="Σ mid·seconds.")
        return [Part(Intervals("l2", **self.options), [*metrics, area])]


class Old(InForce):
    options: ClassVar = {"max_age": 3 * 10**9}


class Forgetful(InForce):
    options: ClassVar = {"memory": "stretch"}


class Steps(BucketModule):
    """Mids at grid points of 2 s, and what they were a step before."""

    name = "steps"
    table = "l2"
    options: ClassVar = {}

    def parts(self):
        def listed(name, expr):
            return Metric(name, expr.cast(pl.String).fill_null("-").str.join(" "), Unit.LABEL, "Values.", pl.String)

        found = [listed("Now", pl.col("Mid")), listed("Then", pl.col("MidBefore")), listed("At", pl.col("Step") % 100)]
        return [Part(Grid("l2", 2 * 10**9, **self.options), found, samples={"Mid": MID})]


class OldSteps(Steps):
    options: ClassVar = {"max_age": 3 * 10**9}


class CountsTime(BucketModule):
    """The admissible seconds of the bucket, on its rows."""

    name = "counts_time"
    table = "l2"

    def metrics(self):
        yield Metric("Seconds", pl.col("AdmissibleSeconds").first(), Unit.SECONDS, doc="Seconds of the bucket.")


def bars(module, rows, **tables):
    """By label in seconds, the values in the order of columns."""
    found = basalt.compute([module], every=tables.pop("every", "10s"), l2=rows, **tables)
    names = [n for n in found.columns if n not in ("ListingId", "TimeBucket")]
    labels = [(t - NINE) / timedelta(seconds=1) for t in found["TimeBucket"]]
    return dict(zip(labels, found.select(names).rows(), strict=True))


def test_what_is_in_force_is_carried_into_the_next_bucket():
    """Mid 10 from 4, 12 from 12: bucket 10 has no row for 4 s, then 10 for 6 s; bucket 20 10 for 2 s, 12 for 8 s."""
    found = bars(InForce, book((4, 10.0), (12, 12.0)), marketstate=OPEN)
    assert found == {10: (10, 6, 60), 20: (10, 10, 10 * 2 + 12 * 8)}


def test_dense_rows_have_the_state_that_no_row_of_their_own_made():
    """Bucket 30 ends with the session at 28."""
    found = bars(InForce, book((4, 10.0)), marketstate=OPEN, timeline="dense")
    assert found == {10: (10, 6, 60), 20: (10, 10, 100), 30: (8, 8, 80)}


def test_a_row_on_an_edge_weighs_from_there_on_whatever_edge_is_closed():
    """The row at 10 belongs to bucket 10 as an event where the right edge is closed, and to 20 as a piece of time."""
    rows = book((4, 10.0), (10, 12.0), (15, 12.0))
    right, left = (bars(InForce, rows, marketstate=OPEN, closed=c) for c in ("right", "left"))
    assert right == left == {10: (10, 6, 60), 20: (10, 10, 120)}


def test_of_rows_at_one_stamp_the_last_weighs():
    assert bars(InForce, book((4, 10.0), (4, 11.0), (4, 12.0)), marketstate=OPEN) == {10: (10, 6, 72)}
    carried = bars(InForce, book((4, 10.0), (4, 11.0), (14, 1.0)), marketstate=OPEN)
    assert carried[20] == (10, 10, 4 * 11 + 6 * 1)


def test_an_interval_over_a_halt_weighs_in_both_stretches_and_not_between():
    """Mid 10 from 4: 6 s, then 10 to 12 and 16 to 20."""
    found = bars(InForce, book((4, 10.0)), marketstate=HALTED, timeline="dense")
    assert found == {10: (10, 6, 60), 20: (6, 6, 60), 30: (8, 8, 80)}


def test_a_row_inside_a_halt_ends_what_was_before_and_is_in_force_after():
    """None at 13 lies in the halt: from 16 on there is no mid, not the older one."""
    found = bars(InForce, book((4, 10.0), (13, None)), marketstate=HALTED, timeline="dense")
    assert found == {10: (10, 6, 60), 20: (6, 2, 20), 30: (8, 0, 0)}


def test_a_memory_of_the_stretch_has_no_row_until_its_first():
    """After the halt nothing is in force before 18."""
    found = bars(Forgetful, book((4, 10.0), (18, 12.0)), marketstate=HALTED, timeline="dense")
    assert found == {10: (10, 6, 60), 20: (6, 4, 20 + 24), 30: (8, 8, 96)}


def test_a_row_too_old_is_no_row():
    """10 from 4 to 7, 12 from 8 to 11: in bucket 20 one second of it is left."""
    found = bars(Old, book((4, 10.0), (8, 12.0)), marketstate=OPEN, timeline="dense")
    assert found == {10: (10, 5, 10 * 3 + 12 * 2), 20: (10, 1, 12), 30: (8, 0, 0)}


def test_without_known_states_time_is_that_of_whole_buckets():
    """From the start of the first row's bucket to the end of the last row's."""
    assert bars(InForce, book((4, 10.0), (12, 12.0))) == {10: (10, 6, 60), 20: (10, 10, 116)}


def test_rows_of_another_table_make_buckets_in_which_a_book_is_in_force():
    trades = stamped([(25, 10.0, 1.0)], ["Price", "Size"])
    found = basalt.compute([InForce, "trade"], every="10s", l2=book((4, 10.0)), trades=trades)
    assert found["Area"].to_list() == [60, 100]
    assert found["TradeTotalCount"].to_list() == [0, 1]


def test_hours_bound_time_where_no_state_is_known():
    """The session is 09:00:02 to 09:00:15."""
    hours = {"start": "09:00:02", "end": "09:00:15", "tz": "UTC"}
    found = bars(InForce, book((1, 10.0), (12, 12.0)), session=hours)
    assert found == {20: (5, 5, 20 + 36)}
    found = bars(InForce, book((1, 10.0), (12, 12.0)), session=hours, timeline="dense")
    assert found == {10: (8, 8, 80), 20: (5, 5, 20 + 36)}


def test_a_daily_row_weighs_the_whole_date():
    """10 from 4 to 12, 12 from 12 to 28, less the halt of 12 to 16."""
    [found] = bars(InForce, book((4, 10.0), (12, 12.0)), marketstate=HALTED, every=None, timeline="daily").values()
    assert found == (24, 20, 80 + 144)


def test_all_states_are_one_stretch():
    class Everything(InForce):
        options: ClassVar = {"market_states": (*ALL_STATES, "null")}

    found = bars(Everything, book((4, 10.0)), marketstate=HALTED, timeline="dense")
    assert found == {10: (10, 6, 60), 20: (10, 10, 100), 30: (8, 8, 80)}


def test_a_listing_of_which_no_state_is_told_is_unknown_all_day():
    class Unknown(InForce):
        options: ClassVar = {"market_states": ("UNKNOWN",)}

    found = bars(Unknown, book((4, 10.0), (12, 12.0)), marketstate=OPEN.clear())
    assert found == {10: (10, 6, 60), 20: (10, 10, 20 + 96)}


def test_time_that_is_unknown_counts_from_the_first_told_state_on():
    """PRE_OPEN is told from −15; with all states, bucket −10 counts whole before the first row."""
    everything = {"market_states": (*ALL_STATES, "null")}
    module = type("Everything", (InForce,), {"options": everything})
    told = states((-15, "PRE_OPEN"), (0, "CONTINUOUS_TRADING"), (28, "CLOSED"))
    found = bars(module, book((4, 10.0)), marketstate=told, timeline="dense")
    assert found == {-10: (10, 0, 0), 0: (10, 0, 0), 10: (10, 6, 60), 20: (10, 10, 100), 30: (8, 8, 80)}


def test_samples_are_the_last_valid_values_up_to_their_points():
    """Mid 10 at 3, none at 5, 12 at 6: at 2 nothing, at 4 the 10, at 6 the 12, which stays."""
    found = bars(Steps, book((3, 10.0), (5, None), (6, 12.0)), marketstate=OPEN)
    assert found == {10: ("- 10.0 12.0 12.0 12.0", "- - 10.0 12.0 12.0", "1 2 3 4 5")}


def test_buckets_closed_on_the_left_sample_what_was_before_the_point():
    found = bars(Steps, book((3, 10.0), (6, 12.0)), marketstate=OPEN, closed="left")
    assert found[10][0] == "- 10.0 10.0 12.0 12.0"


def test_the_first_step_of_a_bucket_has_what_was_before_it():
    found = bars(Steps, book((3, 10.0), (17, 12.0)), marketstate=OPEN)
    assert found[20] == ("10.0 10.0 10.0 12.0 12.0", "10.0 10.0 10.0 10.0 12.0", "6 7 8 9 10")


def test_a_step_that_a_halt_cuts_has_nothing_before_it():
    """Points 12 and 16 end and open a stretch; 18 is the first after the halt with a step inside it."""
    found = bars(Steps, book((3, 10.0)), marketstate=HALTED, timeline="dense")
    assert found[20] == ("10.0 10.0 10.0", "10.0 10.0 10.0", "6 9 10")
    assert found[30] == ("10.0 10.0 10.0 10.0", "10.0 10.0 10.0 10.0", "11 12 13 14")


def test_a_row_at_the_end_of_a_stretch_is_of_the_next_one():
    """20 at 28, when the listing is CLOSED: the point of 28 ends the last step, and has the 10."""
    found = bars(Steps, book((3, 10.0), (28, 20.0)), marketstate=OPEN, timeline="dense")
    assert found[30][0] == "10.0 10.0 10.0 10.0"


def test_a_row_at_the_last_instant_of_a_session_is_in_it():
    hours = {"start": "09:00:00", "end": "09:00:08", "tz": "UTC"}
    assert bars(Steps, book((3, 10.0), (8, 20.0)), session=hours)[10][0] == "- 10.0 10.0 20.0"


def test_old_samples_are_null():
    assert bars(OldSteps, book((3, 10.0)), marketstate=OPEN)[10][0] == "- 10.0 10.0 - -"


def test_a_bucket_knows_its_admissible_seconds():
    found = bars(CountsTime, book((4, 10.0), (17, 10.0), (24, 10.0)), marketstate=HALTED)
    assert found == {10: (10,), 20: (6,), 30: (8,)}


@pytest.mark.parametrize("module", [InForce, Steps, CountsTime])
def test_no_rows_have_no_bars(module):
    assert bars(module, book((4, 10.0)).clear(), marketstate=OPEN) == {}


def test_further_keys_are_refused():
    with pytest.raises(UserError, match="weighs or samples time, which is by ListingId alone"):
        bars(InForce, book((4, 10.0)).with_columns(Venue=pl.lit("X")), keys=["ListingId", "Venue"])


class Prints(BucketModule):
    """The last price by the time it was the last, of trades above 5."""

    name = "prints"
    table = "trades"

    def parts(self):
        area = Metric("Area", (pl.col("Price") * pl.col("Seconds")).sum(), Unit.PRICE, doc="Σ price·seconds.")
        return [Part(Intervals("trades", memory="stretch"), [area], where=pl.col("Price") > 5)]


def test_events_of_other_states_or_that_fail_a_filter_are_none():
    """10 from 2 s on: the print of 4 s is of no known state, and that of 6 s costs 1. Bucket 20 is there for the print
    at 15, which fails the filter."""
    rows = [
        (2, 10.0, "CONTINUOUS_TRADING"),
        (4, 99.0, None),
        (6, 1.0, "CONTINUOUS_TRADING"),
        (15, 2.0, "CONTINUOUS_TRADING"),
    ]
    trades = stamped(rows, ["Price", "MarketState"]).cast({"MarketState": STATE}).with_columns(Size=pl.lit(1.0))
    found = basalt.compute([Prints], every="10s", trades=trades, marketstate=OPEN)
    assert found["Area"].to_list() == [80, 100]


class Windowed(InForce):
    def parts(self):
        [part] = super().parts()
        return [Part(part.reads, part.metrics, derive={"x": previous(pl.col("BidPrice1"))})]


class Filtered(InForce):
    def parts(self):
        [part] = super().parts()
        return [Part(part.reads, part.metrics, where=MID > 0)]


class Aged(InForce):
    def parts(self):
        [part] = super().parts()
        return [Part(part.reads, [attrs.evolve(m, max_age=10**9) for m in part.metrics])]


class Sampled(InForce):
    def parts(self):
        return [Part(Rows("l2"), [Metric("N", pl.len(), Unit.COUNT, "N.", pl.Int64)], samples={"Mid": MID})]


@pytest.mark.parametrize(
    ("module", "said"),
    [
        (Windowed, "pieces of time stand in no order"),
        (Filtered, "where drops rows, and what is in force has none to drop"),
        (Aged, "has a max_age, which is of rows: give its frame one"),
        (Sampled, "samples are taken at the points of a Grid"),
    ],
)
def test_what_has_no_meaning_is_refused_while_planning(module, said):
    with pytest.raises(PluginError, match=said):
        bars(module, book((4, 10.0)))


def test_two_modules_may_sample_different_things_under_one_name():
    class Bids(Steps):
        name = "bids"

        def parts(self):
            [part] = super().parts()
            return [Part(part.reads, part.metrics[:2], samples={"Mid": pl.col("BidPrice1")})]

    found = basalt.compute(
        [Steps, {"module": Bids, "prefix": "Bid"}], every="10s", l2=book((3, 10.0)), marketstate=OPEN
    )
    assert found.select("Now", "BidNow", "BidThen").row(0) == (
        "- 10.0 10.0 10.0 10.0",
        "- 9.0 9.0 9.0 9.0",
        "- - 9.0 9.0 9.0",
    )
