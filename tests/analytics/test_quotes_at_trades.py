"""The transform quotes_at_trades where quotes are missing, invalid or tied, and at its options."""

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import basalt
from basalt.errors import UserError
from basalt_analytics.transforms.quote_rows import QUOTE

ONE_LEVEL = "BidPrice1 AskPrice1 BidQuantity1 AskQuantity1"
NAN, INF = float("nan"), float("inf")


@pytest.fixture(name="at")
def at_(table, quoted):
    """Row of the one trade at that second, among these quotes (second, bid, ask, bid size, ask size)."""

    def row(second, rows, **options):
        tables = {"trades": table("Price Size", [(second, 10, 1)]), "l2": table(ONE_LEVEL, rows)}
        return quoted(tables, **options).row(0, named=True)

    return row


def test_a_quote_of_the_trades_own_stamp_is_not_before_it(at):
    """At 5 the quote of 5 is in force, but only that of 4 was there before the trade."""
    found = at(5, [(4, 9, 11, 1, 1), (5, 19, 21, 1, 1)], horizons=["0s"])
    assert (found["BidPrice"], found["MidAtTrade"], found["QuoteAgeSeconds"]) == (9, 10, 1)
    assert (found["MidAfter0s"], found["MidAfter0sAgeSeconds"]) == (20, 0)


def test_of_quotes_of_one_stamp_the_last_counts(at):
    """Two quotes at 4: the second one's mid is 20."""
    found = at(5, [(4, 9, 11, 1, 1), (4, 19, 21, 1, 1)], horizons=["-1s", "1s"])
    assert [found[c] for c in ("MidAtTrade", "MidBefore1s", "MidAfter1s")] == [20, 20, 20]


def test_a_trade_before_the_first_quote_has_none(at):
    found = at(5, [(6, 9, 11, 1, 1)], horizons=["-1s", "0s", "1s"])
    assert found["QuoteStatus"] == "Missing"
    assert [found[c] for c in (*QUOTE, "MidAtTrade", "QuoteAgeSeconds", "MidBefore1s", "MidAfter0s")] == [None] * 8
    assert (found["MidAfter1s"], found["MidAfter1sAgeSeconds"]) == (10, 0)


@pytest.mark.parametrize(
    ("row", "status", "quote"),
    [
        ((9, 11, 1, 1), "Ok", (9, 11, 1, 1)),
        ((9, 11, None, None), "Ok", (9, 11, None, None)),
        ((9, None, 1, None), "OneSided", (9, None, 1, None)),
        ((9, 11, 0, 1), "OneSided", (None, 11, None, 1)),
        ((9, 11, 1, -1), "OneSided", (9, None, 1, None)),
        ((NAN, 11, 1, 1), "OneSided", (None, 11, None, 1)),
        ((9, INF, 1, 1), "OneSided", (9, None, 1, None)),
        ((0, 11, 1, 1), "OneSided", (None, 11, None, 1)),
        ((9, 11, 1, NAN), "OneSided", (9, None, 1, None)),
        ((None, None, None, None), "Missing", (None, None, None, None)),
        ((NAN, -1, 1, 1), "Missing", (None, None, None, None)),
        ((10.03, (10.00 + 10.06) / 2, 1, 1), "Locked", (10.03, (10.00 + 10.06) / 2, 1, 1)),
        ((11, 9, 1, 1), "Crossed", (11, 9, 1, 1)),
    ],
)
def test_status_and_sides_of_one_row(at, row, status, quote):
    """A level with a bad price or a size that is not positive is missing, price and size; an unknown size is none."""
    found = at(5, [(1, 1, 3, 1, 1), (4, *row)])
    assert found["QuoteStatus"] == status
    assert tuple(found[name] for name in QUOTE) == quote
    assert found["QuoteAgeSeconds"] == 1
    mid = {"Ok": 10, "Locked": pytest.approx(10.03)}.get(status)
    assert found["MidAtTrade"] == mid


@pytest.mark.parametrize(
    ("options", "at_trade", "after"),
    [
        ({}, (20, None), (20, 20)),
        ({"locked": "drop"}, (None, None), (10, 10)),
        ({"crossed": "keep"}, (20, 29), (20, 29)),
    ],
)
def test_what_locked_and_crossed_quotes_are_worth(at, options, at_trade, after):
    """9/11, then locked 20/20 at 4, then crossed 30/28 at 6. At the trade only the last row counts, later the last one
    that is worth something."""
    rows = [(1, 9, 11, 1, 1), (4, 20, 20, 1, 1), (6, 30, 28, 1, 1)]
    found = [at(second, rows, horizons=["0s"], **options) for second in (5, 7)]
    assert tuple(row["MidAtTrade"] for row in found) == at_trade
    assert tuple(row["MidAfter0s"] for row in found) == after
    assert [row["QuoteStatus"] for row in found] == ["Locked", "Crossed"]


def test_the_weighted_mid_leans_to_the_thin_side(at):
    """Bid 9 × 3, ask 11 × 1: (3 · 11 + 1 · 9) / 4 = 10.5, everywhere."""
    found = at(5, [(4, 9, 11, 3, 1)], mid="weighted_mid", horizons=["1s"])
    assert (found["MidAtTrade"], found["MidAfter1s"]) == (10.5, 10.5)


def test_without_sizes_there_is_no_weighted_mid(at):
    found = at(5, [(4, 9, 11, None, 1)], mid="weighted_mid", horizons=["1s"])
    assert (found["MidAtTrade"], found["MidAfter1s"], found["QuoteStatus"]) == (None, None, "Ok")


@pytest.mark.parametrize(("lag", "bid"), [("0s", 3), ("1s", 2), ("1.000000001s", 2), ("2s", 1), ("5s", None)])
def test_a_lagged_quote_stood_before_the_trade_less_the_lag(at, lag, bid):
    """Trade at 5, quotes at 2, 3 and 4: 1 s before the trade, the quote of 4 is not yet before."""
    found = at(5, [(2, 1, 9, 1, 1), (3, 2, 9, 1, 1), (4, 3, 9, 1, 1)], lag=lag)
    assert found["BidPrice"] == bid


def test_tolerance_is_the_greatest_age(at):
    """The quote is 3 s old at the trade, and 5 s old 2 s later."""
    rows = [(2, 9, 11, 1, 1)]
    found = at(5, rows, tolerance="3s", horizons=["0s", "2s"])
    assert (found["QuoteStatus"], found["MidAtTrade"], found["MidAfter0s"], found["MidAfter2s"]) == ("Ok", 10, 10, None)
    assert found["MidAfter2sAgeSeconds"] is None
    stale = at(5, rows, tolerance="2999ms")
    assert (stale["QuoteStatus"], stale["MidAtTrade"], stale["BidPrice"], stale["QuoteAgeSeconds"]) == (
        "Stale", None, None, 3
    )  # fmt: skip


def test_horizons_are_named_as_they_are_written(at):
    found = at(5, [(4, 9, 11, 1, 1)], horizons=["0s", "100ms", "0.5s", "-1s", "60s"])
    named = [name for name in found if name.startswith("Mid") and not name.endswith("AgeSeconds")]
    assert named == ["MidAtTrade", "MidAfter0s", "MidAfter100ms", "MidAfter0.5s", "MidBefore1s", "MidAfter60s"]


def test_a_quote_of_the_sources_own_stays_on_its_trade(table, quoted):
    """Trade 1 has a bid of its own and no ask, trade 2 has nothing; mid and age are of the quote table all the same."""
    own = {"BidPrice": [8.0, None], "AskPrice": [None, None]}
    tables = {
        "trades": table("Price Size", [(5, 10, 1), (6, 10, 1)], **own),
        "l2": table(ONE_LEVEL, [(4, 9, 11, 1, 2)]),
    }
    found = quoted(tables)
    assert found["BidPrice"].to_list() == [8, 9]
    assert found["AskPrice"].to_list() == [None, 11]
    assert found["AskQuantity"].to_list() == [2, 2]
    assert found["MidAtTrade"].to_list() == [10, 10]
    assert quoted(tables, overwrite=True)["BidPrice"].to_list() == [9, 9]


def test_trades_keep_their_rows_their_order_and_their_columns(table, quoted):
    trades = table("Price Size TradeType", [(5, 10, 1, "Lit"), (5, 11, 0, None), (7, NAN, 2, "Auction")])
    found = quoted({"trades": trades, "l2": table(ONE_LEVEL, [(4, 9, 11, 1, 1)])}, horizons=["1s", "-1s"])
    assert_frame_equal(found.select(trades.columns), trades)


def test_no_trades_and_no_quotes_give_every_column(table, quoted):
    trades, quotes = table("Price Size", [(5, 10, 1)]), table(ONE_LEVEL, [])
    found = quoted({"trades": trades, "l2": quotes}, horizons=["1s"])
    assert found.row(0, named=True)["QuoteStatus"] == "Missing"
    empty = quoted({"trades": trades.clear(), "l2": quotes}, horizons=["1s"])
    assert (empty.height, empty.schema) == (0, found.schema)


def test_declared_columns_are_those_that_come_out(table, quoted, transform):
    tables = {"trades": table("Price Size", [(5, 10, 1)]), "l2": table(ONE_LEVEL, [(4, 9, 11, 1, 1)])}
    options = {"horizons": ["1s", "-1s"], "clamp": "session_end"}
    declared = transform(**options).columns({name: dict(frame.schema) for name, frame in tables.items()})
    assert dict(quoted(tables, **options).schema) == declared


def test_listings_do_not_see_each_others_quotes(table, quoted):
    """Listing 1 has quotes before and after listing 2's trade, and listing 2 none."""
    trades = table("Price Size", [(5, 10, 1)]).with_columns(ListingId=pl.lit(2, pl.Int64))
    found = quoted({"trades": trades, "l2": table(ONE_LEVEL, [(4, 9, 11, 1, 1)])}, horizons=["1s", "-1s"])
    assert found.row(0, named=True)["QuoteStatus"] == "Missing"
    assert found.select("MidAfter1s", "MidBefore1s").row(0) == (None, None)


def test_the_engine_sorts_what_comes_out_of_order(table):
    """The trade at 5 comes after the one at 7, the quote of 4 after the one of 6: mids 10 and 20 at prices of 10 cost
    the buyers 2 · (0 − 10) / 2 = −10."""
    found = basalt.compute(
        [{"module": "trade", "tca": [{"measures": ["EffectiveSpread"], "units": ["Price"]}]}],
        every="10s",
        trades=table("Price Size AggressorSide", [(7, 10, 1, "Buy"), (5, 10, 1, "Buy")]),
        l2=table(ONE_LEVEL, [(6, 19, 21, 1, 1), (4, 9, 11, 1, 1)]),
        preprocess=[{"transform": "quotes_at_trades"}],
    )
    assert found["TradeTotalEffectiveSpread"].to_list() == [-10]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"horizons": ["1s", "1000ms"]}, "horizons has '1s' and '1000ms', which are the same duration: drop one"),
        ({"horizons": ["0s", "-0ms"]}, "horizons has '0s' and '-0ms', which are the same duration"),
        ({"lag": "-1s"}, "lag = '-1s' is negative"),
        ({"tolerance": "-1s"}, "tolerance = '-1s' is negative"),
        ({"horizons": ["soon"]}, "horizons"),
        ({"quotes": "cbbo"}, "cbbo"),
        ({"locked": "maybe"}, "locked"),
    ],
)
def test_options_that_make_no_sense_are_refused_while_planning(table, options, said):
    tables = {"trades": table("Price Size", [(5, 10, 1)]), "l2": table(ONE_LEVEL, [(4, 9, 11, 1, 1)])}
    steps = [{"transform": "quotes_at_trades", **options}]
    with pytest.raises(UserError, match=said):
        basalt.compute(["trade"], every="10s", preprocess=steps, **tables)


def test_columns_that_are_needed_are_asked_for_while_planning(table, transform):
    trades = dict(table("Price Size", []).schema)
    one_side = dict(table("BidPrice1 BidQuantity1", []).schema)
    with pytest.raises(UserError, match="quotes_at_trades needs AskPrice1, which table l2 does not have"):
        transform().columns({"trades": trades, "l2": one_side})
    unsized = dict(table("BidPrice1 AskPrice1", []).schema)
    with pytest.raises(UserError, match="'weighted_mid' needs BidQuantity1 and AskQuantity1, which table l2"):
        transform(mid="weighted_mid").columns({"trades": trades, "l2": unsized})
    with pytest.raises(UserError, match="'cbbo' needs InstrumentId, which table reference does not have"):
        transform(quotes="cbbo").columns({"trades": trades, "cbbo": unsized, "reference": {}})
