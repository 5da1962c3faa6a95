"""A venue against its instrument's best quote over (09:00:00, 09:00:10]: five quotes of each, seconds by hand.

cbbo bid, asks and venues: from −5 100.00×500[2] / 100.04×300[1], 2 100.01×200[1] / 100.04×400[2], 5 100.02×600[1] /
100.02×100[1], 6 100.02×600[2] / 100.05×100[1], 9 100.00×400[1] / 100.03×200[1].
The venue: from −3 100.00×200 / 100.05×100, 2.5 100.01×200 / 100.04×150, 6 100.02×250 / 100.05×100, 8 no bid / the same,
9.5 100.01×50 / 100.03×200.
Bids at best: [0, 2) of 200, [2.5, 5) of 200, [6, 8) of 250, [9.5, 10) of 50, better than the best: 7 s.
Asks: [2.5, 5) of 150, [6, 9) of 100, [9.5, 10) of 200: 6 s. The cbbo is locked in [5, 6).
"""

import polars as pl
import pytest

import basalt

OWN = "BidPrice1 BidQuantity1 AskPrice1 AskQuantity1"
BEST = f"{OWN} BidVenues AskVenues"
EVERY = ["TimeAtBest", "QuantityAtBest", "QuantityWhenAtBest", "QuoteShare", "QuoteShareMean"]
WHOLE = {
    "measures": [*EVERY, "Locked", "Crossed", "DistanceToBest"],
    "quantity_aggs": ["TWA", "Min", "Max", "Median"],
    "time_units": ["Ratio", "Seconds"],
}


def close(value):
    return pytest.approx(value, rel=1e-12, abs=1e-12)


def of_instrument(rows):
    """The rows of the builder, of instrument 7."""
    return rows.rename({"ListingId": "InstrumentId"}).with_columns(InstrumentId=pl.lit(7, pl.Int64))


REFERENCE = pl.DataFrame({"ListingId": [1], "InstrumentId": [7]})


@pytest.fixture
def own(table):
    rows = [
        (-3, 100.00, 200, 100.05, 100),
        (2.5, 100.01, 200, 100.04, 150),
        (6, 100.02, 250, 100.05, 100),
        (8, None, None, 100.05, 100),
        (9.5, 100.01, 50, 100.03, 200),
    ]
    return table(OWN, rows)


@pytest.fixture
def best(table):
    rows = [
        (-5, 100.00, 500, 100.04, 300, 2, 1),
        (2, 100.01, 200, 100.04, 400, 1, 2),
        (5, 100.02, 600, 100.02, 100, 1, 1),
        (6, 100.02, 600, 100.05, 100, 2, 1),
        (9, 100.00, 400, 100.03, 200, 1, 1),
    ]
    return of_instrument(table(BEST, rows)).with_columns(pl.col("BidVenues", "AskVenues").cast(pl.Int32))


@pytest.fixture
def bar(own, best, bars):
    """The bucket that ends at 10 s, with these options."""

    def of(**options):
        tables = {"l2": own, "cbbo": best, "reference": REFERENCE}
        return bars(basalt.compute([{"module": "cbbo", **options}], every="10s", **tables))[10]

    return of


def test_time_at_best(bar):
    """7 and 6 s of 10."""
    found = bar(invalid_cbbo="include", time_units=["Ratio", "Seconds"])
    assert (found["TimeAtBestBidSeconds"], found["ValidBidSeconds"], found["TimeAtBestBidRatio"]) == (7, 10, 0.7)
    assert (found["TimeAtBestAskSeconds"], found["ValidAskSeconds"], found["TimeAtBestAskRatio"]) == (6, 10, 0.6)


def test_exclusive_time_at_best(bar):
    """Bids alone: [2.5, 5) and [9.5, 10), 3 s. Asks: [6, 9) and [9.5, 10), 3.5 s: from 2 to 5 there were two venues."""
    found = bar(measures=["ExclusiveTimeAtBest"], invalid_cbbo="include", time_units=["Ratio", "Seconds"])
    assert (found["ExclusiveTimeAtBestBidRatio"], found["ExclusiveTimeAtBestBidSeconds"]) == (0.3, 3)
    assert (found["ExclusiveTimeAtBestAskRatio"], found["ExclusiveTimeAtBestAskSeconds"]) == (0.35, 3.5)


def test_exclusive_time_at_best_without_locked_time(bar):
    """3 and 3.5 s of 9: 0.333333333333333 and 0.388888888888889."""
    found = bar(measures=["ExclusiveTimeAtBest"])
    assert found["ExclusiveTimeAtBestBidRatio"] == close(1 / 3)
    assert found["ExclusiveTimeAtBestAskRatio"] == close(3.5 / 9)


def test_quantity_at_best(bar):
    """Bid (400 + 500 + 500 + 25)/10 = 142.5; ask (375 + 300 + 100)/10 = 77.5. Sorted by size the bid spends 3 s at 0,
    .5 s at 50, 4.5 s at 200: past half of 10 s at 200; the ask 4 s at 0, 3 s at 100."""
    found = bar(invalid_cbbo="include", **{k: WHOLE[k] for k in ("measures", "quantity_aggs")})
    assert found["QuantityAtBestBidTWA"] == close(142.5)
    assert found["QuantityAtBestAskTWA"] == close(77.5)
    assert [found[f"QuantityAtBestBid{a}"] for a in ("Min", "Max", "Median")] == [0, 250, 200]
    assert [found[f"QuantityAtBestAsk{a}"] for a in ("Min", "Max", "Median")] == [0, 200, 100]


def test_quantity_while_at_best(bar):
    """1425/7 and 775/6."""
    found = bar(invalid_cbbo="include", measures=["QuantityWhenAtBest"])
    assert found["QuantityWhenAtBestBidTWA"] == close(203.571428571428571)
    assert found["QuantityWhenAtBestAskTWA"] == close(129.166666666666667)


def test_quote_share_is_a_ratio_of_averages(bar):
    """Bid 1425 of 1000 + 600 + 600 + 1800 + 400 = 4400; ask 775 of 600 + 1200 + 100 + 300 + 200 = 2400."""
    found = bar(invalid_cbbo="include", measures=["QuoteShare"])
    assert found["QuoteShareBid"] == close(0.323863636363636364)
    assert found["QuoteShareAsk"] == close(0.322916666666666667)


def test_mean_quote_share_is_an_average_of_ratios(bar):
    """Bid (2·.4 + 2.5·1 + 2·250/600 + .5·50/400)/10 = .419583333333333; ask (2.5·.375 + 3·1 + .5·1)/10 = .44375."""
    found = bar(invalid_cbbo="include", measures=["QuoteShareMean"])
    assert found["QuoteShareBidMean"] == close(0.419583333333333333)
    assert found["QuoteShareAskMean"] == close(0.44375)


@pytest.mark.parametrize("invalid", ["include", "exclude"])
def test_locked_and_crossed_time_of_the_cbbo(bar, invalid):
    """Locked from 5 to 6, whether such time counts for the rest or not."""
    found = bar(measures=["Locked", "Crossed"], time_units=["Ratio", "Seconds"], invalid_cbbo=invalid)
    assert (found["CbboLockedRatio"], found["CbboLockedSeconds"]) == (0.1, 1)
    assert (found["CbboCrossedRatio"], found["CbboCrossedSeconds"]) == (0, 0)


def test_without_locked_time_the_bid(bar):
    """Of 9 s: 7/9, 1425/9, 1425/3800 = .375, 4.195833/9 = .466203703703704; the median is still 200."""
    found = bar(**WHOLE)
    assert found["ValidBidSeconds"] == 9
    assert found["TimeAtBestBidRatio"] == close(0.777777777777777778)
    assert found["QuantityAtBestBidTWA"] == close(158.333333333333333)
    assert found["QuoteShareBid"] == close(0.375)
    assert found["QuoteShareBidMean"] == close(0.466203703703703704)
    assert found["QuantityAtBestBidMedian"] == 200


def test_without_locked_time_the_ask(bar):
    """Of 9 s: 6/9, 775/9, 775/2300 = .336956521739130, 4.4375/9 = .493055555555556; the median is still 100."""
    found = bar(**WHOLE)
    assert found["TimeAtBestAskRatio"] == close(0.666666666666666667)
    assert found["QuantityAtBestAskTWA"] == close(86.111111111111111)
    assert found["QuoteShareAsk"] == close(0.336956521739130435)
    assert found["QuoteShareAskMean"] == close(0.493055555555555556)
    assert found["QuantityAtBestAskMedian"] == 100


def test_distance_to_the_best(bar):
    """Bids .01 below the best in [2, 2.5) and [5, 6), .01 above it in [9.5, 10), over 8.5 s with a bid; asks .01 above
    it in [0, 2.5), .02 in [5, 6), .02 in [9, 9.5), over 10 s; each by the mid of its moment."""
    found = bar(invalid_cbbo="include", measures=["DistanceToBest"])
    assert found["DistanceToBestBidBpsTWA"] == pytest.approx(0.117617654116, abs=5e-13)
    assert found["DistanceToBestAskBpsTWA"] == pytest.approx(0.549892521371, abs=5e-13)


def test_at_best_on_both_sides_at_once(bar):
    """[2.5, 5), [6, 8) and [9.5, 10): 5 s of 10."""
    found = bar(sides=["Both"], measures=["TimeAtBest"], invalid_cbbo="include", time_units=["Ratio", "Seconds"])
    assert (found["TimeAtBestBothSeconds"], found["ValidBothSeconds"], found["TimeAtBestBothRatio"]) == (5, 10, 0.5)


@pytest.fixture
def sizes(table, bars):
    """Average and median bid size over 10 s of a venue that is alone at its price, from (second, size)."""

    def of(rows, end):
        quotes = table(OWN, [(t, 10.0 if q else 9.9, q or 100, 10.1, 1) for t, q in rows])
        best = of_instrument(table(OWN, [(-1, 10.0, 9, 10.1, 1), (end, None, None, None, None)]))
        tables = {"l2": quotes, "cbbo": best, "reference": REFERENCE}
        module = {"module": "cbbo", "measures": ["QuantityAtBest"], "quantity_aggs": ["TWA", "Median"]}
        found = bars(basalt.compute([module], every="10s", **tables))[10]
        return found["QuantityAtBestBidTWA"], found["QuantityAtBestBidMedian"]

    return of


def test_median_by_time(sizes):
    """1 for 1 s, 2 for 2 s, 3 for 1 s: 2, as the average. 1 and 2 for a second each: exactly half, so 1.5. 0 for 3 s,
    5 for 2 s, 9 for 1 s: 0 for exactly half of 6 s, so 2.5."""
    assert sizes([(0, 1), (1, 2), (3, 3)], 4) == (2, 2)
    assert sizes([(0, 1), (1, 2)], 2) == (1.5, 1.5)
    assert sizes([(0, 0), (3, 5), (5, 9)], 6) == (close(19 / 6), 2.5)


@pytest.fixture
def late(table, bars):
    """A venue that is its instrument's only one, with a cbbo stamped 0.6 ms after each of its quotes."""

    def of(**options):
        ticks = [(t, *((100.01, 9, 100.06, 9) if up else (100.00, 9, 100.05, 9))) for t, up in TICKS]
        best = [(f"{t}.0006" if t >= 0 else t, *quote) for t, *quote in ticks]
        tables = {"l2": table(OWN, ticks), "cbbo": of_instrument(table(OWN, best)), "reference": REFERENCE}
        return bars(basalt.compute([{"module": "cbbo", **options}], every="10s", **tables))[10]

    return of


TICKS = [(-2, False), (0, True), (2, False), (4, True), (6, False), (8, True)]


def test_a_late_stamp_is_not_time_away(late):
    """Each tick down at 2 and 6 leaves the bid behind the old best for .6 ms: 1 − 2·.0006/10 = .99988; each tick up at
    0, 4, 8 the ask: .99982. Joined on equal stamps it would be .04."""
    found = late(measures=["TimeAtBest"])
    assert found["TimeAtBestBidRatio"] == close(0.99988)
    assert found["TimeAtBestAskRatio"] == close(0.99982)


def test_a_shift_takes_late_stamps_back(late):
    found = late(measures=["TimeAtBest"], cbbo_shift="600us")
    assert (found["TimeAtBestBidRatio"], found["TimeAtBestAskRatio"]) == (1, 1)
