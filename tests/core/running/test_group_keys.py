"""Further keys of a pass: rows by listing, venue and whatever else the tables carry."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

import basalt
from basalt.metrics import Empty

C = "CONTINUOUS_TRADING"
PRICE = pl.col("Price")
KEYS = ["ListingId", "Venue"]


@pytest.fixture
def trades(events):
    """Two venues of listing 1, a print without a venue of listing 2."""
    rows = [(1, 20, 10, 5), (1, 40, 20, 3), (1, 50, 11, 2), (1, 95, 12, 1), (2, 90, 7, 7)]
    return events("Price Size", *rows).with_columns(Venue=pl.Series(["A", "B", "A", "A", None]))


def rows(frame, *columns):
    """(listing, venue, "09:01", …)."""
    return frame.select("ListingId", "Venue", pl.col("TimeBucket").dt.strftime("%H:%M"), *columns).rows()


def test_rows_are_grouped_by_every_key(trades, a_module, a_volume):
    """A null venue is a group of its own."""
    bars = basalt.compute(a_module("volume", a_volume()), every="1m", keys=KEYS, trades=trades)
    assert bars.columns == [*KEYS, "TimeBucket", "Volume"]
    assert rows(bars, "Volume") == [
        (1, "A", "09:01", 7.0),
        (1, "A", "09:02", 1.0),
        (1, "B", "09:01", 3.0),
        (2, None, "09:02", 7.0),
    ]


def test_rows_without_a_further_key_are_published_and_resampled(desk, trades):
    """A null venue is unknown, as a null side is: 7 of listing 2 in the minute and in the hour."""
    desk.put("trades", "2026-01-05", trades)
    bars = {"name": "bars", "every": "1m", "keys": KEYS, "modules": [{"module": "volume"}]}
    hours = {"name": "hours", "every": "1h", "modules": [{"module": "generic", "source": "bars"}]}
    result = desk.run(bars, hours, dates=[date(2026, 1, 5)])
    assert result.failed == []
    assert rows(result.scan("bars").collect(), "Volume")[-1] == (2, None, "09:02", 7.0)
    assert rows(result.scan("hours").collect(), "Volume") == [
        (1, "A", "10:00", 8.0),
        (1, "B", "10:00", 3.0),
        (2, None, "10:00", 7.0),
    ]


def test_a_window_never_sees_the_rows_of_another_group(trades, a_module, a_metric):
    """Prices of venue A: 10, 11, 12. Whether by previous() or by a bare shift, B's 20 is in none of the changes."""
    derive = {"Step": PRICE - basalt.previous(PRICE), "Bare": PRICE - PRICE.shift(1)}
    metrics = [a_metric(name, pl.col(name).sum()) for name in derive]
    bars = basalt.compute(a_module("moved", *metrics, derive=derive), every="1m", keys=KEYS, trades=trades)
    assert rows(bars, "Step", "Bare")[:3] == [
        (1, "A", "09:01", 1.0, 1.0),
        (1, "A", "09:02", 1.0, 1.0),
        (1, "B", "09:01", 0.0, 0.0),
    ]


def test_a_value_is_carried_within_its_group_and_stretch(events, a_module, a_metric, a_volume):
    """Large prints of A at 10 s and of B at 190 s; every group prints a small one in 09:02 and 09:04. Halted in
    between, 120 to 180: A's 10 fills its 09:02 and neither its 09:04 nor anything of B."""
    lit = a_module("lit", a_metric("Held", PRICE.last(), empty=Empty.CARRY), where=pl.col("Size") > 4)
    times = [(10, 9, "A"), (70, 1, "A"), (80, 1, "B"), (190, 9, "B"), (200, 1, "A"), (260, 1, "B")]
    trades = events("Price Size", *((1, s, 10 + s / 10, size) for s, size, _ in times))
    trades = trades.with_columns(Venue=pl.Series([venue for *_, venue in times]))
    states = events("MarketState", (1, 0, C), (1, 120, "HALTED"), (1, 180, C))
    bars = basalt.compute(
        [a_module("volume", a_volume()), lit], every="1m", keys=KEYS, trades=trades, marketstate=states
    )
    assert rows(bars, "Volume", "Held") == [
        (1, "A", "09:01", 9.0, 11.0),
        (1, "A", "09:02", 1.0, 11.0),
        (1, "A", "09:04", 1.0, None),
        (1, "B", "09:02", 1.0, None),
        (1, "B", "09:04", 9.0, 29.0),
        (1, "B", "09:05", 1.0, 29.0),
    ]


def test_every_aggregation_of_the_pass_has_the_keys(trades, a_module, a_volume):
    """Volume of all prints and of those above 10: 0 where a group has none."""
    large = a_module("large", a_volume("Large"), where=PRICE > 10)
    bars = basalt.compute([a_module("volume", a_volume()), large], every="1m", keys=KEYS, trades=trades)
    assert rows(bars, "Volume", "Large") == [
        (1, "A", "09:01", 7.0, 2.0),
        (1, "A", "09:02", 1.0, 1.0),
        (1, "B", "09:01", 3.0, 3.0),
        (2, None, "09:02", 7.0, 0.0),
    ]


def test_daily_rows_by_venue_end_with_the_listing_s_session(trades, events, a_module, a_volume):
    states = events("MarketState", (1, 0, C), (1, 60, "CLOSED"), (3, 0, C), (3, 60, "CLOSED"))
    bars = basalt.compute(
        a_module("volume", a_volume()), timeline="daily", keys=KEYS, trades=trades, marketstate=states
    )
    end = datetime(2026, 1, 5, 9, 1, tzinfo=UTC)
    assert bars.rows() == [
        (1, "A", end, 7.0),
        (1, "B", end, 3.0),
        (2, None, datetime(2026, 1, 6, tzinfo=UTC), 0.0),
    ]


def test_flags_enums_and_whole_numbers_group_too(trades, a_module, a_volume):
    labelled = trades.with_columns(
        IsBlock=pl.Series([True, False, True, None, True]),
        SequenceNo=pl.Series([1, 1, 2, 2, 1]),
    ).with_columns(Desk=pl.col("Venue").cast(pl.Enum(["B", "A"])))
    module = a_module("volume", a_volume())
    flags = basalt.compute(module, every="1h", keys=["ListingId", "IsBlock"], trades=labelled)
    assert flags.select("ListingId", "IsBlock", "Volume").rows() == [
        (1, None, 1.0), (1, False, 3.0), (1, True, 7.0), (2, True, 7.0),
    ]  # fmt: skip
    ordered = basalt.compute(module, every="1h", keys=["ListingId", "Desk"], trades=labelled)
    assert ordered["Desk"].to_list() == ["B", "A", None]
    numbers = basalt.compute(module, every="1h", keys=["ListingId", "SequenceNo", "Desk"], trades=labelled)
    assert numbers.select("SequenceNo", "Desk", "Volume").rows()[:2] == [(1, "B", 3.0), (1, "A", 5.0)]


def test_our_trade_module_by_venue(trades):
    """Chained bars of A: 09:02 opens at the close before, 11; B's prices are its own."""
    bars = basalt.compute(
        {"module": "trade", "generic": [{"measures": ["OHLC", "Volume"], "open_mode": "prev_close"}]},
        every="1m", keys=KEYS, trades=trades,
    )  # fmt: skip
    names = [f"TradeTotal{name}" for name in ("Open", "High", "Low", "Close", "Volume")]
    assert rows(bars, *names)[:3] == [
        (1, "A", "09:01", 10.0, 11.0, 10.0, 11.0, 7.0),
        (1, "A", "09:02", 11.0, 12.0, 11.0, 12.0, 1.0),
        (1, "B", "09:01", 20.0, 20.0, 20.0, 20.0, 3.0),
    ]


def test_a_series_pass_keeps_all_keys_of_its_source(desk, events):
    """Minutes by venue into hours: 5 + 2 of A, 3 of B, each by itself."""
    venues = events("Price Size", (1, 30, 10, 5), (1, 90, 11, 2), (1, 90, 11, 3))
    desk.put("trades", "2026-01-05", venues.with_columns(Venue=pl.Series(["A", "A", "B"])))
    minutes = {"name": "minutes", "every": "1m", "keys": KEYS, "modules": [{"module": "volume"}]}
    hours = {"name": "hours", "every": "1h", "modules": [{"module": "generic", "source": "minutes"}]}
    result = desk.run(minutes, hours, dates=[datetime(2026, 1, 5, tzinfo=UTC).date()])
    assert result.scan("hours").collect().select(*KEYS, "Volume").rows() == [(1, "A", 7.0), (1, "B", 3.0)]
    assert list(result.plan.program("hours").result.keys) == KEYS


def test_no_row_no_group(events, a_module, a_volume):
    empty = events("Price Size").with_columns(Venue=pl.lit(None, pl.String))
    day = datetime(2026, 1, 5, tzinfo=UTC).date()
    for options in ({"every": "1m"}, {"timeline": "daily"}):
        bars = basalt.compute(a_module("volume", a_volume()), keys=KEYS, trades=empty, date=day, **options)
        assert (bars.height, bars.columns) == (0, [*KEYS, "TimeBucket", "Volume"])
