"""Frame modules on timelines: they need not know them, and the empty rules fill their columns as any other's."""

from datetime import UTC, date, datetime

import attrs
import polars as pl
import pytest

import basalt
from basalt import FrameModule, Unit
from basalt.documents import ResultColumn
from basalt.errors import PluginError, UserError
from basalt.face import plan_in_memory
from basalt.metrics import Empty
from basalt.modules import PassContext
from basalt.planning.program import context_of
from basalt.running.compute import computed
from basalt.running.tables import Tables

C = "CONTINUOUS_TRADING"
DAY = date(2026, 1, 5)
STATES = [(1, 0, C), (1, 120, "HALTED"), (1, 180, C), (1, 300, "CLOSED")]


class Largest(FrameModule):
    """Number (ZERO), size (NULL), and price (CARRY) of prints above 10 shares, in any state."""

    name = "largest"
    inputs = ("trades",)

    def columns(self):
        return [
            ResultColumn("N", Unit.COUNT, "Large prints.", pl.Int64, empty=Empty.ZERO),
            ResultColumn("Largest", Unit.SHARES, "Largest."),
            ResultColumn("Opened", Unit.PRICE, "First price.", empty=Empty.CARRY, carries="Held"),
            ResultColumn("Held", Unit.PRICE, "Last price.", empty=Empty.CARRY),
        ]

    def compute(self, inputs, pass_):
        label = self.rule.bucket(pl.col("EventTimestamp"), pass_.date)
        kept = inputs["trades"].filter(pl.col("Size") > 10).with_columns(TimeBucket=label)
        price = pl.col("Price")
        return kept.group_by("ListingId", "TimeBucket").agg(
            N=pl.len().cast(pl.Int64), Largest=pl.col("Size").max(), Opened=price.first(), Held=price.last()
        )


class InStates(Largest):
    """The same of the states it is configured with."""

    name = "in_states"

    @attrs.frozen
    class Config:
        """Options."""

        market_states: str | None = None


ROWS = [(1, 20, 10, 20), (1, 30, 11, 30), (1, 250, 12, 40)]


def run(events, modules, rows=ROWS, **options):
    tables = {"trades": events("Price Size", *rows), "marketstate": events("MarketState", *STATES)}
    return basalt.compute(modules, **{"every": "1m", **options}, **tables)


def test_zero_null_and_carry_fill_dense_rows(events, by_bucket):
    """Its states are all, one stretch 09:00 to 09:05: what was held is carried over the halt, and Opened carries
    Held."""
    bars = run(events, Largest, timeline="dense")
    assert by_bucket(bars, "N", "Largest", "Opened", "Held") == {
        (1, "09:01"): (2, 30.0, 10.0, 11.0),
        (1, "09:02"): (0, None, 11.0, 11.0),
        (1, "09:03"): (0, None, 11.0, 11.0),
        (1, "09:04"): (0, None, 11.0, 11.0),
        (1, "09:05"): (1, 40.0, 12.0, 12.0),
    }


def test_states_that_a_frame_module_is_configured_with_are_its_stretches(events, by_bucket):
    """Continuous alone: 09:03 is a halt, and nothing is carried over it."""
    bars = run(events, InStates, timeline="dense")
    assert by_bucket(bars, "N", "Held") == {
        (1, "09:01"): (2, 11.0),
        (1, "09:02"): (0, 11.0),
        (1, "09:04"): (0, None),
        (1, "09:05"): (1, 12.0),
    }


def test_the_pass_s_states_are_those_of_a_frame_module_that_sets_none(events, by_bucket):
    assert list(by_bucket(run(events, InStates, timeline="dense", market_states="HALTED"), "N")) == [(1, "09:03")]
    own = {"module": InStates, "market_states": "HALTED"}
    assert list(by_bucket(run(events, own, timeline="dense", market_states=C), "N")) == [(1, "09:03")]


def test_frame_columns_are_filled_in_rows_of_other_modules(events, by_bucket, a_module, a_part, a_volume):
    """Sparse: the small print of 09:02 makes a bucket; in it the frame module has 0, null and its last price."""
    volume = a_module("volume", a_part(a_volume(), states="any"))
    bars = run(events, [Largest, volume], rows=[*ROWS, (1, 90, 13, 1)])
    assert by_bucket(bars, "Volume", "N", "Largest", "Held") == {
        (1, "09:01"): (50.0, 2, 30.0, 11.0),
        (1, "09:02"): (1.0, 0, None, 11.0),
        (1, "09:05"): (40.0, 1, 40.0, 12.0),
    }


def test_prefixed_columns_carry_prefixed_ones(events, by_bucket):
    bars = run(events, {"module": Largest, "prefix": "Big"}, timeline="dense")
    assert by_bucket(bars, "BigN", "BigOpened")[1, "09:02"] == (0, 11.0)


def test_one_bucket_a_date_needs_nothing_of_the_module(events):
    """It labels by the rule it is given; the engine puts the session's end, 09:05, in the label's place."""
    bars = run(events, Largest, timeline="daily", every=None)
    assert bars.rows() == [(1, datetime(2026, 1, 5, 9, 5, tzinfo=UTC), 3, 40.0, 10.0, 12.0)]


def test_a_listing_the_module_has_nothing_of_has_its_daily_row(events):
    bars = run(events, Largest, rows=[*ROWS, (2, 30, 9, 1)], timeline="daily", every=None)
    assert bars.select("ListingId", "N", "Largest", "Held").rows() == [(1, 3, 40.0, 12.0), (2, 0, None, None)]


class Elsewhere(Largest):
    """Puts what it finds an hour later, where no table has an event."""

    name = "elsewhere"

    def compute(self, inputs, pass_):
        return super().compute(inputs, pass_).with_columns(pl.col("TimeBucket").dt.offset_by("1h"))


def made(events, module, rows=ROWS, **options):
    """What is computed, with its account."""
    frames = {"trades": events("Price Size", *rows)}
    plan = plan_in_memory([module], "1m", DAY, frames, options)
    program = plan.programs[0]
    return computed(plan, program, context_of(program, DAY), Tables(plan, DAY).frames(program), {})


def test_rows_that_the_timeline_lacks_are_dropped_and_counted(events, by_bucket):
    """Two rows an hour late: dropped, and the buckets of the trades have nothing."""
    found = made(events, Elsewhere)
    assert by_bucket(found.rows, "N") == {(1, "09:01"): 0, (1, "09:05"): 0}
    assert (found.dropped, dict(found.sides)) == (2, {})
    assert made(events, Largest).dropped == 0


def test_rows_of_parts_that_make_no_bucket_are_no_loss_to_tell_of(events):
    """An invalid trade alone in 09:02 is counted by a part that makes no bucket, and has no row to stand in."""
    found = made(events, "trade", rows=[(1, 30, 10, 5), (1, 90, -1, 5)])
    assert (found.rows.height, found.dropped) == (1, 0)


class Twice(Largest):
    """Returns each row twice."""

    name = "twice"

    def compute(self, inputs, pass_):
        once = super().compute(inputs, pass_)
        return pl.concat([once, once])


def test_a_row_returned_twice_names_the_module(events):
    with pytest.raises(PluginError) as caught:
        run(events, Twice)
    assert "more than one row for {'ListingId': 1, 'TimeBucket': " in str(caught.value)
    assert "passes.computed.modules[0], module twice (given), returned them" in str(caught.value)


class PerOrder(FrameModule):
    """A row an order, whatever the pass's keys."""

    name = "per_order"
    inputs = ("l3",)
    keys = ("ListingId", "OrderId")

    def columns(self):
        return [ResultColumn("Events", Unit.COUNT, "Events of the order.", pl.Int64, empty=Empty.ZERO)]

    def compute(self, inputs, pass_):
        label = self.rule.bucket(pl.col("EventTimestamp").last(), pass_.date)
        return inputs["l3"].group_by(*pass_.keys).agg(TimeBucket=label, Events=pl.len().cast(pl.Int64))


@pytest.fixture
def orders(events):
    rows = events("Price", (1, 10, 1), (1, 70, 1), (1, 20, 1))
    sides = pl.lit("Bid", pl.Enum(["Bid", "Ask"])), pl.lit("Insert", pl.Enum(["Insert", "Update", "Remove"]))
    return rows.with_columns(OrderId=pl.Series(["a", "a", "b"]), Side=sides[0], Action=sides[1])


def test_a_pass_of_modules_with_keys_of_their_own_has_the_rows_they_return(orders):
    bars = basalt.compute(PerOrder, every="1m", l3=orders)
    assert bars.columns == ["ListingId", "OrderId", "TimeBucket", "Events"]
    assert bars.select("OrderId", pl.col("TimeBucket").dt.strftime("%H:%M"), "Events").rows() == [
        ("a", "09:02", 2),
        ("b", "09:01", 1),
    ]


class Numbered(PerOrder):
    """Numbers its rows by a key that no table has; the number of keys is an option of the instance."""

    name = "numbered"

    def prepare(self):
        self.keys = ["ListingId", "Number"]

    def compute(self, inputs, pass_):
        label = self.rule.bucket(pl.col("EventTimestamp"), pass_.date)
        numbered = inputs["l3"].with_columns(TimeBucket=label, Number=pl.int_range(pl.len(), dtype=pl.Int32))
        return numbered.select("ListingId", "Number", "TimeBucket", Events=pl.lit(1, pl.Int64))


def test_keys_may_be_of_the_instance_and_in_no_table(orders):
    bars = basalt.compute(Numbered, every="1m", l3=orders)
    assert bars.schema["Number"] == pl.Int32
    assert bars["Number"].to_list() == [0, 1, 2]


def test_keys_of_a_module_and_of_the_pass_do_not_mix(orders, a_module, a_metric, events):
    other = a_module("count", a_metric("Rows", pl.col("Price").count().cast(pl.Float64)), table="l3")
    with pytest.raises(UserError) as caught:
        basalt.compute([PerOrder, other], every="1m", l3=orders)
    assert str(caught.value) == (
        "passes.computed mixes modules of different keys, per_order by ListingId, OrderId and count by ListingId: put "
        "one in a pass of its own"
    )
    both = basalt.compute([PerOrder, other], every="1m", keys=["ListingId", "OrderId"], l3=orders)
    assert both.select("OrderId", "Events", "Rows").rows() == [("a", 0, 1.0), ("a", 2, 1.0), ("b", 1, 1.0)]


def test_a_timeline_is_refused_for_rows_by_other_keys(orders):
    for options in ({"every": "1m", "timeline": "dense"}, {"timeline": "daily"}, {"every": "1m", "timeline": "sparse"}):
        with pytest.raises(UserError, match="rows by ListingId, OrderId, of which no timeline is known"):
            basalt.compute(PerOrder, l3=orders, **options)


class Liar(PerOrder):
    """Declares a key that it does not return."""

    name = "liar"
    keys = ("ListingId", "Nowhere")

    def compute(self, inputs, pass_):
        return inputs["l3"].select("ListingId", TimeBucket="EventTimestamp", Events=1)


def test_a_declared_key_that_is_not_returned_is_the_module_s_fault(orders):
    with pytest.raises(PluginError, match="has rows by 'Nowhere', and does not return it"):
        basalt.compute(Liar, every="1m", l3=orders)


class OfTheReference(FrameModule):
    """Reads no event at all."""

    name = "of_the_reference"
    inputs = ("reference",)

    def columns(self):
        return [ResultColumn("Lots", Unit.SHARES, "Lot size.")]

    def compute(self, inputs, pass_):
        label = self.rule.bucket(pl.lit(datetime(2026, 1, 5, 9, tzinfo=UTC)), pass_.date)
        return inputs["reference"].select("ListingId", TimeBucket=label, Lots="LotSize")


def test_without_a_table_of_events_the_rows_are_the_module_s(events):
    """Trades are given, and nobody reads them."""
    reference = pl.DataFrame({"ListingId": [2, 1], "LotSize": [100.0, 1.0]})
    bars = basalt.compute(OfTheReference, every="1m", reference=reference, trades=events("Price Size", *ROWS))
    assert bars.select("ListingId", "Lots").rows() == [(1, 1.0), (2, 100.0)]


def test_a_module_is_told_of_the_pass(planned):
    program = planned(market_states=["CONTINUOUS_TRADING", "HALTED"])
    context = context_of(program, DAY, [date(2026, 1, 2)])
    assert context == PassContext(
        "computed", DAY, ["ListingId"], program.rule, False, [date(2026, 1, 2)], ("CONTINUOUS_TRADING", "HALTED")
    )
    assert context_of(planned(), DAY).market_states == "default"


@pytest.fixture
def planned(events):
    def plan(**options):
        stated = events("Price Size MarketState", (1, 30, 10, 5, C))
        return plan_in_memory([Largest], "1m", DAY, {"trades": stated}, options).programs[0]

    return plan


MINUTES = {"name": "minutes", "every": "1m", "modules": [{"module": "volume"}]}


def later(desk, **options):
    """Hours of a pass over minutes, on Monday: listing, label and volume."""
    hours = {"name": "hours", "modules": [{"module": "generic", "source": "minutes"}], **options}
    result = desk.run(MINUTES, hours, dates=[DAY])
    return result.scan("hours").collect().select("ListingId", "TimeBucket", "Volume").rows()


def nine(minute):
    return datetime(2026, 1, 5, 9, minute, tzinfo=UTC)


def test_a_pass_over_a_pass_has_the_rows_of_its_modules(desk):
    assert later(desk, every="5m") == [(1, nine(5), 30.0), (2, nine(5), 5.0)]
    assert later(desk, every="5m", timeline="sparse") == [(1, nine(5), 30.0), (2, nine(5), 5.0)]


def test_a_pass_over_a_pass_may_be_dense(desk):
    """Hours to 09:03: 09:01 to 09:03 of both listings, 0 where the source has no row."""
    session = {"start": "09:00", "end": "09:03"}
    assert later(desk, timeline="dense", session=session) == [
        (1, nine(1), 10.0), (1, nine(2), 20.0), (1, nine(3), 0.0), (2, nine(1), 5.0), (2, nine(2), 0.0),
        (2, nine(3), 0.0),
    ]  # fmt: skip


def test_dense_rows_of_a_pass_over_a_pass_come_from_states_and_drop_what_they_lack(desk, events):
    """Listing 1 is continuous to 09:01 alone, listing 2 without an end: to its last row, 09:01.

    The minutes count every state, and 09:02 of listing 1 is dropped by the dense pass.
    """
    desk.put("marketstate", "2026-01-05", events("MarketState", (1, 0, C), (1, 60, "PRE_OPEN"), (2, 0, C)))
    every = {**MINUTES, "market_states": "all"}
    dense = {"name": "dense", "timeline": "dense", "modules": [{"module": "generic", "source": "minutes"}]}
    result = desk.run(every, dense, dates=[DAY])
    assert result.scan("minutes").collect()["Volume"].to_list() == [10.0, 20.0, 5.0]
    assert result.scan("dense").collect()["Volume"].to_list() == [10.0, 5.0]


def test_a_pass_over_a_pass_may_be_daily(desk):
    """10 + 20 of listing 1; the next midnight ends the date."""
    midnight = datetime(2026, 1, 6, tzinfo=UTC)
    assert later(desk, timeline="daily") == [(1, midnight, 30.0), (2, midnight, 5.0)]
    session = {"start": "09:00", "end": "10:00"}
    assert later(desk, timeline="daily", session=session) == [
        (1, nine(0).replace(hour=10), 30.0),
        (2, nine(0).replace(hour=10), 5.0),
    ]
