"""What holds of every book: sums add up, shares stay in their bounds, mirrored books give mirrored numbers."""

from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basalt import compute
from basalt.tables import NS_UTC

pytestmark = pytest.mark.slow

NINE = int(datetime(2026, 1, 5, 9, tzinfo=UTC).timestamp()) * 10**9
SIDES = ("Bid", "Ask")
SIZES = st.one_of(st.none(), st.integers(0, 9))
BOOKS = st.lists(
    st.tuples(st.integers(0, 30_000), st.integers(1000, 1010), st.integers(-1, 4), SIZES, SIZES, SIZES, SIZES),
    min_size=1,
    max_size=12,
)
"""Rows of (ms since the row before, bid in ticks, spread in ticks, sizes of two levels); 0 and null are missing."""
FEW = settings(max_examples=30, deadline=None, derandomize=True)
MIRRORED = 4000.0
"""Prices P become MIRRORED − P, and sides change places: the spread in price, and all sizes, are what they were."""


def book(rows):
    """The table of the rows, 1 for a tick; a level of null size has no price either."""
    at, made = NINE, []
    for gap, bid, spread, *sizes in rows:
        at += gap * 10**6
        prices = (float(bid), bid + spread, bid - 2.0, bid + spread + 3.0)
        cells = {}
        for name, price, size in zip(("Bid1", "Ask1", "Bid2", "Ask2"), prices, sizes, strict=True):
            side, level = name[:3], name[3]
            cells[f"{side}Price{level}"] = None if size is None else float(price)
            cells[f"{side}Quantity{level}"] = None if size is None else float(size)
        made.append({"ListingId": 1, "EventTimestamp": at, **cells})
    columns = {f"{s}{m}{i}": pl.Float64 for i in (1, 2) for s in SIDES for m in ("Price", "Quantity")}
    return pl.DataFrame(made, schema={"ListingId": pl.Int64, "EventTimestamp": pl.Int64, **columns}).with_columns(
        pl.col("EventTimestamp").cast(NS_UTC)
    )


def mirror(rows):
    """The book seen from the other side."""
    swapped = {}
    for side, other in (SIDES, SIDES[::-1]):
        for i in (1, 2):
            swapped[f"{side}Price{i}"] = MIRRORED - pl.col(f"{other}Price{i}")
            swapped[f"{side}Quantity{i}"] = pl.col(f"{other}Quantity{i}")
    return rows.with_columns(**swapped)


def computed(module, rows, every="10s", **options):
    return compute([module], every=every, l2=rows, **options)


def close(values):
    return [None if x is None else pytest.approx(x, rel=1e-9, abs=1e-9) for x in values]


@FEW
@given(rows=BOOKS)
def test_flow_of_fine_buckets_adds_up_to_that_of_coarse_ones(rows):
    module = {"module": "l2", "flow": [{"measures": ["OFI", "OFITotal"], "levels": 2}], "counts": [{}]}
    names = ["OFI1", "OFI2", "OFITotal2", "BookUpdatesCount", "BookMidChangesCount", "BookTouchUpdatesCount"]
    fine, coarse = (computed(module, book(rows), every).select(pl.col(names).sum()) for every in ("7s", "1h"))
    assert fine.row(0) == coarse.row(0)


@FEW
@given(rows=BOOKS, empty_side=st.sampled_from(["null", "zero"]))
def test_imbalances_and_shares_stay_in_their_bounds(rows, empty_side):
    depths = [{"measures": ["Quantity", "CumQuantity", "CumNotional"], "levels": [1, 2]}]
    of_rows = {"module": "l2", "empty_side": empty_side, "imbalances": depths, "counts": [{}]}
    kinds = [{**depths[0], "kinds": ["Imbalance", "ImbalanceOf"]}]
    of_time = {"module": "l2tw", "empty_side": empty_side, "imbalances": kinds, "shares": [{}]}
    of_time["touch_sizes"] = [{"above": [3]}]
    found = compute([of_rows, of_time], every="10s", l2=book(rows))
    for name in found.columns:
        low = -1 if name.startswith("Imbalance") else 0
        if name.startswith("Imbalance") or "Share" in name or name == "BookCoverage":
            assert found[name].drop_nulls().is_between(low - 1e-12, 1 + 1e-12).all(), name


@FEW
@given(rows=BOOKS, by=st.sampled_from(["notional", "shares"]))
def test_round_trips_cost_no_less_when_they_are_larger(rows, by):
    amounts = [1, 3, 8, 15] if by == "shares" else [500, 3000, 8000, 15000]
    walks = ["Xlm", "XlmBuy", "XlmSell", "XlmUnfilledRatio"]
    module = {"module": "l2", "liquidity": [{"measures": walks, "by": by, "notionals": amounts}]}
    for bar in computed(module, book(rows)).to_dicts():
        for measure in ("XlmBps", "XlmBuyBps", "XlmSellBps", "XlmUnfilledRatio"):
            costs = [bar[f"{measure}{amount}"] for amount in amounts]
            known = [cost for cost in costs if cost is not None]
            assert known == sorted(known) or known == close(sorted(known))
            assert costs[: len(known)] == known


MIRROR_ROWS = {
    "module": "l2",
    "locked": "keep",
    "book": [{"measures": ["Quantity", "CumQuantity"], "aggregations": ["Last", "Mean"]}],
    "spreads": [{"variants": ["Abs"], "aggregations": ["Last", "Mean"]}],
    "imbalances": [{"measures": ["Quantity", "CumQuantity"], "aggregations": ["Last", "Mean"]}],
    "prices": [{"sources": ["Mid", "WeightedMid"]}],
    "flow": [{"measures": ["OFI", "OFINorm", "OFITotal"]}],
    "counts": [{}],
    "liquidity": [{"measures": ["DepthWithin"], "bps": [1000]}],
}
MIRROR_TIME = {
    "module": "l2tw",
    "book": [{"measures": ["Quantity"]}],
    "spreads": [{"variants": ["Abs"]}],
    "imbalances": [{"measures": ["Quantity"], "kinds": ["Imbalance", "ImbalanceOf"]}],
    "prices": [{"sources": ["Mid", "WeightedMid"]}],
    "shares": [{}],
    "touch_sizes": [{"above": [3]}],
}
OPPOSITE = ("Imbalance", "OFI")


@FEW
@given(rows=BOOKS, module=st.sampled_from([MIRROR_ROWS, MIRROR_TIME]))
def test_mirrored_book_has_mirrored_numbers(rows, module):
    """Sizes, spreads, counts and shares of a side are the other's; imbalances and flow change their sign; prices P are
    MIRRORED − P."""
    there, mirrored = (computed(module, made).to_dicts() for made in (book(rows), mirror(book(rows))))
    for bar, other in zip(there, mirrored, strict=True):
        for name in list(bar)[2:]:
            twin = name.replace("Bid", "@").replace("Ask", "Bid").replace("@", "Ask")
            expected = other[twin]
            if expected is not None and name.startswith(OPPOSITE):
                expected = -expected
            elif expected is not None and ("Mid" in name and "Changes" not in name):
                expected = MIRRORED - expected
            assert [bar[name]] == close([expected]), name


TIMED = {
    "module": "l2tw",
    "coverage": "each",
    "prices": [{"sources": ["Mid", "Bid", "Ask"], "aggregations": ["TWA", "TWStd", "TWMin", "TWMax", "TWMedian"]}],
}


@FEW
@given(rows=BOOKS)
def test_averages_over_time_lie_between_the_extremes(rows):
    found = computed(TIMED, book(rows))
    for source in ("Mid", "Bid", "Ask"):
        low, high = (pl.col(f"{source}TW{x}") for x in ("Min", "Max"))
        for x in ("TWA", "TWMedian"):
            inside = pl.col(source + x).is_between(low * (1 - 1e-12), high * (1 + 1e-12)).fill_null(True)
            assert found.select(inside.all()).item()
        spread = pl.col(f"{source}TWStd") <= (high - low) / 2 * (1 + 1e-9)
        assert found.select(spread.fill_null(True).all()).item()


@FEW
@given(rows=BOOKS, place=st.integers(0, 11), share=st.floats(0, 1))
def test_row_that_is_sent_again_changes_nothing_over_time(rows, place, share):
    """Repeated somewhere before the next row; buckets that only the repetition makes are left out."""
    place = min(place, len(rows) - 1)
    gap = rows[place + 1][0] if place + 1 < len(rows) else 0
    first = int(gap * share)
    again = [*rows[: place + 1], (first, *rows[place][1:])]
    if place + 1 < len(rows):
        again += [(gap - first, *rows[place + 1][1:]), *rows[place + 2 :]]
    once, twice = computed(TIMED, book(rows)), computed(TIMED, book(again))
    twice = twice.join(once.select("TimeBucket"), on="TimeBucket", how="semi")
    for bar, other in zip(once.to_dicts(), twice.to_dicts(), strict=True):
        assert list(bar.values())[2:] == close(list(other.values())[2:])


@FEW
@given(rows=BOOKS)
def test_two_halves_of_a_bucket_average_to_the_whole_by_their_seconds(rows):
    """The session makes every half a bucket, whether it has rows or not."""
    session = {"timeline": "dense", "session": {"start": "09:00", "end": "09:10", "tz": "UTC"}}
    halves, whole = (computed(TIMED, book(rows), every, **session) for every in ("30s", "1m"))
    label = pl.col("TimeBucket").dt.offset_by("-1us").dt.truncate("1m").dt.offset_by("1m")
    for source in ("Mid", "Bid", "Ask"):
        x, seconds = pl.col(f"{source}TWA"), pl.col(f"{source}TWASeconds")
        summed = halves.group_by(label.alias("TimeBucket")).agg((x * seconds).sum().alias("_S"), seconds.sum())
        both = whole.join(summed, on="TimeBucket", suffix="_").sort("TimeBucket")
        assert both[f"{source}TWASeconds"].to_list() == close(both[f"{source}TWASeconds_"].to_list())
        sums = both.select((x * seconds).fill_null(0.0)).to_series().to_list()
        assert sums == close(both["_S"].to_list())
