"""Module liquidity at its edges: halts, unknown sides, flat prices, volume buckets, and options that are refused."""

import datetime as dt

import polars as pl
import pytest

import basalt
from basalt.errors import UserError

MEASURES = ["KyleLambda", "KyleLambdaOrigin", "HasbrouckLambda", "Amihud", "Roll", "RollDemeaned"]
QUOTES = "BidPrice1 AskPrice1 BidQuantity1 AskQuantity1"


@pytest.fixture
def liquid(table):
    """Rows of module liquidity, in bars of 20 s, from (seconds, price, size, side) and (seconds, bid, ask)."""

    def rows(options, trades, quotes=((0, 9.99, 10.01),), every="20s", states=None, **keys):
        sided = [(t, p, q) for t, p, q, _ in trades]
        found = table("Price Size", sided, AggressorSide=[side for *_, side in trades])
        book = table(QUOTES, [(t, bid, ask, 1, 1) for t, bid, ask in quotes])
        if states is not None:
            book = book.with_columns(MarketState=states_at(book, states))
            found = found.with_columns(MarketState=states_at(found, states))
        module = {"module": "liquidity", "measures": MEASURES, **options}
        return basalt.compute([module], every=every, trades=found, l2=book, **keys).to_dicts()

    def states_at(frame, states):
        seconds = (frame["EventTimestamp"].dt.epoch("ns") - 1767603600 * 10**9) / 10**9
        found = [next((state for since, state in reversed(states) if since <= t), "UNKNOWN") for t in seconds]
        return pl.Series(found, dtype=basalt.tables.STATE)

    return rows


VPIN = {"measures": ["Vpin"]}


def vpin(volume, buckets, **more):
    return {**VPIN, "vpin": {"bucket_volume": volume, "buckets": buckets, **more}}


def test_one_trade_has_no_bounce_and_no_slope(liquid):
    """Kyle's slope has one value of x beside three zeros, and a flat mid: 0 through the origin; nothing bounces."""
    [_, bar] = liquid({}, [(3, 10.0, 100, "Buy")])
    assert (bar["KyleLambda"], bar["KyleLambdaOrigin"], bar["HasbrouckLambda"]) == (0, 0, 0)
    assert (bar["Amihud"], bar["AmihudCount"], bar["Roll"], bar["RollDemeaned"]) == (0, 1, None, None)


def test_no_trade_no_row_but_a_count_of_zero(liquid):
    """Bucket :20 has a quote and no trade."""
    bars = liquid({}, [(33, 10.0, 100, "Buy")], quotes=[(0, 9.99, 10.01), (12, 9.99, 10.01)])
    assert [bar["AmihudCount"] for bar in bars] == [0, 0, 1]
    assert bars[1]["KyleLambda"] is None


def test_trades_of_unknown_side_are_signed_by_nobody(liquid):
    """x is 0 throughout: no slope; Amihud asks for no side; all of the volume is unsigned."""
    [_, bar] = liquid({}, [(3, 10.0, 100, None), (8, 10.0, 100, None)])
    assert (bar["KyleLambda"], bar["KyleLambdaOrigin"], bar["HasbrouckLambda"]) == (None, None, None)
    assert (bar["AmihudCount"], bar["UnsignedVolumeShare"]) == (2, 1)


def test_two_sub_intervals_are_too_few_for_a_slope_with_intercept(liquid):
    """Mids 10 at 0 and 10, 10.1 at 20; x = 100, 200: (100·0 + 200·.1)/50000 through the origin."""
    quotes = [(0, 9.99, 10.01), (15, 10.09, 10.11)]
    [_, bar] = liquid({"every_sub": "10s"}, [(3, 10.0, 100, "Buy"), (12, 10.0, 200, "Buy")], quotes)
    assert bar["KyleLambda"] is None
    assert bar["KyleLambdaOrigin"] == pytest.approx(20 / 50000)


def test_a_crossed_book_has_no_mid_and_a_locked_one_has(liquid):
    """At 5 the book is crossed, so 10 is still in force; at 15 it is locked at 10.2. Δp = 0 0 .2 0 for x = 1 2 3 4."""
    quotes = [(0, 9.99, 10.01), (5, 10.5, 10.1), (15, 10.2, 10.2)]
    [_, bar] = liquid({}, [(3, 10, 1, "Buy"), (8, 10, 2, "Buy"), (13, 10, 3, "Buy"), (18, 10, 4, "Buy")], quotes)
    assert bar["KyleLambdaOrigin"] == pytest.approx(0.2 * 3 / 30)


C = "CONTINUOUS_TRADING"


def test_no_price_change_reaches_over_a_halt(liquid):
    """Halted from 6 to 9: (5, 10] has no change, the others have 0, though the mid is 1 higher behind the halt.
    The trades at 3 and 12 do not bounce off each other: Δ = – −.1 .1, one product −.01."""
    quotes = [(0, 9.99, 10.01), (6, 10.49, 10.51), (9, 10.99, 11.01), (19, 10.99, 11.01)]
    trades = [(3, 10.0, 100, "Buy"), (7, 10.5, 1, None), (12, 11.0, 300, "Buy")]
    trades += [(13, 10.9, 100, "Sell"), (14, 11.0, 100, "Buy")]
    [*_, bar] = liquid({}, trades, quotes, states=[(-5, C), (6, "HALTED"), (9, C)])
    assert bar["KyleLambdaOrigin"] == 0
    assert bar["AmihudCount"] == 2
    assert bar["Roll"] == pytest.approx(0.2)


def test_a_halt_that_no_row_tells_is_told_by_the_state_table(table):
    """Halted from 6 to 9, when books and trades are silent: the mid that is 1 higher at 9 is no change, nor is the
    price of the trade at 12 one from that at 3."""
    tables = {
        "trades": table("Price Size", [(3, 10, 100), (12, 11, 300), (13, 10.9, 1)], AggressorSide=["Buy"] * 3),
        "l2": table(QUOTES, [(0, 9.99, 10.01, 1, 1), (9, 10.99, 11.01, 1, 1)]),
        "marketstate": table("MarketState", [(-5, C), (6, "HALTED"), (9, C)]),
    }
    module = {"module": "liquidity", "measures": ["KyleLambdaOrigin", "Roll"]}
    bar = basalt.compute([module], every="20s", **tables).row(-1, named=True)
    assert (bar["KyleLambdaOrigin"], bar["Roll"]) == (0, None)


def test_a_trade_without_a_price_makes_no_bucket(liquid):
    """At 45 a price of NaN: the buckets are those of the quote at 0 and of the trade at 3."""
    assert len(liquid({}, [(3, 10, 100, "Buy"), (45, float("nan"), 1, "Buy")])) == 2


def test_trades_of_another_state_do_not_count(liquid):
    """The trade at 7 is in the halt: 100 of 100 shares are signed."""
    trades = [(3, 10.0, 100, "Buy"), (7, 10.0, 900, None)]
    [*_, bar] = liquid({}, trades, [(0, 9.99, 10.01), (9, 9.99, 10.01)], states=[(-5, C), (6, "HALTED"), (9, C)])
    assert bar["UnsignedVolumeShare"] == 0


def test_prices_of_trades_are_those_in_force_on_the_grid(liquid):
    """Trades 10 at 1, 10.2 at 7, 10.1 at 14: p = – 10 10.2 10.1 10.1 at 0 5 10 15 20, Δp = – .2 −.1 0, x = – 100 −50 0.
    (25 − 50·.1/3)/(12500 − 50²/3) = .002 with intercept."""
    trades = [(1, 10.0, 5, "Buy"), (7, 10.2, 100, "Buy"), (14, 10.1, 50, "Sell")]
    [*_, bar] = liquid({"price": "trade"}, trades)
    assert bar["KyleLambdaOrigin"] == pytest.approx((100 * 0.2 + 50 * 0.1) / (100**2 + 50**2))
    assert bar["KyleLambda"] == pytest.approx(0.002)


def test_prices_that_trend_imply_no_spread(liquid):
    """Δ .1 .1 .1: the mean product is positive, the covariance of equal changes 0."""
    [*_, bar] = liquid({}, [(t, 10 + t / 8, 1, "Buy") for t in (1, 2, 3, 4)])
    assert (bar["Roll"], bar["RollDemeaned"]) == (None, None)


def test_the_first_trade_of_a_bucket_does_not_bounce_off_the_bucket_before(liquid):
    """10, 10.1 | 10, 10.1, 10: one product −.01 in the second bucket, without the fall from 10.1 to 10 at its start."""
    trades = [(1, 10, 1, "Buy"), (2, 10.1, 1, "Buy"), (21, 10, 1, "Buy"), (22, 10.1, 1, "Buy"), (23, 10, 1, "Sell")]
    *_, first, second = liquid({}, trades)
    assert first["Roll"] is None
    assert second["Roll"] == pytest.approx(0.2)


def test_bad_trades_are_none(liquid):
    """NaN, infinite and zero prices and sizes leave one trade."""
    bad = [(2, float("nan"), 100, "Sell"), (3, float("inf"), 100, None), (4, 10, 0, None), (5, 0.0, 5, None)]
    [*_, bar] = liquid(vpin(100, 1), [(1, 10, 100, "Buy"), *bad])
    assert (bar["Vpin"], bar["UnsignedVolumeShare"]) == (1, 0)


def test_one_trade_may_fill_many_volume_buckets(liquid):
    """30 sold, then 10000 bought, in buckets of 100: 100 are full, the last five of them all bought. With 130 sold
    behind these the last is (30 … bought, 70 sold): |30 − 70|/100 = .4, so (1 + 1 + 1 + 1 + .4)/5."""
    *_, bar = liquid(vpin(100, 5), [(1, 10, 30, "Sell"), (2, 10, 10000, "Buy")])
    assert bar["Vpin"] == 1
    *_, bar = liquid(vpin(100, 5), [(1, 10, 30, "Sell"), (2, 10, 10000, "Buy"), (3, 10, 70, "Sell")])
    assert bar["Vpin"] == pytest.approx((4 + 0.4) / 5)


def test_volume_buckets_of_sizes_that_are_no_whole_numbers(liquid):
    """.1 + .2 fills a bucket of .3, though the sum of the two is not .3 in binary."""
    *_, bar = liquid(vpin(0.3, 1), [(1, 10, 0.1, "Buy"), (2, 10, 0.2, "Sell")])
    assert bar["Vpin"] == pytest.approx(1 / 3)


def test_vpin_stays_as_it_is_while_nothing_trades(liquid):
    """Buckets :20 and :60 have trades, :40 a quote alone; the trade of :60 fills no bucket."""
    bars = liquid(vpin(100, 1), [(1, 10, 100, "Buy"), (41, 10, 50, "Sell")], [(0, 9.99, 10.01), (30, 9.99, 10.01)])
    assert [bar["Vpin"] for bar in bars] == [None, 1, 1, 1]


def test_vpin_starts_anew_on_each_date(table):
    """A bucket is full on the first date; on the second half of one."""
    trades = table("Price Size", [(1, 10, 100), (86401, 10, 50)], AggressorSide=["Buy", "Buy"])
    book = table(QUOTES, [(0, 9.99, 10.01, 1, 1), (86400, 9.99, 10.01, 1, 1)])
    module = {"module": "liquidity", **vpin(100, 1)}
    found = basalt.compute([module], every="1h", trades=trades, l2=book)
    by_date = {row["TimeBucket"].date(): row["Vpin"] for row in found.iter_rows(named=True)}
    assert by_date == {dt.date(2026, 1, 5): 1, dt.date(2026, 1, 6): None}


def test_volume_classified_in_bulk_asks_for_no_side(table):
    """Buckets of 100 end at 10 10.1 10 10.1 10.1 …: σ over the two changes before. The fourth: Δ .1 beside .1 and −.1,
    σ = .1·√2, Φ(.7071) = .76025; the fifth: Δ 0, so half: |2·.76025 − 1| = .52050, then 0."""
    prices = [10, 10.1, 10, 10.1, 10.1]
    trades = table("Price Size", [(i + 1, p, 100) for i, p in enumerate(prices)])
    book = table(QUOTES, [(0, 9.99, 10.01, 1, 1)])
    module = {"module": "liquidity", **vpin(100, 2, side="bvc", bvc_window=2)}
    found = basalt.compute([module], every="1s", trades=trades, l2=book)
    assert found.columns == ["ListingId", "TimeBucket", "Vpin"]
    assert found["Vpin"].to_list() == [None] * 5 + [pytest.approx(0.5204998778130465 / 2)]


def test_a_bucket_closed_on_the_left_leaves_its_last_instant_to_the_next(liquid):
    """The trade at 20 and the quote at 20 are of the next bucket: in :00 to :20 the mid did not move.
    In the next it moves by 1 where 900 are sold."""
    quotes = [(-1, 9.99, 10.01), (20, 10.99, 11.01)]
    trades = [(3, 10, 100, "Buy"), (20, 10, 900, "Sell")]
    bars = liquid({}, trades, quotes, closed="left", label="start")
    assert [bar["KyleLambdaOrigin"] for bar in bars[1:]] == [0, pytest.approx(-1 / 900)]
    assert bars[1]["AmihudCount"] == 1


def test_no_rows_give_the_columns_all_the_same(table):
    empty = table("Price Size", [], AggressorSide=[])
    found = basalt.compute(["liquidity"], every="1m", trades=empty, l2=table(QUOTES, []), date=dt.date(2026, 1, 5))
    assert found.height == 0
    assert found.columns[2:] == [*MEASURES[:4], "AmihudCount", *MEASURES[4:], "UnsignedVolumeShare"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"every_sub": "7s"}, "every_sub = '7s' does not divide the bucket of '20s'"),
        ({"every_sub": "-5s"}, "does not divide"),
        ({"measures": []}, "measures is empty"),
        ({"measures": ["Roll", "Roll"]}, "names one twice"),
        ({"measures": ["Vpin"]}, "set vpin ="),
        ({"vpin": {"bucket_volume": 5}}, "add 'Vpin' to measures"),
        (vpin(0, 5), "bucket_volume = 0.0 is no volume"),
        (vpin(5, 0), "buckets = 0 averages nothing"),
        (vpin(5, 1, bvc_window=5), "bvc_window is read with side = 'bvc' alone"),
        (vpin(5, 1, side="bvc", bvc_window=1), "no standard deviation"),
        ({"market_states": "all"}, "has no MarketState"),
        ({"trade_types": ["Lit"]}, "needs column TradeType"),
        ({"max_publication_delay": "1s"}, "needs column PublicationTimestamp"),
        ({"where": "Nothing > 1"}, "Nothing"),
    ],
)
def test_what_cannot_be_is_refused_while_planning(liquid, options, said):
    with pytest.raises(UserError, match=said):
        liquid(options, [(1, 10, 100, "Buy")])


def test_signed_measures_need_the_side(table):
    book = table(QUOTES, [(0, 9.99, 10.01, 1, 1)])
    with pytest.raises(
        UserError, match="AggressorSide, which table trades does not have: add the transform trade_signs"
    ):
        basalt.compute(["liquidity"], every="20s", trades=table("Price Size", [(1, 10, 1)]), l2=book)
    module = {"module": "liquidity", "measures": ["Roll", "Amihud"]}
    found = basalt.compute([module], every="20s", trades=table("Price Size", [(1, 10, 1)]), l2=book)
    assert found["AmihudCount"].to_list() == [0, 1]


def test_trades_alone_are_enough_where_nothing_asks_for_mids(table):
    """10 10.1 10: one product −.01. On the grid of trades (5, 10] alone has a price at both ends. Mids need l2."""
    trades = table("Price Size", [(1, 10, 1), (7, 10.1, 1), (8, 10, 1)], AggressorSide=["Buy", "Buy", "Sell"])
    own = {"module": "liquidity", "measures": ["Roll"]}
    assert basalt.compute([own], every="20s", trades=trades)["Roll"].to_list() == [pytest.approx(0.2)]
    of_trades = {"module": "liquidity", "price": "trade"}
    assert basalt.compute([of_trades], every="20s", trades=trades)["AmihudCount"].to_list() == [1]
    with pytest.raises(UserError, match="module liquidity reads table 'l2'"):
        basalt.compute(["liquidity"], every="20s", trades=trades)


def test_a_grid_in_a_daily_timeline_is_refused(liquid):
    with pytest.raises(UserError, match="every = '1d'"):
        liquid({}, [(1, 10, 100, "Buy")], every=None, timeline="daily")


def test_what_needs_no_grid_is_told_of_whole_days_too(liquid):
    """10 10.1 10: one product −.01; a volume bucket of 3, (2, 1)."""
    module = {**vpin(3, 1), "measures": ["Roll", "Vpin"]}
    trades = [(1, 10, 1, "Buy"), (2, 10.1, 1, "Buy"), (3, 10, 1, "Sell")]
    [bar] = liquid(module, trades, every=None, timeline="daily")
    assert (bar["Roll"], bar["Vpin"]) == (pytest.approx(0.2), pytest.approx(1 / 3))
