"""The module iceberg: what of icebergs counts, in which bucket and when it is known; what is refused."""

from datetime import timedelta

import polars as pl
import pytest
from iceberg_orders import (
    CONTEXT,
    Orders,
    all_four,
    chain,
    filled,
    i1,
    i3,
    icebergs,
    kinds,
    module,
    s1,
    sides,
    stated,
    whole,
)
from order_events import NINE, l3, states

import basalt
from basalt.durations import SECOND
from basalt.errors import PluginError, UserError
from basalt.metrics import Known
from basalt.tables import NS_UTC


def test_executions_of_other_states_confirm_nothing_and_are_not_counted():
    """I3 whose first execution is an auction's: the second, in continuous trading, exceeds nothing."""
    events = stated(i3().table(), (0, "OPENING_AUCTION"), (2, "CONTINUOUS_TRADING"))
    assert icebergs(events) == []
    (row,) = icebergs(events, market_states="all")
    assert row["ExecutedVolume"] == 160


def test_what_is_executed_in_other_states_is_replayed():
    """I1 filled first in an auction, then in continuous trading: of the second fill all was hidden."""
    (row,) = icebergs(stated(i1().table(), (0, "OPENING_AUCTION"), (2, "CONTINUOUS_TRADING")))
    assert (row["ExecutedVolume"], row["HiddenVolume"], row["TrancheCount"], row["Size"]) == (140, 140, 2, 240)


def test_fills_of_other_states_are_followed_by_no_other_id():
    events = stated(chain(100, 100, 100).table(), (0, "CLOSING_AUCTION"), (2, "CONTINUOUS_TRADING"))
    assert kinds(events) == []


def test_an_order_without_a_price_is_followed_from_an_auction_on():
    """A market order of 100 that executes 150 when the auction is over."""
    events = l3([(1, 1, "m", "Bid", "Insert", None, 100), (2, 2, "m", "Bid", "Remove", None, 0, None, 100, 10.0, 150)])
    auction = stated(events, (0, "OPENING_AUCTION"), (1, "CONTINUOUS_TRADING"))
    assert kinds(auction) == [("EXCESS", 0)]
    assert kinds(events) == []


def test_states_and_hours_say_what_counts():
    """I1 closed from 3.5 s on, by a table of states and by hours."""
    events = i1().table().drop("MarketState")
    told = states((0, "CONTINUOUS_TRADING"), (3.5, "CLOSED"))
    assert icebergs(events, marketstate=told)[0]["ExecutedVolume"] == 200
    assert icebergs(events, sessions=[(NINE, NINE + 3 * SECOND)])[0]["ExecutedVolume"] == 200
    assert icebergs(events)[0]["ExecutedVolume"] == 240


SURVIVAL = {"measures": ["SizeSurvival"], "survival_sizes": [100], "sides": ["Total"]}


def survived(**tables):
    """Seconds in which icebergs ended, and the share of them larger than 100."""
    found = basalt.compute([{"module": "iceberg", **SURVIVAL}], every="1s", **tables).drop_nulls()
    seconds = (found["TimeBucket"].cast(NS_UTC).to_physical() - NINE) // SECOND
    return list(zip(seconds.to_list(), found["IcebergTotalSizeSurvival100"].to_list(), strict=True))


def test_icebergs_that_are_there_when_the_session_ends_are_censored_then():
    """One of 100 filled at 3 s; one still there at 5 s, when the session ends; another is removed behind that."""
    orders = filled("a", 50).insert(2, "a", "Ask", 10.0, 50).fill(3, "a")
    orders = orders.insert(3, "b", "Ask", 11.0, 100).update(4, "b", 100, x=100).insert(4.5, "c", "Bid", 9.0, 5)
    events = orders.insert(5, "d", "Bid", 8.0, 5).remove(7, "b").table()
    assert survived(l3=events) == [(3, 0.0), (7, 1.0)]
    closing = states((0.0, "CONTINUOUS_TRADING"), (5.0, "CLOSED"))
    assert survived(l3=events.drop("MarketState"), marketstate=closing) == [(3, 0.0), (5, 1.0)]
    assert survived(l3=events.drop("MarketState"), session={"start": "08:00", "end": "09:00:05", "tz": "UTC"}) == [
        (3, 0.0),
        (5, 1.0),
    ]


@pytest.mark.parametrize("closed", ["left", "right"])
def test_icebergs_that_are_there_when_the_hours_end_are_in_the_bucket_that_ends_with_them(closed):
    events = Orders().insert(1, "b", "Ask", 11.0, 100).update(2, "b", 100, x=200).table().drop("MarketState")
    hours = {"session": {"start": "09:00:00", "end": "09:00:10", "tz": "UTC"}, "timeline": "dense", "closed": closed}
    found = basalt.compute([{"module": "iceberg", **SURVIVAL}], every="5s", l3=events, **hours)
    assert found["IcebergTotalSizeSurvival100"].to_list() == [None, 1.0]


def test_icebergs_that_are_there_at_the_end_of_the_data_have_not_ended():
    events = Orders().insert(1, "b", "Ask", 11.0, 100).update(2, "b", 100, x=120).table()
    assert survived(l3=events) == []
    (row,) = basalt.compute([{"module": "iceberg", **SURVIVAL}], timeline="daily", l3=events).to_dicts()
    assert row["IcebergTotalSizeSurvival100"] == 1


def test_sizes_of_icebergs_are_a_table():
    """I1 240 cancelled, I2 and I3 160, one of them there, S1 600."""
    found = sides(all_four(), sides=["Total"])["iceberg_sizes"]
    assert found.select("Size", "Filled", "Censored", "AtRisk", "Survival").rows() == [
        (160, 1, 1, 4, 0.75), (240, 0, 1, 2, 0.75), (600, 1, 0, 1, 0.0)
    ]  # fmt: skip


def test_kinds_are_told_apart():
    row = whole(all_four(), kinds=["All", "Native", "Synthetic"], sides=["Total"])
    assert [row[f"Iceberg{kind}TotalExecutedVolume"] for kind in ("", "Native", "Synthetic")] == [1160, 560, 600]
    assert [row[f"Iceberg{kind}Imbalance"] for kind in ("Native", "Synthetic")] == [pytest.approx(80 / 560), -1]


def test_the_imbalance_may_be_of_what_was_hidden():
    """Bids 60 and 60, asks 140 and 400."""
    row = whole(all_four(), measures=["Imbalance"], imbalance_source="HiddenVolume")
    assert row["IcebergImbalance"] == pytest.approx((120 - 540) / 660)


def test_without_icebergs_their_share_is_none_of_what_was_executed():
    share = {"measures": ["VolumeShare"], "attribution": "execution"}
    row = whole(filled().table(), **share)
    assert (row["IcebergAskVolumeShare"], row["IcebergBidVolumeShare"]) == (0, None)


def test_buckets_add_up_to_the_tables_of_icebergs():
    """By both attributions: sums of seconds, executions and icebergs."""
    found = sides(all_four())
    for attribution in ("confirm", "execution"):
        rows = basalt.compute([{"module": "iceberg", "attribution": attribution}], every="1s", l3=all_four())
        for measure in ("ExecutedVolume", "ExecutedCount", "HiddenVolume", "TrancheCount"):
            assert rows[f"IcebergTotal{measure}"].sum() == pytest.approx(found["icebergs"][measure].sum())
    assert found["iceberg_executions"]["Size"].sum() == found["icebergs"]["ExecutedVolume"].sum() == 1160


def test_executions_say_when_they_were_known_as_an_iceberg_s():
    """S1: the first two at 3.0004."""
    known = sides(s1().table())["iceberg_executions"]["KnownTimestamp"].to_physical() - NINE
    assert known.to_list() == [3_000_400_000, 3_000_400_000, 4 * SECOND, 6 * SECOND]


def test_events_without_an_optional_column_have_no_such_column_beside():
    found = sides(i1().table().drop("SequenceNo", "MarketState"))["iceberg_executions"]
    assert not {"SequenceNo", "MarketState", "TradeId"} & set(found.columns)
    assert found.height == 3


def test_no_events_have_no_rows():
    assert basalt.compute(["iceberg"], every="1m", l3=i1().table().clear()).height == 0
    assert all(side.height == 0 for side in sides(i1().table().clear()).values())


def lags(**options):
    """By column, when its value is final."""
    return {c.name: c.known_after for c in module(i1().table(), **options).columns()}


def test_columns_are_known_when_their_attribution_allows():
    assert set(lags().values()) == {timedelta(0)}
    late = lags(attribution="execution")
    assert late.pop("IcebergBidConfirmedCount") == timedelta(0)
    assert late["IcebergBidExecutedVolume"] is late["IcebergImbalance"] is Known.END_OF_DATE
    assert lags(**SURVIVAL)["IcebergTotalSizeSurvival100"] == timedelta(milliseconds=100)
    assert lags(**SURVIVAL, refill_within="0s", synthetic_within="1500ns")["IcebergTotalSizeSurvival100"] == timedelta(
        microseconds=2
    )


def test_a_mean_is_weighed_by_a_column_where_there_is_one():
    columns = {c.name: c for c in module(i1().table()).columns()}
    assert columns["IcebergBidMeanPeak"].over_time.weight == "IcebergBidTrancheCount"
    assert columns["IcebergBidHiddenShare"].over_time.weight == "IcebergBidExecutedVolume"
    alone = {c.name: c for c in module(i1().table(), measures=["MeanPeak"]).columns()}
    assert alone["IcebergBidMeanPeak"].over_time.weight == "IcebergBidMeanPeakWeight"
    assert alone["IcebergBidMeanPeakWeight"].hidden


def test_minutes_rolled_up_are_hours():
    """Means too, by their weights."""
    measures = ["HiddenShare", "MeanPeak", "Imbalance", "VolumeShare"]
    options = {"measures": measures, "attribution": "execution"}
    made = module(all_four(), **options)
    columns = {c.name: c for c in made.columns()}
    fine = made.compute({"l3": all_four().lazy()}, CONTEXT).rows.collect()
    coarse = whole(all_four(), **options)
    for name in (n for n, c in columns.items() if not c.hidden):
        weight = pl.when(pl.col(name).is_not_null()).then(columns[name].over_time.weight)
        mean = fine.select((pl.col(name) * weight).sum() / weight.sum()).item()
        assert mean == pytest.approx(coarse[name])


REFUSED = {
    "share": (
        {"measures": ["VolumeShare"]},
        "iceberg: VolumeShare is of executions in the bucket of each, and with attribution = 'confirm' some count "
        "later: set attribution = 'execution', or leave VolumeShare out",
    ),
    "no sizes": (
        {"measures": ["SizeSurvival"]},
        "iceberg: SizeSurvival needs sizes: name them in survival_sizes, as [1000, 5000]",
    ),
    "sizes of nothing": (
        {"survival_sizes": [100]},
        "iceberg: survival_sizes = [100.0] are read by SizeSurvival alone: add it to measures, or leave them out",
    ),
    "no size": (
        {"measures": ["SizeSurvival"], "survival_sizes": [-1]},
        "iceberg: survival_sizes has -1.0, which is no size: give numbers from 0 on",
    ),
    "nothing detected": (
        {"detect": []},
        "iceberg: detect is empty, so the group emits nothing: list a value or drop the group",
    ),
    "twice": ({"sides": ["Bid", "Bid"]}, "iceberg: sides lists 'Bid' twice: list each once"),
    "negative": (
        {"refill_within": "-1us"},
        "iceberg: refill_within = '-1us' is negative: give a duration from '0s' on",
    ),
    "one tranche": (
        {"min_tranches": 1},
        "iceberg: min_tranches = 1 would make every order an iceberg: give 2 or more",
    ),
    "hidden": ({"min_hidden": -1}, "iceberg: min_hidden = -1.0 is no size: give a number from 0 on"),
    "not read": (
        {"detect": ["refill"], "min_tranches": 2},
        "iceberg: min_tranches = 2 changes nothing with detect = ['refill']: leave it out, or list in detect what "
        "reads it",
    ),
    "source of no imbalance": (
        {"measures": ["MeanPeak"], "imbalance_source": "HiddenVolume"},
        "iceberg: imbalance_source = 'HiddenVolume' changes nothing with measures = ['MeanPeak']: leave it out, or "
        "list in measures what reads it",
    ),
    "kind": (
        {"kinds": ["Synthetic"], "detect": ["excess", "refill"]},
        "iceberg: kinds lists 'Synthetic', of which detect = ['excess', 'refill'] finds none: add 'synthetic' to "
        "detect, or leave 'Synthetic' out",
    ),
    "field": (
        {"name": "{what}{measure}"},
        "iceberg: name = '{what}{measure}' has an unknown field {what}; its fields are {kind}, {side}, {measure}",
    ),
    "one name": (
        {"name": "My{measure}"},
        "iceberg emits MyExecutedVolume twice: list each value once, and set `name` so that it tells them apart",
    ),
}


@pytest.mark.parametrize(("options", "said"), REFUSED.values(), ids=REFUSED)
def test_what_makes_no_sense_is_refused_while_planning(options, said):
    with pytest.raises((UserError, PluginError)) as error:
        basalt.compute([{"module": "iceberg", **options}], every="1m", l3=i1().table())
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ("ExecutionSize", "iceberg needs ExecutionSize, which table l3 does not have: take a source that tells of"),
        ("Price", "iceberg replays orders and needs Price, which table l3 does not have"),
    ],
)
def test_a_needed_column_that_is_absent_is_refused(column, said):
    with pytest.raises(UserError, match=said):
        basalt.compute(["iceberg"], every="1m", l3=i1().table().drop(column))


def test_states_that_nothing_tells_are_refused():
    said = "iceberg asks for market_states = 'HALTED', and table l3 has no MarketState"
    with pytest.raises(UserError, match=said):
        basalt.compute(
            [{"module": "iceberg", "market_states": "HALTED"}], every="1m", l3=i1().table().drop("MarketState")
        )
