"""What planning refuses, sentence by sentence; nothing is read and nothing is written."""

from datetime import date

import polars as pl
import pytest

from basalt import FrameModule, Transform, Unit
from basalt.documents import ResultColumn
from basalt.errors import BasaltError, PluginError, UserError
from basalt.metrics import mean

SIZE = pl.col("Size")
VOLUME = {"module": "trade"}
PARQUET = [{"type": "parquet", "root": "out"}]


def refused(kind, plan, *args, **more):
    """The sentence a plan is refused with."""
    with pytest.raises(kind) as error:
        plan(*args, **more)
    assert type(error.value) is kind
    assert "\n" not in str(error.value)
    return str(error.value)


def test_an_unknown_module_is_told_what_is_near(planner):
    said = refused(UserError, planner.plan, planner.bars("trad"))
    assert "there is no analytics module 'trad'; did you mean 'trade'?" in said


def test_an_unknown_source(planner):
    said = refused(UserError, planner.plan, planner.bars("trade"), source={"type": "parque"})
    assert said == "there is no source 'parque'; did you mean 'parquet'?"


def test_an_unknown_output(planner):
    said = refused(UserError, planner.plan, planner.bars("trade"), outputs=[{"type": "parq"}])
    assert "there is no output 'parq'; did you mean 'parquet'?" in said


def test_an_unknown_transform(planner):
    said = refused(UserError, planner.plan, planner.bars("trade", preprocess=[{"transform": "marketstate"}]))
    assert "there is no transform 'marketstate'; did you mean 'market_state'?" in said


def test_an_unknown_executor(planner):
    said = refused(UserError, planner.plan, planner.bars("trade"), executor="inlin")
    assert said == "there is no executor 'inlin'; did you mean 'inline'?"


def test_a_pass_that_reads_tables_needs_a_width(planner):
    said = refused(UserError, planner.plan, {"name": "bars", "modules": [VOLUME]})
    assert said == "passes.bars has no `every`: a pass that reads tables needs one, as every = '1m'"


def test_a_pass_without_modules(planner):
    said = refused(UserError, planner.plan, {"name": "bars", "every": "1m"})
    assert said == "passes.bars has no modules: add [[passes.modules]] with module = a name"


def test_a_missing_column_is_named_with_metric_table_and_source(planner, a_module, a_metric):
    said = refused(UserError, planner.program, a_module("clip", a_metric("Clip", pl.col("Prise").mean())))
    assert said == (
        "passes.bars.modules[0]: metric Clip of module clip needs column 'Prise' of table 'trades', which source "
        "'memory' does not have; near it: Price"
    )


@pytest.mark.parametrize("role", ["where", "valid", "derive"])
def test_a_column_that_only_a_filter_or_a_derived_column_reads_is_missed_too(planner, a_module, a_metric, role):
    more = {"derive": {"X": pl.col("Nowhere")}} if role == "derive" else {role: pl.col("Nowhere") > 0}
    clip = a_metric("Clip", (pl.col("X") if role == "derive" else SIZE).mean())
    said = refused(UserError, planner.program, a_module("clip", clip, **more))
    assert said.startswith(
        "passes.bars.modules[0]: metric Clip of module clip needs column 'Nowhere' of table 'trades', which source "
        "'memory' does not have; it has: ListingId, "
    )


def test_a_column_that_only_a_hidden_weight_reads_is_missed_where_weights_are_asked_for(planner, a_module, a_metric):
    clip = a_metric("Clip", SIZE.mean(), over_time=mean(pl.col("Nowhere").sum()))
    module = a_module("clip", clip)
    assert planner.program(module).result.column("Clip") is not None
    said = refused(UserError, planner.plan, planner.bars({"module": "clip"}, weights=True))
    assert "metric ClipWeight of module clip needs column 'Nowhere'" in said


def test_a_table_the_source_does_not_have(planner, a_module, a_metric):
    said = refused(UserError, planner.program, a_module("orders", a_metric("N", pl.col("OrderId").count()), table="l3"))
    assert said == (
        "passes.bars.modules[0]: module orders reads table 'l3', which source 'memory' does not have on 2026-01-05; it "
        "has: cbbo, l2, trades"
    )


def test_states_are_refused_where_none_is_known(planner):
    said = refused(UserError, planner.plan, planner.bars("trade", market_states="CLOSING_AUCTION"))
    assert said == (
        "passes.bars asks for market_states CLOSING_AUCTION of table 'trades', which has no MarketState, and source "
        "'memory' has no marketstate table: leave market_states out"
    )


def test_modules_of_different_keys_need_passes_of_their_own(planner, a_module, a_metric):
    best = a_module("best", a_metric("Ask", pl.col("AskPrice1").last()), table="cbbo")
    said = refused(UserError, planner.plan, planner.bars("trade", best))
    assert said == (
        "passes.bars mixes modules of different keys, trade by ListingId and best by InstrumentId: put one in a pass "
        "of its own"
    )
    assert planner.plan(planner.bars("trade"), {**planner.bars("best"), "name": "quotes"}).names == ["bars", "quotes"]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (
            {"module": "generic", "source": "bers"},
            "passes.hours.modules[0]: source = 'bers' is no earlier pass; earlier passes: 'bars'",
        ),
        (
            {"module": "generic", "source": "hours"},
            "passes.hours.modules[0]: source = 'hours' is no earlier pass; earlier passes: 'bars'",
        ),
        (
            {"module": "generic"},
            "passes.hours.modules[0]: module generic reads an earlier pass: add source = one of 'bars'",
        ),
        (
            {"module": "trade", "source": "bars"},
            "passes.hours.modules[0]: module trade reads table 'trades', not an earlier pass: drop `source`",
        ),
    ],
)
def test_the_source_of_a_module_must_be_an_earlier_pass(planner, entry, said):
    hours = {"name": "hours", "every": "1h", "modules": [entry]}
    assert refused(UserError, planner.plan, planner.bars("trade"), hours) == said


def test_a_later_pass_is_no_earlier_one(planner):
    hours = {"name": "hours", "every": "1h", "modules": [{"module": "generic", "source": "bars"}]}
    said = refused(UserError, planner.plan, hours, planner.bars("trade"))
    assert said == (
        "passes.hours.modules[0]: source = 'bars' is no earlier pass; earlier passes: none (put the pass it reads "
        "before this one)"
    )


def test_two_passes_may_not_go_to_one_place(planner):
    outputs = [{"type": "parquet", "root": "out", "path": "{date}.parquet"}]
    said = refused(UserError, planner.plan, planner.bars("trade"), {**planner.bars("l2"), "name": "b"}, outputs=outputs)
    place = (planner.folder / "out/2026-01-05.parquet").resolve()
    assert said == (
        f"passes.bars on 2026-01-05 and passes.b on 2026-01-05 both go to {place}: put {{pass}} and {{date}} in "
        "the path"
    )


def test_two_dates_may_not_go_to_one_place(planner):
    later = planner.tables["trades"].with_columns(pl.col("EventTimestamp").dt.offset_by("1d"))
    planner.tables["trades"] = pl.concat([planner.tables["trades"], later])
    outputs = [{"type": "parquet", "root": "out", "path": "{pass}.parquet"}]
    said = refused(UserError, planner.plan, planner.bars("trade"), outputs=outputs)
    place = (planner.folder / "out/bars.parquet").resolve()
    assert said == (
        f"passes.bars on 2026-01-05 and passes.bars on 2026-01-06 both go to {place}: put {{pass}} and {{date}} in "
        "the path"
    )


def test_an_unknown_variable_of_a_path(planner):
    outputs = [{"type": "parquet", "root": "out", "path": "{pas}/{date}.parquet"}]
    said = refused(UserError, planner.plan, planner.bars("trade"), outputs=outputs)
    assert said.endswith(
        "path = '{pas}/{date}.parquet' names {pas}, which is unknown: use {pipeline}, {pass}, {output}, {date}, "
        "{year}, {month}, {day}, {universe}, {run_id}"
    )


def test_an_unknown_option_of_a_module(planner):
    said = refused(UserError, planner.plan, planner.bars({"module": "trade", "generc": []}))
    assert said.startswith(
        "passes.bars.modules[0].generc is no known key (did you mean 'generic'?): the keys here are "
    )


def test_a_module_that_emits_nothing(planner, a_module):
    said = refused(PluginError, planner.program, a_module("nothing"))
    assert said == "passes.bars.modules[0]: module nothing (desk-plugin) emits no metric with these options"


def test_a_module_that_emits_a_column_twice(planner, a_module, a_metric):
    twice = a_module("twice", a_metric("Volume", SIZE.sum()), a_metric("Volume", SIZE.max()))
    said = refused(PluginError, planner.program, twice)
    assert said == "passes.bars.modules[0]: module twice (desk-plugin) emits Volume more than once"


def test_a_dtype_that_is_not_the_declared_one(planner, a_module, a_metric):
    said = refused(PluginError, planner.program, a_module("count", a_metric("N", pl.len())))
    assert said == (
        "passes.bars.modules[0]: module count (desk-plugin) declares N as Float64 and computes UInt32: declare "
        "dtype=pl.UInt32, or cast the expression"
    )


def test_a_metric_of_many_values_a_bucket(planner, a_module, a_metric):
    said = refused(PluginError, planner.program, a_module("sizes", a_metric("Sizes", SIZE)))
    assert said == (
        "passes.bars.modules[0]: module sizes (desk-plugin) declares Sizes as Float64 and computes List(Float64): a "
        "metric is one value a bucket, so aggregate it, as in .mean()"
    )


@pytest.mark.parametrize("pattern", [pl.col("^S.*$").sum(), pl.all().sum(), pl.col("Size", "Price").sum()])
def test_columns_by_pattern_are_refused(planner, a_module, a_metric, pattern):
    said = refused(PluginError, planner.program, a_module("pattern", a_metric("Sum", pattern)))
    assert said.endswith("selects columns by pattern: name each column, so that lineage can be read")


def test_functions_of_python_are_refused(planner, a_module, a_metric):
    called = SIZE.map_elements(lambda size: size, return_dtype=pl.Float64).sum()
    said = refused(PluginError, planner.program, a_module("called", a_metric("Sum", called)))
    assert said.endswith(
        "calls a Python function, which can be neither planned nor keyed: write it with Polars expressions, or use a "
        "FrameModule"
    )


@pytest.mark.parametrize("role", ["where", "valid"])
def test_filters_decide_by_the_row_alone(planner, a_module, a_metric, role):
    module = a_module("above", a_metric("Volume", SIZE.sum()), **{role: SIZE.mean() < SIZE})
    said = refused(PluginError, planner.program, module)
    assert said.endswith(f"{role} must decide by the row alone, without aggregation, shift or window")
    assert "module above (desk-plugin)" in said


def test_a_filter_that_is_no_yes_or_no(planner, a_module, a_metric):
    said = refused(PluginError, planner.program, a_module("odd", a_metric("Volume", SIZE.sum()), where=SIZE))
    assert said.startswith("passes.bars.modules[0]: module odd (desk-plugin) fails on a frame without rows: ")
    assert "filter predicate must be of type `Boolean`, got `Float64`" in said


def test_a_derived_column_that_reads_itself(planner, a_module, a_metric):
    module = a_module("loop", a_metric("Volume", SIZE.sum()), derive={"Size": SIZE * 2})
    said = refused(PluginError, planner.program, module)
    assert said.endswith("derived column Size reads itself: give it another name")


def test_a_transform_without_its_table(planner):
    step = {"transform": "market_state", "table": "trades"}
    said = refused(UserError, planner.plan, planner.bars("trade", preprocess=[step]))
    assert said == (
        "passes.bars.preprocess[0] (transform market_state) reads table 'marketstate', which source 'memory' does "
        "not have on 2026-01-05; it has: cbbo, l2, trades"
    )


class Unsure(Transform):
    """Cannot say what it makes."""

    name = "unsure"
    inputs = ("trades",)
    output = "trades"

    def columns(self, columns_of):
        raise LookupError("no idea")

    def apply(self, inputs, pass_):
        return dict(inputs)


def test_a_transform_that_raises_while_planning_is_named_with_its_plugin(planner):
    planner.transforms.append(Unsure)
    said = refused(PluginError, planner.plan, planner.bars("trade", preprocess=[{"transform": "unsure"}]))
    assert said == "passes.bars.preprocess[0]: transform unsure (desk-plugin) raised LookupError: no idea"


class Raises(Unsure):
    """Says what it makes, and raises when asked to."""

    name = "raises"

    def columns(self, columns_of):
        return dict(columns_of["trades"])

    def apply(self, inputs, pass_):
        raise KeyError("boom")


class Loses(Raises):
    """Loses a column it promised to keep."""

    name = "loses"

    def apply(self, inputs, pass_):
        return {"trades": inputs["trades"].drop("Size")}


@pytest.mark.parametrize("transform", [Raises, Loses])
def test_a_transform_is_rehearsed_too(planner, transform):
    planner.transforms.append(transform)
    step = [{"transform": transform.name}]
    said = refused(PluginError, planner.plan, planner.bars("trade", preprocess=step))
    assert said.startswith(f"passes.bars.preprocess[0]: transform {transform.name}")
    assert ("KeyError: 'boom'" in said, "Size" in said) == ((True, False) if transform is Raises else (False, True))


def test_a_window_that_leaves_the_listing_is_refused(planner, a_module, a_metric):
    """The author's own .over is left as it is, so a bare shift beside it would read the neighbour's row."""
    before = pl.col("Price").shift(1)
    module = a_module("mixed", a_metric("X", pl.col("Step").sum()), derive={"Step": before.over("ListingId") - before})
    assert refused(PluginError, planner.program, module) == (
        "passes.bars.modules[0]: module mixed (desk-plugin) derives 'Step' by windows that leave the listing: put each "
        "in previous(), or in .over() by ListingId or StretchId"
    )


class Clip(FrameModule):
    """Mean size; the tests change what it returns."""

    name = "clip"
    inputs = ("trades",)
    returns = pl.col("Size").mean().alias("Clip")

    def columns(self):
        return [ResultColumn("Clip", Unit.SHARES, "Mean size.")]

    def compute(self, inputs, pass_):
        label = self.rule.bucket(pl.col("EventTimestamp"), pass_.date)
        return inputs["trades"].with_columns(TimeBucket=label).group_by("ListingId", "TimeBucket").agg(self.returns)


@pytest.mark.parametrize(
    ("returns", "said"),
    [
        (SIZE.mean().alias("Klip"), "declares Clip and does not return it"),
        ([SIZE.mean().alias("Clip"), SIZE.max().alias("More")], "returns More, which it does not declare"),
        (
            pl.len().alias("Clip"),
            "declares Clip as Float64 and computes UInt32: declare dtype=pl.UInt32, or cast the expression",
        ),
    ],
)
def test_a_frame_module_that_returns_something_else(planner, returns, said):
    found = refused(PluginError, planner.program, type("Other", (Clip,), {"returns": returns}))
    assert found == f"passes.bars.modules[0]: module clip (desk-plugin) {said}"


def test_a_frame_module_that_fails_without_rows(planner):
    found = refused(PluginError, planner.program, type("Other", (Clip,), {"returns": pl.col("Nowhere").sum()}))
    assert found.startswith("passes.bars.modules[0]: module clip (desk-plugin) fails on a frame without rows: ")
    assert 'unable to find column "Nowhere"' in found


def test_a_frame_module_may_not_emit_another_modules_column(planner, a_module, a_metric):
    bucket = a_module("bucket", a_metric("Clip", SIZE.max()))
    said = refused(UserError, planner.program, bucket, Clip)
    assert said == "passes.bars.modules[0] and passes.bars.modules[1] both emit 'Clip': set `prefix` on one"
    program = planner.plan(planner.bars("bucket", {"module": "clip", "prefix": "Desk"})).programs[0]
    assert [c.name for c in program.result.columns] == ["Clip", "DeskClip"]


def test_a_date_the_source_does_not_have(planner):
    said = refused(UserError, planner.plan, planner.bars("trade"), dates=[date(2026, 1, 9)])
    assert said.startswith("source 'memory' has no data for 2026-01-09; it has 1 ")
    assert said.endswith("from 2026-01-05 to 2026-01-05")


def test_a_date_one_of_the_tables_does_not_have(planner):
    later = planner.tables["trades"].with_columns(pl.col("EventTimestamp").dt.offset_by("1d"))
    planner.tables["trades"] = pl.concat([planner.tables["trades"], later])
    assert len(planner.plan(planner.bars("trade")).partitions) == 2
    said = refused(UserError, planner.plan, planner.bars("trade", "l2"))
    assert said.startswith("source 'memory' has no l2 for 2026-01-06; it has 1 date")
    assert said.endswith("from 2026-01-05 to 2026-01-05")


def test_a_table_that_nothing_declares_and_nobody_reads_is_left_alone(planner):
    planner.tables["tradez"] = planner.tables["trades"]
    assert list(planner.program("trade").reads) == ["trades"]


def test_every_refusal_is_an_error_the_command_line_knows():
    assert issubclass(UserError, BasaltError)
    assert (UserError.exit_code, PluginError.exit_code) == (2, 1)


def test_a_state_folder_that_is_a_file(planner):
    (planner.folder / ".basalt").write_text("mine")
    said = refused(UserError, planner.plan, planner.bars("trade"))
    assert (
        said == f"state = '.basalt' cannot be used: {planner.folder.resolve()}/.basalt is a file; name another folder"
    )
