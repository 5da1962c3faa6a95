"""Batches: which listings are computed together, and what is learnt from what they took."""

from datetime import date

import attrs
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from basalt.planning.batches import ALWAYS, ITSELF, LEAST, MARGIN, MOST, OVERHEAD, Batches, Factor, room
from basalt.planning.sizing import Input, Sizes, Units, rows_made, sizes, table_inputs
from basalt.planning.widths import row_bytes, width
from basalt.tables import NS_UTC, STATE

DAY = date(2026, 1, 5)
MB = 10**6
BARS = {"name": "bars", "every": "1m", "modules": [{"module": "volume"}]}


def units(*listings, key="ListingId", dtype=pl.Int64):
    return Units.single(pl.Series(key, listings, dtype=dtype))


def batches(*size, budget, factor=1.0, always=0):
    """Batches of units 0, 1, … of these sizes. With factor 1 a batch of 100 fits a budget of 115."""
    keys = units(*range(len(size)))
    return Batches(keys, Sizes(pl.Series(size, dtype=pl.Int64), always), budget, Factor(factor))


def listings(made):
    return [batch.wanted["ListingId"].to_list() for batch in made]


def rows(key, **counts):
    """`rows("ListingId", _1=5)`: five rows of 1."""
    return pl.DataFrame({key: [int(k[1:]) for k in counts], "Rows": list(counts.values())})


@pytest.fixture
def program(desk):
    """A pass of minute bars with one column, over trades."""
    return desk.plan(BARS).programs[0]


def test_batches_take_as_many_units_in_a_row_as_fit():
    """A budget of 115 at factor 1 and margin 1.15 fits a size of 100: 40 + 40, then 60 + 40, then 100, then 10."""
    made = list(batches(40, 40, 60, 40, 100, 10, budget=115))
    assert listings(made) == [[0, 1], [2, 3], [4], [5]]
    assert [(b.number, b.first, b.count, b.size) for b in made] == [
        (0, 0, 2, 80),
        (1, 2, 2, 100),
        (2, 4, 1, 100),
        (3, 5, 1, 10),
    ]
    assert not any(b.alone for b in made)


def test_a_unit_larger_than_the_budget_runs_alone_and_says_so():
    made = list(batches(10, 500, 10, budget=115))
    assert listings(made) == [[0], [1], [2]]
    assert [b.alone for b in made] == [False, True, False]


def test_a_small_budget_gives_every_listing_a_batch():
    made = list(batches(*[50] * 1000, budget=1))
    assert listings(made) == [[i] for i in range(1000)]
    assert all(b.alone for b in made)


def test_a_large_budget_gives_one_batch():
    assert listings(batches(*[50] * 1000, budget=10**9)) == [list(range(1000))]


def test_units_without_rows_join_their_neighbours():
    assert listings(batches(0, 0, 100, 0, 0, budget=115)) == [[0, 1, 2, 3, 4]]


def test_a_partition_without_listings_is_one_batch_without_any():
    """Its result has no rows, and is published all the same."""
    made = list(batches(budget=115))
    assert [(b.count, b.wanted["ListingId"].to_list(), b.size, b.alone) for b in made] == [(0, [], 0, False)]


def test_the_process_itself_is_within_its_budget():
    """Of 1 GB, 170 MB are held before the first batch, 64 MB are what every pass takes, and 5 % stay free: 716 MB are
    left."""
    assert room(1000 * MB, 170 * MB) == 950 * MB - 170 * MB - OVERHEAD == 716 * MB


def test_what_a_process_holds_beside_basalt_is_in_no_budget():
    """A notebook of 8 GB whose run may take 2 GB, less 5 %: only what libraries take at most is left out."""
    assert room(2000 * MB, 8000 * MB) == 1900 * MB - ITSELF - OVERHEAD


def test_a_budget_that_libraries_alone_would_fill_still_has_room_for_batches():
    assert room(300 * MB, 170 * MB) == ALWAYS
    assert room(60 * MB, 170 * MB) == 60 * MB
    assert room(1, 170 * MB) == 1


def test_what_every_batch_reads_whole_counts_in_each():
    """100 fit, of which 30 are always read: 70 are left."""
    made = list(batches(40, 30, 40, 40, budget=115, always=30))
    assert listings(made) == [[0, 1], [2], [3]]
    assert [b.size for b in made] == [100, 70, 70]


@given(st.lists(st.integers(0, 200), max_size=40), st.integers(1, 400), st.lists(st.integers(0, 10**9), max_size=40))
def test_whatever_is_measured_batches_are_all_units_once_and_in_order(size, budget, growths):
    made, learnt = batches(*size, budget=budget), iter(growths)
    seen = []
    for batch in made:
        seen += batch.wanted["ListingId"].to_list()
        made.measured(batch, next(learnt, 0))
        assert batch.count or not size
    assert seen == list(range(len(size)))


def test_batches_shrink_after_one_that_took_more_than_was_thought():
    """Listings of 20 MB and a budget of 115 MB: five fit at factor 1. The first five take 4 × 100 MB and the overhead:
    the factor rises by 0.8 of the way from 1 to 4, to 3.4, so 115 / (3.4 × 1.15) = 29.4 MB fit: one listing."""
    made = batches(*[20 * MB] * 10, budget=115 * MB)
    first = next(made)
    made.measured(first, 400 * MB + OVERHEAD)
    assert (first.count, next(made).count) == (5, 1)


def test_batches_grow_after_one_that_took_less():
    """At factor 2, 50 MB fit: two listings of 20 MB. They take 0.5 × 40 MB: the factor falls 0.4 of the way to 0.5, to
    1.4: 71.4 MB fit, three listings."""
    made = batches(*[20 * MB] * 10, budget=115 * MB, factor=2.0)
    first = next(made)
    made.measured(first, 20 * MB + OVERHEAD)
    assert (first.count, next(made).count) == (2, 3)


def test_memory_not_given_back_does_not_look_like_need():
    """A batch of 100 MB takes 300 MB. The next, of 20 MB, never goes above what is still held, 250 MB, which would be a
    factor of 9: nothing is learnt from it."""
    factor = Factor(3.0)
    factor.learn(100 * MB, 300 * MB + OVERHEAD)
    assert factor.value == 3.0
    factor.learn(20 * MB, 250 * MB)
    assert factor.value == 3.0


def test_more_than_was_ever_held_is_need_however_small_the_batch():
    """310 MB + overhead of a batch of 20 MB is 15.5 times: the factor rises from 3 by 0.8 × 12.5 to 13."""
    factor = Factor(3.0)
    factor.learn(100 * MB, 300 * MB + OVERHEAD)
    factor.learn(20 * MB, 310 * MB + OVERHEAD)
    assert factor.value == pytest.approx(13.0)


def test_the_factor_stays_within_its_bounds_and_tiny_batches_tell_nothing():
    low, high, same = Factor(1.0), Factor(1.0), Factor(1.0)
    for _ in range(50):
        low.learn(100 * MB, 0)
        high.learn(100 * MB, high.highest + 10**11)
        same.learn(15 * MB, 10**10)
    assert low.value == pytest.approx(LEAST)
    assert high.value == pytest.approx(MOST)
    assert same.value == 1.0


def test_the_need_of_a_size_is_its_factor_and_what_every_pass_takes():
    assert Factor(1.5).need(100) == OVERHEAD + 150
    assert Factor(1.5).fitting(300) == pytest.approx(300 / (1.5 * MARGIN))


def test_aggregations_are_guessed_to_take_less_than_what_holds_its_input(desk, events):
    """Trades of 5 January with a marketstate table beside them: the state is joined to every row first."""
    plain = desk.plan(BARS).programs[0]
    desk.put("marketstate", "2026-01-05", events("MarketState", (1, 0, "CONTINUOUS_TRADING")))
    joined = desk.plan(BARS, dates=[DAY]).programs[0]
    assert len(joined.steps) == 1
    assert Factor.of(plain).value < Factor.of(joined).value


def test_a_row_takes_the_bytes_of_its_dtypes():
    """8 bytes and an eighth for the bit of validity for numbers and stamps, one for an Enum of few words, 32 for text:
    8.125 + 8.125 + 1.125 + 32 = 49.375."""
    columns = {"ListingId": pl.Int64(), "EventTimestamp": NS_UTC, "MarketState": STATE, "Venue": pl.String()}
    assert row_bytes(columns, columns) == 49
    assert row_bytes(columns, ["ListingId"]) == 8
    assert row_bytes(columns, ["ListingId", "MadeByATransform"]) == 16
    assert row_bytes(columns, []) == 1
    assert width(pl.Boolean()) == 0.25


def test_a_unit_is_sized_by_its_rows_in_every_table_and_what_it_makes(program):
    """Listing 1 has 10 rows of 100 bytes and 5 of 8: 1,040, and at most 15 groups of one column at 20 bytes: 300.
    Listing 2 has 4 rows of 8: 32 + 80. Listing 3 has none."""
    inputs = [Input(rows("ListingId", _1=10, _9=7), 100), Input(rows("ListingId", _1=5, _2=4), 8)]
    found = sizes(program, units(1, 2, 3), inputs)
    assert found.units.to_list() == [1340, 112, 0]
    assert (found.always, found.whole) == (0, 1452)


def test_a_listing_has_no_more_groups_than_the_day_has_buckets(program):
    """One million rows in 1,440 minutes: 1,000,000 × 8 + 1,440 × 20."""
    found = sizes(program, units(1), [Input(rows("ListingId", _1=10**6), 8)])
    assert found.units.to_list() == [8_028_800]


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"every": "1m", "timeline": "sparse"}, 5 * 8 + 5 * 20),
        ({"every": "1m", "timeline": "dense", "session": {"start": "08:00", "end": "16:30"}}, 5 * 8 + 1440 * 20),
        ({"timeline": "daily"}, 5 * 8 + 20),
        ({"every": "1m", "keys": ["ListingId", "Venue"]}, 5 * 8 + 5 * 20),
        ({"every": "8h", "keys": ["ListingId", "Venue"]}, 5 * 8 + 5 * 20),
        ({"every": "8h"}, 5 * 8 + 3 * 20),
    ],
)
def test_the_timeline_tells_how_many_rows_are_made(desk, config, expected):
    """Five rows of 8 bytes: a sparse bucket needs a row, a dense one none, a day is one row; further keys may make as
    many groups as there are rows, however few buckets there are."""
    for day in ("2026-01-05", "2026-01-06"):
        file = desk.folder / "data/trades" / f"date={day}" / "part.parquet"
        desk.put("trades", day, pl.read_parquet(file).with_columns(Venue=pl.lit("XLON")))
    program = desk.plan({"name": "bars", "modules": [{"module": "volume"}], **config}).programs[0]
    assert sizes(program, units(1), [Input(rows("ListingId", _1=5), 8)]).units.to_list() == [expected]


def test_whole_instruments_are_units_and_their_tables_are_read_by_either_key(program):
    """Instrument 7 is listings 1 and 3, instrument 8 is 2; listing 4 is of none. cbbo is by instrument. Unit 0 reads
    10 + 2 trades of 8 bytes and 6 quotes of 100, and makes at most 12 + 6 groups, at 20 bytes."""
    pairs = pl.DataFrame({"ListingId": [1, 2, 3], "InstrumentId": [7, 8, 7]})
    grouped = Units.grouped([[1, 3], [2], [4]], pairs)
    trades, cbbo = Input(rows("ListingId", _1=10, _3=2, _4=1), 8), Input(rows("InstrumentId", _7=6, _9=5), 100)
    found = sizes(program, grouped, [trades, cbbo])
    assert found.units.to_list() == [12 * 8 + 600 + 18 * 20, 0, 8 + 20]
    assert {k: v.to_list() for k, v in grouped.wanted(0, 2).items()} == {"ListingId": [1, 3, 2], "InstrumentId": [7, 8]}
    assert {k: v.to_list() for k, v in grouped.wanted(2, 1).items()} == {"ListingId": [4], "InstrumentId": []}


def test_a_table_whose_key_no_unit_has_is_read_by_every_batch(program):
    """Six quotes by instrument, in batches of listings: 600 bytes always."""
    inputs = [Input(rows("ListingId", _1=10), 8), Input(rows("InstrumentId", _7=6), 100)]
    found = sizes(program, units(1, 2), inputs)
    assert (found.units.to_list(), found.always, found.whole) == ([280, 0], 600, 880)


def test_listings_named_by_strings_and_empty_inputs_are_sized(program):
    named = Units.single(pl.Series("ListingId", ["A", "B"]))
    counted = pl.DataFrame({"ListingId": ["B"], "Rows": [2]})
    empty = pl.DataFrame(schema={"ListingId": pl.String, "Rows": pl.Int64})
    assert sizes(program, named, [Input(counted, 8), Input(empty, 8)]).units.to_list() == [0, 56]
    assert sizes(program, named, []).units.to_list() == [0, 0]
    assert sizes(program, units(), [Input(rows("ListingId", _1=2), 8)]).units.to_list() == []


def test_tables_are_as_wide_as_the_columns_that_are_read(desk, program):
    """ListingId, EventTimestamp and Size, of trades that have Price too: 3 × 8.125."""
    plan = desk.plan(BARS)
    made = table_inputs(program, plan.columns_of, {"trades": rows("ListingId", _1=2)})
    assert [(one.key, one.width) for one in made] == [("ListingId", 24)]


def test_a_pass_makes_a_row_a_bucket_at_most(program):
    """Of 10 rows 10 buckets, of 5,000 rows the 1,440 minutes of a date; an instrument's rows are no listing's."""
    inputs = [Input(rows("ListingId", _1=4, _2=5_000), 8), Input(rows("ListingId", _1=6, _3=1), 8)]
    made = rows_made(program, [*inputs, Input(rows("InstrumentId", _1=9), 8)])
    assert made.rows() == [(1, 10), (2, 1440), (3, 1)]
    assert rows_made(program, []).rows() == []


def test_a_factor_is_kept_from_date_to_date():
    """What the first date's batch took cuts the second date's: 20 MB listings at factor 1 five at a time, after a
    batch that took five times its 100 MB, at 1 + 0.8 × 4 = 4.2, one at a time."""
    factor = Factor(1.0)
    day = Sizes(pl.Series([20 * MB] * 5, dtype=pl.Int64), 0)
    first = Batches(units(*range(5)), day, 115 * MB, factor)
    for batch in first:
        first.measured(batch, 500 * MB + OVERHEAD)
    second = list(Batches(units(*range(5)), day, 115 * MB, factor))
    assert [b.count for b in second] == [1, 1, 1, 1, 1]
    assert attrs.astuple(factor) == (pytest.approx(4.2), 500 * MB + OVERHEAD)
