"""Mids at offsets from a trade across halts, session ends and the venues of an instrument."""

from datetime import timedelta
from decimal import Decimal
from types import MappingProxyType

import polars as pl
import pytest

import basalt
from basalt import Metric, Unit, analytic
from basalt.errors import UserError
from basalt.face import plan_in_memory
from basalt.metrics import Known
from basalt.modules import ALL_STATES

TOUCH = "BidPrice1 AskPrice1"
HALT = [(0, "CONTINUOUS_TRADING"), (12, "HALTED"), (20, "CONTINUOUS_TRADING"), (30, "CLOSING_AUCTION")]
CONTINUOUS_AND_CLOSE = ("CONTINUOUS_TRADING", "CLOSING_AUCTION")
ONE, NONE = (9, 11), (9, None)
SESSION = 1_767_603_600_000_000_000
"""09:00:00 of the day in nanoseconds."""


@pytest.fixture(name="mid")
def mid_(table, quoted):
    """The mid at that second, and its age, as of a trade 5 s before it."""

    def at(second, quotes, states=HALT, of_pass=(), **options):
        tables = {"trades": table("Price Size", [(Decimal(second) - 5, 10, 1)]), "l2": table(TOUCH, quotes)}
        if states:
            tables["marketstate"] = table("MarketState", states)
        return quoted(tables, of_pass, horizons=["5s"], **options).select("MidAfter5s", "MidAfter5sAgeSeconds").row(0)

    return at


@pytest.mark.parametrize(
    ("second", "found"),
    [
        (11, (10, 6)),
        ("11.999999999", (10, pytest.approx(6.999999999))),
        (12, (None, None)),
        (15, (None, None)),
        (20, (10, 15)),
        (25, (10, 20)),
        (30, (None, None)),
        (31, (None, None)),
    ],
)
def test_a_quote_from_before_a_halt_is_in_force_again_where_it_is_the_latest(table, quoted, second, found):
    """One quote, at 5. The halt from 12 to 20 has no mid, nor has anything from 30 on."""
    trades = table("Price Size", [(second, 10, 1)])
    tables = {"trades": trades, "l2": table(TOUCH, [(5, *ONE)]), "marketstate": table("MarketState", HALT)}
    made = quoted(tables, horizons=["0s"])
    assert made.select("MidAfter0s", "MidAfter0sAgeSeconds").row(0) == found


def test_an_invalid_latest_quote_is_not_replaced_by_one_from_before_the_halt(mid):
    """One-sided at 8: 11 still sees the quote of 5, but 21 sees nothing, until the next valid quote at 25."""
    quotes = [(5, *ONE), (8, *NONE), (25, 19, 21)]
    assert mid(11, quotes) == (10, 6)
    assert mid(21, quotes) == (None, None)
    assert mid(26, quotes) == (20, 1)


def test_a_quote_of_the_halt_is_in_force_at_the_resume(mid):
    """The latest of the halt's quotes counts, at 18; at 15 there is no mid all the same."""
    quotes = [(5, *ONE), (14, 29, 31), (18, 19, 21)]
    assert mid(21, quotes) == (20, 3)
    assert mid(15, quotes) == (None, None)
    assert mid(21, [*quotes, (19, *NONE)]) == (None, None)


def test_a_quote_stamped_at_the_resume_is_the_latest_there(mid):
    quotes = [(5, *ONE), (20, *NONE)]
    assert mid(20, quotes) == (None, None)
    assert mid(20, [*quotes, (20, 19, 21)]) == (20, 0)


def test_of_quotes_stamped_at_the_resume_the_last_valid_one_counts(mid):
    """They are inside the stretch that begins there; those of the halt are not, and only the latest of them counts."""
    assert mid(20, [(5, *ONE), (20, 19, 21), (20, *NONE)]) == (20, 0)
    assert mid(22, [(5, *ONE), (20, 19, 21), (20, *NONE)]) == (20, 2)
    assert mid(20, [(5, *ONE), (19, 19, 21), (19, *NONE)]) == (None, None)


def test_before_the_first_stretch_only_the_latest_quote_counts(mid):
    """Continuous from 0: the quote of −3 carries in, and a one-sided one at −1 hides it."""
    assert mid(3, [(-3, *ONE)]) == (10, 6)
    assert mid(3, [(-3, *ONE), (-1, *NONE)]) == (None, None)
    assert mid(-1, [(-3, *ONE)]) == (None, None)


def test_a_mid_before_the_trade_obeys_the_same_states(table, quoted):
    """5 s before 17, 14 and 24: in the halt at 12, then 9, then in the halt at 19."""
    trades = table("Price Size", [(14, 10, 1), (17, 10, 1), (24, 10, 1)])
    tables = {"trades": trades, "l2": table(TOUCH, [(5, *ONE)]), "marketstate": table("MarketState", HALT)}
    assert quoted(tables, horizons=["-5s"])["MidBefore5s"].to_list() == [10, None, None]


def test_the_states_are_those_of_the_pass(mid):
    """With the closing auction admissible too, 31 has a mid; the halt has none."""
    quotes = [(5, *ONE), (30, 19, 21)]
    both = {"market_states": CONTINUOUS_AND_CLOSE}
    assert mid(31, quotes, of_pass=both) == (20, 1)
    assert mid(15, quotes, of_pass=both) == (None, None)


def test_all_states_are_one_stretch_up_to_the_close(mid):
    """Memory reaches over the halt, and the venue is closed from 40 on."""
    every = {"market_states": (*ALL_STATES, "null")}
    states = [*HALT, (40, "CLOSED")]
    quotes = [(5, *ONE), (8, *NONE)]
    assert [mid(second, quotes, states, every)[0] for second in (15, 21, 39, 40)] == [10, 10, 10, None]


def test_a_listing_without_states_has_mids_only_where_the_unknown_state_counts(mid):
    other = [(0, "CONTINUOUS_TRADING")]
    assert mid(6, [(5, *ONE)], other) == (10, 1)
    assert mid(-1, [(-2, *ONE)], other, {"market_states": ("UNKNOWN",)}) == (10, 1)


def test_without_a_state_table_the_states_of_the_quotes_count(table, quoted):
    """The run of continuous quotes begins at 2 and ends with the auction's at 8."""
    states = ["PRE_OPEN", "CONTINUOUS_TRADING", "CONTINUOUS_TRADING", "CLOSING_AUCTION"]
    quotes = table(TOUCH, [(1, 9, 11), (2, 19, 21), (5, *NONE), (8, 29, 31)], MarketState=states)
    trades = table("Price Size", [(1, 10, 1), (6, 10, 1), (8, 10, 1)])
    found = quoted({"trades": trades, "l2": quotes}, horizons=["0s"])
    assert found["MidAfter0s"].to_list() == [None, 20, None]


def hours(*sessions):
    return {"sessions": [(SESSION + start * 10**9, SESSION + end * 10**9) for start, end in sessions]}


def test_without_states_the_hours_count_both_ends_in(mid):
    quotes = [(-2, *ONE), (10, 19, 21)]
    found = [mid(second, quotes, (), hours((0, 10)))[0] for second in (-1, 0, 5, 10, "10.000000001", 11)]
    assert found == [None, 10, 10, 20, None, None]


def test_two_sessions_that_meet_are_two_stretches(mid):
    """The one-sided quote at 4 hides the one of 2 from the second session, which begins at 5."""
    found = [mid(second, [(2, *ONE), (4, *NONE)], (), hours((0, 5), (5, 10)))[0] for second in (4, 5, 6, 10)]
    assert found == [10, None, None, None]


def test_a_closed_date_has_no_mids(mid):
    assert mid(5, [(2, *ONE)], (), {"sessions": []}) == (None, None)


def test_states_of_quotes_that_nothing_ends_end_with_the_session(table, quoted):
    quotes = table(TOUCH, [(1, 9, 11)], MarketState=["CONTINUOUS_TRADING"])
    trades = table("Price Size", [(10, 10, 1), ("10.1", 10, 1)])
    found = quoted({"trades": trades, "l2": quotes}, hours((0, 10)), horizons=["0s"])
    assert found["MidAfter0s"].to_list() == [10, None]


def test_clamped_mids_are_those_of_the_sessions_end(table, quoted):
    """Trades at 10, 14, 24, 28 and 33; 5 s later the halt is not the end, 29 is before the end at 30, 33 is after it,
    and so is 38. At the end the quote of 26 is in force, 4 s old; the auction's of 31 is not."""
    trades = table("Price Size", [(second, 10, 1) for second in (10, 14, 24, 25, 28, 33)])
    quotes = table(TOUCH, [(5, *ONE), (26, 19, 21), (31, 29, 31)])
    tables = {"trades": trades, "l2": quotes, "marketstate": table("MarketState", HALT)}
    found = quoted(tables, horizons=["5s"], clamp="session_end")
    assert found["MidAfter5s"].to_list() == [None, None, 20, None, 20, 20]
    assert found["MidAfter5sClamped"].to_list() == [False, False, False, False, True, True]
    assert found["MidAfter5sAgeSeconds"].to_list() == [None, None, 3, None, 4, 4]
    stale = quoted(tables, horizons=["5s"], clamp="session_end", tolerance="3s")
    assert stale["MidAfter5s"].to_list() == [None, None, 20, None, None, None]


def test_a_quote_stamped_at_the_sessions_end_is_behind_it(table, quoted):
    """10 s after trades at 1, 10 and 11, continuous up to 20: within, at the end (no mid, not clamped), after it."""
    states = [(0, "CONTINUOUS_TRADING"), (20, "CLOSING_AUCTION")]
    tables = {
        "trades": table("Price Size", [(1, 10, 1), (10, 10, 1), (11, 10, 1)]),
        "marketstate": table("MarketState", states),
    }
    for quotes, mids in (([(20, *ONE)], [None, None, None]), ([(2, 19, 21), (20, *ONE)], [20, None, 20])):
        found = quoted({**tables, "l2": table(TOUCH, quotes)}, horizons=["10s"], clamp="session_end")
        assert found["MidAfter10s"].to_list() == mids
        assert found["MidAfter10sClamped"].to_list() == [False, False, True]


def test_mids_are_clamped_to_the_hours_where_no_state_is_known(table, quoted):
    tables = {"trades": table("Price Size", [(5, 10, 1), (6, 10, 1)]), "l2": table(TOUCH, [(2, *ONE), (11, 19, 21)])}
    found = quoted(tables, hours((0, 10)), horizons=["5s"], clamp="session_end")
    assert found.select("MidAfter5s", "MidAfter5sClamped", "MidAfter5sAgeSeconds").rows() == [
        (10, False, 8), (10, True, 8)
    ]  # fmt: skip


def test_nothing_is_clamped_where_no_end_is_known(table, quoted):
    tables = {"trades": table("Price Size", [(5, 10, 1)]), "l2": table(TOUCH, [(2, *ONE)])}
    found = quoted(tables, horizons=["5d"], clamp="session_end")
    assert found.select("MidAfter5d", "MidAfter5dClamped").row(0) == (10, False)


@pytest.fixture(name="venues")
def venues_(table):
    """Listings 1 and 2 of instrument 7, 3 of none; a trade of each at 5, quotes of instrument 7 at 4 and 6."""
    trades = pl.concat(table("Price Size", [(5, 10, 1)]).with_columns(ListingId=pl.lit(i, pl.Int64)) for i in (1, 2, 3))
    quotes = table(TOUCH, [(4, *ONE), (6, 19, 21)]).rename({"ListingId": "InstrumentId"})
    reference = pl.DataFrame({"ListingId": [3, 2, 1], "InstrumentId": [None, 7, 7]})
    return {"trades": trades, "cbbo": quotes.with_columns(InstrumentId=pl.lit(7, pl.Int64)), "reference": reference}


def test_quotes_of_an_instrument_are_at_the_trades_of_all_its_listings(venues, quoted):
    found = quoted(venues, quotes="cbbo", horizons=["1s"])
    assert found["ListingId"].to_list() == [1, 2, 3]
    assert found["MidAtTrade"].to_list() == [10, 10, None]
    assert found["MidAfter1s"].to_list() == [20, 20, None]
    assert found["QuoteStatus"].to_list() == ["Ok", "Ok", "Missing"]


def test_each_listing_keeps_its_own_states_under_the_quotes_of_its_instrument(venues, quoted, table):
    """Listing 2 is halted from 3 on."""
    states = [table("MarketState", [(0, "CONTINUOUS_TRADING")]), table("MarketState", [(3, "HALTED")])]
    both = pl.concat(frame.with_columns(ListingId=pl.lit(i + 1, pl.Int64)) for i, frame in enumerate(states))
    found = quoted({**venues, "marketstate": both}, quotes="cbbo", horizons=["1s"])
    assert found["MidAfter1s"].to_list() == [20, None, None]


@analytic("trades")
def later():
    """Mids after trades."""
    yield Metric("Later", pl.col("MidAfter5s").mean(), Unit.PRICE, doc="Mean.")
    yield Metric("Now", pl.col("MidAtTrade").mean(), Unit.PRICE, doc="Mean.")


@pytest.fixture(name="planned")
def planned_(table):
    def plan(tables, of_pass=MappingProxyType({}), **options):
        steps = [{"transform": "quotes_at_trades", **options}]
        trades = {"trades": table("Price Size", [(5, 10, 1)]), "l2": table(f"{TOUCH} BidQuantity1", [(4, *ONE, 1)])}
        return plan_in_memory([later], "10s", None, trades | dict(tables), {"preprocess": steps, **of_pass})

    return plan


def test_a_metric_is_final_once_the_mids_it_reads_are(planned):
    """5 s after its bucket's end; clamped, when the date is over."""
    lags = {column.name: column.known_after for column in planned({}, horizons=["5s"]).programs[0].result.columns}
    assert lags == {"Later": timedelta(seconds=5), "Now": timedelta(0)}
    clamped = planned({}, horizons=["5s"], clamp="session_end").programs[0].result.columns
    assert clamped[0].known_after is Known.END_OF_DATE


def test_lags_are_whole_microseconds_and_never_below_zero(transform):
    lags = transform(horizons=["-1s", "0s", "1ns", "1us", "1m"]).known_after
    names = ("MidBefore1s", "MidAfter0s", "MidAfter1ns", "MidAfter1us", "MidAfter1mAgeSeconds")
    assert [lags[name] // timedelta(microseconds=1) for name in names] == [0, 0, 1, 1, 60_000_000]


def test_the_plan_tells_what_orders_quotes_and_whether_the_session_ends(planned, table):
    by_time = "passes.computed: quotes_at_trades orders quotes and trades by time"
    open_end = "passes.computed: quotes_at_trades knows no market state and no session"
    notes = planned({}, horizons=["5s"]).notes
    assert by_time in notes
    assert any(note.startswith(open_end) for note in notes)
    known = planned({"marketstate": table("MarketState", HALT)}, horizons=["5s"])
    hours = {"session": {"start": "09:00", "end": "17:00", "tz": "UTC"}}
    for plan in (known, planned({}, hours, horizons=["5s"])):
        assert not any(note.startswith(open_end) for note in plan.notes)


def test_the_plan_tells_that_a_shared_sequence_decides(table, transform):
    trades, quotes = (dict(table(f"{columns} SequenceNo", []).schema) for columns in ("Price Size", TOUCH))
    tables = {"trades": trades, "l2": quotes}
    said = [list(transform(order=order).notes(tables, True, True)) for order in ("time_sequence", "time")]
    assert said == [
        [f"quotes_at_trades orders quotes and trades by {order}"] for order in ("time and sequence", "time")
    ]


def test_a_run_reads_the_state_table_where_there_is_one(table):
    """A trade at 10 has a mid 5 s later only as long as the halt at 12 is not known."""
    tables = {"trades": table("Price Size", [(10, 10, 1)]), "l2": table(f"{TOUCH} BidQuantity1", [(4, *ONE, 1)])}
    steps = [{"transform": "quotes_at_trades", "horizons": ["5s"]}]
    alone = basalt.compute([later], every="10s", preprocess=steps, **tables)
    assert alone["Later"].to_list() == [10]
    halted = basalt.compute([later], every="10s", preprocess=steps, marketstate=table("MarketState", HALT), **tables)
    assert (halted["Later"].to_list(), halted["Now"].to_list()) == ([None], [10])


def test_a_column_of_no_horizon_is_missing_while_planning(planned):
    with pytest.raises(UserError, match="MidAfter5s"):
        planned({}, horizons=["1s"])
