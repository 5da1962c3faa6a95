"""The slow reference of the lives of orders against the oracles, before it is compared with: E1 in buckets of 5 s and
as one of 10 s, product limits of a few lives by hand, lives that begin or end otherwise than by Insert and Remove."""

import sys
from math import inf
from pathlib import Path

import polars as pl
import pytest
from order_events import NINE, e1, l3

sys.path.insert(0, str(Path(__file__).resolve().parent))
from order_replay.life_columns import columns
from order_replay.lives import lives
from order_replay.streams import stream
from order_replay.survival import Watched, at_risk, product_limit
from reference.clock import Rule, stretches

S = 10**9
SIDES = ("Bid", "Ask", "Total")
ALWAYS = [(-inf, inf)]
SESSION = [(NINE, NINE + 10 * S)]
THRESHOLDS = ("49ms", "50ms", "2500ms")


def rule(seconds, closed="right", label="end"):
    return Rule(seconds * S, closed, label, NINE)


def events(frame):
    return frame.with_columns(pl.col("EventTimestamp").cast(pl.Int64)).to_dicts()


def bars(rows, every=5, closed="right", runs=SESSION, end=(10, False), snapshots=(), **options):
    """Columns by the seconds of the label."""
    found = columns(rows, snapshots, rule(every, closed), runs, (NINE + round(end[0] * S), end[1]), options)
    return {(label - NINE) // S: values for label, values in found.items()}


def of_e1(name, **options):
    """Values in the buckets 5 and 10 and in all."""
    found = [bars(events(e1()), every, **options) for every in (5, 10)]
    assert [list(one) for one in found] == [[5, 10], [10]]
    return [values[name] for one in found for values in one.values()]


def close(*values):
    return [None if v is None else pytest.approx(v, rel=1e-12, abs=1e-15) for v in values]


def given(value):
    """A figure to its 15 digits."""
    return pytest.approx(value, rel=2e-14)


def probabilities(horizons, estimators=("AJ", "KM"), **group):
    return {"fill_probability": [{"horizons": horizons, "estimators": list(estimators), **group}]}


RESTING = {"resting": [{}]}
FLEETING = {"fleeting": [{"thresholds": THRESHOLDS}]}


def test_resting_to_a_fill():
    """b1 is inserted at .5 and filled first at 3, 2.5 s; b4 at 3.8 and at 4.5, .7 s; a1 at .5 and at 8, 7.5 s:
    (2.5 + .7) / 2 = 1.6, and (2.5 + .7 + 7.5) / 3 = 10.7 / 3 with 2.5 in the middle."""
    assert of_e1("TotalRestingToFirstFillMeanSeconds", **RESTING) == close(1.6, 7.5, 10.7 / 3)
    assert of_e1("TotalRestingToFirstFillMedianSeconds", **RESTING)[2] == 2.5
    assert of_e1("TotalRestingToFirstFillMinSeconds", **RESTING) == close(0.7, 7.5, 0.7)
    assert of_e1("TotalRestingToFirstFillMaxSeconds", **RESTING) == close(2.5, 7.5, 7.5)
    assert of_e1("TotalRestingToFirstFillCount", **RESTING) == [2, 1, 3]
    assert of_e1("BidRestingToFirstFillMeanSeconds", **RESTING) == close(1.6, None, 1.6)


def test_resting_to_a_cancel():
    """a2 from 3.5 to 6, 2.5 s, and b5 from 7 to 7.05: 2.55 / 2 = 1.275. In the buckets of their inserts, one each."""
    assert of_e1("TotalRestingToCancelMeanSeconds", **RESTING) == close(None, 1.275, 1.275)
    inserted = of_e1("TotalRestingToCancelMeanSeconds", attribution="insert", **RESTING)
    assert inserted == close(2.5, 0.05, 1.275)


def test_resting_to_the_end():
    """b1 is gone at 4.5 after 4 s and b4 after .7; then a2 after 2.5 and b5 after .05: 4.7 / 2, 2.55 / 2, 7.25 / 4."""
    assert of_e1("TotalRestingToLifeMeanSeconds", **RESTING) == close(2.35, 1.275, 1.8125)
    assert of_e1("TotalRestingToLifeCount", **RESTING) == [2, 2, 4]


def test_orders_left_at_the_end():
    """b2, b3, a1 and a3 rest at 10 s; of these, all but a3 were inserted by 5 s. At 5 s a2 rests too: 4 orders."""
    assert of_e1("TotalCensoredCount") == [0, 4, 4]
    assert of_e1("TotalCensoredCount", attribution="insert") == [3, 1, 4]
    assert of_e1("BidCensoredCount") == [0, 2, 2]
    assert of_e1("TotalOpenOrderCount") == [4, 4, 4]
    assert of_e1("TotalAdoptedCount") == [0, 0, 0]


@pytest.mark.parametrize(
    ("threshold", "count", "volume"), [("49ms", 0, 0), ("50ms", 1, 120), ("2500ms", 2, 220)], ids=THRESHOLDS
)
def test_fleeting_by_the_cancel(threshold, count, volume):
    """b5 of 120 rests 50 ms and a2 of 100 rests 2500 ms, and no other is cancelled: shares of 2 cancels and of 220."""
    assert of_e1(f"TotalFleetingCancelCount{threshold}", **FLEETING) == [0, count, count]
    assert of_e1(f"TotalFleetingCancelVolume{threshold}", **FLEETING) == [0, volume, volume]
    assert of_e1(f"TotalFleetingShareCount{threshold}", **FLEETING) == [None, count / 2, count / 2]
    assert of_e1(f"TotalFleetingShareVolume{threshold}", **FLEETING) == [None, volume / 220, volume / 220]


def test_fleeting_by_the_insert():
    """Six inserts of 500 + 300 + 200 + 400 + 100 + 50 = 1550, of which a2 of 100 goes after 2500 ms; then b5 of 120,
    which goes after 50, and a3 of 80, of which nothing is known but its first second."""

    def found(name):
        return of_e1(f"TotalFleeting{name}", attribution="insert", **FLEETING)[:2]

    assert found("ShareCount2500ms") == close(1 / 6, 0.5)
    assert found("ShareVolume2500ms") == close(100 / 1550, 0.6)
    assert (found("ShareCount50ms"), found("ShareVolume50ms")) == ([0, 0.5], [0, 0.6])
    assert (found("UnresolvedCount2500ms"), found("UnresolvedCount50ms")) == ([0, 1], [0, 0])


def test_fill_probability_of_all():
    """Ages: b5 cancelled .05, b4 filled .7, a3 open 1, b1 filled and a2 cancelled 2.5, a1 filled 7.5, b3 open 8, b2
    open 9. AJ: S = 7/8 after b5; 1/8 and S = 6/8 after 1 of 7; + .75/5 = .275 and S = .45 after 2 of 5; + .45/3 = .425.
    KM: 1 − 6/7; 1 − 6/7 · 4/5 = 11/35; 1 − 24/35 · 2/3 = 19/35."""
    options = {"attribution": "insert", **probabilities(["1s", "2500ms", "8s"])}
    names = [f"TotalFillProb{one}" for one in ("AJ1s", "AJ2500ms", "AJ8s", "KM1s", "KM2500ms", "KM8s")]
    found = [of_e1(name, **options)[2] for name in names]
    assert found == close(0.125, 0.275, 0.425, 1 / 7, 11 / 35, 19 / 35)
    assert found[3:] == close(0.142857142857142857, 0.3142857142857142857, 0.542857142857142857)
    assert [of_e1(f"TotalFillProbAJ{h}AtRisk", **options)[2] for h in ("1s", "2500ms", "8s")] == [6, 5, 2]


def test_fill_probability_of_all_in_full():
    """b1 is filled in full at 4 s, a1 is not by the end of it: 1/8 and S = 6/8; a2 leaves S = .6 of 5; + .6/4 = .275.
    KM: 1 − 6/7 · 3/4 = 5/14."""
    options = {"attribution": "insert", **probabilities(["5s"], fill="full")}
    assert [of_e1(f"TotalFillProb{one}5s", **options)[2] for one in ("AJ", "KM")] == close(0.275, 5 / 14)
    assert given(0.357142857142857) == 5 / 14


def test_fill_probability_of_lives_in_the_queue():
    """b2 grows at 4 and a1 moves at 5, so that there are 10 lives: b5 C .05, b4 F .7, a3 O 1, b1 F and a2 C 2.5, a1's
    second F 3 with b2's first C 3, a1's first C 4.5, b2's second O 6, b3 O 8. AJ: S = .9; 1/10, S = .8; + .8/7,
    S = .8 · 5/7; + .8/7 · 5/5 = .1 + 1.6/7. KM: 1 − 8/9 · 6/7 · 4/5."""
    options = {"attribution": "insert", "life": "priority", **probabilities(["3s"])}
    found = [of_e1(f"TotalFillProb{one}3s", **options)[2] for one in ("AJ", "KM")]
    assert found == close(0.1 + 1.6 / 7, 1 - 8 / 9 * 6 / 7 * 4 / 5)
    assert found == [given(0.328571428571429), given(0.390476190476190)]
    assert len(lives(events(e1()), [], "priority")) == 10


def test_fill_probability_of_bids_inserted_early():
    """b1 F 2.5, b2 O 9, b3 O 8, b4 F .7: 1/4, and + 3/4 · 1/3 = 1/2."""
    options = {"attribution": "insert", **probabilities(["2s", "3s"], ["AJ"])}
    assert [of_e1(f"BidFillProbAJ{h}", **options)[0] for h in ("2s", "3s")] == close(0.25, 0.5)
    assert [of_e1(f"BidFillProbAJ{h}AtRisk", **options)[0] for h in ("2s", "3s")] == [3, 2]


def test_fill_probability_in_a_period():
    """Until 5 s: b4 F .7, a2 O 1.5, b1 F 2.5, b3 O 3, b2 O 4, a1 O 4.5: 1/6, and + 5/6 · 1/4 = 3/8. From 5 to 10: b5 C
    .05 of itself and a3 alone, a2 (from 1.5) C 2.5 alone, which leaves AJ nothing; a1 (from 4.5) F 7.5 of itself, b3
    (from 3, O 8) and b2 (from 4, O 9): the only fill that KM knows of, 1/3."""
    options = probabilities(["1s", "2500ms", "8s"])
    assert [of_e1(f"TotalFillProbAJ{h}", **options)[0] for h in ("1s", "2500ms")] == close(1 / 6, 3 / 8)
    assert [of_e1(f"TotalFillProb{one}8s", **options)[1] for one in ("AJ", "KM")] == close(0, 1 / 3)
    assert [of_e1(f"TotalFillProbAJ{h}AtRisk", **options)[1] for h in ("1s", "2500ms", "8s")] == [1, 1, 2]


def test_a_period_closed_on_the_left_has_what_happens_as_it_begins():
    """a1 moves at 5 s: closed on the left, its first life ends inside (C 4.5 from 1 ns before), its second F 3 is at
    risk from before 0, and a2 (from 1.5) C 2.5: 1/2 stays, and all of it is filled. Closed on the right, the first has
    left, and the move is in the bucket before, where a1 is alone at 4.5 s."""
    options = {"life": "priority", **probabilities(["0s", "3s", "4500ms"], ["AJ"])}
    names = [f"AskFillProbAJ{one}" for one in ("3s", "0sAtRisk", "4500msAtRisk")]
    left, right = (bars(events(e1()), closed=closed, **options) for closed in ("left", "right"))
    assert [left[10][name] for name in names] == [0.5, 2, 1]
    assert [right[10][name] for name in names] == [0.5, 1, 0]
    assert [one[5]["AskFillProbAJ4500msAtRisk"] for one in (left, right)] == [0, 1]


def test_product_limits_of_four_orders():
    """A cancel leaves S = 3/4; two fills of three: 3/4 · 2/3 = 1/2, and 2/3 where the cancel is no more than unseen."""
    watched = [Watched(-inf, age, kind) for age, kind in ((S // 2, "C"), (3 * S, "F"), (3 * S, "F"), (7 * S, "O"))]
    assert [product_limit(watched, 5 * S, one) for one in ("AJ", "KM")] == close(1 / 2, 2 / 3)


def test_a_fill_at_age_nothing_is_of_orders_at_risk():
    """One of two."""
    watched = [Watched(-inf, 0, "F"), Watched(-inf, S, "O")]
    assert product_limit(watched, S // 2, "AJ") == 0.5
    rows = [(1, 1, "x", "Bid", "Insert", 10.0, 100), (2, 1, "y", "Bid", "Insert", 10.0, 100)]
    rows += [(3, 1, "x", "Bid", "Remove", None, 0, 10.0, 100, 10.0, 100)]
    found = bars(events(l3(rows)), end=(2, False), attribution="insert", **probabilities(["500ms"]))[5]
    assert (found["BidFillProbAJ500ms"], found["BidFillProbAJ500msAtRisk"]) == (0.5, 1)


def test_product_limits_of_nobody():
    """No lives, no probability; with nobody left at that age, the last one there was."""
    assert (product_limit([], S, "AJ"), at_risk([], S)) == (None, 0)
    watched = [Watched(-inf, 1, "F"), Watched(-inf, 2, "O")]
    assert (product_limit(watched, 9, "AJ"), at_risk(watched, 9)) == (0.5, 0)


def test_age_of_depth():
    """At 5 s: b2 of 300 since 1 and b3 of 400 since 2, (300 · 4 + 400 · 3) / 700; a1 of 250 since .5 and a2 of 100
    since 3.5, (250 · 4.5 + 100 · 1.5) / 350. At 10 s: (300 · 9 + 400 · 8) / 700; a1 of 150 and a3 of 80 since 9,
    (150 · 9.5 + 80 · 1) / 230."""
    options = {"depth_age": [{}]}
    assert of_e1("BidDepthAgeSeconds", **options) == close(2400 / 700, 5900 / 700, 5900 / 700)
    assert of_e1("AskDepthAgeSeconds", **options) == close(1275 / 350, 1505 / 230, 1505 / 230)
    assert of_e1("TotalDepthAgeSeconds", **options) == close(3675 / 1050, 7405 / 930, 7405 / 930)
    oracle = (3.428571428571429, 3.642857142857143, 8.428571428571429, 6.543478260869565)
    assert [given(value) for value in oracle] == [2400 / 700, 1275 / 350, 5900 / 700, 1505 / 230]


def test_age_of_depth_in_the_queue_and_near_the_touch():
    """b2 went back at 4 and a1 at 5: (300 · 1 + 400 · 3) / 700, (250 · 0 + 100 · 1.5) / 350; the best level of bids
    is b2's, that of asks a1's."""
    options = {"depth_age": [{"age_from": "priority"}]}
    assert of_e1("BidDepthAgeSeconds", **options)[0] == pytest.approx(1500 / 700)
    assert of_e1("AskDepthAgeSeconds", **options)[0] == pytest.approx(150 / 350)
    best = {"depth_age": [{"levels": 1}]}
    assert [of_e1(f"{side}DepthAgeSeconds", **best)[0] for side in ("Bid", "Ask")] == close(4, 4.5)


def test_age_of_depth_before_an_edge():
    """Closed on the left, a1's reprice at 5 s is not in: (300 · 4.5 + 100 · 1.5) / 400."""
    found = bars(events(e1()), closed="left", depth_age=[{}])
    assert found[5]["AskDepthAgeSeconds"] == pytest.approx(1500 / 400)


def test_replacement():
    """Bids executed at 3.0 at 100.00: b4 at 3.8, .8 s. b1 and b4 at 4.5: b5 at 7.0 at 100.01, 2.5 s. a1 at 8.0 at
    100.02: a3 at 9.0, 1 s. (.8 + 2.5) / 2 = 1.65."""
    options = {"replacement": [{"max_latency": "60s"}]}
    assert of_e1("BidReplacementMeanSeconds", **options) == close(0.8, 2.5, 1.65)
    assert of_e1("AskReplacementMeanSeconds", **options) == close(None, 1, 1)
    assert of_e1("TotalReplacementCount", **options) == [1, 2, 3]
    assert of_e1("TotalReplacementExpiredCount", **options) == [0, 0, 0]


def test_a_replacement_that_is_late():
    """At most .5 s: expired at 3.5, at 5.0 and at 8.5; 5.0 is in the bucket that ends there, or begins there."""
    options = {"replacement": [{"max_latency": "500ms"}]}
    assert of_e1("TotalReplacementExpiredCount", **options) == [2, 1, 3]
    found = bars(events(e1()), closed="left", **options)
    assert [values["TotalReplacementExpiredCount"] for values in found.values()] == [1, 2]


SWEEP = l3(
    [
        (1, 1.0, "a", "Bid", "Insert", 10.0, 100),
        (2, 1.0, "b", "Bid", "Insert", 9.9, 100),
        (3, 2.0, "a", "Bid", "Remove", None, 0, 10.0, 100, 10.0, 100),
        (4, 2.0, "c", "Bid", "Insert", 10.0, 10),  # before the last of the sweep
        (5, 2.0, "b", "Bid", "Update", 9.9, 50, 9.9, 100, None, 50),  # at its own price
        (6, 3.0, "d", "Bid", "Insert", 9.9, -5),  # no order
        (7, 3.5, "e", "Bid", "Insert", 9.8, 5),
        (8, 4.0, "f", "Bid", "Insert", 9.9, 5),
        (9, 4.5, "f", "Bid", "Remove", None, 0, None, 5, None, 5),
    ]
)


def test_a_sweep_is_replaced_at_its_deepest_price_behind_its_last_execution():
    """10.0 and 9.9 at 2 s: f at 9.9 at 4 s, 2 s later and no more; the execution at 4.5 has no price."""
    for longest, count, expired in (("2s", 1, 0), ("1999ms", 0, 1)):
        found = bars(events(SWEEP), runs=ALWAYS, replacement=[{"max_latency": longest}])[5]
        assert (found["BidReplacementCount"], found["BidReplacementExpiredCount"]) == (count, expired)
    assert bars(events(SWEEP), replacement=[{}])[5]["BidReplacementMeanSeconds"] == 2


def test_a_replacement_ends_with_the_session():
    """At 3 s, which is of the bucket before unless the session holds that instant or buckets hold their ends."""
    for closed, inside, counts in (("left", False, [1, 0]), ("left", True, [0, 1]), ("right", True, [1, 0])):
        found = bars(events(SWEEP), 3, closed, ALWAYS, (3, inside), replacement=[{}])
        assert [values["BidReplacementExpiredCount"] for values in found.values()] == counts


def test_a_replacement_after_the_stretch_answers_nothing():
    """The stretch ends at 5 s, which a bucket closed on the left does not hold, and the next begins at 6: b5 comes too
    late. The execution at 8 s is replaced in the second stretch."""
    runs = [(NINE, NINE + 5 * S), (NINE + 6 * S, NINE + 10 * S)]
    for closed in ("right", "left"):
        found = bars(events(e1()), closed=closed, runs=runs, replacement=[{}])
        counts = [(v["TotalReplacementCount"], v["TotalReplacementExpiredCount"]) for v in found.values()]
        assert counts == [(1, 1), (1, 0)]


def test_a_label_is_but_a_name():
    options = {**RESTING, **FLEETING, **probabilities(["1s"]), "replacement": [{}], "depth_age": [{}]}
    scope = (SESSION, (NINE + 10 * S, False), options)
    ends, starts = (columns(events(e1()), (), rule(5, "left", label), *scope) for label in ("end", "start"))
    assert starts == {label - 5 * S: values for label, values in ends.items()}


def test_what_comes_after_the_session_is_unknown():
    """Until 4.5 s exclusive, b1 is open with its first fill at 3, and b4 is open without one; inclusive, both are
    filled. The 2500 ms of b3 and later orders do not come to their end."""
    open_, done = (bars(events(e1()), end=(4.5, inside), **RESTING)[5] for inside in (False, True))
    names = ["TotalCensoredCount", "BidRestingToFirstFillCount", "BidRestingToLifeCount"]
    assert [open_[name] for name in names] == [6, 1, 0]
    assert [done[name] for name in names] == [4, 2, 2]
    early = bars(events(e1()), end=(4.5, True), attribution="insert", **FLEETING)
    assert early[5]["TotalFleetingUnresolvedCount2500ms"] == 1  # a2; b3 has 2500 ms, and b4 is filled


def test_buckets_go_on_to_the_end_of_the_session_and_to_the_last_event():
    """Until 20 s, where what rests is counted; behind a session that ends at 5 s, there is depth but no life to watch.
    What rested at 5 s has no age then at which it is at risk."""
    options = {**probabilities(["1s", "4500ms"], ["AJ"]), "depth_age": [{}]}
    long = bars(events(e1()), runs=ALWAYS, end=(20, False), **options)
    assert list(long) == [5, 10, 15, 20]
    assert [one["TotalCensoredCount"] for one in long.values()] == [0, 0, 0, 4]
    assert [one["TotalFillProbAJ1s"] for one in long.values()] == close(1 / 6, 0, 0, 0)
    for closed in ("right", "left"):
        short = bars(events(e1()), closed=closed, runs=ALWAYS, end=(5, False), **options)
        assert [one["TotalCensoredCount"] for one in short.values()] == [4, 0]
        assert [one["TotalFillProbAJ1s"] for one in short.values()] == close(1 / 6, None)
        assert [one["BidDepthAgeSeconds"] is None for one in short.values()] == [False, False]


def test_facts_count_while_their_instant_does():
    """Only from 3 s on: b1's first fill at 3.0 is in, though it was inserted before; of cohorts a2 and b4 are left."""
    runs = [(NINE + 3 * S, NINE + 10 * S)]
    found = bars(events(e1()), runs=runs, **RESTING)
    assert [found[t]["TotalRestingToFirstFillCount"] for t in (5, 10)] == [2, 1]
    found = bars(events(e1()), runs=runs, attribution="insert", **RESTING, **FLEETING, **probabilities(["1s"]))
    assert found[5]["TotalFillProbAJ1sAtRisk"] == 1  # a2; b4 is filled before
    assert found[5]["TotalRestingToFirstFillCount"] == 1
    assert found[5]["TotalCensoredCount"] == 0


def test_a_period_takes_an_end_that_does_not_count_as_the_last_that_is_seen():
    """Without 2.9 to 3.1, b1 is as if open at 2.5 s: 1/6 stays."""
    runs = [(NINE, NINE + 29 * S // 10), (NINE + 31 * S // 10, NINE + 10 * S)]
    found = bars(events(e1()), runs=runs, **probabilities(["2500ms"]))[5]
    assert found["TotalFillProbAJ2500ms"] == pytest.approx(1 / 6)


def test_orders_at_the_touch():
    """b3 at 99.99 below 100.00, a3 at 100.02 beside a1: only b3 is away from the touch."""
    assert of_e1("TotalCensoredCount", at_touch=True) == [0, 3, 3]
    assert [life.touch for life in lives(events(e1()), [], "order")] == [True, True, True, False, *[True] * 4]
    again = [life.touch for life in lives(events(e1()), [], "priority")]
    assert again == [True, True, True, False, True, True, True, True, True, True]


ODD = l3(
    [
        (1, 0.5, "u", "Bid", "Update", 10.0, 50, 10.0, 60),  # adopted
        (2, 1.0, "x", "Bid", "Insert", 10.0, 100),
        (3, 2.0, "x", "Ask", "Insert", 10.1, 30),  # x is lost, and begins again
        (4, 3.0, "x", "Ask", "Update", 10.1, 40, 10.1, 30, 10.1, 30),  # filled, and renewed
        (5, 4.0, "u", "Bid", "Update", 10.0, 80, 10.0, 50),  # goes back in the queue
        (6, 4.2, "v", "Bid", "Insert", None, 80),  # no order
        (7, 4.4, "nobody", "Bid", "Remove", None, 0, 10.0, 5),
        (8, 4.6, "x", "Ask", "Remove", None, 0, 10.1, 35),
    ]
)


def kinds(found):
    return [(life.side, life.start is None, life.kind) for life in found]


def test_lives_that_begin_or_end_otherwise():
    """Adopted: u. Lost: the bid x. The ask x has a fill before it is removed, so that it is no cancel, but a life of
    2.6 s, or one of 1 s that is Replaced and one of 1.6 s without a fill, cancelled with 40 where the row says 35."""
    assert kinds(lives(events(ODD), [], "order")) == [
        ("Bid", True, "Open"),
        ("Bid", False, "Lost"),
        ("Ask", False, "Cancelled"),
    ]
    found = lives(events(ODD), [], "priority")
    kept = [("Bid", True, "Replaced"), ("Bid", False, "Lost"), ("Ask", False, "Replaced"), ("Ask", False, "Cancelled")]
    assert kinds(found) == [*kept, ("Bid", False, "Open")]
    assert (found[2].first_fill, found[3].first_fill, found[3].removed) == (NINE + 3 * S, None, 40)


@pytest.mark.parametrize(("price", "size", "executed", "count"), [(10, 70, 30, 1), (10, 75, 30, 2), (9.9, 70, 30, 2)])
def test_an_execution_that_refills_more_or_moves_goes_to_the_back(price, size, executed, count):
    """Of 100 shown and 30 executed 70 stay; the first life has the fill."""
    rows = [
        (1, 1, "x", "Bid", "Insert", 10.0, 100),
        (2, 2, "x", "Bid", "Update", price, size, 10.0, 100, 10.0, executed),
    ]
    found = lives(events(l3(rows)), [], "priority")
    assert [life.first_fill for life in found] == [NINE + 2 * S, None][:count]
    assert [life.size for life in found] == [100, size][:count]


def test_columns_of_lives_that_begin_or_end_otherwise():
    """x's 2.6 s are those of a Life, no Cancel; as a life in the queue it is 1.6 s of a Cancel. Lost and adopted lives
    are in none, and nobody counts the adopted one as open at the end but OpenOrderCount."""
    options = {**RESTING, "depth_age": [{}]}
    found = bars(events(ODD), end=(5, False), runs=ALWAYS, **options)[5]
    assert (found["TotalAdoptedCount"], found["BidOpenOrderCount"], found["TotalCensoredCount"]) == (1, 1, 0)
    assert (found["BidRestingToLifeCount"], found["BidRestingToFirstFillCount"]) == (0, 0)
    assert (found["TotalRestingToCancelCount"], found["AskRestingToLifeMeanSeconds"]) == (0, pytest.approx(2.6))
    assert found["BidDepthAgeSeconds"] is None
    found = bars(events(ODD), end=(5, False), runs=ALWAYS, life="priority", **options)[5]
    assert (found["AskRestingToCancelMeanSeconds"], found["BidCensoredCount"]) == (pytest.approx(1.6), 1)
    back = bars(events(ODD), end=(5, False), runs=ALWAYS, depth_age=[{"age_from": "priority"}])[5]
    assert back["BidDepthAgeSeconds"] == pytest.approx(1)


def test_a_lost_life_is_censored_when_it_is_lost():
    """x as a bid until 1 s of age, as an ask filled at 1 s: both are at risk there, so that one of two fills."""
    found = bars(events(ODD), end=(5, False), attribution="insert", **probabilities(["1s", "2s"]))[5]
    assert (found["TotalFillProbAJ1s"], found["TotalFillProbAJ1sAtRisk"]) == (0.5, 2)
    assert (found["BidFillProbAJ1s"], found["BidFillProbAJ2sAtRisk"]) == (0, 0)


def snapshot(t, *orders):
    names = ("OrderId", "Side", "Price", "Size")
    return [{"EventTimestamp": NINE + round(t * S), **dict(zip(names, one, strict=True))} for one in orders]


B3 = ("Bid", False, "Open")


def test_a_snapshot_keeps_the_lives_that_it_lists():
    """At 2.0 behind both events of that stamp: b1, b2 and a1 are lost, b3 is shown with 70, and s is adopted; b1's
    update at 2.5 adopts it again. b1's fills are of no life with a start."""
    listed = snapshot(2, ("b3", "Bid", 99.99, 70), ("s", "Ask", 100.05, 10), (None, "Ask", 100.06, 10))
    found = lives(events(e1()), listed, "order")
    assert kinds(found)[:4] == [("Bid", False, "Lost"), ("Ask", False, "Lost"), ("Bid", False, "Lost"), B3]
    assert [life.end for life in found[:3]] == [NINE + 2 * S] * 3
    row = bars(events(e1()), snapshots=listed, **RESTING)[5]
    assert (row["TotalAdoptedCount"], row["TotalRestingToFirstFillCount"]) == (4, 1)  # s, b1, b2, a1; b4


def test_a_snapshot_at_an_edge():
    """At 5 s it is behind a1's reprice and in the bucket that ends there, or, closed on the left, in the next."""
    listed = snapshot(5, ("b3", "Bid", 99.99, 70))
    counts = [bars(events(e1()), closed=one, snapshots=listed)[5]["TotalOpenOrderCount"] for one in ("right", "left")]
    assert counts == [1, 4]


@pytest.mark.parametrize("seed", range(150))
def test_laws_of_streams_at_random(seed):
    """Both sides are the total; AJ is at most KM; a share is of what it is a share of."""
    rows, snapshots = stream(seed)
    closed, attribution, life = ("right", "left")[seed % 2], ("end", "insert")[seed // 2 % 2], ("order", "priority")
    changes = [(row["EventTimestamp"], row["MarketState"]) for row in rows]
    runs = stretches(changes, ("CONTINUOUS_TRADING",)) if seed % 3 else ALWAYS
    end = (rows[-1]["EventTimestamp"] - seed % 5 * S, bool(seed % 3))
    options = {"attribution": attribution, "life": life[seed // 4 % 2], "at_touch": seed % 7 == 0}
    options |= {**RESTING, **FLEETING, **probabilities(["1ns", "1s", "3s"]), "replacement": [{}], "depth_age": [{}]}
    for values in columns(rows, snapshots, rule(2, closed), runs, end, options).values():
        for name in [name for name in values if name.startswith("Total") and "Count" in name and "Share" not in name]:
            assert values[name] == sum(values[name.replace("Total", side)] for side in ("Bid", "Ask")), name
        for side in SIDES:
            both = [[values[f"{side}FillProb{one}{h}"] for h in ("1ns", "1s", "3s")] for one in ("AJ", "KM")]
            assert both == [[None] * 3] * 2 or all(0 <= a <= k + 1e-12 <= 1 + 2e-12 for a, k in zip(*both, strict=True))
            counts = [values[f"{side}FleetingCancelCount{one}"] for one in THRESHOLDS]
            assert counts == sorted(counts)
            assert values[f"{side}RestingToCancelCount"] >= counts[-1]
