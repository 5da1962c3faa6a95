"""What the order events of E1 and E2 are like, by hand."""

import pytest
from order_events import e1, e2, l3

import basalt

MODULE = "l3_characteristics"


def of(events, every="5s", **options):
    return basalt.compute([{"module": MODULE, **options}], every=every, l3=events).to_dicts()


def values(bar, *names):
    return [bar[f"L3{name}"] for name in names]


COUNTS = [f"{name}Count" for name in ("Event", "Execution", "Insert", "Update", "Remove")]


def test_twelve_events_of_the_first_five_seconds():
    """Rows 1 to 12: the inserts 1 to 4, 7 and 8, the updates 5, 6, 9 and 12, and the fills 6, 10 and 11."""
    bar, _ = of(e1())
    assert values(bar, *COUNTS) == [12, 3, 6, 4, 2]
    assert values(bar, "HasUpdates", "HasExecution", "HasMultiRowEvent", "HasNoOpUpdate") == [True, True, True, False]


def test_rows_1_and_2_and_rows_10_and_11_share_a_stamp():
    first, second = of(e1())
    names = ("TimestampStrictlyIncreasing", "TimestampNonDecreasing", "MaxTimestampTies")
    assert values(first, *names) == [False, True, 2]
    assert values(second, *names) == [True, True, 1]


def test_five_events_of_the_last_five_seconds():
    """Rows 13 to 17, each an event of its own."""
    _, bar = of(e1())
    assert values(bar, *COUNTS) == [5, 1, 2, 1, 2]
    assert values(bar, "HasMultiRowEvent") == [False]


def test_e1_fits_its_own_book():
    for bar in of(e1()):
        names = ("HasDuplicateInsert", "HasUnknownOrder", "ExecutedNotAtTouch", "HasLockedBook", "HasCrossedBook")
        assert values(bar, *names) == [False] * 5


def test_inserts_alone_have_no_update():
    [bar] = of(l3([(1, 1, "a", "Bid", "Insert", 10.0, 5)]))
    assert values(bar, "HasUpdates", "UpdateCount", "InsertCount") == [False, 0, 1]


@pytest.mark.parametrize(("executed", "idle"), [(0, True), (5, False)])
def test_an_update_of_nothing_is_none_where_something_executed(executed, idle):
    """10.00 × 5 → 10.00 × 5: with 5 executed the size is a refill."""
    [bar] = of(l3([(1, 1, "a", "Bid", "Update", 10.0, 5, 10.0, 5, 10.0, executed)]))
    assert values(bar, "HasNoOpUpdate", "NoOpUpdateCount") == [idle, int(idle)]


def test_defects_of_e2_are_told():
    """Order u1 is updated and u2 removed unknown, x1 inserted twice, y2 has −5 shares, number 6 is missing; the book is
    crossed behind 8 and locked behind 10."""
    [bar] = of(e2(), sequence_contiguous=True)
    names = ("HasUnknownOrder", "HasDuplicateInsert", "HasNegativeSize", "HasCrossedBook", "HasLockedBook")
    assert values(bar, *names) == [True] * 5
    assert values(bar, "SequenceGapCount", "HasLockedBookContinuous", "HasLockedBookNonContinuous") == [1, True, False]


def test_defects_of_e2_are_told_in_their_buckets():
    """By tenths of a second: the unknown orders in .3, .4; the second insert in .5; crossed behind .7 until u1 leaves
    at .8, locked behind .9."""
    bars = of(e2(), "100ms", columns=[f"L3Has{n}" for n in ("UnknownOrder", "DuplicateInsert", "CrossedBook")])
    assert [bar["L3HasUnknownOrder"] for bar in bars] == [False, False, True, True, *[False] * 5]
    assert [bar["L3HasDuplicateInsert"] for bar in bars] == [False] * 4 + [True] + [False] * 4
    assert [bar["L3HasCrossedBook"] for bar in bars] == [False] * 6 + [True, False, False]
