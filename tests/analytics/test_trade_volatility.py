"""Group volatility of module trade: filters, sides, grids, windows, bars, refusals; and waits for the next quote."""

import math
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

import basalt
from basalt.config.structure import structure
from basalt.errors import UserError
from basalt_analytics.trade.module import Trade

NINE = datetime(2026, 1, 5, 9, tzinfo=UTC)
COLUMNS = {"Price": pl.Float64(), "Size": pl.Float64(), "NextQuoteSeconds": pl.Float64()}


def square(a, b):
    return pytest.approx(math.log(b / a) ** 2)


def test_filtered_trades_are_in_no_return(traded):
    """Lit 10, dark 50, lit 11, by events and on a grid of 5 s, each with a filter of its own."""
    groups = [
        {"measures": ["RV"], "trade_types": ["Lit"], "name": "Lit{measure}{grid}"},
        {"measures": ["RV"], "trade_types": ["Lit"], "sampling": "5s", "name": "Lit{measure}{grid}"},
        {"measures": ["RV"]},
        {"measures": ["RV"], "sampling": "5s"},
    ]
    rows = [(1, 10, 1), (7, 11, 1), (8, 50, 1)]
    [bar] = traded({"volatility": groups}, rows, TradeType=["Lit", "Lit", "Dark"])
    assert bar["LitRV"] == bar["LitRV5s"] == square(10, 11)
    assert bar["TradeTotalRV5s"] == square(10, 50)
    assert bar["TradeTotalRV"] > bar["LitRV"]


def test_returns_do_not_cross_a_halt(traded, table):
    """10 before the halt, 20 and 22 behind it: 20 to 22 alone, by events; on the grid from 15 on, 20 at 14 first."""
    states = table(
        "MarketState", [(0, "CONTINUOUS_TRADING"), (5, "HALTED"), (12, "CONTINUOUS_TRADING"), (30, "CLOSED")]
    )
    groups = [{"measures": ["RV", "ReturnCount"]}, {"measures": ["RV", "ReturnCount"], "sampling": "5s"}]
    bars = traded({"volatility": groups}, [(1, 10, 1), (13, 20, 1), (18, 22, 1)], {"marketstate": states})
    assert [bar["TradeTotalReturnCount"] for bar in bars] == [0, 1]
    assert bars[1]["TradeTotalRV"] == bars[1]["TradeTotalRV5s"] == square(20, 22)
    assert [bar["TradeTotalRV5s"] for bar in bars] == [None, square(20, 22)]


def test_prices_that_are_not_above_0_have_no_return(traded):
    """10, −1, 11: the return is from 10 to 11."""
    options = {"allow_nonpositive_prices": True, "volatility": [{"measures": ["RV", "ReturnCount"]}]}
    [bar] = traded(options, [(1, 10, 1), (2, -1, 1), (3, 11, 1)])
    assert (bar["TradeTotalRV"], bar["TradeTotalReturnCount"]) == (square(10, 11), 1)


def test_old_prices_are_none_at_their_grid_point(traded):
    """Traded at 1 and 2; at 5 the price is 3 s old, at 10 it is 8 s: with max_age 4 s no return to 10."""
    groups = [
        {"sampling": "5s", "measures": ["ReturnCount"]},
        {"sampling": "5s", "measures": ["ReturnCount"], "max_age": "4s", "name": "Fresh{measure}"},
    ]
    [bar] = traded({"volatility": groups}, [(1, 10, 1), (2, 11, 1)])
    assert (bar["TradeTotalReturnCount5s"], bar["FreshReturnCount"]) == (1, 0)


def test_windows_and_estimators_on_a_grid_carry_their_tokens(traded):
    """Every second from 1 to 10: 10, 11, 10, 11 … ; windows of 5 s have 4 and 5 returns of ln 1.1."""
    group = {
        "sampling": "1s",
        "measures": ["RVSub", "TSRV", "RK", "AnnStd"],
        "subsample": 2,
        "kernel_bandwidth": 1,
        "windows": ["5s"],
        "window_aggregations": ["Min", "Max"],
    }
    [bar] = traded({"volatility": [group]}, [(n, 10 + n % 2, 1) for n in range(1, 11)])
    found = [name.removeprefix("TradeTotal") for name in bar if name.startswith("TradeTotal")]
    assert found == [
        "RVSub1sK2", "TSRV1sK2", "TSRV1sK2Negative", "RK1sH1", "AnnStd1s", "Vol1sWin5sMin", "Vol1sWin5sMax",
    ]  # fmt: skip
    assert bar["TradeTotalRVSub1sK2"] == 0
    assert bar["TradeTotalVol1sWin5sMin"] == pytest.approx(2 * math.log(1.1))
    assert bar["TradeTotalVol1sWin5sMax"] == pytest.approx(math.sqrt(5) * math.log(1.1))


def test_ranges_are_of_chained_bars_whatever_the_sampling(traded):
    """Bar 1: 10, 12, 11. Bar 2 opens at 11: high 11, low 9: ln(11 / 9)² / (4 ln 2)."""
    group = {"sampling": "5s", "measures": ["Parkinson"]}
    bars = traded({"volatility": [group]}, [(1, 10, 1), (2, 12, 1), (3, 11, 1), (12, 9, 1)])
    expected = [math.log(high / low) ** 2 / (4 * math.log(2)) for high, low in ((12, 10), (11, 9))]
    assert [bar["TradeTotalParkinson"] for bar in bars] == pytest.approx(expected)


def test_groups_of_different_sampling_have_parts_of_their_own(parts):
    groups = [{"measures": ["RV"]}, {"measures": ["RV"], "sampling": "1s"}]
    found = [[m.name for m in part.metrics] for part in parts(Trade, {"volatility": groups}, COLUMNS)]
    assert found == [["TradeTotalRV"], ["TradeTotalRV1s"], ["TradeInvalidCount"]]
    assert len(parts(Trade, {"volatility": groups[1:]}, COLUMNS)) == 2


@pytest.mark.parametrize(
    ("group", "match"),
    [
        ({"sampling": "3s"}, r"trade\.volatility\[0\]: sampling names '3s', which does not divide the bucket of 10s"),
        ({"sampling": "0s"}, "'0s' is no grid step"),
        ({"sampling": "often"}, r"sampling: 'often'"),
        ({"windows": ["5s"]}, r"trade\.volatility\[0\]: windows needs a grid"),
        ({"max_age": "5s"}, r"trade\.volatility\[0\]: max_age needs a grid"),
        ({"measures": ["AnnStd"]}, "AnnStd has no meaning for event sampling"),
        ({"sampling": "1s", "windows": ["3s"]}, "windows names '3s'"),
        ({"measures": []}, "measures is empty"),
        ({"subsample": 0}, "subsample = 0 looks back at no return"),
        ({"kernel_bandwidth": -1}, "kernel_bandwidth = -1 looks back at no return"),
        ({"session_seconds": 0}, "session_seconds = 0.0 makes no year"),
        ({"sessions_per_year": -252}, "sessions_per_year = -252.0 makes no year"),
        ({"sampling": "1s", "windows": ["5s"], "window_aggregations": []}, "window_aggregations is empty"),
        ({"sampling": "1s", "max_age": "-5s"}, "max_age = '-5s' is negative"),
    ],
)
def test_volatility_that_cannot_be_is_refused(traded, group, match):
    with pytest.raises(UserError, match=match):
        traded({"volatility": [group]}, [(1, 10, 1)])


# the wait for the next quote


def change(**options):
    return {"change": [{"measures": ["NextQuoteSeconds"], **options}]}


def test_waits_beyond_the_longest_are_left_out(traded):
    """Half a second, 1, 1.5 and unknown: mean .75 within 1 s, 1 within 2 s."""
    rows, waits = [(n, 10, 1) for n in (1, 2, 3, 4)], [0.5, 1.0, 1.5, None]
    [bar] = traded(change(), rows, NextQuoteSeconds=waits)
    assert bar["TradeTotalNextQuoteSecondsMean"] == 0.75
    [bar] = traded(change(max_wait="2s"), rows, NextQuoteSeconds=waits)
    assert bar["TradeTotalNextQuoteSecondsMean"] == 1


def test_waits_are_known_when_the_longest_is_over(parts):
    options = {"change": [{"measures": ["NextQuoteSeconds", "GapSeconds"], "max_wait": "2s"}]}
    lags = [m.known_after for m in parts(Trade, options, COLUMNS)[0].metrics]
    assert lags == [timedelta(seconds=2), timedelta(0)]


def test_wait_longer_than_the_transform_looks_is_refused():
    config = structure(Trade.Config, change(max_wait="2s"), "modules[0]")
    module = Trade(config, COLUMNS, known_after={"NextQuoteSeconds": timedelta(seconds=1)})
    with pytest.raises(UserError, match=r"max_wait = '2s' is longer than next_quote"):
        module.parts()


def test_wait_of_less_than_nothing_is_refused(parts):
    with pytest.raises(UserError, match=r"trade\.change\[0\]: max_wait = '-1s' is negative"):
        parts(Trade, change(max_wait="-1s"), COLUMNS)


def test_wait_without_its_column_is_refused_with_what_makes_it(traded):
    with pytest.raises(UserError, match=r"NextQuoteSeconds.*next_quote = '1s'.*quotes_at_trades"):
        traded(change(), [(1, 10, 1)])


def test_wait_for_the_next_change_of_the_touch(table):
    """Quotes at 0, 2 (the same), 3 (another ask): the trade at 2.5 waits .5 s, the one at 1 2 s, which is too long."""
    book = table(
        "BidPrice1 BidQuantity1 AskPrice1 AskQuantity1", [(0, 10, 1, 11, 1), (2, 10, 1, 11, 1), (3, 10, 1, 12, 1)]
    )
    bars = basalt.compute(
        [{"module": "trade", **change(aggregations=["Max"])}],
        every="10s",
        trades=table("Price Size", [(1, 10, 1), (2.5, 10, 1)]),
        l2=book,
        preprocess=[{"transform": "quotes_at_trades", "next_quote": "1s"}],
    )
    assert bars["TradeTotalNextQuoteSecondsMax"].to_list() == [0.5]


def year(options, table, **keys):
    """AnnVol by events and every 5 s, of 10, 11, 10 at 9:00:01, :03 and :08, in a bucket of 10 s."""
    groups = [{"measures": ["AnnVol"], **options}, {"measures": ["AnnVol"], "sampling": "5s", **options}]
    trades = table("Price Size", [(1, 10, 1), (3, 11, 1), (8, 10, 1)])
    modules = [{"module": "trade", "volatility": groups}]
    [bar] = basalt.compute(modules, every="10s", trades=trades, **keys).to_dicts()
    return [bar[f"TradeTotal{name}"] for name in ("AnnVol", "AnnVol5s")]


def scaled(seconds):
    """Two returns of ln 1.1 by events in 10 s, one of them between the grid's points, which stand for 5 s."""
    square = math.log(1.1) ** 2
    return pytest.approx([math.sqrt(2 * square * seconds / 10 * 252), math.sqrt(square * seconds / 5 * 252)])


def test_a_year_has_sessions_of_eight_and_a_half_hours_where_nothing_tells(table):
    assert year({}, table) == scaled(30600)


def test_a_year_has_sessions_as_long_as_those_of_the_pass(table):
    session = {"start": "08:00", "end": "14:30", "tz": "UTC"}
    assert year({}, table, session=session) == scaled(23400)
    assert year({"session_seconds": 7200}, table, session=session) == scaled(7200)


def test_a_year_has_sessions_as_long_as_the_calendar_s_without_their_breaks(table):
    """From 9:00 to 11:30 and from 12:30 to 15:00: five hours."""
    edges = [(9, 0, 11, 30), (12, 30, 15, 0)]
    rows = [
        ("XTKS", NINE.date(), NINE.replace(hour=a, minute=b), NINE.replace(hour=c, minute=d)) for a, b, c, d in edges
    ]
    names = ["MIC", "Date", "SessionStart", "SessionEnd"]
    assert year({}, table, calendar=("XTKS", pl.DataFrame(rows, schema=names, orient="row"))) == scaled(18000)
