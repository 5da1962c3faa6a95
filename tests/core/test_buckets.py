"""The bucket rule: conventions §2 and the resampling rule of series §1."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from basalt.buckets import BucketRule, WholeDate, as_label, midnight
from basalt.durations import NANOSECONDS, parse_duration
from basalt.errors import UserError

DAY = date(2026, 1, 5)
MINUTE = NANOSECONDS["m"]


def stamps(*offsets: int) -> pl.Series:
    """Event times at these nanoseconds after the date's midnight."""
    return pl.Series("t", [midnight(DAY) + o for o in offsets]).cast(pl.Datetime("ns", "UTC"))


def labels(rule: BucketRule, *offsets: int) -> list[str]:
    found = pl.select(rule.bucket(pl.lit(stamps(*offsets)), DAY)).to_series()
    assert found.dtype == pl.Datetime("us", "UTC")
    return found.dt.strftime("%H:%M:%S").to_list()


@pytest.mark.parametrize(
    ("label", "closed", "expected"),
    [
        ("end", "right", ["00:01:00", "00:01:00"]),
        ("end", "left", ["00:01:00", "00:02:00"]),
        ("start", "left", ["00:00:00", "00:01:00"]),
        ("start", "right", ["00:00:00", "00:00:00"]),
    ],
)
def test_the_four_combinations_label_thirty_seconds_and_a_minute(label, closed, expected):
    """w = 60 s, events 00:00:30 and 00:01:00: the oracle of conventions §2."""
    assert labels(BucketRule(MINUTE, closed, label), MINUTE // 2, MINUTE) == expected


def test_one_nanosecond_after_an_edge_is_the_next_bucket():
    """(T − w, T]: 00:01:00 is the last instant of its bucket, one nanosecond later belongs to 00:02:00."""
    assert labels(BucketRule(MINUTE), MINUTE, MINUTE + 1) == ["00:01:00", "00:02:00"]


def test_an_event_at_midnight_belongs_to_the_bucket_that_ends_there():
    """t = origin, closed right: k = (0 − 1) div w = −1, so the end label is the origin itself."""
    assert labels(BucketRule(MINUTE), 0) == ["00:00:00"]


def test_events_before_the_origin_count_backwards():
    """Origin 09:30, event 09:29:30, w 60 s: (09:29, 09:30] ends at the origin."""
    rule = BucketRule(MINUTE, origin=parse_duration("9.5h"))
    assert labels(rule, parse_duration("9.5h") - MINUTE // 2) == ["09:30:00"]


def test_a_width_that_does_not_divide_the_day_runs_on_from_the_origin():
    """w = 7 h: labels 07:00, 14:00, 21:00, and 04:00 of the next day for an event at 23:00."""
    rule = BucketRule(7 * NANOSECONDS["h"])
    found = pl.select(rule.bucket(pl.lit(stamps(23 * NANOSECONDS["h"])), DAY)).item()
    assert found == datetime(2026, 1, 6, 4, tzinfo=UTC)


def test_microsecond_stamps_get_the_same_buckets():
    frame = pl.DataFrame({"t": stamps(MINUTE // 2).cast(pl.Datetime("us", "UTC"))})
    assert frame.select(BucketRule(MINUTE).bucket(pl.col("t"), DAY)).item() == datetime(2026, 1, 5, 0, 1, tzinfo=UTC)


@pytest.mark.parametrize("width", [0, -MINUTE, 1, 1_500])
def test_a_width_that_is_no_whole_number_of_microseconds_is_refused(width):
    with pytest.raises(UserError, match="no bucket width"):
        BucketRule(width)


def test_an_origin_off_the_microsecond_is_refused():
    with pytest.raises(UserError, match="whole number of microseconds"):
        BucketRule(MINUTE, origin=1)


@pytest.mark.parametrize(
    ("rule", "fine", "coarse"),
    [
        (BucketRule(15 * MINUTE), ["09:01", "09:14", "09:15", "09:16"], ["09:15", "09:15", "09:15", "09:30"]),
        (
            BucketRule(15 * MINUTE, label="start"),
            ["09:00", "09:14", "09:15", "09:29"],
            ["09:00", "09:00", "09:15", "09:15"],
        ),
        (
            BucketRule(15 * MINUTE, origin=parse_duration("9h") + 3 * MINUTE),
            ["09:04", "09:18", "09:19"],
            ["09:18", "09:18", "09:33"],
        ),
    ],
)
def test_a_fine_label_has_the_coarse_label_of_its_interval(rule, fine, coarse):
    """Oracle G1: W = 15 min; end labels round up, start labels down, from the origin."""
    at = [datetime.combine(DAY, datetime.strptime(f, "%H:%M").time(), UTC) for f in fine]
    found = pl.DataFrame({"t": at}).select(rule.coarse_label(pl.col("t"), DAY)).to_series()
    assert found.dt.strftime("%H:%M").to_list() == coarse


@given(
    st.integers(0, NANOSECONDS["d"]),
    st.integers(1, 10**11),
    st.sampled_from(["right", "left"]),
    st.sampled_from(["end", "start"]),
    st.integers(0, NANOSECONDS["d"] // 1_000),
)
def test_every_event_lies_in_the_interval_of_its_label(offset, width, closed, label, origin):
    rule = BucketRule(width * 1_000, closed, label, origin * 1_000)
    frame = pl.DataFrame({"t": stamps(offset)}).with_columns(b=rule.bucket(pl.col("t"), DAY))
    start, end = frame.select(rule.interval_start(pl.col("b")), e=rule.interval_end(pl.col("b"))).row(0)
    at = midnight(DAY) + offset
    assert end - start == rule.every
    assert start < at <= end if closed == "right" else start <= at < end


@given(st.integers(0, 10**6), st.integers(1, 50), st.integers(1, 50), st.sampled_from(["end", "start"]))
def test_bucketing_then_coarsening_is_bucketing_coarsely(second, fine, factor, label):
    closed = "right" if label == "end" else "left"
    narrow = BucketRule(fine * NANOSECONDS["s"], closed, label)
    wide = BucketRule(fine * factor * NANOSECONDS["s"], closed, label)
    frame = pl.DataFrame({"t": stamps(second * NANOSECONDS["s"] % NANOSECONDS["d"])})
    direct = frame.select(wide.bucket(pl.col("t"), DAY)).item()
    through = frame.select(b=narrow.bucket(pl.col("t"), DAY)).select(wide.coarse_label(pl.col("b"), DAY)).item()
    assert through == direct


def test_describe_says_the_rule_in_words():
    assert BucketRule(5 * MINUTE).describe() == "every 5m, label end, closed right"
    shifted = BucketRule(MINUTE, "left", "start", 90 * MINUTE)
    assert shifted.describe() == "every 1m, label start, closed left, origin 90m"


def test_a_label_is_the_same_value_in_microseconds():
    assert pl.select(BucketRule(1_000).bucket(pl.lit(stamps(1)), DAY)).item() - datetime(
        2026, 1, 5, tzinfo=UTC
    ) == timedelta(microseconds=1)


def overlapped(rule, start, end):
    """Labels of what [start, end), nanoseconds after midnight, overlaps, as nanoseconds after midnight."""
    edges = (pl.lit(midnight(DAY) + t) for t in (start, end))
    return [label - midnight(DAY) for label in pl.select(rule.overlapped(*edges, DAY)).item()]


def test_a_stretch_overlaps_a_bucket_by_more_than_an_instant():
    """16 s to 3 min: the buckets of minutes 1 to 3 whichever edge is closed; one ns more and a fourth one."""
    for closed in ("right", "left"):
        rule = BucketRule(MINUTE, closed)
        assert overlapped(rule, 16 * 10**9, 3 * MINUTE) == [MINUTE, 2 * MINUTE, 3 * MINUTE]
        assert overlapped(rule, 16 * 10**9, 3 * MINUTE + 1)[-1] == 4 * MINUTE
        assert overlapped(rule, MINUTE, 2 * MINUTE) == [2 * MINUTE]
        assert overlapped(rule, MINUTE - 1, 2 * MINUTE) == [MINUTE, 2 * MINUTE]


@given(
    every=st.integers(1, 9),
    origin=st.integers(0, 8),
    label=st.sampled_from(["start", "end"]),
    start=st.integers(-30, 30),
    length=st.integers(1, 30),
)
def test_overlapped_buckets_are_those_whose_interval_does(every, origin, label, start, length):
    """Every label in reach, one by one, in microseconds."""
    rule = BucketRule(every * 1000, label=label, origin=origin * 1000)
    end, shift = start + length, every if label == "end" else 0
    buckets = range(origin - 80 * every, origin + 80 * every, every)
    expected = [(b + shift) * 1000 for b in buckets if b < end and b + every > start]
    assert overlapped(rule, start * 1000, end * 1000) == expected


def test_a_whole_date_is_one_bucket_whatever_the_stamp():
    """Stamps before, on and behind the date's midnight, and the labels of finer buckets."""
    rule, next_midnight = WholeDate(), datetime(2026, 1, 6, tzinfo=UTC)
    times = stamps(-MINUTE, 0, 25 * 60 * MINUTE)
    frame = pl.DataFrame({"t": times}).select(b=rule.bucket(pl.col("t"), DAY), c=rule.coarse_label(pl.col("t"), DAY))
    assert frame.schema == {"b": pl.Datetime("us", "UTC"), "c": pl.Datetime("us", "UTC")}
    assert frame.rows() == [(next_midnight, next_midnight)] * 3
    assert rule.describe() == "one bucket a date"


def test_a_null_stamp_is_in_no_bucket_of_a_whole_date():
    frame = pl.DataFrame({"t": [None]}, schema={"t": pl.Datetime("ns", "UTC")})
    assert frame.select(WholeDate().bucket(pl.col("t"), DAY)).item() is None


def test_nanoseconds_become_labels_of_whole_microseconds():
    label = pl.select(as_label(pl.lit(midnight(DAY) + 1_999))).item()
    assert label == datetime(2026, 1, 5, 0, 0, 0, 1, tzinfo=UTC)
