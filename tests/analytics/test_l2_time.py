"""The book by time at its edges: ties, halts, ages, where, missing sides, sessions; what options are refused."""

import polars as pl
import pytest

from basalt import compute
from basalt.errors import UserError
from basalt.metrics import Empty
from basalt_analytics.l2.timed_module import L2Tw

ONE = "BidPrice1 AskPrice1 BidQuantity1 AskQuantity1"
MID = {"prices": [{"sources": ["Mid"], "aggregations": ["TWA", "TWStd", "TWMin", "TWMax", "TWMedian"]}]}
NAMES = ("MidTWA", "MidTWStd", "MidTWMin", "MidTWMax", "MidTWMedian")


@pytest.fixture
def timed(table):
    """Bars of 10 s of l2tw, dense and closed on the left, over book rows; continuous from 0 to 20 s by default."""

    def bars(options, rows, columns=ONE, states=((0, "CONTINUOUS_TRADING"), (20, "CLOSED")), **pass_options):
        tables = {"l2": table(columns, rows), "marketstate": table("MarketState", list(states))}
        options_ = {"every": "10s", "timeline": "dense", "closed": "left", **pass_options}
        return compute([{"module": "l2tw", **options}], **options_, **tables).to_dicts()

    return bars


def values(bar, *names):
    return [bar[name] for name in names]


def test_of_rows_of_one_stamp_only_the_last_has_weight(timed):
    """Mids 10.5, 99.5 and 11.5 at 0: 11.5 until 10."""
    rows = [(0, 10, 11, 1, 1), (0, 99, 100, 1, 1), (0, 11, 12, 1, 1)]
    assert values(timed(MID, rows)[0], *NAMES) == [11.5, 0, 11.5, 11.5, 11.5]


def test_row_on_an_edge_begins_the_next_bucket_whatever_side_is_closed(timed):
    """10.5 until 10, then 11.5 until 20."""
    rows = [(0, 10, 11, 1, 1), (10, 11, 12, 1, 1)]
    for closed in ("right", "left"):
        found = [bar["MidTWA"] for bar in timed(MID, rows, closed=closed)]
        assert found[-2:] == [10.5, 11.5]


def test_book_is_carried_over_a_halt_but_weighs_nothing_in_it(timed):
    """Continuous 0–4 and 6–10: 10.5 for 2 s of the first, and for 2 s of the second until 11.5 at 8."""
    states = [(0, "CONTINUOUS_TRADING"), (4, "HALTED"), (6, "CONTINUOUS_TRADING"), (10, "CLOSED")]
    [bar] = timed(MID, [(2, 10, 11, 1, 1), (8, 11, 12, 1, 1)], states=states)
    assert values(bar, "BookAdmissibleSeconds", "BookValidSeconds", "BookCoverage") == [8, 6, 0.75]
    assert bar["MidTWA"] == pytest.approx((4 * 10.5 + 2 * 11.5) / 6)


def test_row_of_a_halt_is_what_is_in_force_behind_it(timed):
    """One-sided at 5, in the halt: nothing older replaces it at 6."""
    states = [(0, "CONTINUOUS_TRADING"), (4, "HALTED"), (6, "CONTINUOUS_TRADING"), (10, "CLOSED")]
    [bar] = timed({"shares": [{}], **MID}, [(0, 10, 11, 1, 1), (5, 10, None, 1, None)], states=states)
    assert values(bar, "BookValidSeconds", "OneSidedShare", "MidTWA") == [4, 0.5, 10.5]


def test_row_that_is_too_old_counts_for_nothing(timed):
    """In force from 2 to 5 of 10 s, and never in the next bucket: not even as an empty book."""
    first, second = timed({"max_age": "3s", "shares": [{}], **MID}, [(2, 10, 11, 1, 1)])
    assert values(first, "BookAdmissibleSeconds", "BookValidSeconds", "MidTWA", "EmptyShare") == [10, 3, 10.5, 0]
    assert values(second, "BookAdmissibleSeconds", "BookValidSeconds", "MidTWA", "EmptyShare") == [10, 0, None, 0]


def test_empty_book_is_not_the_same_as_none(timed):
    """No row until 4, both sides missing from 4 to 10: empty for 6 of 10 s, and 0 deep where missing is zero."""
    options = {"shares": [{}], "empty_side": "zero", "coverage": "each", "book": [{"measures": ["Quantity"]}]}
    bar = timed(options, [(4, None, None, None, None)])[0]
    assert values(bar, "EmptyShare", "OneSidedShare", "BidQuantity1TWA", "BidQuantity1TWASeconds") == [0.6, 0, 0, 6]


def test_where_takes_value_from_time_and_not_the_time(timed):
    """Bid sizes 200, 5, 200 in force for 2, 3 and 5 s: the middle row has no value, and ends the first all the same."""
    options = {"where": "BidQuantity1 > 100", "shares": [{}], **MID}
    rows = [(0, 10, 11, 200, 1), (2, 20, 20, 5, 1), (5, 11, 12, 200, 1)]
    bar = timed(options, rows)[0]
    assert values(bar, "BookAdmissibleSeconds", "BookValidSeconds", "LockedShare") == [10, 7, 0]
    assert bar["MidTWA"] == pytest.approx((2 * 10.5 + 5 * 11.5) / 7)


def test_where_that_holds_for_nulls_makes_no_book_before_the_first_row(timed):
    bar = timed({"where": "BidQuantity1 IS NULL", "shares": [{}]}, [(5, 10, 11, None, 1)])[0]
    assert values(bar, "BookValidSeconds", "EmptyShare") == [5, 0]


def test_dropped_and_missing_values_leave_both_sums(timed):
    """Two-sided 2 s, crossed 2 s, NaN bid 3 s, one-sided 3 s: the mid has 2 s, the ask 2 + 3 + 0."""
    options = {"coverage": "each", "prices": [{"sources": ["Mid", "Bid", "Ask"]}]}
    rows = [(0, 10, 11, 1, 1), (2, 12, 11, 1, 1), (4, float("nan"), 13, 1, 1), (7, 10, None, 1, None)]
    bar = timed(options, rows)[0]
    assert values(bar, "MidTWA", "MidTWASeconds", "BidTWA", "BidTWASeconds") == [10.5, 2, 10, 5]
    assert values(bar, "AskTWA", "AskTWASeconds") == [pytest.approx((2 * 11 + 3 * 13) / 5), 5]


def test_one_row_is_in_force_until_the_session_ends(timed):
    found = timed(MID, [(5, 10, 11, 1, 1)])
    assert [values(bar, *NAMES) for bar in found] == [[10.5, 0, 10.5, 10.5, 10.5]] * 2


def test_rows_after_the_session_have_no_weight(timed):
    found = timed(MID, [(5, 10, 11, 1, 1), (25, 99, 100, 1, 1)])
    assert [bar["MidTWMax"] for bar in found] == [10.5, 10.5]


def test_constant_price_deviates_by_exactly_nothing(timed):
    """A price with no exact binary form, in uneven pieces."""
    rows = [(t, 0.1, 0.1 + 0.2, 1, 1) for t in ("0", "1.1", "2.3", "7.77")]
    assert timed(MID, rows)[0]["MidTWStd"] == 0


def test_deviation_far_smaller_than_the_price_is_exact(timed):
    """Prices 1e6 and 1e6 + 1e-3 for half of the time each: 5e-4, to 6 digits (sums of squares would leave none)."""
    rows = [(0, 1e6, 1e6, 1, 1), (5, 1e6 + 1e-3, 1e6 + 1e-3, 1, 1)]
    assert timed(MID, rows)[0]["MidTWStd"] == pytest.approx(5e-4, rel=1e-6)


def test_buckets_of_a_table_without_states_are_whole(table):
    """Nothing tells of states: from 0, where the first bucket begins, to 20, where the last one ends."""
    book = table(ONE, [(5, 10, 11, 1, 1), (12, 11, 12, 1, 1)])
    found = compute([{"module": "l2tw", **MID}], every="10s", l2=book).to_dicts()
    assert [values(bar, "BookAdmissibleSeconds", "BookValidSeconds") for bar in found] == [[10, 5], [10, 10]]


def test_empty_table_gives_no_rows_and_every_column(table):
    found = compute(["l2tw"], every="10s", l2=table(ONE, []))
    assert found.height == 0
    depth = [f"{s}{m}1TWA" for s in ("Bid", "Ask") for m in ("Price", "Quantity")]
    coverage = ["BookAdmissibleSeconds", "BookValidSeconds", "BookCoverage"]
    assert found.columns[2:] == [*coverage, *depth, "SpreadAbsTWA", "SpreadBpsTWA", "MidTWA"]


def test_liquidity_by_time(timed):
    """The ask holds 10 × 102 until 4, then 5 × 102: 800 can be bought for 4 of 10 s, at 1e4/101 bps above the mid 101.
    Level 1 is the deepest, and within 200 bps all the time."""
    group = {"measures": ["XlmBuy", "XlmUnfilledRatio", "DepthWithin"], "notionals": [800], "bps": [200]}
    bar = timed({"liquidity": [group], "coverage": "each"}, [(0, 100, 102, 10, 10), (4, 100, 102, 10, 5)])[0]
    assert values(bar, "XlmBuyBps800TWA", "XlmBuyBps800TWASeconds") == [pytest.approx(1e4 / 101), 4]
    assert bar["XlmUnfilledRatio800TWA"] == pytest.approx(0.6 * (1 - 510 / 800))
    assert values(bar, "AskDepthWithin200BpsTWA", "AskDepthWithin200BpsTruncatedTWA") == [pytest.approx(7), 1]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"max_age": "0s"}, r"l2tw\.max_age = '0s' leaves no row in force"),
        ({"max_age": "-1s"}, r"l2tw\.max_age = '-1s' leaves no row in force"),
        ({"levels": 2}, r"l2tw\.levels asks for level 2, but table l2 has the levels 1 to 1"),
        ({"prices": [{"sources": ["Mid"], "aggregations": ["Last"]}]}, r"aggregations.*Last"),
        ({"spreads": [{"variants": ["TWAOverMidTWABps"], "aggregations": ["TWStd"]}]}, r"ratio of averages"),
        ({"imbalances": [{"measures": ["Quantity"], "kinds": ["ImbalanceOf"], "aggregations": ["TWMax"]}]}, "TWMax"),
        ({"touch_sizes": [{"above": [0]}]}, r"l2tw\.touch_sizes\[0\]: above = \[0\.0\] has a size that is not above 0"),
        ({"touch_sizes": [{"above": []}]}, r"l2tw\.touch_sizes\[0\]: above is empty"),
        ({"shares": [{"states": []}]}, r"l2tw\.shares\[0\]: states is empty"),
        ({"shares": [{}, {}]}, r"l2tw\.shares\[0\] and l2tw\.shares\[1\] both emit LockedShare"),
        ({"where": "BidQuantity2 > 1"}, r"BidQuantity2"),
        ({"flow": [{"measures": ["OFI"]}]}, r"flow"),
    ],
)
def test_what_cannot_be_meant_is_refused(timed, options, said):
    with pytest.raises(UserError, match=said):
        timed(options, [(0, 10, 11, 1, 1)])


def test_rows_and_time_of_one_pass_never_share_a_name(table):
    found = compute(["l2", "l2tw"], every="10s", l2=table(ONE, [(1, 10, 11, 1, 1)]))
    assert len(set(found.columns)) == len(found.columns)


def test_declarations(parts):
    """Averages roll up by the time behind them, over listings where they have no unit of one; coverage by its whole."""
    columns = dict.fromkeys(["BidPrice1", "BidQuantity1", "AskPrice1", "AskQuantity1"], pl.Float64())
    metrics = {m.name: m for m in parts(L2Tw, {}, columns)[0].metrics}
    kinds = {n: (m.over_time.kind, m.over_listings.kind, m.empty, m.unit.value) for n, m in metrics.items()}
    assert kinds["SpreadBpsTWA"] == ("mean", "mean", Empty.NULL, "bps")
    assert kinds["MidTWA"] == ("mean", "none", Empty.NULL, "price")
    assert kinds["BookValidSeconds"] == ("sum", "none", Empty.ZERO, "seconds")
    assert kinds["BookCoverage"] == ("mean", "mean", Empty.NULL, "ratio")
    assert all(m.doc.endswith(".") and m.formula for m in metrics.values())
    assert str(metrics["SpreadBpsTWA"].over_time.weight) == str(metrics["BookValidSeconds"].expr)
