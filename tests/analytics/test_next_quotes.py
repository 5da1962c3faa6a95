"""What quotes_at_trades tells of the next change of the touch after a trade."""

from datetime import timedelta

import polars as pl
import pytest

ONE_LEVEL = "BidPrice1 AskPrice1 BidQuantity1 AskQuantity1"
HALT = [(0, "CONTINUOUS_TRADING"), (12, "HALTED"), (20, "CONTINUOUS_TRADING"), (30, "CLOSING_AUCTION")]


@pytest.fixture(name="waits")
def waits_(table, quoted):
    """NextQuoteSeconds of trades at these seconds."""

    def of(seconds, quotes, wait="10s", states=(), of_pass=(), **more):
        tables = {"trades": table("Price Size", [(s, 10, 1) for s in seconds]), "l2": table(ONE_LEVEL, quotes)}
        if states:
            tables["marketstate"] = table("MarketState", states)
        return quoted(tables, of_pass, next_quote=wait, **more)["NextQuoteSeconds"].to_list()

    return of


@pytest.mark.parametrize(
    ("row", "changes"),
    [
        ((9, 11, 1, 1), False),
        ((9 + 1e-12, 11, 1, 1), False),
        ((8, 11, 1, 1), True),
        ((9, 12, 1, 1), True),
        ((9, 11, 2, 1), True),
        ((9, 11, 1, None), True),
        ((None, 11, None, 1), True),
    ],
)
def test_a_change_of_a_best_price_or_its_size_counts(waits, row, changes):
    """9 / 11 × 1 / 1 at 1; then the row at 4."""
    assert waits([2], [(1, 9, 11, 1, 1), (4, *row)]) == [2 if changes else None]


def test_missing_sides_do_not_change(waits):
    assert waits([2], [(1, 9, None, 1, None), (4, 9, None, 1, None), (5, 9, 11, 1, 1)]) == [3]


def test_a_change_at_the_trades_own_stamp_comes_after_it(waits):
    assert waits([4, "4.000000001"], [(1, 9, 11, 1, 1), (4, 8, 11, 1, 1)]) == [0, None]


def test_a_longer_wait_is_none(waits):
    quotes = [(1, 9, 11, 1, 1), (4, 8, 11, 1, 1)]
    assert waits([2, 3], quotes, wait="1s") == [None, 1]


def test_what_a_listing_opens_with_is_no_change(waits):
    assert waits([0], [(1, 9, 11, 1, 1), (4, 8, 11, 1, 1)]) == [4]


def test_waits_end_with_the_open_time(waits):
    """A halt from 12 to 20: its changes at 14 and 18 count for nobody, nor does the first row after it. The trade
    at 10 sees nothing, those at 20 and 22 the change at 23, the one at 29 nothing, for at 30 the auction begins."""
    quotes = [(1, 9, 11, 1, 1), *((t, t, t + 2, 1, 1) for t in (14, 18, 21, 23, 31))]
    assert waits([10, 15, 20, 22, 29], quotes, states=HALT) == [None, None, 3, 1, None]


def test_changes_are_of_the_listing(table, quoted):
    own, other = table(ONE_LEVEL, [(1, 9, 11, 1, 1)]), table(ONE_LEVEL, [(3, 9, 11, 1, 1), (4, 8, 11, 1, 1)])
    quotes = pl.concat([own, other.with_columns(ListingId=pl.lit(2, pl.Int64))])
    found = quoted({"trades": table("Price Size", [(2, 10, 1)]), "l2": quotes}, next_quote="1m")
    assert found["NextQuoteSeconds"].to_list() == [None]


def test_a_shared_sequence_tells_which_change_of_the_stamp_comes_after(table, quoted):
    """At 5: a change (sequence 6), the trade (7), no change after it; without the sequence the change is after it."""
    quotes = table(f"{ONE_LEVEL} SequenceNo", [(4, 9, 11, 1, 1, 1), (5, 8, 11, 1, 1, 6)])
    tables = {"trades": table("Price Size SequenceNo", [(5, 10, 1, 7)]), "l2": quotes}
    for shared, seconds in ((True, None), (False, 0)):
        found = quoted(tables, {"shared_sequence": shared}, next_quote="1s")
        assert found["NextQuoteSeconds"].to_list() == [seconds]


def test_it_is_known_once_the_wait_is_over(transform):
    assert transform(next_quote="1500ns").known_after == {"NextQuoteSeconds": timedelta(microseconds=2)}
    assert "NextQuoteSeconds" not in transform().known_after
