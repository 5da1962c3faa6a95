"""Transform quotes_at_trades on fixture F: the quote before each trade, and the mids around it."""

from datetime import date

import polars as pl
import pytest

from basalt.config.structure import structure
from basalt.modules import PassContext
from basalt_analytics.transforms.quotes_at_trades import QuotesAtTrades, QuotesAtTradesOptions

TRADES = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)
"""Numbers of the trades of F; 3 is cancelled, which a run drops before any transform."""


def quoted(inputs, shared=False, sessions=None, **options):
    transform = QuotesAtTrades(structure(QuotesAtTradesOptions, options, "preprocess[0]"))
    pass_ = PassContext("bars", date(2026, 1, 5), ["ListingId"], None, shared, sessions=sessions)
    made = transform.apply({name: frame.lazy() for name, frame in inputs.items()}, pass_)
    return made["trades"].collect()


@pytest.fixture(name="f")
def f_(f_trades, f_quotes, f_states):
    """Columns of F's trades by their numbers."""

    def of(column, *numbers, **options):
        made = quoted({"trades": f_trades, "l2": f_quotes, "marketstate": f_states}, **options)
        values = dict(zip(TRADES, made[column], strict=True))
        return [values[number] for number in numbers]

    return of


def close(values):
    return pytest.approx(values, rel=1e-11)


def test_f_quote_before_each_trade(f):
    """Quotes at 0, 2, 5, 9, 12, 14, 16, 18. Trade 7 at t = 10 and trade 8, 1 ns later, see the one of 9; trade 9 at 13
    sees bid 100.01 without an ask; trade 10 at 17 the crossed 100.05 / 100.03; trade 11 at 19 the one of 18."""
    assert f("BidPrice", 1, 2, 4, 5, 6, 7, 8, 9, 10, 11) == [
        100.00, 100.01, 100.02, 100.02, 100.00, 100.00, 100.00, 100.01, 100.05, 100.02
    ]  # fmt: skip
    assert f("AskPrice", 1, 2, 4, 5, 6, 7, 8, 9, 10, 11) == [
        100.04, 100.04, 100.05, 100.05, 100.03, 100.03, 100.03, None, 100.03, 100.06
    ]  # fmt: skip
    assert f("BidQuantity", 1, 6, 9) == [500, 400, 300]
    assert f("AskQuantity", 1, 6, 9) == [300, 200, None]


def test_f_mid_at_each_trade(f):
    """(100.00 + 100.04) / 2 = 100.02, 100.025, 100.035 twice, 100.015 three times; one-sided and crossed: none;
    (100.02 + 100.06) / 2 = 100.04."""
    assert f("MidAtTrade", 1, 2, 4, 5, 6, 7, 8) == close([100.02, 100.025, 100.035, 100.035, 100.015, 100.015, 100.015])
    assert f("MidAtTrade", 9, 10) == [None, None]
    assert f("MidAtTrade", 11) == close([100.04])


def test_f_status_of_each_quote(f):
    """Trade 9 sees the one-sided row, trade 10 the crossed one; neither is replaced by an older quote."""
    assert f("QuoteStatus", 1, 7, 9, 10, 11) == ["Ok", "Ok", "OneSided", "Crossed", "Ok"]


def test_f_age_of_each_quote(f):
    """1 − 0, 3 − 2, 6 − 5, 8 − 5, 9.5 − 9, 10 − 9, 13 − 12: mean 1.25 over the six trades of bucket :10."""
    ages = f("QuoteAgeSeconds", 1, 2, 4, 5, 6, 7)
    assert ages == close([1, 1, 1, 3, 0.5, 1])
    assert sum(ages) / 6 == close(1.25)
    assert f("QuoteAgeSeconds", 8, 9) == close([1.000000001, 1])


def test_f_mid_five_seconds_after_each_trade(f):
    """At 6 and 8 the quote of 5: 100.035 twice. At 11 that of 9: 100.015; at 13 too, for 12 is one-sided. At 15 and
    1 ns later the locked one of 14: 100.02. At 24 that of 18: 100.04."""
    assert f("MidAfter5s", 1, 2, 4, 5, 7, 8, 11, horizons=["5s"]) == close(
        [100.035, 100.035, 100.015, 100.015, 100.02, 100.02, 100.04]
    )


def test_f_a_horizon_beyond_the_session_has_no_mid(f):
    """Continuous trading ends at 28: trade 11 at 19 has a mid at 24, and none at 29."""
    within = [100.015, 100.015, 100.02, 100.04, 100.04, 100.04]
    assert f("MidAfter10s", 1, 2, 4, 5, 7, 8, horizons=["10s"]) == close(within)
    assert f("MidAfter10s", 11, horizons=["10s"]) == [None]


def test_f_horizons_differ(f):
    """Trade 2 at 3: at 4 the quote of 2 (100.025), at 8 that of 5 (100.035), at 13 that of 9 (100.015)."""
    found = [f(f"MidAfter{h}", 2, horizons=["1s", "5s", "10s"])[0] for h in ("1s", "5s", "10s")]
    assert found == close([100.025, 100.035, 100.015])


def test_f_mid_before_each_trade(f):
    """A second before: at 0 the quote of that instant, at 2 likewise, at 5 likewise (100.035), at 7 that of 5."""
    assert f("MidBefore1s", 1, 2, 4, 5, horizons=["-1s"]) == close([100.02, 100.025, 100.035, 100.035])
    assert f("MidBefore1sAgeSeconds", 1, 2, 4, 5, horizons=["-1s"]) == [0, 0, 0, 2]


def test_f_age_of_a_mid_after(f):
    """5 s after trade 5 (13): the quote of 9 is 4 s old; after trade 7 (15): that of 14, 1 s."""
    assert f("MidAfter5sAgeSeconds", 5, 7, horizons=["5s"]) == close([4, 1])


def test_f_stale_quote(f):
    """Tolerance 2 s: the quote at trade 5 is 3 s old; all others of bucket :10 are younger."""
    assert f("QuoteStatus", 1, 2, 4, 5, 6, 7, tolerance="2s") == ["Ok", "Ok", "Ok", "Stale", "Ok", "Ok"]
    assert f("MidAtTrade", 5, tolerance="2s") == [None]
    assert f("QuoteAgeSeconds", 5, tolerance="2s") == [3]
    assert f("BidPrice", 5, tolerance="2s") == [None]


def test_f_clamped_to_the_session_end(f):
    """29 is after 28: the mid at the end is that of the quote of 18, 10 s old by then."""
    options = {"horizons": ["10s"], "clamp": "session_end"}
    assert f("MidAfter10s", 8, 11, **options) == close([100.04, 100.04])
    assert f("MidAfter10sClamped", 8, 11, **options) == [False, True]
    assert f("MidAfter10sAgeSeconds", 11, **options) == [10]


def test_a_shared_sequence_orders_rows_of_one_stamp(table):
    """Quotes (4, 1) 9.99 / 10.01, (5, 6) 10.00 / 10.02, (5, 8) 10.01 / 10.03; trade (5, 7). By sequence the second is
    before it, by time alone only the first; at the trade's own instant the third is in force."""
    quotes = table(
        "BidPrice1 BidQuantity1 AskPrice1 AskQuantity1 SequenceNo",
        [(4, 9.99, 1, 10.01, 1, 1), (5, 10.00, 1, 10.02, 1, 6), (5, 10.01, 1, 10.03, 1, 8)],
    ).cast({"SequenceNo": pl.Int64})
    trades = table("Price Size SequenceNo", [(5, 10, 1, 7)]).cast({"SequenceNo": pl.Int64})
    tables = {"trades": trades, "l2": quotes}
    for shared, order, bid, mid in (
        (True, "time_sequence", 10.00, 10.01),
        (False, "time_sequence", 9.99, 10.00),
        (True, "time", 9.99, 10.00),
    ):
        row = quoted(tables, shared, order=order, horizons=["0s"]).row(0, named=True)
        assert (row["BidPrice"], row["MidAtTrade"], row["MidAfter0s"]) == close((bid, mid, 10.02))
