"""`basalt data validate`: each measure of feed quality by hand, and the limits that must hold."""

import datetime as dt

import polars as pl
import pytest
from data_commands import printed

from basalt.errors import UserError
from basalt.tables import ACTION, NS_UTC, SIDE, STATE
from basalt_io.validate import validate

NINE = dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC)
DAY = "date=2026-01-05"


def at(*seconds):
    return pl.Series([NINE + dt.timedelta(seconds=s) for s in seconds], dtype=NS_UTC)


def put(root, table, **columns):
    place = root / table / DAY / "part.parquet"
    place.parent.mkdir(parents=True, exist_ok=True)
    pl.DataFrame(columns).write_parquet(place)


def states(root, *changes):
    """(listing, seconds, state)."""
    listings, seconds, names = zip(*changes, strict=True)
    put(
        root,
        "marketstate",
        ListingId=list(listings),
        EventTimestamp=at(*seconds),
        MarketState=pl.Series(names, dtype=STATE),
    )


def validated(*args, code=0):
    return printed(validate, *args, code=code)


def values(root, table, *args):
    return {row["measure"]: row["value"] for row in validated(root, "--table", table, *args)[0]}


def test_order_and_sequence(tmp_path):
    """Of five rows of listing 1 the third goes back in time and the fifth in sequence at one time; number 4 comes
    twice. Listing 2's row is before them all, which is no fault. 2 / 6 and 1 / 6."""
    put(
        tmp_path,
        "trades",
        ListingId=[1, 1, 1, 1, 1, 2],
        EventTimestamp=at(10, 20, 15, 30, 30, 1),
        SequenceNo=[1, 2, 3, 5, 3 + 1, 4],
        Price=[1.0] * 6,
        Size=[5.0] * 6,
    )
    found = values(tmp_path, "trades")
    assert found["out_of_order"] == 2 / 6
    assert found["duplicate_sequence"] == 0
    repeated = pl.read_parquet(tmp_path / "trades" / DAY / "part.parquet").with_columns(
        SequenceNo=pl.Series([1, 2, 2, 5, 6, 4])
    )
    repeated.write_parquet(tmp_path / "trades" / DAY / "part.parquet")
    assert values(tmp_path, "trades")["duplicate_sequence"] == 1 / 6


def test_the_order_of_the_file_is_that_of_row_order(tmp_path):
    """Rows stand in order of time; RowOrder says that the file had the second first."""
    put(
        tmp_path,
        "trades",
        ListingId=[1, 1],
        EventTimestamp=at(10, 20),
        RowOrder=[2, 1],
        Price=[1.0, 1.0],
        Size=[1.0, 1.0],
    )
    assert values(tmp_path, "trades")["out_of_order"] == 1 / 2


def test_orders(tmp_path):
    """Order 7: in, in again, out, out again, in. Order 8: an update of what never came. Order 7 of listing 2 is
    another. Inserts 4, one of an order there: 1 / 4. Others 3, two of an order that is not: 2 / 3. One Insert of size
    0: 1 / 4."""
    put(
        tmp_path,
        "l3",
        ListingId=[1, 1, 1, 1, 1, 1, 2],
        EventTimestamp=at(1, 2, 3, 4, 5, 6, 1),
        OrderId=[7, 7, 7, 7, 7, 8, 7],
        Side=pl.Series(["Bid"] * 7, dtype=SIDE),
        Action=pl.Series(["Insert", "Insert", "Remove", "Remove", "Insert", "Update", "Insert"], dtype=ACTION),
        Price=[1.0] * 7,
        Size=[5.0, 5.0, 0.0, 0.0, 0.0, 5.0, 5.0],
    )
    found = values(tmp_path, "l3")
    assert (found["duplicate_orders"], found["unknown_orders"], found["nonpositive_size"]) == (1 / 4, 2 / 3, 1 / 4)


def test_orders_of_the_opening_snapshot_are_there(tmp_path):
    """Order 7 stood before the first event: its Remove is known, its Insert at once would be a duplicate."""
    put(
        tmp_path,
        "l3",
        ListingId=[1, 1, 1],
        EventTimestamp=at(1, 2, 3),
        OrderId=[7, 7, 8],
        Side=pl.Series(["Bid"] * 3, dtype=SIDE),
        Action=pl.Series(["Insert", "Remove", "Remove"], dtype=ACTION),
        Price=[1.0] * 3,
        Size=[5.0, 0.0, 0.0],
    )
    assert values(tmp_path, "l3")["duplicate_orders"] == 0.0
    standing = {"OrderId": [7], "Side": pl.Series(["Bid"], dtype=SIDE), "Price": [1.0], "Size": [5.0]}
    put(tmp_path, "l3_snapshot", ListingId=[1], EventTimestamp=at(0), **standing)
    found = values(tmp_path, "l3")
    assert (found["duplicate_orders"], found["unknown_orders"]) == (1.0, 1 / 2)


def book(root, *rows):
    """(seconds, bid, ask) of listing 1."""
    seconds, bids, asks = zip(*rows, strict=True)
    columns = {
        "BidPrice1": bids,
        "AskPrice1": asks,
        "BidQuantity1": [1.0] * len(rows),
        "AskQuantity1": [1.0] * len(rows),
    }
    put(
        root,
        "l2",
        ListingId=[1] * len(rows),
        EventTimestamp=at(*seconds),
        **{name: pl.Series(column, dtype=pl.Float64) for name, column in columns.items()},
    )


def test_a_book_is_weighed_by_time_in_continuous_trading(tmp_path):
    """Continuous from 10 to 50 s. The crossed book of 0 s is in force until 20 s: 10 s of it count; good until 30 s;
    locked until 35 s (0.1 + 0.2 against 0.3); one-sided until 40 s, which counts in neither; good until the end at
    50 s. Both sides for 10 + 10 + 5 + 10 = 35 s."""
    book(tmp_path, (0, 11.0, 10.0), (20, 9.0, 10.0), (30, 0.1 + 0.2, 0.3), (35, None, 10.0), (40, 9.0, 10.0))
    states(tmp_path, (1, 10, "CONTINUOUS_TRADING"), (1, 50, "CLOSED"))
    found = values(tmp_path, "l2")
    assert (found["crossed_time"], found["locked_time"]) == (pytest.approx(10 / 35), pytest.approx(5 / 35))


def test_without_sessions_a_book_is_weighed_from_its_first_row_to_its_last(tmp_path):
    """Crossed from 0 to 20 s of 40 s; coverage is not known."""
    book(tmp_path, (0, 11.0, 10.0), (20, 9.0, 10.0), (40, 9.0, 10.0))
    found = values(tmp_path, "l2")
    assert found["crossed_time"] == pytest.approx(0.5)
    assert "coverage" not in found


def trades(root, *rows):
    listings, seconds = zip(*rows, strict=True)
    put(
        root,
        "trades",
        ListingId=list(listings),
        EventTimestamp=at(*seconds),
        Price=[1.0] * len(rows),
        Size=[1.0] * len(rows),
    )


def test_gaps_and_coverage_within_sessions(tmp_path):
    """Listing 1 trades continuously from 0 to 300 s and, after lunch, from 3,600 to 3,720 s: 5 + 2 minutes, of which
    the first, second and sixth have a row: 3 / 7. Its longest gap is from 70 s to 300 s; lunch is none. Listing 2,
    two minutes without a row: 0 / 2 and 120 s. Together 3 / 9."""
    trades(tmp_path, (1, 10), (1, 20), (1, 70), (1, 3_660 - 60), (1, 5_000))
    states(
        tmp_path,
        *((1, 0, "CONTINUOUS_TRADING"), (1, 300, "CLOSED"), (1, 3_600, "CONTINUOUS_TRADING"), (1, 3_720, "CLOSED")),
        *((2, 0, "CONTINUOUS_TRADING"), (2, 120, "CLOSED")),
    )
    rows, _ = validated(tmp_path, "--table", "trades", "--by-listing")
    found = {(row["listing"], row["measure"]): row["value"] for row in rows}
    assert found[1, "coverage"] == pytest.approx(3 / 7)
    assert found[1, "longest_gap"] == 230.0
    assert (found[2, "coverage"], found[2, "longest_gap"]) == (0.0, 120.0)
    whole = values(tmp_path, "trades")
    assert (whole["coverage"], whole["longest_gap"]) == (pytest.approx(3 / 9), 230.0)


def test_a_session_that_nothing_ends_goes_to_the_last_row(tmp_path):
    """From 0 to the row at 100 s."""
    trades(tmp_path, (1, 10), (1, 100))
    states(tmp_path, (1, 0, "CONTINUOUS_TRADING"))
    found = values(tmp_path, "trades")
    assert (found["longest_gap"], found["coverage"]) == (90.0, 1.0)


def test_a_limit_that_is_passed_ends_with_4(tmp_path):
    trades(tmp_path, (1, 10), (1, 100))
    states(tmp_path, (1, 0, "CONTINUOUS_TRADING"), (1, 300, "CLOSED"))
    limits = ("--limit", "longest_gap=150", "--limit", "trades.coverage=0.4", "--limit", "l2.out_of_order=0")
    rows, said = validated(tmp_path, *limits, code=4)
    kept = {row["measure"]: row["kept"] for row in rows if row["table"] == "trades"}
    assert kept == {
        "out_of_order": None,
        "nonpositive_size": None,
        "longest_gap": False,
        "coverage": True,
    }
    assert said.splitlines()[-1] == "trades of 2026-01-05: longest_gap is 200, limit 150"
    validated(tmp_path, "--limit", "longest_gap=200")


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ("gaps=1", "--limit gaps=1: 'gaps' is no measure; measures: out_of_order, duplicate_sequence"),
        ("coverage=much", "--limit coverage=much: 'much' is no number: write coverage=0.01"),
        ("coverage", "--limit coverage: '' is no number"),
    ],
)
def test_a_limit_that_means_nothing_is_refused(tmp_path, limit, said):
    with pytest.raises(UserError, match=said):
        validated(tmp_path, "--limit", limit)


def test_a_whole_day_of_a_feed(lobster_folder):
    """AMZN 2012-06-21: never crossed; messages in all 390 minutes, trades in 387 of them."""
    options = ("--source", "lobster", "--set", 'listings={AMZN="AMZN"}')
    rows, _ = validated(lobster_folder, *options)
    found = {(row["table"], row["measure"]): row["value"] for row in rows}
    assert found["l2", "crossed_time"] == 0.0
    assert found["l3", "coverage"] == 1.0
    assert found["trades", "coverage"] == 387 / 390
    assert found["l3", "out_of_order"] == 0.0
