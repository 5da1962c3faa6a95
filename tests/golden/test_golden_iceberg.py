"""Module iceberg and transform iceberg_tags on four orders followed by hand: I1, I2, I3 and S1, and their prints."""

import polars as pl
import pytest
from iceberg_orders import CONTEXT, Orders, all_four, i1, i2, i3, icebergs, s1, table
from order_events import NINE

import basalt
from basalt.durations import SECOND
from basalt.tables import AGGRESSOR, NS_UTC
from basalt_analytics.iceberg.tags import IcebergTags, IcebergTagsOptions

EVERY = ["ExecutedVolume", "ExecutedCount", "HiddenVolume", "HiddenShare", "TrancheCount", "MeanPeak", "ConfirmedCount"]


def close(*values):
    return [None if v is None else pytest.approx(v, rel=1e-9, abs=1e-12) for v in values]


def bars(events, every="1s", **options):
    """By second: the values of both sides together, in the order of EVERY."""
    module = {"module": "iceberg", "sides": ["Total"], "measures": EVERY, **options}
    found = basalt.compute([module], every=every, l3=events)
    seconds = ((found["TimeBucket"].cast(NS_UTC).to_physical() - NINE) // SECOND).to_list()
    names = [f"IcebergTotal{measure}" for measure in EVERY]
    return dict(zip(seconds, found.select(names).rows(), strict=True))


def confirmed(row):
    return (row["EventTimestamp"].timestamp() * 1e9 - NINE) / SECOND


NOTHING = (0, 0, 0, None, 0, None, 0)


def test_i1_is_refilled_twice_under_its_own_id():
    """Displayed 100 of 240 executed; the refill at 2 s tells of it."""
    (row,) = icebergs(i1())
    assert (row["IcebergKind"], row["Side"], row["End"], confirmed(row)) == ("REFILL", "Ask", "CANCELLED", 2)
    assert (row["TrancheCount"], row["MeanPeak"], row["ExecutedCount"]) == (3, 100, 3)
    assert (row["ExecutedVolume"], row["HiddenVolume"]) == (240, 140)
    (whole,) = bars(i1().table(), "1h").values()
    assert whole == (240, 3, 140, *close(0.583333333333333), 3, 100, 1)


def test_i1_counts_from_its_confirmation_on():
    found = bars(i1().table())
    assert found == {
        1: NOTHING,
        2: (100, 1, 0, 0, 2, 100, 1),
        3: (100, 1, 100, 1, 1, 100, 0),
        4: (40, 1, 40, 1, 0, None, 0),
        6: NOTHING,
    }


def test_i2_executes_more_than_it_displays_and_is_gone():
    (row,) = icebergs(i2())
    assert (row["IcebergKind"], row["Side"], row["End"], row["TrancheCount"]) == ("EXCESS", "Bid", "FILLED", 1)
    (whole,) = bars(i2().table(), "1h").values()
    assert whole == (160, 1, 60, 0.375, 1, 100, 1)


def test_i3_executes_more_than_its_display_shrinks_and_stays():
    """30 of 130 were hidden, and then all of 30."""
    (row,) = icebergs(i3())
    assert (row["IcebergKind"], row["End"], row["EndTimestamp"], row["TrancheCount"]) == ("EXCESS", "OPEN", None, 2)
    found = bars(i3().table())
    assert [(second, values[0], values[2]) for second, values in found.items()] == [
        (2, 0, 0),
        (3, 130, 30),
        (4, 30, 30),
    ]
    assert row["HiddenVolume"] == 60


def test_s1_is_three_ids_that_take_each_other_s_place():
    """The fourth comes 600 us behind the last fill; the fifth follows nothing."""
    (row,) = icebergs(s1())
    assert (row["IcebergKind"], row["End"], row["AmbiguousLinks"]) == ("SYNTHETIC", "FILLED", 0)
    assert (row["EventTimestamp"].microsecond, row["TrancheCount"]) == (400, 3)
    assert (row["ExecutedVolume"], row["HiddenVolume"]) == (600, 400)
    (whole,) = bars(s1().table(), "1h").values()
    assert whole == (600, 4, 400, *close(0.666666666666667), 3, 200, 1)


def test_s1_of_two_tranches_is_confirmed_by_the_second():
    (row,) = icebergs(s1(), min_tranches=2)
    assert (row["EventTimestamp"].second, row["EventTimestamp"].microsecond) == (2, 200)


def test_s1_counts_from_its_confirmation_on():
    """At 4: the fills of 2 and 3 s, and 80."""
    found = bars(s1().table())
    assert found[2] == found[3] == NOTHING
    assert found[4] == (480, 3, 280, *close(280 / 480), 3, 200, 1)
    assert found[6] == (120, 1, 120, 1, 0, None, 0)


def test_all_four_as_one_listing():
    """Bids executed 160 and 160, asks 240 and 600."""
    module = {"module": "iceberg", "measures": ["ExecutedVolume", "Imbalance"]}
    (row,) = basalt.compute([module], every="1h", l3=all_four()).to_dicts()
    assert (row["IcebergBidExecutedVolume"], row["IcebergAskExecutedVolume"]) == (320, 840)
    assert [row["IcebergImbalance"]] == close(-0.448275862068966)


@pytest.mark.parametrize(("links", "share"), [(None, 1.0), (["excess", "refill"], 0.482758620689655)])
def test_the_share_of_icebergs_in_all_that_is_executed(links, share):
    module = {"module": "iceberg", "sides": ["Total"], "measures": ["VolumeShare"], "attribution": "execution"}
    module |= {"detect": links} if links else {}
    found = basalt.compute([module], every="1h", l3=all_four())
    assert found["IcebergTotalVolumeShare"].to_list() == close(share)


def test_all_of_it_at_its_own_time():
    """I1: 100 at 2, 100 at 3, 40 at 4; the tranches at 1, 2, 3; confirmed at 2."""
    found = bars(i1().table(), attribution="execution")
    assert [(second, v[0], v[2], v[4], v[6]) for second, v in found.items()] == [
        (1, 0, 0, 1, 0), (2, 100, 0, 1, 1), (3, 100, 100, 1, 0), (4, 40, 40, 0, 0), (6, 0, 0, 0, 0)
    ]  # fmt: skip


def test_the_share_of_icebergs_that_are_larger():
    """Of 200 filled, 300 cancelled, 300 filled and 500 filled: 3/4; of the other three one ends at 300: 3/4 · 2/3."""
    orders = Orders()
    for name, rest, filled in (("a", 100, True), ("b", 200, False), ("c", 200, True), ("d", 400, True)):
        orders.insert(1, name, "Bid", 10.0, 100).update(2, name, rest, x=100)
        if filled:
            orders.fill(3, name)
        else:
            orders.update(3, name, 50, x=200).remove(3, name)
    sizes = {"measures": ["SizeSurvival"], "survival_sizes": [200, 300, 500, 199]}
    found = basalt.compute([{"module": "iceberg", "sides": ["Bid"], **sizes}], every="1h", l3=orders.table())
    assert [found[f"IcebergBidSizeSurvival{q}"][0] for q in (200, 300, 500, 199)] == close(0.75, 0.5, 0, 1)


def test_prints_that_executed_an_iceberg_are_tagged():
    """k1 and k2 by their ids; the third by its time, 100 us late, and the fourth finds it taken; a sell does not meet
    an ask; the last, 200 us early, may be either."""
    orders = table([*i1().events, *Orders().insert(1, "k", "Ask", 20.0, 100).fill(2, "k").events])
    ids = pl.when(pl.col("SequenceNo") == 3).then(pl.lit("k1")).when(pl.col("SequenceNo") == 5).then(pl.lit("k2"))
    prints = [
        ("k1", 2.0, 100, "Buy"),
        ("k2", 2.0, 100, "Buy"),
        (None, 3.0001, 100, "Buy"),
        (None, 3.0001, 100, "Buy"),
        (None, 4.0, 40, "Sell"),
        (None, 3.9998, 40, None),
    ]
    schema = {"TradeId": pl.String, "At": pl.Float64, "Size": pl.Float64, "AggressorSide": AGGRESSOR}
    told = pl.DataFrame(prints, schema=schema, orient="row")
    at = (NINE + (pl.col("At") * 1e9).round().cast(pl.Int64)).cast(NS_UTC)
    first = {"ListingId": pl.lit(1, pl.Int64), "EventTimestamp": at, "Price": pl.lit(20.0)}
    trades = told.select("TradeId", "Size", "AggressorSide", **first)
    inputs = {"trades": trades.lazy(), "l3": orders.with_columns(TradeId=ids).lazy()}
    found = IcebergTags(IcebergTagsOptions()).apply(inputs, CONTEXT)["trades"].collect()
    assert found.select(trades.columns).equals(trades)
    assert found["IsIceberg"].to_list() == [True, False, True, None, None, True]
    assert found["IcebergHiddenSize"].to_list() == [0, 0, 100, None, None, 40]
    assert found["IcebergId"].to_list() == [0, None, 0, None, None, 0]
    assert found["IcebergMatch"].to_list() == ["TRADE_ID", "TRADE_ID", "NEAREST", None, None, "NEAREST"]
    assert found["IcebergKnownAt"].equals(
        pl.select(pl.when(found["IsIceberg"]).then(found["EventTimestamp"])).to_series(), null_equal=True
    )
