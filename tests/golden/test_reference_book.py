"""The slow reference of the book modules against the figures of their specification: fixtures F and F2 on the dense
timeline, then estimators, cost and shape of one book, and order flow."""

import sys
from math import exp, inf, sqrt
from pathlib import Path

import polars as pl
import pytest

from basalt.tables import NS_UTC

sys.path.insert(0, str(Path(__file__).resolve().parent))
from reference import estimators as est
from reference import shape
from reference import time_weights as tw
from reference.book_bars import Book
from reference.book_groups import Rows
from reference.book_pass import Setting, run_books
from reference.clock import Rule
from reference.day import table
from reference.dense import dense
from reference.flow import changes
from reference.grids import memories
from reference.intervals import admissible, pieces
from reference.microprice import adjustments

NINE = 1_767_603_600 * 10**9
S = 10**9
RULE = Rule(10 * S, "right", "end", NINE - 9 * 3600 * S)


def near(*values):
    return [None if x is None else pytest.approx(x, rel=1e-11, abs=1e-16) for x in values]


def columns(frames, modules, timeline="dense", rule=RULE):
    """Values of each column over the rows, in order."""
    rows = run_books(frames, rule, modules, {}, Setting(timeline)).rows
    return {name: [row[name] for row in rows.values()] for name in next(iter(rows.values()))}, [
        (label - NINE) / S for _, label in rows
    ]


@pytest.fixture(scope="module")
def frames(f_quotes, f_states):
    return {"l2": f_quotes, "marketstate": f_states}


@pytest.fixture(scope="module")
def of_rows(frames):
    """Module l2 on F."""
    module = {
        "module": "l2",
        "book": [{"measures": ["Price", "Quantity"], "levels": [1], "aggregations": ["Last", "Mean"]}],
        "spreads": [{"variants": ["Bps"], "aggregations": ["Last", "Mean", "Median", "Std"]}],
        "imbalances": [{"measures": ["Quantity"], "levels": [1], "aggregations": ["Last", "Mean"]}],
        "prices": [
            {"sources": ["Mid"], "aggregations": ["First", "Min", "Max", "Mean", "Std"]},
            {"sources": ["WeightedMid"]},
        ],
        "ohlc": [{"sources": ["Mid"]}, {"sources": ["Mid"], "open_mode": "prev_close"}],
        "flow": [{"measures": ["OFI", "OFINorm"], "levels": [1]}],
        "counts": [{"measures": ["Updates", "MidChanges", "Crossed", "Locked", "OneSided"]}],
    }
    found, labels = columns(frames, [module])
    assert labels == [0, 10, 20, 30]
    return found


MID_IN_20 = (None, 100.02, 100.04, 100.03)
OF_ROWS = {
    "BookUpdatesCount": (1, 3, 4, 0),
    "BookMidChangesCount": (0, 3, 2, 0),
    "BidPrice1": (100.00, 100.00, 100.02, 100.02),
    "BidQuantity1": (500, 400, 200, 200),
    "SpreadBps": (3.99920015997, 2.99955006749, 3.99840063974, 3.99840063974),
    "SpreadBpsMean": (3.99920015997, 2.99925020744, 1.99920031987, None),
    "SpreadBpsMedian": (3.99920015997, 2.99925018745, 1.99920031987, None),
    "SpreadBpsStd": (None, 2.99850059728e-4, 2.82729620626, None),
    "MidFirst": (100.02, 100.025, None, None),
    "MidMin": (100.02, 100.015, 100.02, None),
    "MidMax": (100.02, 100.035, 100.04, None),
    "MidMean": (100.02, 100.025, 100.03, None),
    "MidStd": (None, 0.01, 0.0141421356237, None),
    "BidQuantity1Mean": (500, 400, 200, None),
    "AskQuantity1Mean": (300, 233.333333333, 200, None),
    "WeightedMid": (100.025, 100.02, 100.04, 100.04),
    "ImbalanceQuantity1": (0.25, 0.333333333333, 0, 0),
    "ImbalanceQuantity1Mean": (0.25, 0.238095238095, -0.166666666667, None),
    "BookCrossedRowShare": (0, 0, 0.25, None),
    "BookLockedRowShare": (0, 0, 0.25, None),
    "BookOneSidedRowShare": (0, 0, 0.25, None),
    "MidOpen": (100.02, 100.025, 100.02, None),
    "MidHigh": (100.02, 100.035, 100.04, None),
    "MidLow": (100.02, 100.015, 100.02, None),
    "MidClose": (100.02, 100.015, 100.04, None),
    "MidOpenC": (100.02, 100.02, 100.015, 100.04),
    "MidHighC": (100.02, 100.035, 100.04, 100.04),
    "MidLowC": (100.02, 100.015, 100.015, 100.04),
    "MidCloseC": (100.02, 100.015, 100.04, 100.04),
    "OFI1": (0, 300, 700, 0),
    "OFINorm1": (0, 0.947368421053, 4.66666666667, None),
}


@pytest.mark.parametrize("name", OF_ROWS)
def test_f_rows_of_the_bucket(of_rows, name):
    if name == "SpreadBpsStd":  # of differences of 3e-4 between numbers near 3
        assert of_rows[name] == [None if x is None else pytest.approx(x, rel=1e-9) for x in OF_ROWS[name]]
    else:
        assert of_rows[name] == near(*OF_ROWS[name])


def time_module(**options):
    return {
        "module": "l2tw",
        "book": [{"measures": ["Price", "Quantity"], "levels": [1]}],
        "spreads": [{"variants": ["Abs", "Bps", "TWAOverMidTWABps"]}],
        "imbalances": [{"measures": ["Quantity"], "levels": [1], "kinds": ["Imbalance", "ImbalanceOf"]}],
        "shares": [{}],
        "prices": [{"sources": ["Mid"], "aggregations": ["TWA", "TWStd"]}, {"sources": ["WeightedMid"]}],
        "coverage": "each",
        **options,
    }


@pytest.fixture(scope="module")
def over_time(frames):
    """Module l2tw on F."""
    return columns(frames, [time_module()])[0]


OVER_TIME = {
    "BookAdmissibleSeconds": (10, 10, 10, 8),
    "BookValidSeconds": (0, 10, 6, 8),
    "BookCoverage": (0, 1, 0.6, 1),
    "SpreadAbsTWA": (None, 0.032, 0.0233333333333, 0.04),
    "SpreadBpsTWA": (None, 3.19915024193, 2.33265023575, 3.99840063974),
    "SpreadTWAOverMidTWABps": (None, 3.19913623322, 2.33275014580, 3.99840063974),
    "MidTWA": (None, 100.027, 100.025, 100.04),
    "MidTWStd": (None, 0.00714142842854, 0.0108012344973, 0),
    "WeightedMidTWA": (None, 100.031285714, 100.026666667, 100.04),
    "BidPrice1TWA": (None, 100.011, 100.0125, 100.02),
    "AskPrice1TWA": (None, 100.043, 100.036666667, 100.06),
    "BidPrice1TWASeconds": (0, 10, 8, 8),
    "AskPrice1TWASeconds": (0, 10, 6, 8),
    "BidQuantity1TWA": (None, 440, 250, 200),
    "AskQuantity1TWA": (None, 240, 200, 200),
    "ImbalanceQuantity1TWA": (None, 0.269047619048, 0, 0),
    "ImbalanceOfQuantity1TWA": (None, 0.294117647059, 0.111111111111, 0),
    "LockedShare": (0, 0, 0.2, 0),
    "CrossedShare": (0, 0, 0.2, 0),
    "OneSidedShare": (0, 0, 0.2, 0),
    "EmptyShare": (0, 0, 0, 0),
}


@pytest.mark.parametrize("name", OVER_TIME)
def test_f_time_in_force(over_time, name):
    expected = [None if x is None else pytest.approx(x, rel=5e-11, abs=1e-10) for x in OVER_TIME[name]]
    assert over_time[name] == expected


def test_f_a_dropped_locked_book_leaves_both_sums(frames):
    """:20 in force 10–12 (.03) and 18–20 (.04): .035 over 4 s."""
    found = columns(frames, [time_module(locked="drop")])[0]
    assert (found["SpreadAbsTWA"][2], found["SpreadAbsTWASeconds"][2]) == (pytest.approx(0.035), 4)


def test_f_first_row_gives_no_seconds_to_the_bucket_that_ends_with_it(frames):
    """Nothing is in force before t = 0, the end of bucket :00, so nothing there has a value, whatever `closed` is."""
    left = RULE._replace(closed="left")
    found, labels = columns(frames, [time_module()], rule=left)
    assert labels == [0, 10, 20, 30]
    assert found["BookValidSeconds"] == [0, 10, 6, 8]


@pytest.fixture(scope="module")
def sampled(frames):
    """Module l2_volatility on F."""
    two = {
        "module": "l2_volatility",
        "sampling": ["2s"],
        "measures": ["ReturnCount", "RV", "Std", "AnnStd", "AnnVol", "BV", "MedRV", "JumpShare"],
    }
    one = {
        "module": "l2_volatility",
        "sampling": ["1s"],
        "measures": ["RVSub", "TSRV", "TSRVAdj", "Parkinson", "GarmanKlass", "RogersSatchell"],
        "subsample": 2,
        "windows": ["5s"],
        "window_aggregations": ["Mean", "Std"],
    }
    return columns(frames, [two, one])[0]


SAMPLED = {
    "MidReturnCount2s": (0, 5, 5, 4),
    "MidRV2s": (None, 5.24728858601e-8, 4.24751362927e-8, 0),
    "MidStd2s": (None, 1.13988004647e-4, 8.65765677417e-5, 0),
    "MidAnnStd2s": (None, 0.223823218900, 0.169998993606, 0),
    "MidAnnVol2s": (None, 0.201153900644, 0.180979079172, 0),
    "MidBV2s": (None, 0, 0, 0),
    "MidMedRV2s": (None, 2.95531170699e-8, 5.91192357325e-9, 0),
    "MidJumpShare2s": (None, 1, 1, None),
    "MidRVSub1sK2": (None, 5.24728858601e-8, ..., ...),
    "MidTSRV1sK2": (None, 2.88600872230e-8, ..., ...),
    "MidTSRVAdj1sK2": (None, 5.24728858601e-8, ..., ...),
    "MidVol1sWin5sMean": (None, 1.55860778689e-4, ..., ...),
    "MidVol1sWin5sStd": (None, 6.23515933479e-5, ..., ...),
    "MidParkinson": (0, 1.44197397339e-8, 2.25297172003e-8, 0),
    "MidGarmanKlass": (0, 1.90246058976e-8, 7.10269548434e-9, 0),
    "MidRogersSatchell": (0, 2.99842563602e-8, 0, 0),
}


@pytest.mark.parametrize("name", SAMPLED)
def test_f_volatility(sampled, name):
    """Returns of 1e-4 between logs near 4.6: 11 of the 12 digits are right."""
    for found, expected in zip(sampled[name], SAMPLED[name], strict=True):
        if expected is not ...:
            assert found == (None if expected is None else pytest.approx(expected, rel=1e-10, abs=1e-20))


def test_f2_dense_rows_carry_the_missing_ask(f2):
    module = {
        "module": "l2",
        "book": [{"measures": ["Price"], "levels": [1]}],
        "spreads": [{"variants": ["Bps"], "aggregations": ["Last", "Mean"]}],
        "flow": [{"measures": ["OFI"], "levels": [1]}],
        "counts": [{"measures": ["MidChanges"]}],
    }
    found, labels = columns(f2, [module])
    assert labels == [10, 20, 30]
    assert found["BidPrice1"] == [100.02, 100.02, 100.01]
    assert found["AskPrice1"] == [None, None, 100.05]
    assert found["SpreadBps"] == near(None, None, 3.99880035989)
    assert found["SpreadBpsMean"] == near(3.99920015997, None, 3.99880035989)
    assert found["BookMidChangesCount"] == [0, 0, 0]
    assert found["OFI1"] == [500, 0, 0]


def test_f_values_on_the_grid_of_two_seconds(f_quotes):
    """At 0, 2, … 28: the last valid mid, the locked one at 14 kept, the crossed one at 16 left out."""
    rows = [Book(row, {}, 1) for row in table({"l2": f_quotes}, "l2", 1).rows]
    [memory] = memories(
        [(b.row["EventTimestamp"], b.price("Mid")) for b in rows], [(NINE - 10 * S, NINE + 28 * S)], strict=False
    )
    found = [memory.at(NINE + t * S, strict=False, max_age=None) for t in range(0, 29, 2)]
    assert found == near(
        *(100.02, 100.025, 100.025, 100.035, 100.035, 100.015, 100.015, 100.02, 100.02, 100.04, 100.04),
        *[100.04] * 4,
    )


def bars_of(rows, sources, **group):
    """Edges of bars of 10 s over (seconds, bid, ask, bid size, ask size), dense in a session of 30 s."""
    names = ("BidPrice1", "AskPrice1", "BidQuantity1", "AskQuantity1")
    stamps = pl.Series([NINE + row[0] * S for row in rows]).cast(NS_UTC)
    frame = {"ListingId": [1] * len(rows), "EventTimestamp": stamps}
    frame |= {name: [float(row[i]) for row in rows] for i, name in enumerate(names, 1)}
    module = {"module": "l2", "ohlc": [{"sources": sources, **group}], "spreads": [{"variants": ["Bps"]}]}
    known = {"ListingId": [1, 1], "EventTimestamp": pl.Series([NINE, NINE + 30 * S]).cast(NS_UTC)}
    states = pl.DataFrame(known | {"MarketState": ["CONTINUOUS_TRADING", "CLOSED"]})
    return columns({"l2": pl.DataFrame(frame), "marketstate": states}, [module])[0]


def test_two_books_in_one_bucket():
    """10/11 then 10.5/11.5: spread 1e4/11 bps; weighted mids (100·11 + 200·10)/300 and (200·11.5 + 100·10.5)/300."""
    found = bars_of([(2, 10, 11, 100, 200), (4, 10.5, 11.5, 200, 100)], ["WeightedMid"])
    assert found["SpreadBps"][0] == pytest.approx(909.090909091, rel=1e-11)
    assert found["WeightedMidOpen"][0] == pytest.approx(10.3333333333, rel=1e-11)
    assert found["WeightedMidClose"][0] == pytest.approx(11.1666666667, rel=1e-11)


def test_chained_bars_have_no_gap():
    """Mid 10.5 then 11 in the first bucket, the next row in the third."""
    rows = [(2, 10, 11, 1, 1), (4, 10.5, 11.5, 1, 1), (25, 12, 13, 1, 1)]
    chained, event = bars_of(rows, ["Mid"], open_mode="prev_close"), bars_of(rows, ["Mid"])
    edges = ("Open", "High", "Low", "Close")
    assert [chained[f"Mid{e}C"][1] for e in edges] == [11.0] * 4
    assert chained["MidOpenC"][2] == 11.0
    assert [event[f"Mid{e}"][1] for e in edges] == [None] * 4


def minutes(*runs):
    """Dense labels of 60 s in minutes after nine; `runs` in seconds after nine."""
    rule = RULE._replace(width=60 * S)
    found = dense([], [(NINE + a * S, NINE + b * S) for a, b in runs], rule)
    return [(label - NINE) / (60 * S) for label in found]


def test_dense_rows_are_not_padded():
    """09:00:16–09:30:00 → 30 rows; halted 09:10:20–09:12:40 → 09:12 absent; 09:00:30–09:03:00 → three."""
    assert minutes((16, 1800)) == list(range(1, 31))
    assert minutes((16, 620), (760, 1800)) == [m for m in range(1, 31) if m != 12]
    assert minutes((30, 180)) == [1, 2, 3]


def test_a_constant_price_has_that_price_as_its_average():
    """One row at 5 of (0, 10]: 10 over half the bucket, and 10 over all of the next."""
    runs, stamps = [(-inf, inf)], [5]
    for interval, length in (((0, 10), 5), ((10, 20), 10)):
        pairs = [(None if p.place is None else 10.0, p.length) for p in pieces(stamps, runs, interval)]
        assert (tw.average(pairs), tw.seconds(pairs) * S, admissible(runs, interval)) == (10, length, 10)


def test_median_by_time():
    """1: 1, 2: 2, 3: 1 → 2; 1: 1, 2: 1 → 1.5; 0: 3, 5: 2, 9: 1 → 2.5."""
    assert tw.median([(1, 1), (3, 1), (2, 2)]) == 2
    assert tw.median([(2, 1), (1, 1)]) == 1.5
    assert tw.median([(0, 3), (5, 2), (9, 1)]) == 2.5


def test_age_ends_a_state():
    """A row at 0 counts for 4 of 10 s when states older than 4 s do not."""
    found = pieces([0], [(-inf, inf)], (0, 10), 4)
    assert [(p.length, p.place) for p in found] == [(4, 0), (6, None)]


def test_estimators_of_five_returns():
    r = [[0.001, 0.002, 0.03, -0.001, 0.001]]
    assert est.variance(r) == pytest.approx(9.07e-4)
    assert [est.bipower(r), est.bipower(r, True)] == near(1.46084058392e-4, 1.82605072990e-4)
    assert [est.jump_share(r), est.jump_share(r, True)] == near(0.838937091078, 0.798671363848)
    assert [est.min_variance(r), est.median_variance(r)] == near(2.40794609465e-5, 2.12903745303e-5)


@pytest.mark.parametrize(
    ("prices", "expected"),
    [
        ([0, 0.01, -0.01, 0.02, 0.01, 0.03, 0.02], (4e-4, -4.33333333333e-4, -7.42857142857e-4, 1.25e-3, 2.5e-4)),
        ([0, 0.01, 0.02, 0.01, 0.02, 0.03, 0.04], (6e-4, 3.5e-4, 6e-4, 6.5e-4, None)),
    ],
)
def test_estimators_against_noise(prices, expected):
    """RVSub, TSRV and TSRVAdj with K = 2, RK with H = 1, NoiseVar, of log prices."""
    segments = [est.chain([exp(x) for x in prices])]
    strides = [q - p for p, q in zip(prices, prices[2:], strict=False)]
    found = [est.subsampled(segments, strides, 2), *est.two_scales(segments, strides, 2)]
    found += [est.kernel(segments, 1), est.noise_variance(segments)]
    assert found == [None if x is None else pytest.approx(x, rel=1e-10) for x in expected]


def test_estimators_of_bars():
    bar = (100, 104, 98, 102)
    found = [f(*bar) for f in (est.parkinson, est.garman_klass, est.rogers_satchell)]
    assert found == near(0.00127359058779, 0.00161408841580, 0.00156980724173)
    bars = [bar, (103, 105, 101, 104), (104, 106, 103, 103.5)]
    assert est.yang_zhang(bars, 99) == pytest.approx(8.95369946606e-4, rel=1e-11)


def test_event_returns_without_synthetic_zeros():
    """Mids 100, 101, 99, 102, 98, 103."""
    r = est.chain([100, 101, 99, 102, 98, 103])
    assert est.variance([r]) == pytest.approx(0.00546686979277, rel=1e-11)
    deviation = sqrt(sum((x - sum(r) / 5) ** 2 for x in r) / 4)
    assert deviation == pytest.approx(0.0363734973393, rel=1e-11)


def book(bids, asks):
    """A book of (price, size) levels, best first."""
    row = {"EventTimestamp": 0}
    for side, levels in (("Bid", bids), ("Ask", asks)):
        for i, (price, size) in enumerate(levels, 1):
            row |= {f"{side}Price{i}": price, f"{side}Quantity{i}": size, f"{side}NumOrders{i}": 1}
    return Book(row, {}, max(len(bids), len(asks)))


TWO = book([(100.00, 500), (99.97, 500)], [(100.04, 300), (100.06, 500)])
TRIPS = [
    (20000, 3.99920015997, 1.99960007998, 1.99960007998, 0),
    (40000, 4.49842541615, 2.49882533617, 1.99960007998, 0),
    (60000, 5.49852537618, 2.99890026994, 2.49962510624, 0),
    (80000, 6.37354254808, 3.24895648823, 3.12458605985, 0),
    (200000, None, None, None, 0.59979),
]


@pytest.mark.parametrize("row", TRIPS)
def test_round_trips(row):
    amount, *expected = row
    found = [shape.round_trip(TWO, m, amount, "notional", 2) for m in ("Xlm", "XlmBuy", "XlmSell")]
    found.append(shape.unfilled(TWO, amount, "notional", 2))
    assert found == [None if x is None else pytest.approx(x, rel=1e-11, abs=1e-12) for x in expected]


@pytest.mark.parametrize(
    ("reference", "bps", "bid", "ask"),
    [
        ("mid", 2, 500, 300),
        ("mid", 3, 500, 300),
        ("mid", 5, 1000, 800),
        ("touch", 2, 500, 800),
        ("touch", 3, 1000, 800),
    ],
)
def test_depth_within(reference, bps, bid, ask):
    assert [shape.depth_within(TWO, s, bps, reference, "shares", 2) for s in ("Bid", "Ask")] == [bid, ask]


def test_depth_on_the_edge_counts():
    """Touch 123.00 and 10 bps: 123.123 is within, though the binary quotient is above 10."""
    found = book([(122.9, 1)], [(123.00, 5), (123.123, 7)])
    assert shape.depth_within(found, "Ask", 10, "touch", "shares", 2) == 12
    assert shape.truncated(found, "Ask", 10, "touch", 2) is True


def test_slopes_and_depth_spread():
    assert [shape.depth_slope(TWO, s, 2) for s in ("Bid", "Ask")] == near(206.937931034, 190.038)
    sides = [shape.log_slope_of(shape.levels(TWO, s, 2), 100.02) for s in ("Bid", "Ask")]
    assert [*sides, shape.log_slope(TWO, 2)] == near(15725.5194491, 14692.3830277, 15208.9512384)
    assert shape.log_slope_of([(99.99, 100), (99.98, 300)], 100) == pytest.approx(24530.8503933, rel=1e-11)
    assert shape.depth_spread(TWO, 2) == pytest.approx(6.74865026995, rel=1e-11)
    assert TWO.imbalance("CumNotional", 2) == pytest.approx(0.110777827770, rel=1e-11)


def test_microprice_adjustments():
    """Two classes of imbalance, half a tick each way: G¹ ∓.0714285714286, G* ∓.0625."""
    first, all_ = adjustments(
        q=[[0.5, 0.2], [0.2, 0.5]], r=[[0.2, 0.1], [0.1, 0.2]], k=[-0.5, 0.5], t=[[0.1, 0.2], [0.2, 0.1]]
    )
    assert first == near(-0.0714285714286, 0.0714285714286)
    assert all_ == near(-0.0625, 0.0625)


def test_flow_by_level():
    """L1 0, 7; L2 5, 8; their total 20."""
    first = [(10.00, 5, 10.02, 4), (10.01, 2, 10.02, 6), (10.01, 3, 10.03, 1)]
    second = [(9.99, 7, 10.03, 8), (10.00, 5, 10.03, 8), (10.00, 5, 10.04, 9)]
    books = [
        book([(b, q), (b2, q2)], [(a, r), (a2, r2)])
        for (b, q, a, r), (b2, q2, a2, r2) in zip(first, second, strict=True)
    ]
    found = [changes(books, [(-inf, inf)], m) for m in (1, 2)]
    assert found == [[None, 0, 7], [None, 5, 8]]


def test_f_flow_row_by_row(f_quotes, f_states):
    """e: 100, 1000, −800 | 500, −100, 300, 0; the first row of the stretch has none."""
    rows = Rows(table({"l2": f_quotes, "marketstate": f_states}, "l2", 1), RULE, {}, {})
    assert changes(rows.books, rows.runs, 1) == [None, 100, 1000, -800, 500, -100, 300, 0]
