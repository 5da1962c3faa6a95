"""The simulated day keeps what its docstring promises: its tables agree with one another and with their contracts."""

import datetime as dt
import subprocess
import sys
import time
from itertools import pairwise

import polars as pl
import pytest
from basalt.errors import UserError
from basalt.tables import BUILT_IN
from basalt.testing import market

SCHEMAS = {table.name: table for table in BUILT_IN}
EVENTS = ("l3", "l2", "trades", "imbalance")
QUOTE = ["BidPrice", "AskPrice", "BidQuantity", "AskQuantity"]


@pytest.fixture(scope="module", params=[1, 2, 3, 11])
def day(request):
    return market.simulate(listings=3, seed=request.param, events=900)


@pytest.fixture(scope="module")
def small():
    return market.simulate(listings=4, seed=4, events=300)


def assert_same(left, right):
    assert list(left) == list(right)
    for name in left:
        assert left[name].equals(right[name]), name


def test_columns_and_dtypes_are_those_of_the_contract(small):
    assert tuple(small) == market.TABLES
    for name, frame in small.items():
        table = SCHEMAS[name]
        assert set(table.required) <= set(frame.columns)
        for column, dtype in frame.schema.items():
            assert dtype == table.column(column).dtype, f"{name}.{column}"
        assert frame[table.required].null_count().sum_horizontal().item() == 0 or name == "l2"


def test_no_float_is_nan_or_infinite(day):
    for name, frame in day.items():
        for column in frame.select(pl.col(pl.Float64)):
            assert column.drop_nulls().is_finite().all(), f"{name}.{column.name}"


def test_the_same_arguments_give_the_same_day(small):
    assert_same(small, market.simulate(listings=4, seed=4, events=300))


def test_a_listing_does_not_depend_on_how_many_there_are(small):
    alone = market.simulate(listings=1, seed=4, events=300)
    assert_same(alone, {name: frame.filter(pl.col("ListingId") == 1001) for name, frame in small.items()})


def test_a_table_does_not_depend_on_the_others_asked_for(small):
    for name in market.TABLES:
        assert_same({name: small[name]}, market.simulate(listings=4, seed=4, events=300, tables=[name]))


def test_levels_change_l2_alone(small):
    shallow = market.simulate(listings=4, seed=4, events=300, levels=2)
    assert "BidPrice3" not in shallow["l2"].columns
    assert 0 < shallow["l2"].height < small["l2"].height
    assert_same(*({name: d[name] for name in market.TABLES if name != "l2"} for d in (small, shallow)))


def test_seed_and_date_change_the_flow_and_the_date_leaves_reference_alone(small):
    other_seed = market.simulate(listings=4, seed=5, events=300)
    next_day = market.simulate(listings=4, seed=4, events=300, date=dt.date(2026, 1, 6))
    for other in (other_seed, next_day):
        assert other["l3"]["Price"].to_list() != small["l3"]["Price"].to_list()
    assert next_day["reference"].equals(small["reference"])
    assert next_day["trades"]["EventTimestamp"].dt.date().unique().to_list() == [dt.date(2026, 1, 6)]


@pytest.mark.parametrize("asked", [{"listings": 0}, {"events": 0}, {"events": 1}])
def test_an_empty_day_has_the_full_schema(small, asked):
    empty = market.simulate(**asked)
    assert {name: frame.schema for name, frame in empty.items()} == {name: f.schema for name, f in small.items()}
    assert empty["trades"].height == 0
    assert empty["l3"].height == (4 if asked == {"events": 1} else 0)


def test_listings_pair_into_instruments_on_two_venues():
    reference = market.simulate(listings=12, tables=["reference"])["reference"]
    assert reference["ListingId"].to_list() == list(range(1001, 1013))
    pairs = reference.group_by("InstrumentId", maintain_order=True).agg("MIC", "IsPrimary", pl.col("ISIN").n_unique())
    assert pairs["MIC"].to_list() == [["XLON", "AQXE"]] * 6
    assert pairs["IsPrimary"].to_list() == [[True, False]] * 6
    assert pairs["ISIN"].to_list() == [1] * 6
    assert reference["ISIN"].n_unique() == 6
    assert reference["Sector"].n_unique() > 3
    assert reference["CurrencyCode"].n_unique() == 2


def test_the_isin_has_its_check_digit():
    """GB 000000001: G = 16, B = 11, so 16 11 000000001; every second digit from the right doubled, the first included:
    1 → 2; B's 1 and 1, at places 10 and 11 from the right, 1 and 2; G's 6 and 1 at 12 and 13, 6 and 2: 13, and 7 to 20.
    """
    number = market.simulate(listings=1, tables=["reference"])["reference"]["ISIN"].item()
    assert number == "GB0000000017"
    digits = "".join(str(int(character, 36)) for character in number)
    luhn = sum(sum(divmod(int(d) * (1 + i % 2), 10)) for i, d in enumerate(reversed(digits)))
    assert luhn % 10 == 0


def test_both_venues_follow_one_path():
    trades = market.simulate(listings=2, seed=7, events=4_000, tables=["trades"])["trades"]
    hours = trades.group_by("ListingId", pl.col("EventTimestamp").dt.truncate("1h")).agg(pl.col("Price").median())
    wide = hours.pivot("ListingId", index="EventTimestamp", values="Price").drop_nulls()
    assert wide.height == 9
    tick = market.simulate(listings=1, seed=7, tables=["reference"])["reference"]["TickSize"].item()
    assert (wide["1001"] - wide["1002"]).abs().max() < 6 * tick
    assert wide["1001"].max() - wide["1001"].min() > 10 * tick


def test_rows_are_ordered_and_no_stamp_runs_backwards(day):
    for name in EVENTS:
        frame = day[name]
        order = ["ListingId", "EventTimestamp", "SequenceNo"]
        assert frame.equals(frame.sort(order, maintain_order=True)), name
        assert frame.equals(frame.sort("ListingId", "SequenceNo", maintain_order=True)), name


def test_one_sequence_without_gaps_numbers_orders_and_indications(day):
    for listing in (1001, 1002, 1003):
        numbers = [n for name in ("l3", "imbalance") for n in day[name].filter(ListingId=listing)["SequenceNo"]]
        assert sorted(numbers) == list(range(1, len(numbers) + 1))


def test_some_stamps_are_tied(day):
    events = day["l3"].filter("EndOfEvent")
    tied = events.select(pl.struct("ListingId", "EventTimestamp").is_duplicated().mean()).item()
    assert 0.01 < tied < 0.2


def test_every_row_lies_strictly_inside_the_state_it_names(day):
    states = day["marketstate"].sort("EventTimestamp")
    for name in ("l3", "l2", "trades"):
        rows = day[name].select("ListingId", "EventTimestamp", "MarketState").sort("EventTimestamp")
        in_force = rows.join_asof(
            states.rename({"MarketState": "InForce"}).with_columns(Since="EventTimestamp"),
            on="EventTimestamp",
            by="ListingId",
            check_sortedness=False,
        )
        assert in_force.filter(pl.col("MarketState") != pl.col("InForce")).height == 0
        assert in_force.filter(pl.col("EventTimestamp") <= pl.col("Since")).height == 0


def test_the_day_has_its_six_states_at_their_times(small):
    states = small["marketstate"].filter(ListingId=1001)
    assert states["MarketState"].to_list() == [
        *("PRE_OPEN", "OPENING_AUCTION", "CONTINUOUS_TRADING", "CLOSING_AUCTION", "POST_TRADE", "CLOSED")
    ]
    at = states["EventTimestamp"].to_list()
    assert [f"{t:%H:%M}" for t in at] == ["07:00", "07:50", "08:00", "16:30", "16:35", "17:15"]


def test_events_are_what_was_asked_for_and_the_closing_uncross_on_top(day):
    """Rows of the last exchange event, the uncross, come after the 900 (an event that passes 900 may bring a few)."""
    for _, rows in day["l3"].group_by("ListingId"):
        before = rows.filter((pl.col("MarketState") != "CLOSING_AUCTION") | (pl.col("ExecutionSize") == 0))
        assert 900 <= before.height < 920


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


def test_sizes_are_round_as_a_rule_and_sometimes_odd(day):
    inserted = day["l3"].filter(pl.col("Action") == "Insert")["Size"]
    odd = (inserted % 100 != 0).mean()
    assert 0.05 < odd < 0.5
    assert inserted.min() >= 1


def test_prices_are_the_floats_nearest_to_their_decimals(day):
    """Every tick is a whole number of 1/10000, and Python's division of whole numbers gives the nearest float."""
    for price in day["trades"]["Price"]:
        assert price == round(price * 10_000) / 10_000


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"listings": -1}, "listings = -1"),
        ({"events": -5}, "events = -5"),
        ({"levels": 0}, "levels = 0"),
        ({"tables": ["trades", "quotes"]}, "'quotes'"),
    ],
)
def test_what_cannot_be_simulated_is_refused_by_name(asked, sentence):
    with pytest.raises(UserError, match=sentence):
        market.simulate(**asked)


def test_the_simulator_needs_neither_numpy_nor_a_test_library():
    code = (
        "import sys; from basalt.testing import market; market.simulate(listings=1, events=50);"
        "print(*sorted({'numpy', 'pyarrow', 'pytest', 'hypothesis'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_a_million_order_events_take_less_than_a_minute():
    start = time.perf_counter()
    rows = market.simulate(listings=2, events=10_000)["l3"].height
    assert rows / (time.perf_counter() - start) > 1_000_000 / 60
