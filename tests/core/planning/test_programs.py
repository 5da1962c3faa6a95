"""What a program reads and says: pushed-down columns, steps, notes, and the plan as data."""

from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import ClassVar

import attrs
import polars as pl
import pytest

import basalt
from basalt.columns import Unit
from basalt.documents import ResultColumn
from basalt.errors import UserError
from basalt.metrics import SUM, Empty, Known
from basalt.modules import FrameModule
from basalt.options import option
from basalt.planning.described import describe
from basalt.running.left import left_of
from basalt.tables import NS_UTC
from basalt.transforms import Transform

SIZE = pl.col("Size")
HOURS = {"name": "hours", "every": "1h", "modules": [{"module": "generic", "source": "bars"}]}


def test_only_the_columns_that_metrics_name_are_read(planner, a_module, a_metric):
    """Key, time, sequence and the cancelled mark are always read; Venue and Price are named by nobody."""
    program = planner.program(a_module("volume", a_metric("Volume", SIZE.sum())))
    assert program.reads == {"trades": ["ListingId", "EventTimestamp", "SequenceNo", "IsCancelled", "Size"]}


def test_columns_of_filters_and_derived_columns_are_read(planner, a_module, a_metric):
    module = a_module(
        "volume",
        a_metric("Volume", pl.col("X").sum()),
        derive={"X": SIZE * 2, "Unused": pl.col("Price")},
        valid=pl.col("Price") > 0,
        where=pl.col("Venue") == "XLON",
    )
    reads = planner.program(module).reads["trades"]
    assert sorted(reads) == ["EventTimestamp", "IsCancelled", "ListingId", "Price", "SequenceNo", "Size", "Venue"]


def test_a_table_nobody_reads_is_not_opened(planner):
    program = planner.program("l2")
    assert list(program.reads) == ["l2"]
    assert set(program.reads["l2"]) <= set(planner.tables["l2"].columns)


def test_the_state_is_read_where_the_table_has_it(planner, a_module, a_metric, marketstate):
    stated = planner.tables["trades"].with_columns(marketstate["MarketState"])
    planner.tables["trades"] = stated
    program = planner.program(a_module("volume", a_metric("Volume", SIZE.sum())))
    assert program.reads["trades"][-1] == "MarketState"
    assert (program.steps, program.notes) == ([], [])


def test_a_market_state_step_is_put_in_where_the_state_is_needed(planner, a_module, a_metric, marketstate):
    planner.tables["marketstate"] = marketstate
    program = planner.program(a_module("volume", a_metric("Volume", SIZE.sum())))
    assert [(s.component.name, s.transform.output, s.implied) for s in program.steps] == [
        ("market_state", "trades", True)
    ]
    assert program.reads == {
        "trades": ["ListingId", "EventTimestamp", "SequenceNo", "IsCancelled", "Size"],
        "marketstate": ["ListingId", "EventTimestamp", "MarketState"],
    }


def test_no_market_state_step_where_nothing_needs_the_state(planner, a_module, a_metric, marketstate):
    planner.tables["marketstate"] = marketstate
    program = planner.program(a_module("volume", a_metric("Volume", SIZE.sum()), states="any"))
    assert (program.steps, list(program.reads)) == ([], ["trades"])


def test_a_configured_market_state_step_replaces_the_implied_one(planner, a_module, a_metric, marketstate):
    planner.tables["marketstate"] = marketstate
    step = {"transform": "market_state", "table": "trades", "tie": "before"}
    program = planner.program(a_module("volume", a_metric("Volume", SIZE.sum())), preprocess=[step])
    assert [(s.place, s.implied, s.transform.config.tie) for s in program.steps] == [
        ("passes.bars.preprocess[0]", False, "before")
    ]


def test_the_plan_says_that_all_rows_count_where_no_state_is_known(planner, a_module, a_metric):
    plan = planner.plan(planner.bars(a_module("volume", a_metric("Volume", SIZE.sum()))))
    assert plan.notes == ["passes.bars: table trades has no known market state, so all of its rows count"]


def test_a_pass_over_an_earlier_one_takes_its_rule_and_key_from_it(planner):
    coarse = {"name": "coarse", "modules": [{"module": "generic", "source": "bars"}]}
    bars = {**planner.bars("trade"), "label": "start", "closed": "left", "origin": "09:30"}
    plan = planner.plan(bars, coarse)
    first, second = plan.programs
    assert second.rule == first.rule
    assert (second.result.keys, second.sources, second.reads) == (["ListingId"], ["bars"], {})


def test_a_later_pass_may_widen_the_rule_and_keeps_the_rest(planner):
    plan = planner.plan({**planner.bars("trade"), "label": "start", "closed": "left"}, HOURS)
    rule = plan.program("hours").rule
    assert (rule.every, rule.label, rule.closed) == (3600 * 10**9, "start", "left")


def test_lineage_goes_through_derived_columns_and_filters(planner, a_module, a_metric):
    module = a_module(
        "volume",
        a_metric("Volume", pl.col("X").sum()),
        derive={"Y": pl.col("Price"), "X": SIZE * pl.col("Y")},
        where=pl.col("Venue") == "XLON",
    )
    column = planner.program(module).result.column("Volume")
    assert sorted(column.reads) == ["trades.Price", "trades.Size", "trades.Venue"]
    assert (column.module, column.distribution) == ("volume", "desk-plugin")


def test_aggregations_are_as_few_as_the_filters_allow(planner, a_module, a_metric):
    """Two modules without a filter share one; another `where` is one more."""
    modules = [
        a_module("one", a_metric("One", SIZE.sum())),
        a_module("two", a_metric("Two", SIZE.max())),
        a_module("three", a_metric("Three", SIZE.max()), where=SIZE > 1),
    ]
    names = [[e.name for e in a.emitted] for a in planner.program(*modules).aggregations]
    assert names == [["One", "Two"], ["Three"]]


def test_the_plan_as_data(planner):
    plan = planner.plan(planner.bars("trade"), HOURS, outputs=[{"type": "parquet", "root": "out"}])
    described = describe(plan, left_of(plan, plan.names))
    place = str((planner.folder / "out/bars/date=2026-01-05/all.parquet").resolve())
    missing = {"status": "missing", "reason": "it was never published"}
    assert {k: described[k] for k in ("pipeline", "source", "partitions")} == {
        "pipeline": "desk",
        "source": "memory",
        "partitions": [{"date": "2026-01-05", "universe": "all", "passes": {"bars": missing, "hours": missing}}],
    }
    bars, hours = described["passes"]
    assert bars["pass"] == "bars"
    assert bars["rule"] == "every 1m, label end, closed right"
    assert bars["keys"] == ["ListingId", "TimeBucket"]
    assert bars["modules"] == ["trade"]
    assert bars["outputs"] == [[place]]
    assert (hours["sources"], hours["reads"], hours["rule"]) == (["bars"], {}, "every 1h, label end, closed right")


def test_planning_writes_nothing(planner):
    planner.plan(planner.bars("trade"), HOURS, outputs=[{"type": "parquet", "root": "out"}])
    assert list(planner.folder.iterdir()) == []


class Later(Transform):
    """Trades with the price of the next one, known a second later, and what it saw of the states."""

    name = "later"
    inputs = ("trades",)
    optional = ("marketstate",)
    output = "trades"
    known_after = MappingProxyType({"NextPrice": timedelta(seconds=1), "Volume": Known.END_OF_DATE})

    def columns(self, columns_of):
        return {**columns_of["trades"], "NextPrice": pl.Float64(), "Volume": pl.Float64()}

    def notes(self, columns_of, shared_sequence, hours):
        yield f"later reads {', '.join(sorted(columns_of))}, {shared_sequence}, {hours}"

    def apply(self, inputs, pass_):
        next_ = pl.col("Price").shift(-1).over("ListingId")
        return {"trades": inputs["trades"].with_columns(NextPrice=next_, Volume=SIZE.sum().over("ListingId"))}


@pytest.mark.parametrize(
    ("read", "known_after"),
    [
        ("Price", timedelta(0)),
        ("NextPrice", timedelta(seconds=1)),
        ("Volume", Known.END_OF_DATE),
    ],
)
def test_a_metric_is_known_no_sooner_than_the_columns_it_reads(planner, a_module, a_metric, read, known_after):
    planner.transforms.append(Later)
    module = a_module("late", a_metric("X", pl.col("Derived").mean()), derive={"Derived": pl.col(read) * 2})
    [column] = planner.program(module, preprocess=[{"transform": "later"}]).result.columns
    assert column.known_after == known_after


def test_a_filter_counts_among_what_a_metric_knows_late(planner, a_module, a_metric):
    planner.transforms.append(Later)
    module = a_module("late", a_metric("X", SIZE.sum()), where=pl.col("NextPrice") > 10)
    [column] = planner.program(module, preprocess=[{"transform": "later"}]).result.columns
    assert column.known_after == timedelta(seconds=1)


class Bare(Transform):
    """Trades with the columns that they must have and no others."""

    name = "bare"
    inputs = ("trades",)
    output = "trades"
    kept = ("ListingId", "EventTimestamp", "Price", "Size")

    def columns(self, columns_of):
        return {name: columns_of["trades"][name] for name in self.kept}

    def apply(self, inputs, pass_):
        return {"trades": inputs["trades"].select(self.kept)}


def test_a_step_is_tried_on_the_columns_that_those_before_it_leave(planner, marketstate):
    """It gives no MarketState, which the engine's own step puts on its trades."""
    planner.transforms.append(Bare)
    planner.tables["marketstate"] = marketstate
    program = planner.plan({**planner.bars("trade"), "preprocess": [{"transform": "bare"}]}).programs[0]
    assert [step.transform.name for step in program.steps] == ["bare", "market_state"]
    assert [sorted(step.made) == sorted(Bare.kept) for step in program.steps] == [True, False]


def test_a_step_reads_an_optional_table_where_it_is_there_and_says_what_it_decides(planner, marketstate):
    planner.transforms.append(Later)
    step = {"transform": "later"}
    without = planner.program("trade", preprocess=[step])
    assert without.notes[0] == "passes.bars: later reads trades, False, False"
    planner.tables["marketstate"] = marketstate
    there = planner.program("trade", preprocess=[step])
    assert there.notes == ["passes.bars: later reads marketstate, trades, False, False"]
    assert [s.inputs for s in there.steps] == [("trades", "marketstate"), ("trades", "marketstate")]


class Quiet(FrameModule):
    """Volume of trades above a price, with what it is given to read."""

    name = "quiet"
    inputs = ("trades",)
    optional = ("l2", "imbalance")
    valid = MappingProxyType({"trades": pl.col("Price") > 10})

    def columns(self):
        return [ResultColumn("Volume", Unit.SHARES, "Volume.", over_time=SUM, empty=Empty.ZERO)]

    def compute(self, inputs, pass_):
        label = self.rule.bucket(pl.col("EventTimestamp"), pass_.date)
        kept = inputs["trades"].filter(self.valid["trades"])
        return kept.group_by("ListingId", TimeBucket=label).agg(Volume=SIZE.sum())


def test_a_frame_module_reads_an_optional_table_where_it_is_there(planner):
    program = planner.program(Quiet)
    assert [use.inputs for use in program.frame_uses] == [("trades", "l2")]
    assert sorted(program.frame_uses[0].module.columns_of) == ["l2", "trades"]
    assert sorted(program.reads) == ["l2", "trades"]


def test_rows_that_a_frame_module_does_not_count_make_no_bucket():
    """Prices 9, 11 and 9: the minutes that end 09:01 and 09:03 have no valid trade."""
    stamps = [datetime(2026, 1, 5, 9, minute, 30, tzinfo=UTC) for minute in range(3)]
    trades = pl.DataFrame({"ListingId": 1, "EventTimestamp": stamps, "Price": [9.0, 11.0, 9.0], "Size": 5.0})
    found = basalt.compute([Quiet], every="1m", trades=trades.cast({"EventTimestamp": NS_UTC}))
    assert found.select(pl.col("TimeBucket").dt.minute(), "Volume").rows() == [(2, 5.0)]


class Visits(Quiet):
    """Trades by desk, with keys of its own, and the sessions it is told of."""

    name = "visits"
    keys = ("ListingId", "Desk")
    seen: ClassVar = []

    def compute(self, inputs, pass_):
        self.seen.append(pass_.sessions)
        rows = super().compute(inputs, pass_)
        return rows.select("ListingId", "TimeBucket", "Volume", Desk=pl.lit("A"))


def test_a_pass_of_other_keys_is_told_its_hours(planner):
    stamps = [datetime(2026, 1, 5, 9, minute, 30, tzinfo=UTC) for minute in range(3)]
    trades = pl.DataFrame({"ListingId": 1, "EventTimestamp": stamps, "Price": [9.0, 11.0, 9.0], "Size": 5.0})
    hours = {"start": "08:00", "end": "16:30", "tz": "Europe/London"}
    Visits.seen.clear()
    basalt.compute([Visits], every="1m", trades=trades.cast({"EventTimestamp": NS_UTC}), session=hours)
    start = int(datetime(2026, 1, 5, 8, tzinfo=UTC).timestamp()) * 10**9
    assert Visits.seen[-1] == [(start, start + 8 * 3600 * 10**9 + 1800 * 10**9)]


@attrs.frozen
class BesideOptions:
    """Whether it reads an earlier pass."""

    compared: bool = option("whether what a pass has is looked up", default=True)


class Beside(FrameModule):
    """Trades of the bucket, beside what an earlier pass has of the listing."""

    name = "beside"
    inputs = ("trades",)
    Config = BesideOptions

    @classmethod
    def reads(cls, config):
        """The earlier pass where it is asked for."""
        return ("trades", "source") if config.compared else ("trades",), ()

    def columns(self):
        return [ResultColumn("N", Unit.COUNT, "Trades.", pl.Int64)]

    def compute(self, inputs, pass_):
        label = self.rule.bucket(pl.col("EventTimestamp"), pass_.date)
        return inputs["trades"].group_by("ListingId", TimeBucket=label).agg(N=pl.len().cast(pl.Int64))


def beside(**options):
    return {"name": "beside", "every": "5m", "modules": [{"module": "beside", "source": "bars", **options}]}


def test_a_pass_that_is_looked_up_gives_neither_keys_nor_buckets(planner):
    """`bars` has rows of a minute by (ListingId, Venue), closed on the left; the pass beside it, of 5 minutes."""
    planner.modules.append(Beside)
    bars = {**planner.bars("trade"), "closed": "left", "label": "start", "keys": ["ListingId", "Venue"]}
    found = planner.plan(bars, beside()).program("beside")
    assert (found.result.keys, found.sources, list(found.reads)) == (["ListingId"], ["bars"], ["trades"])
    assert (found.rule.every, found.rule.closed, found.rule.label) == (300 * 10**9, "right", "end")
    assert found.frame_uses[0].module.source.name == "bars"


def test_options_may_say_what_a_frame_module_reads(planner):
    planner.modules.append(Beside)
    alone = beside(compared=False)
    with pytest.raises(UserError, match="module beside reads 'trades' with these options, and no earlier pass: drop"):
        planner.plan(planner.bars("trade"), alone)
    del alone["modules"][0]["source"]
    found = planner.plan(planner.bars("trade"), alone).program("beside")
    assert (found.sources, found.frame_uses[0].inputs) == ([], ("trades",))
    with pytest.raises(UserError, match="module beside reads an earlier pass: add source = one of 'bars'"):
        planner.plan(planner.bars("trade"), {**beside(), "modules": [{"module": "beside"}]})


def test_a_pass_beside_another_one_needs_every(planner):
    planner.modules.append(Beside)
    with pytest.raises(UserError, match="a pass that reads tables needs one"):
        planner.plan(planner.bars("trade"), {**beside(), "every": None})
