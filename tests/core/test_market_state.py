"""The `market_state` transform: l3 §5."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from basalt.market_state import MarketState, MarketStateOptions
from basalt.modules import PassContext
from basalt.tables import STATE

EIGHT = datetime(2026, 1, 5, 8, tzinfo=UTC)
CONTEXT = PassContext("bars", date(2026, 1, 5), ["ListingId"], None)
NS = pl.Datetime("ns", "UTC")


def states(rows):
    keys, seconds, names = zip(*rows, strict=True)
    return pl.LazyFrame(
        {"ListingId": keys, "EventTimestamp": [EIGHT + timedelta(seconds=s) for s in seconds], "MarketState": names},
        schema_overrides={"EventTimestamp": NS, "MarketState": STATE},
    )


DAY = states([(1, 0, "PRE_OPEN"), (1, 10, "CONTINUOUS_TRADING"), (1, 20, "HALTED")])


def trades(*nanoseconds, key=1, **columns):
    at = int(EIGHT.timestamp()) * 10**9
    frame = pl.DataFrame({"ListingId": [key] * len(nanoseconds), "EventTimestamp": [at + n for n in nanoseconds]})
    return frame.with_columns(pl.col("EventTimestamp").cast(NS), **columns).lazy()


def apply(rows, marketstate=DAY, reference=None, **options):
    transform = MarketState(MarketStateOptions(table="trades", **options))
    inputs = {"trades": rows, "marketstate": marketstate, "reference": reference}
    made = transform.apply({name: inputs[name] for name in transform.inputs}, CONTEXT)
    return made["trades"].collect()


S = 10**9
ORACLE = (-S, 10 * S, 20 * S - 1, 20 * S)


def test_a_row_has_the_state_in_force_and_the_new_one_at_the_change():
    """Oracle of l3 §5: rows at 07:59:59, 08:00:10, 08:00:19.999999999, 08:00:20."""
    assert apply(trades(*ORACLE))["MarketState"].to_list() == [
        "UNKNOWN", "CONTINUOUS_TRADING", "CONTINUOUS_TRADING", "HALTED"
    ]  # fmt: skip


def test_before_gives_rows_at_the_change_the_old_state():
    """Oracle of l3 §5 with tie = before."""
    assert apply(trades(*ORACLE), tie="before")["MarketState"].to_list() == [
        "UNKNOWN", "PRE_OPEN", "CONTINUOUS_TRADING", "CONTINUOUS_TRADING"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("on_existing", "expected"),
    [
        ("fill_null", ["CLOSED", "CONTINUOUS_TRADING"]),
        ("keep", ["CLOSED", None]),
        ("replace", ["CONTINUOUS_TRADING", "CONTINUOUS_TRADING"]),
    ],
)
def test_existing_states_are_filled_kept_or_replaced(on_existing, expected):
    rows = trades(11 * S, 12 * S, MarketState=pl.Series(["CLOSED", None], dtype=STATE))
    assert apply(rows, on_existing=on_existing)["MarketState"].to_list() == expected


def test_of_several_states_at_one_stamp_the_last_counts():
    twice = states([(1, 0, "PRE_OPEN"), (1, 10, "OPENING_AUCTION"), (1, 10, "CONTINUOUS_TRADING")])
    assert apply(trades(10 * S), twice)["MarketState"].to_list() == ["CONTINUOUS_TRADING"]


def test_states_out_of_order_are_put_in_order_first():
    late = states([(1, 20, "HALTED"), (1, 0, "PRE_OPEN"), (1, 10, "CONTINUOUS_TRADING")])
    assert apply(trades(*ORACLE), late)["MarketState"].to_list()[-1] == "HALTED"


def test_a_listing_without_states_is_unknown_and_keeps_its_rows():
    found = apply(trades(5 * S, 15 * S, key=2))
    assert found["MarketState"].to_list() == ["UNKNOWN", "UNKNOWN"]
    assert found.height == 2


def test_the_states_beginning_is_added_on_request():
    found = apply(trades(-S, 15 * S), state_since=True)
    assert found["MarketStateSince"].to_list() == [None, EIGHT + timedelta(seconds=10)]
    assert "MarketStateSince" not in apply(trades(15 * S)).columns


def test_the_primarys_state_comes_through_reference_and_rows_keep_their_order():
    """Listing 2's primary is listing 1: at 15 s it trades there, while its own venue is still closed."""
    both = states([(1, 0, "PRE_OPEN"), (1, 10, "CONTINUOUS_TRADING"), (2, 0, "CLOSED")])
    reference = pl.LazyFrame({"ListingId": [1, 2, 3], "InstrumentId": [7, 7, 8], "IsPrimary": [True, False, False]})
    rows = pl.concat([trades(5 * S), trades(5 * S, 15 * S, key=2), trades(1 * S, key=3)])
    found = apply(rows, both, reference, at_primary=True)
    assert found["ListingId"].to_list() == [1, 2, 2, 3]
    assert found["MarketStateAtPrimary"].to_list() == ["PRE_OPEN", "PRE_OPEN", "CONTINUOUS_TRADING", "UNKNOWN"]
    assert found["MarketState"].to_list() == ["PRE_OPEN", "CLOSED", "CLOSED", "UNKNOWN"]


def test_declared_columns_are_those_that_come_out():
    transform = MarketState(MarketStateOptions(table="trades", at_primary=True, state_since=True))
    reference = pl.LazyFrame({"ListingId": [1], "InstrumentId": [7], "IsPrimary": [True]})
    inputs = {"trades": trades(5 * S), "marketstate": DAY, "reference": reference}
    declared = transform.columns({name: dict(f.collect_schema()) for name, f in inputs.items()})
    assert set(transform.apply(inputs, CONTEXT)["trades"].collect_schema()) == set(declared)


def test_no_rows_in_no_rows_out():
    assert apply(trades()).height == 0


def test_only_the_primarys_state_asks_for_whole_instruments():
    """The primary listing may lie in another batch than the listing itself."""
    assert MarketState(MarketStateOptions(table="trades")).scope == "listing"
    assert MarketState(MarketStateOptions(table="trades", at_primary=True)).scope == "instrument"
