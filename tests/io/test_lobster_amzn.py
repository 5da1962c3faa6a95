"""The lobster source on a real day, AMZN 2012-06-21 (57,515 messages), and the first rows of AAPL at ten levels.

The figures are facts of the files, counted there without basalt: messages by type 27,845 / 16 / 18,235 / 8,974 / 2,445.
"""

import datetime as dt

import polars as pl
import pytest

from basalt_io.sources.lobster import LobsterOptions, LobsterSource

DAY = dt.date(2012, 6, 21)


@pytest.fixture
def amzn(lobster_folder) -> LobsterSource:
    return LobsterSource(LobsterOptions(root=str(lobster_folder), listings={"AMZN": 1}), lobster_folder)


@pytest.fixture
def aapl(lobster_folder) -> LobsterSource:
    return LobsterSource(LobsterOptions(root=str(lobster_folder), listings={"AAPL": 1}), lobster_folder)


def test_messages_by_type_are_all_there(amzn):
    """Insert = type 1; executions = type 4; Remove without execution = type 3; Update without execution = type 2."""
    l3 = amzn.scan("l3", DAY).collect()
    executed = pl.col("ExecutionSize") > 0
    assert l3.filter(pl.col("Action") == "Insert").height == 27_845
    assert l3.filter((pl.col("Action") == "Update") & ~executed).height == 16
    assert l3.filter((pl.col("Action") == "Remove") & ~executed).height == 18_235
    assert l3.filter(executed).height == 8_974
    assert amzn.scan("trades", DAY).filter("IsHidden").collect().height == 2_445


def test_volumes_and_average_price(amzn):
    trades = amzn.scan("trades", DAY).collect()
    visible, hidden = trades.filter(~pl.col("IsHidden")), trades.filter("IsHidden")
    assert visible["Size"].sum() == 613_248
    assert hidden["Size"].sum() == 197_507
    vwap = (visible["Price"] * visible["Size"]).sum() / visible["Size"].sum()
    assert vwap == pytest.approx(222.64013815, abs=5e-9)


def test_first_and_last_stamps(amzn):
    stamps = amzn.scan("l2", DAY).select(pl.col("EventTimestamp").cast(pl.String)).collect()["EventTimestamp"]
    assert stamps[0] == "2012-06-21 13:30:00.017459617+00:00"
    assert stamps[-1] == "2012-06-21 19:59:59.959359650+00:00"
    assert stamps.is_sorted()


def test_mean_spread_over_all_rows_of_the_order_book(amzn):
    """0.13591 is the mean over the 57,515 rows of the file; over the 55,070 that are changes it is 0.13643."""
    spread = amzn.scan("l2", DAY).select(pl.col("AskPrice1") - pl.col("BidPrice1")).collect()["AskPrice1"]
    assert spread.len() == 57_515
    assert spread.mean() == pytest.approx(0.13591, abs=5e-6)
    changes = LobsterSource(attrs_with(amzn, repeats=False), amzn.folder).scan("l2", DAY)
    spread = changes.select(pl.col("AskPrice1") - pl.col("BidPrice1")).collect()["AskPrice1"]
    assert spread.len() == 55_070
    assert spread.mean() == pytest.approx(0.13643, abs=5e-6)


def attrs_with(found: LobsterSource, **options: object) -> LobsterOptions:
    return LobsterOptions(root=found.config.root, listings=found.config.listings, **options)


def test_the_book_is_never_crossed_nor_locked(amzn):
    assert amzn.scan("l2", DAY).filter(pl.col("AskPrice1") <= pl.col("BidPrice1")).collect().height == 0


def previous_book(found: LobsterSource) -> pl.LazyFrame:
    """The book as it was before each message: the row of SequenceNo − 1."""
    return found.scan("l2", DAY).with_columns(pl.col("SequenceNo") + 1).drop("ListingId", "EventTimestamp")


def test_every_visible_trade_prints_at_the_previous_best(amzn):
    """A seller hits the bid, a buyer lifts the ask: 8,974 of 8,974."""
    visible = amzn.scan("trades", DAY).filter(~pl.col("IsHidden"))
    touched = pl.when(pl.col("AggressorSide") == "Sell").then("BidPrice1").otherwise("AskPrice1")
    rows = visible.join(previous_book(amzn), on="SequenceNo").select(pl.col("Price") == touched).collect()
    assert (rows.height, rows["Price"].sum()) == (8_974, 8_974)


def test_hidden_executions_leave_the_book_as_it_was(amzn):
    """2,444 of 2,444: the first of the 2,445 is the file's first row, before which there is none."""
    hidden = amzn.scan("trades", DAY).filter("IsHidden").select("SequenceNo")
    levels = ["BidPrice1", "BidQuantity1", "AskPrice1", "AskQuantity1"]
    pairs = hidden.join(amzn.scan("l2", DAY), on="SequenceNo").join(previous_book(amzn), on="SequenceNo", suffix="Was")
    same = pairs.select(pl.all_horizontal(pl.col(level) == pl.col(f"{level}Was") for level in levels)).collect()
    assert (same.height, same.to_series().sum()) == (2_444, 2_444)


def test_every_visible_message_explains_one_step_of_the_book(amzn):
    """55,070 of 55,070. On the message's side, with best (p, q) before: a better price becomes the best with its size;
    at p, q changes by what the message adds or takes; taking all of q uncovers a worse price. The other side stays."""
    before = previous_book(amzn)
    after = amzn.scan("l2", DAY).drop("ListingId", "EventTimestamp")
    bid = pl.col("Side") == "Bid"

    def of(mine: bool, what: str, then: str) -> pl.Expr:
        first, second = ("Bid", "Ask") if mine else ("Ask", "Bid")
        return pl.when(bid).then(pl.col(f"{first}{what}1{then}")).otherwise(pl.col(f"{second}{what}1{then}"))

    rows = amzn.scan("l3", DAY).join(after, on="SequenceNo").join(before, on="SequenceNo", suffix="Was")
    price, added = pl.coalesce("Price", "OldPrice"), pl.col("Size") - pl.col("OldSize")
    was, now = of(True, "Price", "Was"), of(True, "Price", "")
    left = of(True, "Quantity", "Was") + added
    toward = pl.when(bid).then(1).otherwise(-1)
    improves = (now == price) & (of(True, "Quantity", "") == added)
    stays = (now == was) & (of(True, "Quantity", "") == left)
    own = (
        pl.when((price - was) * toward > 0)
        .then(improves)
        .when((price == was) & (left > 0))
        .then(stays)
        .when((price == was) & (left == 0))
        .then((now - was) * toward < 0)
        .otherwise(False)
    )
    other = (of(False, "Price", "") == of(False, "Price", "Was")) & (
        of(False, "Quantity", "") == of(False, "Quantity", "Was")
    )
    explained = rows.select(own & other).collect().to_series()
    assert (explained.len(), explained.sum()) == (55_070, 55_070)


def test_there_are_messages_in_every_minute_and_trades_in_387(amzn):
    """Right-closed minutes, as bars count them."""
    minute = pl.col("EventTimestamp").dt.offset_by("-1ns").dt.truncate("1m").n_unique()
    assert amzn.scan("l2", DAY).select(minute).collect().item() == 390
    assert amzn.scan("trades", DAY).select(minute).collect().item() == 387


def test_the_session_is_half_past_nine_to_four(amzn):
    states = amzn.scan("marketstate", DAY).collect()
    assert states["MarketState"].to_list() == ["CONTINUOUS_TRADING", "CLOSED"]
    assert states["EventTimestamp"].dt.strftime("%H:%M").to_list() == ["13:30", "20:00"]


def test_ten_levels_of_a_file_without_session_in_its_name(aapl):
    l2 = aapl.scan("l2", DAY).collect()
    assert l2.height == 999
    assert l2.select("BidPrice1", "AskPrice1", "BidPrice10", "AskQuantity10").row(0) == (585.33, 585.94, 584.27, 500.0)
    assert aapl.scan("marketstate", DAY).collect()["MarketState"].to_list() == ["CONTINUOUS_TRADING"]
