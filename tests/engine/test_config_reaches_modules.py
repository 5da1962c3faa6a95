"""Every option of a pass reaches every module: with it a run differs from one without exactly as the option says.

What an option says is said by data: with `closed = "left"` a run has what one without has of a day one nanosecond
later. Where an option could do nothing it is refused, and never ignored.
"""

from datetime import UTC, datetime, timedelta

import attrs
import polars as pl
import pytest
from conftest import assert_same
from option_cells import CASES, NINE, READERS, SESSION, TABULAR, Found, run
from small import INSTALLED

from basalt.config.model import ModuleEntry, PassConfig
from basalt.errors import UserError
from basalt.metrics import Empty
from basalt.plugins.registry import Registry

OPTIONS = {
    *("every", "label", "closed", "origin", "keys", "timeline", "session", "calendar", "halts", "market_states"),
    "weights",
}
BY_REFERENCE = {"l2tw", "l2_volatility", "liquidity", "retail_imbalance", "tca", "yang_zhang", "auction", "cbbo"}
BY_REFERENCE |= {"trade_characteristics", "l3_characteristics", "iceberg"}
"""Modules for which another day, or none, is what an option says: time weighs the same whatever edge is closed, dense
rows have values, keys are their own. They are compared with the slow reference under options drawn at random."""
ELSEWHERE = {"name", "modules", "preprocess", "outputs", "side_outputs", "memory", "quality", "expect"}
MINUTE = timedelta(minutes=1)


def test_every_module_and_option_is_here():
    """A module or an option that is added needs its cells."""
    assert set(Registry.of(INSTALLED).names("analytics")) <= {*CASES, *BY_REFERENCE}
    assert {f.name for f in attrs.fields(PassConfig)} == OPTIONS | ELSEWHERE
    assert {f.name for f in attrs.fields(ModuleEntry)} == {"module", "prefix", "source", "tables", "options"}


def same(found: pl.DataFrame, wanted: pl.DataFrame) -> None:
    """Rows, order, nulls and integers exactly, floats within 1e-12."""
    assert_same({"p": found}, {"p": wanted})


def differ(found: Found, module: str, variant: str = "as it is", **options: object) -> None:
    """The option does something at all."""
    assert not found.rows.equals(run(module, variant, **options).rows)


def moved(rows: pl.DataFrame, by: timedelta) -> pl.DataFrame:
    """The same under later labels."""
    return rows.with_columns(pl.col("TimeBucket") + by)


def labels(rows: pl.DataFrame, listing: int) -> list[str]:
    """Of a listing, as `09:01`."""
    return [each.strftime("%H:%M") for each in rows.filter(ListingId=listing)["TimeBucket"]]


def minutes(*ends: int) -> list[str]:
    """Labels by the minute after nine."""
    return [f"09:0{end}" for end in ends]


@pytest.mark.parametrize("module", CASES)
def test_every_is_the_width_of_buckets(module):
    """Two minutes have what one minute has of a day that takes half the time."""
    found = run(module, every="2m", fine={"every": "1m"} if module in READERS else {})
    differ(found, module)
    half = run(module, "half the time").rows
    doubled = pl.lit(NINE) + (pl.col("TimeBucket") - pl.lit(NINE)) * 2
    same(found.rows, half.with_columns(doubled.cast(half.schema["TimeBucket"]).alias("TimeBucket")))


@pytest.mark.parametrize("module", TABULAR)
def test_label_is_the_edge_that_names_a_bucket(module):
    found = run(module, label="start")
    same(found.rows, moved(run(module).rows, -MINUTE))


@pytest.mark.parametrize("module", TABULAR)
def test_closed_is_the_edge_that_belongs_to_a_bucket(module):
    """Trades at 09:01:00 and 09:02:00 are in the buckets that end there, and behind them with `left`."""
    found = run(module, closed="left")
    differ(found, module)
    same(found.rows, run(module, "one nanosecond later").rows)


@pytest.mark.parametrize("module", TABULAR)
def test_origin_is_where_buckets_count_from(module):
    found = run(module, origin="00:00:30")
    differ(found, module)
    same(found.rows, moved(run(module, "half a minute earlier").rows, MINUTE / 2))


@pytest.mark.parametrize("option", ["label", "closed", "origin"])
def test_generic_refuses_buckets_that_its_source_does_not_have(option):
    asked = {"label": "start", "closed": "left", "origin": "00:00:30"}[option]
    shown = {"label": "'start' must be the source's 'end'", "closed": "'left' must be the source's 'right'"}
    said = shown.get(option, "30s must be the source's 0s")
    with pytest.raises(UserError) as error:
        run("generic", **{option: asked})
    assert str(error.value) == f"passes.p.modules[0]: generic keeps its source's buckets: {option} = {said}"


@pytest.mark.parametrize("timeline", [None, "sparse", "dense"])
def test_a_module_behind_a_pass_is_told_the_label(timeline):
    """So are the rows of the timeline, whichever edge names the buckets of the earlier pass."""
    for fine, own in (("end", "start"), ("start", "end")):
        found = run("behind", fine={"label": fine}, label=own, timeline=timeline)
        wanted = run("behind", fine={"label": fine}, timeline=timeline)
        same(found.rows, moved(wanted.rows, -MINUTE if own == "start" else MINUTE))


def test_a_module_behind_a_pass_is_told_which_edge_is_closed():
    """Fine buckets end on minutes and halves, with 10, 20, 30, 40 and 50 shares of listing 1. With `left` those that
    end on a minute are in the next one: 10 alone are too few for a row, then 20 + 30 and 40 + 50."""
    right, left = (run("behind", closed=closed).rows.filter(ListingId=1)["Behind"] for closed in ("right", "left"))
    assert right.to_list()[:2] == [30.0, 70.0]
    assert left.to_list()[:2] == [50.0, 90.0]


def test_a_module_behind_a_pass_is_told_the_origin():
    """From half past: 10 of 09:00:30 is alone with less than eleven shares, then 20 + 30 and 40 + 50."""
    rows = run("behind", origin="00:00:30").rows.filter(ListingId=1)
    assert rows["TimeBucket"].to_list()[0] == NINE + timedelta(seconds=90)
    assert rows["Behind"].to_list()[:2] == [50.0, 90.0]


@pytest.mark.parametrize("module", READERS)
@pytest.mark.parametrize(("option", "value"), [("label", "start"), ("closed", "left"), ("origin", "00:00:30")])
def test_a_pass_behind_a_pass_takes_over_its_buckets(module, option, value):
    """What the earlier pass says is what both say."""
    found = run(module, fine={option: value})
    differ(found, module)
    if module == "behind":
        same(found.rows, run(module, fine={option: value}, **{option: value}).rows)


@pytest.mark.parametrize("module", TABULAR)
def test_keys_part_the_rows_of_a_listing(module):
    """The rows of a venue are those of a day on which only that venue trades."""
    found = run(module, keys=["ListingId", "Venue"]).rows
    assert found.columns[:3] == ["ListingId", "Venue", "TimeBucket"]
    for venue in "XY":
        same(found.filter(Venue=venue).drop("Venue"), run(module, f"venue {venue}").rows)


@pytest.mark.parametrize("module", READERS)
def test_keys_of_the_earlier_pass_are_those_of_its_readers(module):
    keys = ["ListingId", "Venue"]
    found = run(module, fine={"keys": keys}).rows
    for venue in "XY":
        same(found.filter(Venue=venue).drop("Venue"), run(module, f"venue {venue}").rows)
    same(run(module, fine={"keys": keys}, keys=keys).rows, found)
    with pytest.raises(
        UserError, match="has keys = \\['ListingId', 'Venue'\\], and its modules have rows by ListingId"
    ):
        run(module, keys=keys)


DENSE = {1: minutes(1, 2, 3, 4, 6, 7), 2: minutes(1, 2, 3, 4, 5, 6, 7)}


@pytest.mark.parametrize("module", CASES)
def test_a_dense_timeline_has_every_bucket_of_continuous_trading(module):
    """The halt covers 09:05 alone. Rows that were there stay; in others the empty rule of each column holds."""
    sparse, found = run(module), run(module, timeline="dense")
    assert {listing: labels(found.rows, listing) for listing in (1, 2)} == DENSE
    keys = ["ListingId", "TimeBucket"]
    same(found.rows.join(sparse.rows, on=keys, how="semi", maintain_order="left"), sparse.rows)
    added = found.rows.join(sparse.rows, on=keys, how="anti", maintain_order="left")
    assert added.height >= 3
    for column in found.columns:
        if column.empty is Empty.ZERO:
            assert added[column.name].to_list() == [0] * added.height
        if column.empty is Empty.NULL:
            assert added[column.name].to_list() == [None] * added.height
        if column.empty is Empty.CARRY:
            source = column.carries or column.name
            filled = found.rows.filter(ListingId=2)[column.name]
            before = found.rows.filter(ListingId=2)[source].shift(1)
            places = found.rows.filter(ListingId=2)["TimeBucket"].is_in(added["TimeBucket"].implode())
            assert filled.filter(places).equals(before.filter(places))
            assert filled.filter(places).is_not_null().any()


@pytest.mark.parametrize("module", CASES)
def test_a_daily_timeline_has_one_row_of_the_whole_date(module):
    """What a bucket of 24 hours has, under the end of continuous trading, 09:06:40."""
    found = run(module, every=None, timeline="daily")
    whole = run(module, every="24h")
    assert set(whole.rows["TimeBucket"]) == {datetime(2026, 1, 6, tzinfo=UTC)}
    same(found.rows, moved(whole.rows, timedelta(hours=-15, minutes=6, seconds=40)))


@pytest.mark.parametrize("module", CASES)
def test_a_sparse_timeline_is_that_of_tables_and_of_the_buckets_of_an_earlier_pass(module):
    """Over a pass `behind` alone leaves buckets out, those of ten shares or fewer, which are rows then: none is here
    but in buckets of 30 s."""
    found = run(module, timeline="sparse", every="30s")
    usual = run(module, every="30s")
    if module != "behind":
        same(found.rows, usual.rows)
        return
    added = found.rows.join(usual.rows, on=["ListingId", "TimeBucket"], how="anti")
    assert added.select("ListingId", "Behind", "BehindClose").rows() == [(1, 0.0, None), (2, 0.0, None)]


@pytest.mark.parametrize("module", TABULAR)
def test_rows_outside_the_session_do_not_count(module):
    """No state is known, and the session is 09:00:40 to 09:03:20."""
    found = run(module, "no states", session=SESSION)
    differ(found, module, "no states")
    same(found.rows, run(module, "no states, in the session").rows)


@pytest.mark.parametrize("module", TABULAR)
def test_rows_outside_the_hours_of_the_calendar_do_not_count(module):
    found = run(module, "calendar, no states", calendar="XLON")
    same(found.rows, run(module, "no states", session=SESSION).rows)


@pytest.mark.parametrize("module", CASES)
def test_hours_are_the_dense_rows_where_no_state_is_known(module):
    dense = {"timeline": "dense"}
    found = run(module, "no states", session=SESSION, **dense)
    assert {listing: labels(found.rows, listing) for listing in (1, 2)} == dict.fromkeys((1, 2), minutes(1, 2, 3, 4))
    same(run(module, "calendar, no states", calendar="XLON", **dense).rows, found.rows)


@pytest.mark.parametrize("module", READERS)
@pytest.mark.parametrize(("option", "value"), [("session", SESSION), ("calendar", "XLON")])
def test_hours_of_a_pass_whose_rows_its_modules_return_are_refused(module, option, value):
    with pytest.raises(UserError) as error:
        run(module, "calendar, no states", **{option: value})
    assert str(error.value) == (
        f"passes.p has the rows of the pass it reads or of its modules, so {option} would do nothing: leave it out, or "
        "set timeline = 'dense' or 'daily'"
    )


@pytest.mark.parametrize("module", CASES)
def test_halts_are_kept_in_dense_rows(module):
    """09:05 of listing 1 lies wholly inside its halt."""
    dense, kept = run(module, timeline="dense"), run(module, timeline="dense", halts="keep")
    assert labels(kept.rows, 1) == minutes(1, 2, 3, 4, 5, 6, 7)
    same(
        kept.rows.filter(pl.col("TimeBucket") != NINE + 5 * MINUTE),
        dense.rows.filter(pl.col("TimeBucket") != NINE + 5 * MINUTE),
    )


@pytest.mark.parametrize("module", CASES)
def test_halts_that_no_timeline_could_keep_are_refused(module):
    with pytest.raises(UserError) as error:
        run(module, halts="keep")
    assert str(error.value) == (
        "passes.p.halts = 'keep' is for timeline = 'dense' alone: leave it out, or set the timeline"
    )


@pytest.mark.parametrize("module", TABULAR)
@pytest.mark.parametrize("states", [["CONTINUOUS_TRADING", "HALTED"], "all"])
def test_rows_of_the_states_that_are_asked_for_count(module, states):
    """As if the halt were continuous trading."""
    found = run(module, market_states=states)
    differ(found, module)
    same(found.rows, run(module, "halts are continuous").rows)


@pytest.mark.parametrize("module", TABULAR)
def test_rows_of_one_state_count_alone(module):
    """Listing 1 has one row inside the halt, at 09:03:20."""
    assert run(module, market_states="HALTED").rows.select("ListingId", "TimeBucket").rows() == [(1, NINE + 4 * MINUTE)]


@pytest.mark.parametrize("module", CASES)
def test_states_are_those_of_dense_rows(module):
    """With halts admissible listing 1 has a bucket 09:05 too."""
    found = run(module, timeline="dense", market_states=["CONTINUOUS_TRADING", "HALTED"])
    assert labels(found.rows, 1) == minutes(1, 2, 3, 4, 5, 6, 7)


@pytest.mark.parametrize("module", READERS)
def test_states_that_no_row_of_the_pass_depends_on_are_refused(module):
    with pytest.raises(UserError) as error:
        run(module, market_states="HALTED")
    assert str(error.value) == (
        "passes.p has the rows of the pass it reads or of its modules, so market_states would do nothing: leave it "
        "out, or set timeline = 'dense' or 'daily'"
    )


@pytest.mark.parametrize("module", CASES)
def test_weights_are_the_hidden_weights_of_means(module):
    without, found = run(module), run(module, weights=True)
    hidden = [column for column in found.columns if column.hidden]
    assert hidden
    assert not any(column.hidden for column in without.columns)
    same(found.rows.drop(column.name for column in hidden), without.rows)
    for weight in hidden:
        assert weight.name in {str(column.over_time.weight) for column in found.columns}
        assert found.rows[weight.name].sum() > 0


@pytest.mark.parametrize("module", CASES)
def test_a_prefix_is_in_front_of_every_column(module):
    """Of hidden weights too, and of the columns that carry or weigh another."""
    plain, found = run(module, weights=True), run(module, prefix="My", weights=True)
    names = {column.name: f"My{column.name}" for column in plain.columns}
    same(found.rows, plain.rows.rename(names))
    for column, of in zip(found.columns, plain.columns, strict=True):
        assert (column.name, column.over_time.weight) == (names[of.name], names.get(of.over_time.weight))
