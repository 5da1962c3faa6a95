"""Lives of orders of the module l3 on the order events E1, in buckets of 5 s and as one of 10 s, and by hand.

Lives of E1: b1 .5 to 4.5, first executed at 3; a1 from .5, first executed at 8; b2 from 1 and b3 from 2, neither ended;
a2 3.5 to 6 and b5 7 to 7.05, cancelled; b4 3.8 to 4.5, executed; a3 from 9. The session ends at 10.
"""

import pytest
from order_events import E1_STATES, e1, l3, states

import basalt

SIDES = ["Bid", "Ask", "Total"]
GROUPS = {
    "resting": [{"ends": ["FirstFill", "Cancel", "Life"], "sides": SIDES, "aggs": ["Mean", "Median", "Min", "Max"]}],
    "fleeting": [{"thresholds": ["49ms", "50ms", "2500ms"], "sides": SIDES}],
    "replacement": [{"sides": SIDES}],
    "depth_age": [{"sides": SIDES}],
}
E1_GROUPS = {**GROUPS, "fill_probability": [{"horizons": ["1s", "2s", "2.5s", "3s", "8s"], "estimators": ["AJ", "KM"]}]}
E1_GROUPS["fill_probability"][0]["sides"] = SIDES


def lives(events, every, told=E1_STATES, **options):
    module = {"module": "l3", "flow": [], "ratios": [], **options}
    return basalt.compute([module], every=every, timeline="dense", l3=events, marketstate=states(*told))


@pytest.fixture(scope="module", name="found")
def found_():
    """Values of a column in the buckets 5 and 10 and in all, by end."""
    fine, whole = (lives(e1(), every, **E1_GROUPS) for every in ("5s", "10s"))
    return lambda name: [*fine[name], *whole[name]]


@pytest.fixture(scope="module", name="cohorts")
def cohorts_():
    """The same by insert."""
    fine, whole = (lives(e1(), every, attribution="insert", **E1_GROUPS) for every in ("5s", "10s"))
    return lambda name: [*fine[name], *whole[name]]


def close(*values):
    return [None if v is None else pytest.approx(v, rel=1e-9, abs=1e-12) for v in values]


def test_time_to_the_first_execution(found):
    """b1 2.5 and b4 .7 in the first bucket, a1 7.5 in the second: 1.6, 7.5, 10.7 / 3; in the middle 2.5."""
    assert found("TotalRestingToFirstFillMeanSeconds") == close(1.6, 7.5, 3.566666666666667)
    assert found("TotalRestingToFirstFillMedianSeconds") == close(1.6, 7.5, 2.5)
    assert found("TotalRestingToFirstFillCount") == [2, 1, 3]


def test_time_to_a_cancel(found):
    """a2 2.5 and b5 .05."""
    assert found("TotalRestingToCancelMeanSeconds") == close(None, 1.275, 1.275)
    assert found("TotalRestingToCancelMinSeconds") == close(None, 0.05, 0.05)
    assert found("TotalRestingToCancelMaxSeconds") == close(None, 2.5, 2.5)


def test_whole_lives(found):
    """b1 4 and b4 .7; a2 2.5 and b5 .05."""
    assert found("TotalRestingToLifeMeanSeconds") == close(2.35, 1.275, 1.8125)
    assert found("BidRestingToLifeCount") == [2, 1, 3]


def test_what_is_open_at_the_end_is_counted_there_and_averaged_nowhere(found):
    """b2, b3, a1, a3; at 5 s a2 is there and a3 not yet."""
    assert found("TotalCensoredCount") == [0, 4, 4]
    assert found("BidCensoredCount") == [0, 2, 2]
    assert found("TotalAdoptedCount") == [0, 0, 0]
    assert found("TotalOpenOrderCount") == [4, 4, 4]


def test_fleeting_cancels(found):
    """b5 of 120 after exactly 50 ms, a2 of 100 after exactly 2.5 s."""
    for threshold, counts, volumes in (("49ms", 0, 0), ("50ms", 1, 120), ("2500ms", 2, 220)):
        assert found(f"TotalFleetingCancelCount{threshold}") == [0, counts, counts]
        assert found(f"TotalFleetingCancelVolume{threshold}") == [0, volumes, volumes]
    assert found("TotalFleetingShareCount50ms") == close(None, 0.5, 0.5)
    assert found("TotalFleetingShareVolume50ms") == close(None, 120 / 220, 120 / 220)


def test_fleeting_cohorts(cohorts):
    """Of six inserted with 1550 shares a2 is cancelled after 2.5 s; of two with 200, b5 after 50 ms; a3 is cut at 1."""
    assert cohorts("TotalFleetingShareCount2500ms")[0] == pytest.approx(0.166666666666667, rel=1e-9)
    assert cohorts("TotalFleetingShareVolume2500ms")[0] == pytest.approx(0.064516129032258, rel=1e-9)
    assert cohorts("TotalFleetingShareCount50ms")[1] == 0.5
    assert cohorts("TotalFleetingShareVolume50ms")[1] == 0.6
    assert cohorts("TotalFleetingUnresolvedCount2500ms") == [0, 1, 1]
    assert cohorts("TotalCensoredCount") == [3, 1, 4]


def test_age_of_the_depth(found):
    """At 5 s bids 300 of age 4 and 400 of age 3, asks 250 of 4.5 and 100 of 1.5; at 10 s 9 and 8, asks 150 of 9.5 and
    80 of 1."""
    assert found("BidDepthAgeSeconds") == close(3.428571428571429, 8.428571428571429, 8.428571428571429)
    assert found("AskDepthAgeSeconds") == close(3.642857142857143, 6.543478260869565, 6.543478260869565)


def test_age_of_the_best_price_since_it_took_its_place():
    """b2 went to the back with more size at 4 and a1 to a new price at 5."""
    group = {"sides": ["Bid", "Ask"], "levels": 1, "age_from": "priority"}
    rows = lives(e1(), "5s", depth_age=[group])
    assert rows["BidDepthAgeSeconds"].to_list() == close(1, 6)
    assert rows["AskDepthAgeSeconds"].to_list() == close(0, (150 * 5 + 80) / 230)


def test_replacement(found):
    """100.00 of 3.0 at 3.8, that of 4.5 at 7.0 by 100.01, and 100.02 of 8.0 at 9.0."""
    assert found("BidReplacementMeanSeconds") == close(0.8, 2.5, 1.65)
    assert found("AskReplacementMeanSeconds") == close(None, 1, 1)
    assert found("TotalReplacementCount") == [1, 2, 3]
    assert found("TotalReplacementExpiredCount") == [0, 0, 0]


def test_a_price_that_nobody_offers_in_time_expires():
    """With a second of patience the bids of 4.5 expire at 5.5, in the second bucket."""
    rows = lives(e1(), "5s", replacement=[{"sides": SIDES, "max_latency": "1s"}])
    assert rows["BidReplacementCount"].to_list() == [1, 0]
    assert rows["BidReplacementExpiredCount"].to_list() == [0, 1]
    assert rows["AskReplacementCount"].to_list() == [0, 1]


def test_fill_probability_of_the_whole_cohort(cohorts):
    """Eight lives; .7 fills one of seven, 2.5 one of six where one is cancelled too, 7.5 one of two."""
    of = [f"TotalFillProb{estimator}{h}" for estimator in ("AJ", "KM") for h in ("1s", "2.5s", "8s")]
    expected = [0.125, 0.275, 0.425, 0.142857142857143, 0.314285714285714, 0.542857142857143]
    assert [cohorts(name)[2] for name in of] == close(*expected)


def test_fill_probability_of_one_cohort(cohorts):
    """Four bids of the first bucket: b4 executes at .7, b1 at 2.5, two never."""
    assert cohorts("BidFillProbAJ2s")[0] == 0.25
    assert cohorts("BidFillProbAJ2sAtRisk")[0] == 3
    assert cohorts("BidFillProbAJ3s")[0] == 0.5
    assert cohorts("BidFillProbAJ3sAtRisk")[0] == 2


def test_fill_probability_of_periods(found):
    """In the first bucket nobody is cancelled; in the second all who are younger than 2.5 s leave by then."""
    assert found("TotalFillProbAJ1s")[0] == pytest.approx(0.166666666666667, rel=1e-9)
    assert found("TotalFillProbAJ2.5s")[0] == pytest.approx(0.375, rel=1e-9)
    assert found("TotalFillProbAJ8s")[1] == 0
    assert found("TotalFillProbKM8s")[1] == pytest.approx(0.333333333333333, rel=1e-9)


def test_full_fills():
    """b1 is filled whole at 4, b4 at .7."""
    group = {"horizons": ["5s"], "estimators": ["AJ", "KM"], "sides": ["Total"], "fill": "full"}
    (row,) = lives(e1(), "10s", fill_probability=[group], attribution="insert").to_dicts()
    assert row["TotalFillProbAJ5s"] == pytest.approx(0.275, rel=1e-9)
    assert row["TotalFillProbKM5s"] == pytest.approx(0.357142857142857, rel=1e-9)


def test_lives_that_end_with_their_place_in_the_queue():
    """Ten lives: b2 begins anew at 4 and a1 at 5."""
    group = {"horizons": ["3s"], "estimators": ["AJ", "KM"], "sides": ["Total"]}
    (row,) = lives(e1(), "10s", fill_probability=[group], attribution="insert", life="priority").to_dicts()
    assert row["TotalFillProbAJ3s"] == pytest.approx(0.328571428571429, rel=1e-9)
    assert row["TotalFillProbKM3s"] == pytest.approx(0.390476190476190, rel=1e-9)


def test_four_orders():
    """One cancelled at .5; of the three that stay two execute at 3 s: 2/3 of them, 1/2 of all four."""
    rows = [(i, 0.0, name, "Bid", "Insert", 10.0, 5) for i, name in enumerate("abcd")]
    rows += [
        (5, 0.5, "a", "Bid", "Remove", None, 0, 10.0, 5),
        (6, 3.0, "b", "Bid", "Remove", None, 0, 10.0, 5, 10.0, 5),
    ]
    rows += [(7, 3.0, "c", "Bid", "Remove", None, 0, 10.0, 5, 10.0, 5)]
    group = {"horizons": ["5s"], "estimators": ["AJ", "KM"], "sides": ["Bid"]}
    told = ((-1.0, "CONTINUOUS_TRADING"), (7.0, "CLOSED"))
    row, _ = lives(l3(rows), "1h", told, fill_probability=[group], attribution="insert").to_dicts()
    assert row["BidFillProbAJ5s"] == 0.5
    assert row["BidFillProbKM5s"] == pytest.approx(0.666666666666667, rel=1e-9)


def test_an_order_that_executes_at_age_0_was_at_risk():
    rows = [(1, 0.0, "a", "Bid", "Insert", 10.0, 5), (2, 0.0, "b", "Bid", "Insert", 10.0, 5)]
    rows += [(3, 0.0, "a", "Bid", "Remove", None, 0, 10.0, 5, 10.0, 5)]
    group = {"horizons": ["500ms"], "sides": ["Bid"]}
    told = ((-1.0, "CONTINUOUS_TRADING"), (1.0, "CLOSED"))
    row, _ = lives(l3(rows), "1h", told, fill_probability=[group], attribution="insert").to_dicts()
    assert (row["BidFillProbAJ500ms"], row["BidFillProbAJ500msAtRisk"]) == (0.5, 1)
