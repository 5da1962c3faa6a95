"""Each sample day contains what it is named for, and is a plausible day otherwise."""

import datetime as dt
import math

import polars as pl
import pytest

from basalt.tables import BUILT_IN, NS_UTC
from basalt.testing.days import DATE, DAYS

SCHEMAS = {table.name: table for table in BUILT_IN}
EVENTS = ("l3", "l2", "trades", "imbalance")
ALL = pytest.mark.parametrize("name", DAYS)


def at(hour, minute=0, days=0):
    start = dt.datetime.combine(DATE, dt.time(), dt.UTC)
    return start + dt.timedelta(days=days, hours=hour, minutes=minute)


def continuous(frame):
    return frame.filter(pl.col("MarketState") == "CONTINUOUS_TRADING")


def test_the_days_are_these():
    names = ["quiet", "one_listing", "empty", "ties", "midnight", "halt", "crossed", "one_sided", "nulls"]
    assert list(DAYS) == names


@ALL
def test_every_day_has_the_tables_and_dtypes_of_the_contract(name):
    day, quiet = DAYS[name](), DAYS["quiet"]()
    assert {table: frame.schema for table, frame in day.items()} == {t: frame.schema for t, frame in quiet.items()}
    for table, frame in day.items():
        for column, dtype in frame.schema.items():
            assert dtype == SCHEMAS[table].column(column).dtype, f"{table}.{column}"


def test_trades_have_every_column_of_the_contract():
    assert set(DAYS["quiet"]()["trades"].columns) == {column.name for column in SCHEMAS["trades"].columns}


@ALL
def test_every_day_is_small_and_in_order(name):
    day = DAYS[name]()
    for table in EVENTS:
        assert day[table].height < 1_000
        assert day[table].equals(day[table].sort("ListingId", "EventTimestamp", "SequenceNo", maintain_order=True))
    states = day["marketstate"]
    assert states.equals(states.sort("ListingId", "EventTimestamp", maintain_order=True))


@ALL
def test_states_of_rows_are_those_of_marketstate(name):
    day = DAYS[name]()
    states = day["marketstate"].sort("EventTimestamp").rename({"MarketState": "InForce"})
    for table in ("l3", "l2", "trades"):
        rows = day[table].select("ListingId", "EventTimestamp", "MarketState").sort("EventTimestamp")
        joined = rows.join_asof(states, on="EventTimestamp", by="ListingId", check_sortedness=False)
        assert joined.filter(pl.col("MarketState") != pl.col("InForce")).height == 0
        assert joined["InForce"].null_count() == 0


@ALL
def test_the_quote_of_a_trade_is_the_last_book_of_smaller_sequence(name):
    """In `nulls` two of the four quote columns have flaws of their own."""
    day = DAYS[name]()
    quote = ("AskPrice", "BidQuantity") if name == "nulls" else ("BidPrice", "AskPrice", "BidQuantity", "AskQuantity")
    books = list(day["l2"].iter_rows(named=True))
    for trade in day["trades"].iter_rows(named=True):
        earlier = [b for b in books if b["ListingId"] == trade["ListingId"] and b["SequenceNo"] < trade["SequenceNo"]]
        assert repr([trade[column] for column in quote]) == repr([earlier[-1][f"{column}1"] for column in quote])


def test_a_day_is_a_dictionary_of_ones_own():
    mine = DAYS["quiet"]()
    mine["trades"] = mine["trades"].clear()
    mine.pop("l2")
    assert DAYS["quiet"]()["trades"].height > 0
    assert "l2" in DAYS["quiet"]()


def test_quiet_has_three_listings_of_two_instruments_that_trade_on_both_sides():
    day = DAYS["quiet"]()
    assert day["reference"]["InstrumentId"].to_list() == [5001, 5001, 5002]
    trades = continuous(day["trades"])
    assert trades.group_by("ListingId", "AggressorSide").len()["len"].min() >= 20
    assert trades.group_by("ListingId", "AggressorSide").len().height == 6
    for flag in trades.select(pl.col(pl.Boolean).exclude("IsCancelled")):
        assert flag.any(), flag.name
        assert not flag.all(), flag.name


def test_one_listing_is_quiets_first():
    one, quiet = DAYS["one_listing"](), DAYS["quiet"]()
    for table, frame in one.items():
        assert frame.equals(quiet[table].filter(pl.col("ListingId") == 1001)), table


def test_empty_has_no_rows_at_all():
    assert [frame.height for frame in DAYS["empty"]().values()] == [0] * 6


@pytest.mark.parametrize("table", ["l3", "l2", "trades"])
def test_in_ties_most_rows_share_their_stamp_with_another(table):
    rows = continuous(DAYS["ties"]()[table])
    assert rows.select(pl.struct("ListingId", "EventTimestamp").is_duplicated().mean()).item() > 0.7


def test_in_ties_order_within_a_stamp_is_by_sequence_alone():
    """The first and last trade of a stamp differ in price somewhere, so that a wrong order shows."""
    stamps = continuous(DAYS["ties"]()["trades"]).group_by("ListingId", "EventTimestamp")
    ends = stamps.agg(pl.col("Price").first().alias("first"), pl.col("Price").last().alias("last"))
    assert ends.filter(pl.col("first") != pl.col("last")).height > 20


def test_midnight_trades_on_both_sides_of_it_and_ends_after_it():
    day = DAYS["midnight"]()
    trades = continuous(day["trades"])["EventTimestamp"]
    assert trades.min() < at(16, 30)
    assert at(0, 0, days=1) < trades.max() < at(0, 30, days=1)
    assert day["marketstate"]["EventTimestamp"].max() == at(1, 15, days=1)
    assert (trades.dt.date() == DATE + dt.timedelta(days=1)).any()


@pytest.mark.parametrize("table", ["l3", "l2", "trades"])
def test_midnight_has_rows_on_bucket_edges_midnight_itself_and_off_them(table):
    stamps = continuous(DAYS["midnight"]()[table])["EventTimestamp"]
    assert (stamps == at(0, 0, days=1)).any()
    on_edge = (stamps == stamps.dt.truncate("5m")).mean()
    assert 0.3 < on_edge < 0.7


def test_midnight_moves_every_stamp_and_no_price():
    day, quiet = DAYS["midnight"](), DAYS["quiet"]()
    assert day["trades"]["Price"].equals(quiet["trades"]["Price"])
    for table in ("trades", "l2", "l3", "imbalance", "marketstate"):
        later = day[table]["EventTimestamp"] - quiet[table]["EventTimestamp"]
        assert later.max() <= dt.timedelta(hours=8)
        assert later.min() > dt.timedelta(hours=7, minutes=55)


def test_halt_is_one_stretch_in_the_middle_of_one_listing():
    states = DAYS["halt"]()["marketstate"]
    halted = states.filter(pl.col("MarketState") == "HALTED")
    assert halted["ListingId"].to_list() == [1001]
    first = states.filter(pl.col("ListingId") == 1001)
    names = first["MarketState"].to_list()
    assert names[2:5] == ["CONTINUOUS_TRADING", "HALTED", "CONTINUOUS_TRADING"]
    length = first["EventTimestamp"][4] - first["EventTimestamp"][3]
    assert dt.timedelta(minutes=15) < length < dt.timedelta(hours=2)
    assert at(10) < first["EventTimestamp"][3]
    assert first["EventTimestamp"][4] < at(15)


def test_in_the_halt_orders_move_and_nothing_trades():
    day = DAYS["halt"]()
    changes = day["marketstate"].filter(pl.col("ListingId") == 1001)["EventTimestamp"]
    start, end = changes[3:4], changes[4:5]
    inside = (pl.col("ListingId") == 1001) & pl.col("EventTimestamp").is_between(start, end, closed="left")
    for table in ("l3", "l2"):
        rows = day[table].filter(inside)
        assert rows.height > 1
        assert (rows["MarketState"] == "HALTED").all()
        assert (day[table].filter(~inside)["MarketState"] != "HALTED").all()
    assert day["l3"].filter(inside)["ExecutionSize"].sum() == 0
    assert day["trades"].filter(inside).height == 0
    assert day["trades"].filter(pl.col("ListingId") == 1001, pl.col("EventTimestamp") == end).height > 0


def test_crossed_has_crossed_and_locked_books_in_continuous_trading_and_trades_that_saw_them():
    day = DAYS["crossed"]()
    gap = pl.col("AskPrice1") - pl.col("BidPrice1")
    books = continuous(day["l2"]).group_by("ListingId").agg((gap < 0).mean().alias("c"), (gap == 0).mean().alias("l"))
    assert books.select(pl.col("c", "l").is_between(0.1, 0.2).all()).row(0) == (True, True)
    trades = continuous(day["trades"]).select(gap=pl.col("AskPrice") - pl.col("BidPrice"))["gap"]
    assert (trades < 0).any()
    assert (trades == 0).any()


def test_crossed_books_stay_ordered_on_each_side():
    books = continuous(DAYS["crossed"]()["l2"])
    for i in range(1, 10):
        assert (books[f"BidPrice{i}"] > books[f"BidPrice{i + 1}"]).drop_nulls().all()
        assert (books[f"AskPrice{i}"] < books[f"AskPrice{i + 1}"]).drop_nulls().all()


def test_one_sided_has_books_without_bids_without_asks_empty_and_shallow():
    books = continuous(DAYS["one_sided"]()["l2"])
    bid, ask = pl.col("BidPrice1").is_null(), pl.col("AskPrice1").is_null()
    shallow = ~bid & ~ask & pl.col("BidPrice3").is_null()
    kinds = books.select(
        (bid & ~ask).mean(), (ask & ~bid).mean().alias("a"), (bid & ask).mean().alias("b"), s=shallow.mean()
    )
    assert all(0.05 < share < 0.2 for share in kinds.row(0))


def test_a_missing_level_is_null_in_price_size_and_orders():
    books = DAYS["one_sided"]()["l2"]
    for side in ("Bid", "Ask"):
        for i in range(1, 11):
            missing = [books[f"{side}{what}{i}"].is_null() for what in ("Price", "Quantity", "NumOrders")]
            assert missing[0].equals(missing[1], check_names=False)
            assert missing[0].equals(missing[2], check_names=False)


def test_trades_of_one_sided_saw_missing_quotes():
    trades = continuous(DAYS["one_sided"]()["trades"])
    seen = trades.select(pl.col("BidPrice").is_null(), pl.col("AskPrice").is_null()).unique()
    assert seen.height == 4


def test_nulls_has_every_bad_price_and_size_among_trades():
    trades = continuous(DAYS["nulls"]()["trades"])
    prices, sizes = trades["Price"].to_list(), trades["Size"].to_list()
    assert {None, math.inf, -math.inf, 0.0, -1.0} <= set(prices)
    assert any(price is not None and math.isnan(price) for price in prices)
    assert {None, 0.0, -100.0} <= set(sizes)
    assert trades["IsCancelled"].unique().sort().to_list() == [None, False, True]
    assert trades["TradeType"].null_count() > 0
    assert DAYS["nulls"]()["trades"]["MarketState"].null_count() > 0


def test_nulls_has_unknown_sides_among_lit_trades_and_sound_trades_of_each_side():
    lit = continuous(DAYS["nulls"]()["trades"]).filter(pl.col("TradeType") == "Lit")
    sound = lit.filter(
        pl.col("Price").is_finite(), pl.col("Price") > 0, pl.col("Size") > 0, pl.col("IsCancelled").not_()
    )
    counts = dict(sound.group_by("AggressorSide").len().iter_rows())
    assert set(counts) == {"Buy", "Sell", None}
    assert min(counts.values()) >= 5


def test_nulls_has_gaps_in_optional_columns_and_two_with_nothing():
    trades = DAYS["nulls"]()["trades"]
    assert trades["IsRetail"].null_count() == trades["NotionalUSD"].null_count() == trades.height
    for column in ("IsBlock", "PublicationTimestamp", "TradeId", "NotionalEUR", "BidPrice", "AskQuantity"):
        assert 0 < trades[column].null_count() < trades.height, column


def test_nulls_has_bad_levels_order_events_indications_and_descriptions():
    day = DAYS["nulls"]()
    books = continuous(day["l2"])
    assert books["BidPrice1"].is_nan().any()
    assert books["BidPrice1"].is_infinite().any()
    assert (books["BidQuantity1"] < 0).any()
    assert (books["BidQuantity1"] == 0).any()
    assert (books["AskPrice1"] < 0).any()
    orders = continuous(day["l3"])
    assert (orders["Size"] < 0).any()
    assert orders["Price"].is_nan().any()
    assert orders.filter(pl.col("ExecutionSize") > 0)["TradeId"].null_count() > 0
    said = day["imbalance"]
    assert said.filter(pl.col("ImbalanceSide").is_null(), pl.col("ImbalanceQuantity") > 0).height > 0
    assert (said["IndicativePrice"] == 0).any()
    assert day["reference"]["Sector"].null_count() == 1


def test_stamps_are_never_null():
    for name, build in DAYS.items():
        for table in EVENTS:
            frame = build()[table]
            assert frame.schema["EventTimestamp"] == NS_UTC
            assert frame.select("ListingId", "EventTimestamp", "SequenceNo").null_count().row(0) == (0, 0, 0), name
