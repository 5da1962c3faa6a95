"""The transform trade_signs: what advances the memory of ticks, which sides are kept, and what is refused."""

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import basalt
from basalt import Metric, Unit, analytic, signed
from basalt.config.structure import structure
from basalt.errors import UserError
from basalt.modules import PassContext
from basalt_analytics.transforms.trade_signs import TradeSigns, TradeSignsOptions

NAN, INF = float("nan"), float("inf")
QUOTED = "Price Size BidPrice AskPrice"


def transform(**options):
    return TradeSigns(structure(TradeSignsOptions, options, "preprocess[0]"))


def signs(trades, reference=None, **options):
    """Rows of (side, source)."""
    tables = {"trades": trades} if reference is None else {"trades": trades, "reference": reference}
    made = transform(**options).apply({name: frame.lazy() for name, frame in tables.items()}, CONTEXT)
    return made["trades"].select("AggressorSide", "SideSource").collect().rows()


CONTEXT = PassContext("bars", None, ["ListingId"], None)


def sides(trades, *more, **options):
    return [side for side, _ in signs(trades, *more, **options)]


@pytest.fixture(name="priced")
def priced_(table):
    """A trade a second at these prices, one share each."""

    def of(*prices, **more):
        return table("Price Size", [(i, price, 1) for i, price in enumerate(prices)], **more)

    return of


def test_a_tick_repeats_the_last_move_and_the_first_trades_have_none(priced):
    assert sides(priced(10, 10, 11, 11, 10, 10), rule="tick") == [None, None, "Buy", "Buy", "Sell", "Sell"]


def test_prices_that_differ_by_rounding_alone_are_no_move(priced):
    """0.1 + 0.2 is above 0.3 in binary."""
    assert sides(priced(0.2, 0.3, 0.1 + 0.2, 0.25, 0.1 + 0.15), rule="tick") == [None, "Buy", "Buy", "Sell", "Sell"]


@pytest.mark.parametrize(
    "more",
    [
        {"TradeType": ["Lit", "Auction", "Lit"]},
        {"TradeType": [None, "OffBook", "Dark"]},
        {"IsNegotiated": pl.Series([False, True, None])},
        {"IsCancelled": [None, True, False]},
    ],
)
def test_prints_away_from_the_book_neither_have_nor_make_a_tick(priced, more):
    """10, then 12 away from the book, then 11: a move up from 10, not down from 12."""
    frame = priced(10, 12, 11, **{name: v for name, v in more.items() if name != "IsNegotiated"})
    frame = frame.with_columns(**{name: v for name, v in more.items() if name == "IsNegotiated"})
    assert sides(frame, rule="tick") == [None, None, "Buy"]


@pytest.mark.parametrize("bad", [NAN, INF, -INF, None, 0, -1])
def test_a_bad_price_neither_has_nor_makes_a_tick(priced, bad):
    assert sides(priced(10, bad, 11, bad, 11), rule="tick") == [None, None, "Buy", None, "Buy"]


@pytest.mark.parametrize("size", [0, -5, NAN, None, INF])
def test_a_trade_of_no_size_neither_has_nor_makes_a_tick(table, size):
    trades = table("Price Size", [(1, 10, 1), (2, 12, size), (3, 11, 1)])
    assert sides(trades, rule="tick") == [None, None, "Buy"]


def test_listings_have_ticks_of_their_own(priced):
    two = pl.concat([priced(10, 11), priced(12, 11).with_columns(ListingId=pl.lit(2, pl.Int64))])
    assert sides(two, rule="tick") == [None, "Buy", None, "Sell"]


@pytest.fixture(name="venues")
def venues_(table):
    """Listings 1 and 2 are instrument 7, 3 and 4 are of none: rows in order of listing and time."""
    rows = {1: [(1, 10), (3, 11), (5, 11)], 2: [(2, 12), (4, 11)], 3: [(1, 10), (4, 12)], 4: [(2, 99), (5, 98)]}
    frames = [
        table("Price Size", [(*row, 1) for row in of]).with_columns(ListingId=pl.lit(key, pl.Int64))
        for key, of in rows.items()
    ]
    return pl.concat(frames), pl.DataFrame({"ListingId": [2, 1, 3], "InstrumentId": [7, 7, None]})


def test_ticks_of_an_instrument_are_against_the_last_trade_of_any_of_its_listings(venues):
    """Instrument 7 in time: 10, 12 up, 11 down, 11 and 11 as before. Listings without an instrument stay alone, whether
    reference has them or not. Rows keep their order."""
    trades, reference = venues
    found = sides(trades, reference, rule="tick", tick_memory="instrument")
    assert found == [None, "Sell", "Sell", "Buy", "Sell", None, "Buy", None, "Sell"]
    assert sides(trades, rule="tick") == [None, "Buy", "Buy", None, "Sell", None, "Buy", None, "Sell"]


def test_only_ticks_of_instruments_ask_for_whole_instruments():
    assert transform(tick_memory="instrument").scope == "instrument"
    assert transform(rule="tick").scope == "listing"
    assert transform(rule="tick").inputs == ["trades"]


def test_the_exchanges_side_stays_and_nulls_are_filled(priced):
    """Ticks: none, up, down, up."""
    trades = priced(10, 11, 10, 12, AggressorSide=["Sell", "Sell", None, "Buy"])
    assert signs(trades) == [("Sell", "Exchange"), ("Sell", "Exchange"), (None, None), ("Buy", "Exchange")]
    filled = [("Sell", "Exchange"), ("Sell", "Exchange"), ("Sell", "Tick"), ("Buy", "Exchange")]
    assert signs(trades, rule="exchange", fallback="tick") == filled
    assert signs(trades, rule="tick") == filled


def test_override_puts_the_inferred_side_first(priced):
    """Where nothing is inferred, as on the first trade, the exchange's stays."""
    trades = priced(10, 11, 10, AggressorSide=["Sell", "Sell", None])
    found = signs(trades, rule="tick", override=True)
    assert found == [("Sell", "Exchange"), ("Buy", "Tick"), ("Sell", "Tick")]


def test_the_fallback_comes_after_the_rule(table):
    """At the mid the quote says nothing and the tick from 9 says bought."""
    trades = table(QUOTED, [(1, 9, 1, 9, 11), (2, 10, 1, 9, 11), (3, 10, 1, None, None)])
    assert signs(trades, rule="quote") == [("Sell", "Quote"), (None, None), (None, None)]
    found = signs(trades, rule="quote", fallback="tick")
    assert found == [("Sell", "Quote"), ("Buy", "Tick"), ("Buy", "Tick")]
    assert signs(trades, rule="lee_ready") == found


def test_a_second_step_knows_what_the_first_inferred(priced):
    """Sides of the first step count as there, and keep their source."""
    made = transform(rule="tick").apply({"trades": priced(10, 11, 10).lazy()}, CONTEXT)["trades"].collect()
    assert signs(made) == [(None, None), ("Buy", "Tick"), ("Sell", "Tick")]


@pytest.mark.parametrize("rule", ["lee_ready", "emo", "clnv"])
@pytest.mark.parametrize(
    "quote", [(None, 11), (9, None), (None, None), (11, 11), (12, 11), (NAN, 11), (9, INF), (0, 11), (-9, 11)]
)
def test_a_quote_that_does_not_count_leaves_it_to_the_tick(table, rule, quote):
    """Missing, one-sided, locked, crossed or bad; the tick is up, whatever the quotes say."""
    trades = table(QUOTED, [(1, 10, 1, 9, 12), (2, 10.5, 1, *quote)])
    assert signs(trades, rule=rule)[-1] == ("Buy", "Tick")
    assert signs(trades, rule="quote")[-1] == (None, None)


@pytest.mark.parametrize(
    ("price", "emo", "clnv"),
    [
        (13, "Buy by tick", "Buy by tick"),
        (12, "Buy", "Buy"),
        (11.1, "Buy by tick", "Buy"),
        (11.09, "Buy by tick", "Buy by tick"),
        (9.91, "Sell by tick", "Sell by tick"),
        (9.9, "Sell by tick", "Sell"),
        (9, "Sell", "Sell"),
        (8, "Sell by tick", "Sell by tick"),
    ],
)
def test_where_in_the_spread_a_price_lies(table, price, emo, clnv):
    """9 / 12 after a trade at 10.5: zones from 11.1 up and 9.9 down, edges in; beyond the quotes the tick decides."""
    trades = table(QUOTED, [(1, 10.5, 1, None, None), (2, price, 1, 9, 12)])
    for rule, expected in (("emo", emo), ("clnv", clnv)):
        side, source = signs(trades, rule=rule)[-1]
        assert f"{side}{' by tick' if source == 'Tick' else ''}" == expected


def test_rows_columns_and_their_order_stay(table):
    trades = table(
        f"{QUOTED} TradeType", [(1, 10, 1, 9, 11, "Lit"), (1, NAN, 0, 9, 11, None), (2, 11, 2, 9, 11, "Dark")]
    )
    made = transform(rule="lee_ready").apply({"trades": trades.lazy()}, CONTEXT)["trades"].collect()
    assert_frame_equal(made.select(trades.columns), trades)
    assert made.columns == [*trades.columns, "AggressorSide", "SideSource"]
    declared = transform(rule="lee_ready").columns({"trades": dict(trades.schema)})
    assert dict(made.schema) == declared
    empty = transform(rule="clnv").apply({"trades": trades.clear().lazy()}, CONTEXT)["trades"].collect()
    assert (empty.height, dict(empty.schema)) == (0, declared)


@analytic("trades")
def side_counts():
    """Signs of trades."""
    yield Metric("Signs", signed("AggressorSide").sum(), Unit.COUNT, doc="Bought less sold.")


def test_the_memory_of_ticks_is_of_one_date(priced):
    """The next date's first trade, at 11 after 10, has no sign; its second is down."""
    first, second = priced(10, 11), priced(11, 10).with_columns(pl.col("EventTimestamp").dt.offset_by("1d"))
    found = basalt.compute(
        [side_counts],
        every="1d",
        preprocess=[{"transform": "trade_signs", "rule": "tick"}],
        trades=pl.concat([first, second]),
    )
    assert found["Signs"].to_list() == [1, -1]


def test_a_run_takes_whole_instruments_where_ticks_are_theirs(venues):
    """By listing: 1 sells twice, 2 buys and sells, 3 buys, 4 sells."""
    trades, reference = venues
    steps = [{"transform": "trade_signs", "rule": "tick", "tick_memory": "instrument"}]
    found = basalt.compute([side_counts], every="1d", preprocess=steps, trades=trades, reference=reference)
    assert found["Signs"].to_list() == [-2, 0, 1, -1]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "rule = 'exchange' needs AggressorSide, which table trades does not have: name a rule that infers it"),
        ({"rule": "quote"}, "rule 'quote' needs BidPrice and AskPrice, which table trades does not have: put the"),
        ({"rule": "tick", "fallback": "emo"}, "rule 'emo' needs BidPrice and AskPrice"),
        ({"rule": "tick", "tick_memory": "instrument"}, "reference"),
        ({"rule": "lee-ready"}, "lee_ready"),
        ({"rule": "bvc"}, "rule"),
    ],
)
def test_what_cannot_be_inferred_is_refused_while_planning(priced, options, said):
    steps = [{"transform": "trade_signs", **options}]
    with pytest.raises(UserError, match=said) as refused:
        basalt.compute([side_counts], every="10s", preprocess=steps, trades=priced(10, 11))
    assert "passes.computed.preprocess[0]" in str(refused.value)


def test_reference_without_instruments_is_refused_while_planning(priced):
    options = {"rule": "tick", "tick_memory": "instrument"}
    with pytest.raises(UserError, match="tick_memory = 'instrument' needs InstrumentId, which table reference"):
        transform(**options).columns({"trades": dict(priced(10).schema), "reference": {"ListingId": pl.Int64()}})
