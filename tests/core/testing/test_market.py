"""The simulated day keeps what its docstring promises: contract, determinism, order, stamps, states, reference."""

import datetime as dt
import subprocess
import sys
import time

import polars as pl
import pytest

from basalt.errors import UserError
from basalt.tables import BUILT_IN
from basalt.testing import market

SCHEMAS = {table.name: table for table in BUILT_IN}
EVENTS = ("l3", "l2", "trades", "imbalance")


@pytest.fixture(scope="module")
def small():
    return market.simulate(listings=4, seed=4, events=300)


def assert_same(left, right):
    assert list(left) == list(right)
    for name in left:
        assert left[name].equals(right[name]), name


def test_columns_and_dtypes_are_those_of_the_contract(small):
    assert tuple(small) == market.TABLES
    for name, frame in small.items():
        table = SCHEMAS[name]
        assert set(table.required) <= set(frame.columns)
        for column, dtype in frame.schema.items():
            assert dtype == table.column(column).dtype, f"{name}.{column}"
        assert frame[table.required].null_count().sum_horizontal().item() == 0 or name == "l2"


def test_no_float_is_nan_or_infinite(day):
    for name, frame in day.items():
        for column in frame.select(pl.col(pl.Float64)):
            assert column.drop_nulls().is_finite().all(), f"{name}.{column.name}"


def test_the_same_arguments_give_the_same_day(small):
    assert_same(small, market.simulate(listings=4, seed=4, events=300))


def test_a_listing_does_not_depend_on_how_many_there_are(small):
    alone = market.simulate(listings=1, seed=4, events=300)
    assert_same(alone, {name: frame.filter(pl.col("ListingId") == 1001) for name, frame in small.items()})


def test_a_table_does_not_depend_on_the_others_asked_for(small):
    for name in market.TABLES:
        assert_same({name: small[name]}, market.simulate(listings=4, seed=4, events=300, tables=[name]))


def test_levels_change_l2_alone(small):
    shallow = market.simulate(listings=4, seed=4, events=300, levels=2)
    assert "BidPrice3" not in shallow["l2"].columns
    assert 0 < shallow["l2"].height < small["l2"].height
    assert_same(*({name: d[name] for name in market.TABLES if name != "l2"} for d in (small, shallow)))


def test_seed_and_date_change_the_flow_and_the_date_leaves_reference_alone(small):
    other_seed = market.simulate(listings=4, seed=5, events=300)
    next_day = market.simulate(listings=4, seed=4, events=300, date=dt.date(2026, 1, 6))
    for other in (other_seed, next_day):
        assert other["l3"]["Price"].to_list() != small["l3"]["Price"].to_list()
    assert next_day["reference"].equals(small["reference"])
    assert next_day["trades"]["EventTimestamp"].dt.date().unique().to_list() == [dt.date(2026, 1, 6)]


@pytest.mark.parametrize("asked", [{"listings": 0}, {"events": 0}, {"events": 1}])
def test_an_empty_day_has_the_full_schema(small, asked):
    empty = market.simulate(**asked)
    assert {name: frame.schema for name, frame in empty.items()} == {name: f.schema for name, f in small.items()}
    assert empty["trades"].height == 0
    assert empty["l3"].height == (4 if asked == {"events": 1} else 0)


def test_listings_pair_into_instruments_on_two_venues():
    reference = market.simulate(listings=12, tables=["reference"])["reference"]
    assert reference["ListingId"].to_list() == list(range(1001, 1013))
    pairs = reference.group_by("InstrumentId", maintain_order=True).agg("MIC", "IsPrimary", pl.col("ISIN").n_unique())
    assert pairs["MIC"].to_list() == [["XLON", "AQXE"]] * 6
    assert pairs["IsPrimary"].to_list() == [[True, False]] * 6
    assert pairs["ISIN"].to_list() == [1] * 6
    assert reference["ISIN"].n_unique() == 6
    assert reference["Sector"].n_unique() > 3
    assert reference["CurrencyCode"].n_unique() == 2


def test_the_isin_has_its_check_digit():
    """GB 000000001: G = 16, B = 11, so 16 11 000000001; every second digit from the right doubled, the first included:
    1 → 2; B's 1 and 1, at places 10 and 11 from the right, 1 and 2; G's 6 and 1 at 12 and 13, 6 and 2: 13, and 7 to 20.
    """
    number = market.simulate(listings=1, tables=["reference"])["reference"]["ISIN"].item()
    assert number == "GB0000000017"
    digits = "".join(str(int(character, 36)) for character in number)
    luhn = sum(sum(divmod(int(d) * (1 + i % 2), 10)) for i, d in enumerate(reversed(digits)))
    assert luhn % 10 == 0


def test_both_venues_follow_one_path():
    trades = market.simulate(listings=2, seed=7, events=4_000, tables=["trades"])["trades"]
    hours = trades.group_by("ListingId", pl.col("EventTimestamp").dt.truncate("1h")).agg(pl.col("Price").median())
    wide = hours.pivot("ListingId", index="EventTimestamp", values="Price").drop_nulls()
    assert wide.height == 9
    tick = market.simulate(listings=1, seed=7, tables=["reference"])["reference"]["TickSize"].item()
    assert (wide["1001"] - wide["1002"]).abs().max() < 6 * tick
    assert wide["1001"].max() - wide["1001"].min() > 10 * tick


def test_rows_are_ordered_and_no_stamp_runs_backwards(day):
    for name in EVENTS:
        frame = day[name]
        order = ["ListingId", "EventTimestamp", "SequenceNo"]
        assert frame.equals(frame.sort(order, maintain_order=True)), name
        assert frame.equals(frame.sort("ListingId", "SequenceNo", maintain_order=True)), name


def test_one_sequence_without_gaps_numbers_orders_and_indications(day):
    for listing in (1001, 1002, 1003):
        numbers = [n for name in ("l3", "imbalance") for n in day[name].filter(ListingId=listing)["SequenceNo"]]
        assert sorted(numbers) == list(range(1, len(numbers) + 1))


def test_some_stamps_are_tied(day):
    events = day["l3"].filter("EndOfEvent")
    tied = events.select(pl.struct("ListingId", "EventTimestamp").is_duplicated().mean()).item()
    assert 0.01 < tied < 0.2


def test_every_row_lies_strictly_inside_the_state_it_names(day):
    states = day["marketstate"].sort("EventTimestamp")
    for name in ("l3", "l2", "trades"):
        rows = day[name].select("ListingId", "EventTimestamp", "MarketState").sort("EventTimestamp")
        in_force = rows.join_asof(
            states.rename({"MarketState": "InForce"}).with_columns(Since="EventTimestamp"),
            on="EventTimestamp",
            by="ListingId",
            check_sortedness=False,
        )
        assert in_force.filter(pl.col("MarketState") != pl.col("InForce")).height == 0
        assert in_force.filter(pl.col("EventTimestamp") <= pl.col("Since")).height == 0


def test_the_day_has_its_six_states_at_their_times(small):
    states = small["marketstate"].filter(ListingId=1001)
    assert states["MarketState"].to_list() == [
        *("PRE_OPEN", "OPENING_AUCTION", "CONTINUOUS_TRADING", "CLOSING_AUCTION", "POST_TRADE", "CLOSED")
    ]
    at = states["EventTimestamp"].to_list()
    assert [f"{t:%H:%M}" for t in at] == ["07:00", "07:50", "08:00", "16:30", "16:35", "17:15"]


def test_events_are_what_was_asked_for_and_the_closing_uncross_on_top(day):
    """Rows of the last exchange event, the uncross, come after the 900 (an event that passes 900 may bring a few)."""
    for _, rows in day["l3"].group_by("ListingId"):
        before = rows.filter((pl.col("MarketState") != "CLOSING_AUCTION") | (pl.col("ExecutionSize") == 0))
        assert 900 <= before.height < 920


def test_sizes_are_round_as_a_rule_and_sometimes_odd(day):
    inserted = day["l3"].filter(pl.col("Action") == "Insert")["Size"]
    odd = (inserted % 100 != 0).mean()
    assert 0.05 < odd < 0.5
    assert inserted.min() >= 1


def test_prices_are_the_floats_nearest_to_their_decimals(day):
    """Every tick is a whole number of 1/10000, and Python's division of whole numbers gives the nearest float."""
    for price in day["trades"]["Price"]:
        assert price == round(price * 10_000) / 10_000


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"listings": -1}, "listings = -1"),
        ({"events": -5}, "events = -5"),
        ({"levels": 0}, "levels = 0"),
        ({"tables": ["trades", "quotes"]}, "'quotes'"),
    ],
)
def test_what_cannot_be_simulated_is_refused_by_name(asked, sentence):
    with pytest.raises(UserError, match=sentence):
        market.simulate(**asked)


def test_the_simulator_needs_neither_numpy_nor_a_test_library():
    code = (
        "import sys; from basalt.testing import market; market.simulate(listings=1, events=50);"
        "print(*sorted({'numpy', 'pyarrow', 'pytest', 'hypothesis'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_a_million_order_events_take_less_than_a_minute():
    start = time.perf_counter()
    rows = market.simulate(listings=2, events=10_000)["l3"].height
    assert rows / (time.perf_counter() - start) > 1_000_000 / 60
