"""The tables of a simulated day agree: l3 with l2, trades with both, indications with the uncross."""

from itertools import pairwise

import polars as pl
import pytest

from basalt.testing import market

QUOTE = ["BidPrice", "AskPrice", "BidQuantity", "AskQuantity"]


def replay(l3, levels):
    """(SequenceNo, EventTimestamp, MarketState, levels…) whenever an event changed the public book, by brute force."""
    orders, shown, rows = {}, ([], []), []
    for row in l3.iter_rows(named=True):
        if row["Action"] == "Remove":
            del orders[row["OrderId"]]
        else:
            assert (row["OrderId"] in orders) == (row["Action"] == "Update")
            orders[row["OrderId"]] = (row["Side"], row["Price"], row["Size"])
        if row["EndOfEvent"]:
            now = tuple(public(orders.values(), side, levels) for side in ("Bid", "Ask"))
            if now != shown:
                shown = now
                rows.append((row["SequenceNo"], row["EventTimestamp"], row["MarketState"], *now))
    return rows


def public(orders, side, levels):
    sizes = {}
    for own, price, size in orders:
        if own == side:
            sizes.setdefault(price, []).append(size)
    best = sorted(sizes.items(), reverse=side == "Bid")[:levels]
    return [(price, sum(queue), len(queue)) for price, queue in best]


def published(l2, levels):
    def side(row, name):
        cells = [tuple(row[f"{name}{what}{i}"] for what in ("Price", "Quantity", "NumOrders")) for i in levels]
        there = [cell for cell in cells if cell != (None, None, None)]
        assert cells[len(there) :] == [(None, None, None)] * (len(cells) - len(there))
        return there

    for row in l2.iter_rows(named=True):
        yield row["SequenceNo"], row["EventTimestamp"], row["MarketState"], side(row, "Bid"), side(row, "Ask")


@pytest.mark.parametrize(("seed", "levels"), [(1, 10), (2, 10), (3, 3), (4, 1), (5, 10)])
def test_l3_rebuilt_into_a_book_is_l2(seed, levels):
    simulated = market.simulate(listings=2, seed=seed, events=700, levels=levels, tables=["l3", "l2"])
    for listing in (1001, 1002):
        l3, l2 = (simulated[name].filter(ListingId=listing) for name in ("l3", "l2"))
        assert l2["MarketState"].n_unique() == 3
        assert list(published(l2, range(1, levels + 1))) == replay(l3, levels)


def test_the_book_is_crossed_in_calls_and_never_in_continuous_trading(day):
    crossed = day["l2"].group_by("MarketState").agg((pl.col("BidPrice1") >= pl.col("AskPrice1")).sum())
    counts = dict(crossed.iter_rows())
    assert counts["CONTINUOUS_TRADING"] == 0
    assert counts["OPENING_AUCTION"] > 0
    assert counts["CLOSING_AUCTION"] > 0


def test_old_price_and_size_are_those_of_the_orders_previous_row(day):
    before = day["l3"].with_columns(
        pl.col("Price", "Size", "Side").shift(1).over("ListingId", "OrderId").name.prefix("Previous")
    )
    first = before.filter(pl.col("Action") == "Insert")
    assert first["PreviousSize"].is_null().all()
    assert first["OldPrice"].is_null().all()
    assert (first["OldSize"] == 0).all()
    later = before.filter(pl.col("Action") != "Insert")
    for old, previous in (("OldPrice", "PreviousPrice"), ("OldSize", "PreviousSize"), ("Side", "PreviousSide")):
        assert later[old].equals(later[previous], check_names=False)


def test_what_was_inserted_is_removed_executed_or_still_rests(day):
    """Row by row S − O is what was added less what was withdrawn less what was executed; over the day, what rests."""
    l3 = day["l3"]
    change, executed = pl.col("Size") - pl.col("OldSize"), pl.col("ExecutionSize")
    passive = l3.filter(executed == 0)
    added = passive.select(change.clip(lower_bound=0).sum()).item()
    withdrawn = passive.select((-change).clip(lower_bound=0).sum()).item()
    resting = l3.group_by("ListingId", "OrderId").agg(pl.col("Size").last())["Size"].sum()
    assert added - withdrawn - l3["ExecutionSize"].sum() == resting
    assert resting > 0
    assert l3.filter(executed > 0).select((-change == executed).all()).item()


def test_queues_ahead_are_those_of_first_in_first_out(day):
    """A plain list a price: a larger size or another price goes to the end; an execution meets the front."""
    for _, rows in day["l3"].group_by("ListingId", maintain_order=True):
        queues = {}
        for row in rows.iter_rows(named=True):
            old, new = (row["Side"], row["OldPrice"]), (row["Side"], row["Price"])
            queue = queues.setdefault(new if row["Action"] == "Insert" else old, [])
            place = next((i for i, (order, _) in enumerate(queue) if order == row["OrderId"]), len(queue))
            assert row["OrdersAhead"] == place
            assert row["SizeAhead"] == sum(size for _, size in queue[:place])
            assert not (row["ExecutionSize"] and place)
            if row["Action"] == "Update" and new == old and row["Size"] < row["OldSize"]:
                queue[place] = (row["OrderId"], row["Size"])
                continue
            del queue[place : place + 1]
            if row["Action"] != "Remove":
                queues.setdefault(new, []).append((row["OrderId"], row["Size"]))


def test_trades_are_the_executions_of_l3_each_once(day):
    """One l3 row a print in continuous trading, a bid's and an ask's in an auction; the print has the last number."""
    executions = (
        day["l3"]
        .filter(pl.col("ExecutionSize") > 0)
        .group_by("ListingId", "TradeId", maintain_order=True)
        .agg(
            pl.col("SequenceNo").max(),
            pl.col("EventTimestamp", "MarketState").unique(),
            pl.col("ExecutionPrice", "ExecutionSize").unique().name.map(lambda name: name.removeprefix("Execution")),
        )
        .explode("EventTimestamp", "MarketState", "Price", "Size")
    )
    assert day["trades"].select(executions.columns).equals(executions)


def test_the_aggressor_is_opposite_the_resting_side_and_an_auction_has_none(day):
    executed = day["l3"].filter(pl.col("ExecutionSize") > 0).select("ListingId", "TradeId", "Side")
    both = executed.join(day["trades"], on=["ListingId", "TradeId"], how="left").sort("SequenceNo", "Side")
    sides = both.group_by("ListingId", "TradeId").agg("Side", pl.col("AggressorSide", "TradeType").first())
    seen = {(row["TradeType"], row["AggressorSide"], *row["Side"]) for row in sides.iter_rows(named=True)}
    assert seen == {("Auction", None, "Bid", "Ask"), ("Lit", "Buy", "Ask"), ("Lit", "Sell", "Bid")}


def test_lit_volume_is_the_executed_volume_of_l3(day):
    lit = day["trades"].filter(pl.col("TradeType") == "Lit")["Size"].sum()
    auction = day["trades"].filter(pl.col("TradeType") == "Auction")["Size"].sum()
    assert lit + 2 * auction == day["l3"]["ExecutionSize"].sum()


def test_the_quote_of_a_trade_is_the_last_book_of_smaller_sequence(day):
    books = day["l2"].select("ListingId", "SequenceNo", *[pl.col(f"{name}1").alias(f"{name}Then") for name in QUOTE])
    joined = (
        day["trades"]
        .sort("SequenceNo")
        .join_asof(
            books.sort("SequenceNo"),
            on="SequenceNo",
            by="ListingId",
            allow_exact_matches=False,
            check_sortedness=False,
        )
    )
    for name in QUOTE:
        assert joined[name].equals(joined[f"{name}Then"], check_names=False), name


def test_prints_of_a_sweep_walk_away_from_the_quote_they_share(day):
    sweeps = (
        day["trades"]
        .filter(pl.col("TradeType") == "Lit", pl.col("AggressorSide") == "Buy")
        .group_by("ListingId", "EventTimestamp", "BidPrice", "AskPrice", "AskQuantity", maintain_order=True)
        .agg("Price")
    )
    walks = [row["Price"] for row in sweeps.iter_rows(named=True) if len(set(row["Price"])) > 1]
    assert walks
    assert all(a <= b for walk in walks for a, b in pairwise(walk))
    assert sweeps.select((pl.col("Price").list.first() == pl.col("AskPrice")).all()).item()


def resting_before(l3, sequence):
    """(side, price, size) of what rests just before that row."""
    last = l3.filter(pl.col("SequenceNo") < sequence).group_by("OrderId").agg(pl.col("Side", "Price", "Size").last())
    return last.filter(pl.col("Size") > 0).select("Side", "Price", "Size").rows()


@pytest.mark.parametrize("state", ["OPENING_AUCTION", "CLOSING_AUCTION"])
def test_the_uncross_prints_at_one_price_the_most_that_any_price_would(day, state):
    for listing in (1001, 1002, 1003):
        l3 = day["l3"].filter(ListingId=listing)
        prints = day["trades"].filter(ListingId=listing, MarketState=state)
        first = l3.filter(pl.col("MarketState") == state, pl.col("ExecutionSize") > 0)["SequenceNo"].min()
        orders = resting_before(l3, first)

        def executable(limit, orders=orders):
            bought = sum(size for side, price, size in orders if side == "Bid" and price >= limit)
            sold = sum(size for side, price, size in orders if side == "Ask" and price <= limit)
            return min(bought, sold)

        assert prints["Price"].n_unique() == 1
        assert prints["EventTimestamp"].n_unique() == 1
        assert prints["Size"].sum() == executable(prints["Price"][0])
        assert prints["Size"].sum() == max(executable(price) for _, price, _ in orders)


def test_indications_come_through_the_call_and_the_last_is_what_the_uncross_does(day):
    """Ten minutes at 30 s make 19 or 20 in the opening call, five at 15 s 19 to 21 in the closing one; and a last."""
    ends = day["trades"].filter(pl.col("TradeType") == "Auction")
    for listing in (1001, 1002, 1003):
        said = day["imbalance"].filter(ListingId=listing)
        for state, at_least in (("OPENING_AUCTION", 20), ("CLOSING_AUCTION", 20)):
            prints = ends.filter(ListingId=listing, MarketState=state)
            started = day["marketstate"].filter(ListingId=listing, MarketState=state)["EventTimestamp"].item()
            call = said.filter(pl.col("EventTimestamp").is_between(started, prints["EventTimestamp"][0]))
            assert at_least <= call.height <= at_least + 3
            last = call.row(-1, named=True)
            assert last["IndicativePrice"] == prints["Price"][0]
            assert last["PairedQuantity"] == prints["Size"].sum()
            assert last["SequenceNo"] < prints["SequenceNo"].min()
    assert said["ReferencePrice"].n_unique() == 2


def test_an_imbalance_has_a_side_only_where_there_is_one(day):
    said = day["imbalance"]
    assert said.select(((pl.col("ImbalanceQuantity") > 0) == pl.col("ImbalanceSide").is_not_null()).all()).item()
    assert said.select(((pl.col("PairedQuantity") > 0) == pl.col("IndicativePrice").is_not_null()).all()).item()
