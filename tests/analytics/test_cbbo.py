"""Module cbbo at its edges: what is in force before, between and behind the rows, and options that are refused."""

import datetime as dt
from pathlib import Path

import attrs
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import basalt
from basalt.config.model import ModuleEntry, PassConfig, PipelineConfig, SourceEntry
from basalt.config.structure import structure
from basalt.errors import UserError
from basalt.face import plan_in_memory
from basalt.planning.plan import make_plan
from basalt.plugins.registry import open_registry
from basalt.running.in_memory import passes_in_memory
from basalt.running.memory import MemorySource
from basalt.tables import NS_UTC
from basalt.testing.differences import differences

QUOTES = "BidPrice1 AskPrice1 BidQuantity1 AskQuantity1"
REFERENCE = pl.DataFrame({"ListingId": [1], "InstrumentId": [7]})
C = "CONTINUOUS_TRADING"
NINE = 1767603600 * 10**9
MEASURES = ["TimeAtBest", "QuantityAtBest", "QuantityWhenAtBest", "QuoteShare", "QuoteShareMean", "DistanceToBest"]


def of_instrument(rows):
    """Rows of a listing as those of instrument 7."""
    return rows.rename({"ListingId": "InstrumentId"}).with_columns(InstrumentId=pl.lit(7, pl.Int64))


@pytest.fixture(name="measured")
def measured_(table):
    """Rows of the module from (second, bid, ask) of the venue and of its instrument, 100 shares on each side."""

    def rows(options, own, best, every="10s", states=None, module="cbbo", **keys):
        own_, best_ = (table(QUOTES, [(t, bid, ask, 100, 100) for t, bid, ask in some]) for some in (own, best))
        tables = {"l2": own_, "cbbo": of_instrument(best_), "reference": REFERENCE}
        if states is not None:
            tables["marketstate"] = table("MarketState", states)
        entry = {"module": module, "time_units": ["Ratio", "Seconds"], **options}
        return basalt.compute([entry], every=every, **tables, **keys).to_dicts()

    return rows


def test_time_before_the_first_quote_of_the_venue_is_valid_and_away(measured):
    """The instrument quotes from 0, the venue from 7: 3 of 10 s at best."""
    [bar] = measured({}, [(7, 10.0, 10.1)], [(0, 10.0, 10.1)])
    assert (bar["ValidBidSeconds"], bar["TimeAtBestBidSeconds"], bar["TimeAtBestBidRatio"]) == (10, 3, 0.3)


def test_time_before_the_first_quote_of_the_instrument_is_not_valid(measured):
    [bar] = measured({}, [(2, 10.0, 10.1)], [(4, 10.0, 10.1)])
    assert (bar["ValidBidSeconds"], bar["TimeAtBestBidRatio"]) == (6, 1)


def test_an_instrument_without_a_quote_gives_no_ratio(measured):
    [bar] = measured({"measures": [*MEASURES, "Locked", "Crossed"]}, [(2, 10.0, 10.1)], [])
    assert {value for name, value in bar.items() if name.endswith("Seconds")} == {0}
    assert {value for name, value in bar.items() if name.endswith(("Ratio", "TWA", "Mean"))} == {None}


def test_a_listing_of_no_instrument_has_no_valid_time(table):
    quotes = table(QUOTES, [(2, 10.0, 10.1, 1, 1)])
    reference = pl.DataFrame({"ListingId": [2], "InstrumentId": [7]})
    tables = {"l2": quotes, "cbbo": of_instrument(quotes), "reference": reference}
    [bar] = basalt.compute("cbbo", every="10s", **tables).to_dicts()
    assert (bar["ValidBidSeconds"], bar["TimeAtBestBidRatio"]) == (0, None)


def test_no_rows_give_no_rows(measured):
    assert measured({}, [], []) == []


def test_a_side_that_vanishes_is_away_and_stays_in_the_denominator(measured):
    """No bid from 4 on; a bid of NaN, or of size 0, would be none either."""
    [bar] = measured({}, [(0.000000001, 10.0, 10.1), (4, None, 10.1)], [(0, 10.0, 10.1)])
    assert (bar["ValidBidSeconds"], bar["TimeAtBestBidRatio"]) == (10, pytest.approx(0.4, abs=1e-9))
    assert bar["TimeAtBestAskRatio"] == pytest.approx(1, abs=1e-9)


def test_a_one_sided_best_quote_is_valid_on_that_side(measured):
    """Without a best ask it is neither locked nor crossed, and has no mid to be away from."""
    options = {"measures": ["TimeAtBest", "Locked", "DistanceToBest"]}
    [bar] = measured(options, [(5, 10.0, 10.1)], [(0, 10.0, None)])
    assert (bar["ValidBidSeconds"], bar["ValidAskSeconds"], bar["TimeAtBestBidSeconds"]) == (10, 0, 5)
    assert (bar["CbboLockedRatio"], bar["DistanceToBestBidBpsTWA"]) == (None, None)


def test_a_crossed_best_quote_counts_as_told(measured):
    """Crossed from 5 on, where the venue alone holds the bid."""
    own, best = [(1, 10.2, 10.3)], [(0, 10.2, 10.3), (5, 10.2, 10.1)]
    options = {"measures": ["TimeAtBest", "Crossed"]}
    [excluded] = measured(options, own, best)
    [included] = measured({**options, "invalid_cbbo": "include"}, own, best)
    assert (excluded["ValidBidSeconds"], excluded["TimeAtBestBidRatio"]) == (5, 0.8)
    assert (included["ValidBidSeconds"], included["TimeAtBestBidRatio"]) == (10, 0.9)
    assert excluded["CbboCrossedRatio"] == included["CbboCrossedRatio"] == 0.5


def test_prices_are_equal_by_key_and_not_in_binary(measured):
    """.1 + .2 is not .3 in binary, and the same price."""
    [bar] = measured({}, [(0.000000001, 0.3, 0.5)], [(0, 0.1 + 0.2, 0.5)])
    assert bar["TimeAtBestBidRatio"] == pytest.approx(1, abs=1e-9)


def test_of_several_rows_at_one_stamp_the_last_counts(measured):
    own = [(2, 10.0, 10.1), (2, 9.9, 10.1)]
    best = [(0, 9.8, 10.1), (0, 10.0, 10.1)]
    [_, bar] = measured({}, [*own, (13, 9.9, 10.1)], best)
    assert (bar["ValidBidSeconds"], bar["TimeAtBestBidSeconds"], bar["TimeAtBestAskSeconds"]) == (10, 0, 10)


def test_time_in_a_halt_counts_for_nothing(measured):
    """Halted from 4 to 7, while the book moves: 7 s count; the venue lost the best price in the halt."""
    own = [(0, 10.0, 10.1), (5, 9.9, 10.1), (9, 10.0, 10.1)]
    states = [(-20, C), (4, "HALTED"), (7, C), (10, "CLOSED")]
    bar = measured({}, own, [(0, 10.0, 10.1)], states=states)[-1]
    assert (bar["ValidBidSeconds"], bar["TimeAtBestBidSeconds"]) == (7, 5)


def test_market_states_say_whose_time_counts(measured):
    states = [(0, C), (4, "HALTED"), (7, C), (10, "CLOSED")]
    bar = measured({"market_states": "HALTED"}, [(5, 10.0, 10.1)], [(0, 10.0, 10.1)], states=states)[-1]
    assert (bar["ValidBidSeconds"], bar["TimeAtBestBidSeconds"]) == (3, 2)


def test_a_size_at_best_that_is_not_told_is_left_out(table):
    """From 0 to 4 of unknown size, then 300: the average is 300 over 6 s; time at best is 10 s."""
    own = table(QUOTES, [(0, 10.0, 10.1, None, 1), (4, 10.0, 10.1, 300, 1)])
    [*_, bar] = basalt.compute("cbbo", every="10s", l2=own, cbbo=of_instrument(own), reference=REFERENCE).to_dicts()
    assert (bar["QuantityAtBestBidTWA"], bar["TimeAtBestBidRatio"]) == (300, 1)


def test_a_best_size_that_is_not_told_leaves_the_share_alone(table):
    """Q null from 0 to 5, then 400 against 100: both shares are .25; the size at best knows all 10 s."""
    own = table(QUOTES, [(0, 10.0, 10.1, 100, 1), (9, 10.0, 10.1, 100, 1)])
    best = of_instrument(table(QUOTES, [(0, 10.0, 10.1, None, 1), (5, 10.0, 10.1, 400, 1)]))
    module = {"module": "cbbo", "measures": ["QuoteShare", "QuoteShareMean", "QuantityAtBest"]}
    [*_, bar] = basalt.compute([module], every="10s", l2=own, cbbo=best, reference=REFERENCE).to_dicts()
    assert (bar["QuoteShareBid"], bar["QuoteShareBidMean"], bar["QuantityAtBestBidTWA"]) == (0.25, 0.25, 100)


def test_the_quiet_buckets_of_a_dense_pass_have_what_is_in_force(measured):
    """Rows at 2 and 38: the buckets that end at 20 and 30 are the venue's all the same; the others as in a sparse
    pass."""
    own, best = [(2, 10.0, 10.1), (38, 9.9, 10.1)], [(0, 10.0, 10.1)]
    states = [(0, C), (40, "CLOSED")]
    dense = measured({"measures": MEASURES}, own, best, states=states, timeline="dense")
    sparse = measured({"measures": MEASURES}, own, best, states=states)
    assert [bar["TimeAtBestBidRatio"] for bar in dense] == [0.8, 1, 1, 0.8]
    assert [bar for bar in dense if bar["TimeBucket"] in {b["TimeBucket"] for b in sparse}] == sparse


def test_a_daily_row_is_of_the_whole_session(measured):
    states = [(0, C), (40, "CLOSED")]
    [bar] = measured({}, [(2, 10.0, 10.1), (38, 9.9, 10.1)], [(0, 10.0, 10.1)], None, states, timeline="daily")
    assert (bar["ValidBidSeconds"], bar["TimeAtBestBidSeconds"]) == (40, 36)


def test_a_bucket_over_midnight_keeps_its_quotes(table):
    """From 23:59:58 on the venue is at best; the bucket ends at 00:00:05 of the next date."""
    session = {"start": "23:59:50", "end": "00:00:20", "tz": "UTC"}
    quotes = table(QUOTES, [(53998, 10.0, 10.1, 1, 1), (54004, 10.0, 10.1, 1, 1)])
    tables = {"l2": quotes, "cbbo": of_instrument(quotes), "reference": REFERENCE}
    day = quotes["EventTimestamp"][0].date()
    bars = basalt.compute("cbbo", every="5s", date=day, session=session, **tables).to_dicts()
    assert [(bar["TimeBucket"].day, bar["ValidBidSeconds"], bar["TimeAtBestBidRatio"]) for bar in bars] == [
        (6, 2, 1),
        (6, 5, 1),
    ]


def test_unsorted_rows_are_put_in_order(measured):
    own, best = [(2, 10.0, 10.1), (6, 9.9, 10.1)], [(0, 10.0, 10.1), (5, 10.0, 10.05)]
    assert measured({}, own[::-1], best[::-1]) == measured({}, own, best)


def test_names_follow_the_template(measured):
    [bar] = measured({"name": "{side}{agg}Of{measure}", "measures": ["TimeAtBest"]}, [(2, 1.0, 2.0)], [(0, 1.0, 2.0)])
    assert [name for name in bar if name[:3] in ("Bid", "Ask")] == [
        f"{side}{unit}OfTimeAtBest" for side in ("Bid", "Ask") for unit in ("Ratio", "Seconds")
    ]


def test_what_is_known_with_a_shift_is_known_that_much_later(table):
    """600 us later, in every column."""
    quotes = table(QUOTES, [(0, 1.0, 2.0, 1, 1)])
    frames = {"l2": quotes, "cbbo": of_instrument(quotes), "reference": REFERENCE}
    plan = plan_in_memory([{"module": "cbbo", "cbbo_shift": "600us"}], "10s", None, frames, {})
    assert {c.known_after.microseconds for c in plan.programs[0].result.columns} == {600}


def test_columns_say_what_is_behind_them(table):
    quotes = table(QUOTES, [(0, 1.0, 2.0, 1, 1)])
    frames = {"l2": quotes, "cbbo": of_instrument(quotes), "reference": REFERENCE}
    plan = plan_in_memory([{"module": "cbbo", "measures": ["QuantityAtBest", "Locked"]}], "10s", None, frames, {})
    found = {c.name: set(c.reads) for c in plan.programs[0].result.columns}
    instrument, bid, ask = (
        "reference.InstrumentId",
        *({f"cbbo.{s}Price1", f"cbbo.{s}Quantity1"} for s in ("Bid", "Ask")),
    )
    assert found["CbboLockedRatio"] == {instrument, *bid, *ask}
    assert found["ValidBidSeconds"] == {instrument, *bid, *ask}  # time with a crossed best is left out
    assert found["QuantityAtBestBidTWA"] == {instrument, *bid, *ask, "l2.BidPrice1", "l2.BidQuantity1"}


REFUSED = [
    ({"cbbo_shift": "2ms"}, "cbbo_shift = '2ms'.*from '0s' to '1ms'"),
    ({"cbbo_shift": "-1us"}, "cbbo_shift = '-1us'"),
    ({"measures": []}, "measures is empty"),
    ({"sides": ["Bid", "Bid"]}, "names one twice"),
    ({"sides": ["Both"]}, "QuantityAtBest is of one side"),
    ({"measures": ["QuantityWhenAtBest"], "quantity_aggs": ["Max"]}, "has no 'TWA'"),
    ({"name": "{side}"}, "emits Bid twice"),
    ({"name": "{venue}"}, "unknown field {venue}"),
    ({"measures": ["ExclusiveTimeAtBest"]}, "needs column BidVenues, which table cbbo does not have"),
    ({"market_states": "HALTED"}, "has no MarketState"),
    ({"measures": ["Best"]}, "TimeAtBest"),
]


@pytest.mark.parametrize(("options", "said"), REFUSED)
def test_options_that_cannot_be_are_refused(measured, options, said):
    with pytest.raises(UserError, match=said):
        measured(options, [(0, 1.0, 2.0)], [(0, 1.0, 2.0)])


def test_venues_that_are_named_are_not_counted(table):
    quotes = table(QUOTES, [(0, 1.0, 2.0, 1, 1)])
    best = of_instrument(quotes).with_columns(BidVenues=pl.lit("XLON"), AskVenues=pl.lit("XLON"))
    module = {"module": "cbbo", "measures": ["ExclusiveTimeAtBest"]}
    with pytest.raises(UserError, match="needs the number of venues at best, and BidVenues of table cbbo is String"):
        basalt.compute([module], every="10s", l2=quotes, cbbo=best, reference=REFERENCE)


@pytest.mark.parametrize(
    ("table_", "column", "measure"),
    [
        ("l2", "AskPrice1", "TimeAtBest"),
        ("l2", "AskQuantity1", "QuantityAtBest"),
        ("cbbo", "BidQuantity1", "QuoteShareMean"),
        ("reference", "InstrumentId", "TimeAtBest"),
    ],
)
def test_a_column_that_a_measure_needs_is_named_where_it_is_missing(table, table_, column, measure):
    quotes = table(QUOTES, [(0, 1.0, 2.0, 1, 1)])
    tables = {"l2": quotes, "cbbo": of_instrument(quotes), "reference": REFERENCE}
    tables[table_] = tables[table_].drop(column)
    with pytest.raises(UserError, match=f"cbbo needs column {column}, which table {table_} does not have"):
        basalt.compute([{"module": "cbbo", "measures": [measure]}], every="10s", **tables)


def test_only_what_is_asked_for_is_needed(table):
    """Bids alone need no asks, and times no sizes."""
    quotes = table("BidPrice1 BidQuantity1 AskPrice1", [(1, 1.0, 5, 2.0)])
    best = of_instrument(quotes).drop("BidQuantity1")
    module = {"module": "cbbo", "measures": ["TimeAtBest"], "sides": ["Bid"]}
    bars = basalt.compute([module], every="10s", l2=quotes.drop("AskPrice1"), cbbo=best, reference=REFERENCE)
    assert bars["TimeAtBestBidRatio"].to_list() == [1]


TICKS = st.lists(
    st.tuples(st.integers(0, 1199), st.sampled_from([1, 2]), st.integers(0, 4), st.integers(1, 4), st.integers(1, 9)),
    min_size=1,
    max_size=30,
)
"""(tenths of a second, venue, bid, spread, size) of books."""


def books(ticks):
    """l2 of two venues in (venue, time) order."""
    rows = sorted(ticks, key=lambda tick: (tick[1], tick[0]))
    columns = {
        "ListingId": [venue for _, venue, *_ in rows],
        "EventTimestamp": pl.Series([NINE + t * 10**8 for t, *_ in rows], dtype=pl.Int64).cast(NS_UTC),
        "BidPrice1": [10 + 0.01 * bid for *_, bid, _, _ in rows],
        "AskPrice1": [10 + 0.01 * (bid + spread) for *_, bid, spread, _ in rows],
        "BidQuantity1": [100.0 * size for *_, size in rows],
        "AskQuantity1": [100.0 * size for *_, size in rows],
    }
    return pl.DataFrame(columns)


def best_of(l2):
    """The best of both venues after each stamp of either, sizes and venues at it counted: by hand, book by book."""
    last, found = {}, {}
    for row in l2.sort("EventTimestamp", "ListingId", maintain_order=True).to_dicts():
        last[row["ListingId"]] = row
        found[row["EventTimestamp"]] = {"InstrumentId": 7, "EventTimestamp": row["EventTimestamp"], **best(last)}
    return pl.DataFrame(list(found.values())).with_columns(pl.col("EventTimestamp").cast(NS_UTC))


def best(last):
    found = {}
    for side, pick in (("Bid", max), ("Ask", min)):
        price = pick(row[f"{side}Price1"] for row in last.values())
        there = [row for row in last.values() if row[f"{side}Price1"] == price]
        sizes = sum(row[f"{side}Quantity1"] for row in there)
        found |= {f"{side}Price1": price, f"{side}Quantity1": sizes, f"{side}Venues": len(there)}
    return found


EVERY = [
    {"module": "cbbo", "measures": [*MEASURES, "Locked", "Crossed"], "time_units": ["Ratio", "Seconds"]},
    {"module": "cbbo", "measures": ["ExclusiveTimeAtBest"], "prefix": "X", "time_units": ["Ratio", "Seconds"]},
]
WHOLE = {k: v for k, v in EVERY[0].items() if k != "module"} | {"quantity_aggs": ["TWA", "Min", "Max", "Median"]}
DATE = dt.date(2026, 1, 5)
TWO = pl.DataFrame({"ListingId": [1, 2], "InstrumentId": [7, 7]})
SESSION = {"session": {"start": "09:00", "end": "09:02", "tz": "UTC"}, "timeline": "dense"}


def of_two(l2, invalid="include", every="1m"):
    modules = [{**module, "invalid_cbbo": invalid} for module in EVERY]
    return basalt.compute(modules, every=every, l2=l2, cbbo=best_of(l2), reference=TWO, **SESSION)


@settings(max_examples=25)
@given(TICKS)
def test_shares_are_shares_where_the_best_is_that_of_the_venues(ticks):
    """Every ratio lies in [0, 1], somebody is at the best price all the time, and the shares of both add up to 1."""
    found = of_two(books(ticks))
    ratios = found.select(pl.col("^.*(Ratio|Share.*)$"))
    assert ratios.select(pl.all().drop_nulls().is_between(0, 1 + 1e-12).all()).row(0) == (True,) * ratios.width
    quoted = found.filter(pl.col("ValidBidSeconds") > 0)
    whole = quoted.group_by("TimeBucket").agg(pl.col("QuoteShareBidMean", "TimeAtBestBidRatio").sum())
    assert whole.filter((pl.col("QuoteShareBidMean") - 1).abs() > 1e-9).is_empty()
    assert whole.filter(pl.col("TimeAtBestBidRatio") < 1 - 1e-9).is_empty()


@pytest.mark.slow
@settings(max_examples=25)
@given(TICKS, st.data())
def test_a_quote_split_in_two_equal_ones_changes_nothing(ticks, data):
    """A row of the venue and one of its instrument are sent again a little later, before the next one comes."""
    l2 = books(ticks)
    cut = data.draw(st.integers(0, l2.height - 1))
    again = l2.slice(cut, 1).with_columns(pl.col("EventTimestamp").dt.offset_by("50ms"))
    split = pl.concat([l2, again]).sort("ListingId", "EventTimestamp", maintain_order=True)
    if cut + 1 < l2.height and l2["EventTimestamp"][cut] == l2["EventTimestamp"][cut + 1]:
        return
    before, after = of_two(l2, "exclude"), of_two(split, "exclude")
    floats = pl.selectors.float()
    assert before.select(~floats).equals(after.select(~floats))
    apart = before.select(floats) - after.select(floats)
    assert apart.select(pl.all().abs().max().fill_null(0) < 1e-9).row(0) == (True,) * apart.width
    assert before.null_count().equals(after.null_count())


@pytest.mark.slow
@settings(max_examples=25)
@given(TICKS)
def test_fine_buckets_rolled_up_are_the_coarse_ones(ticks):
    """20 s to 2 m, every column that has a rollup, each mean by its weight."""
    l2, untold = books(ticks), "{}Quantity1"
    bid, ask = (pl.col(untold.format(side)) for side in ("Bid", "Ask"))
    best_ = best_of(l2).with_columns(pl.when(ask != 500).then(ask).alias("AskQuantity1"))
    day = {"l2": l2.with_columns(pl.when(bid != 700).then(bid).alias("BidQuantity1")), "cbbo": best_, "reference": TWO}
    cbbo = {"module": "cbbo", "options": WHOLE}
    rolled = {"module": "generic", "source": "fine"}
    passes = [
        _pass("fine", cbbo, every="20s", **SESSION),
        _pass("rolled", rolled, every="2m"),
        _pass("coarse", cbbo, every="2m", **SESSION),
    ]
    config = PipelineConfig(name="rolled", source=SourceEntry(type="memory"), passes=passes)
    plan = make_plan(config, open_registry(), Path(), source=MemorySource(day, DATE), in_memory=True)
    found, coarse = passes_in_memory(plan, DATE), plan.programs[-1]
    names = [c.name for c in coarse.result.visible if "Median" not in c.name]
    assert list(differences(found["rolled"], found["coarse"], ["ListingId", "TimeBucket"], names)) == []


def _pass(name, module, **keys):
    return attrs.evolve(structure(PassConfig, {"name": name, **keys}, name), modules=[ModuleEntry(**module)])


@pytest.mark.slow
@settings(max_examples=25)
@given(TICKS)
def test_seconds_of_short_buckets_sum_up_to_those_of_long_ones(ticks):
    """20 s and 2 m, and ratios are averages by their weights."""
    l2 = books(ticks)
    short, long = of_two(l2, "exclude", "20s"), of_two(l2, "exclude", "2m")
    summed, wanted = (f.group_by("ListingId").agg(pl.col("^.*Seconds$").sum()).sort("ListingId") for f in (short, long))
    apart = summed.drop("ListingId") - wanted.drop("ListingId")
    assert apart.select(pl.all().abs().max() < 1e-9).row(0) == (True,) * apart.width
    weighed = (pl.col("TimeAtBestBidRatio") * pl.col("ValidBidSeconds")).sum() / pl.col("ValidBidSeconds").sum()
    means = [f.group_by("ListingId").agg(weighed.alias("Mean")).sort("ListingId")["Mean"] for f in (short, long)]
    assert ((means[0] - means[1]).abs().fill_nan(0) < 1e-9).all()
