"""The module `auction` at its edges, and beside a slow second implementation on random days."""

from random import Random

import polars as pl
import pytest
from auctions import EVERYTHING, NINE, SECOND, books, closing, messages, prices, states, table, trades
from golden.reference_l3.auction import bucket

import basalt
from basalt.errors import UserError
from basalt.metrics import Known

CALL = states((0, "CLOSING_AUCTION"), (300, "POST_TRADE"), (600, "CLOSED"))
OF_MESSAGES = ["Indicative", "IndicativeTWA", "Path", "Imbalance"]


def rows(tables, measures, every="1m", timeline="sparse", closed="right", **options):
    """Rows by the seconds of their end, without `Auction` in front of their columns."""
    module = {"module": "auction", "measures": measures, **options}
    found = basalt.compute([module], every=every, timeline=timeline, closed=closed, **tables)
    seconds = [round((at - NINE) / SECOND, 6) for at in found["TimeBucket"].cast(pl.Datetime("ns")).to_physical()]
    named = found.rename(lambda name: name.removeprefix("Auction"))
    return dict(zip(seconds, named.iter_rows(named=True), strict=True))


def test_messages_outside_a_phase_are_ignored():
    """One before it, one as it ends, one in a halt."""
    halted = states((0, "CLOSING_AUCTION"), (60, "HALTED"), (120, "CLOSING_AUCTION"), (180, "CLOSED"))
    said = prices((-1, 1.0), (30, 10.0), (60, 2.0), (90, 3.0), (150, 11.0), (180, 4.0))
    found = rows({"imbalance": said, "marketstate": halted}, OF_MESSAGES, "5m")
    assert [row["MessageCount"] for row in found.values()] == [0, 2]
    assert (found[300]["IndicativeLow"], found[300]["IndicativeHigh"]) == (10.0, 11.0)
    assert found[300]["IndicativeCoverageSeconds"] == 60
    assert found[300]["Path"] == 0


def test_a_phase_starts_with_nothing_in_force():
    """An opening auction goes over into an unscheduled one: 10.0 is not carried into it."""
    two = states((0, "OPENING_AUCTION"), (60, "UNSCHEDULED_AUCTION"), (180, "CONTINUOUS_TRADING"))
    found = rows({"imbalance": prices((30, 10.0), (150, 12.0)), "marketstate": two}, OF_MESSAGES, "1m", "dense")
    assert [found[at]["IndicativeClose"] for at in (60, 120, 180)] == [10.0, None, 12.0]
    assert (found[180]["IndicativeOpen"], found[180]["Path"]) == (12.0, 0)


def test_phases_that_are_not_asked_for_are_none():
    found = rows({"imbalance": prices((30, 10.0)), "marketstate": CALL}, ["Indicative"], phases=["OPENING_AUCTION"])
    assert found[60]["MessageCount"] == 0
    assert found[60]["IndicativeClose"] is None


@pytest.mark.parametrize("price", [None, 0.0, -1.0, float("nan"), float("inf")])
def test_a_message_without_a_price_ends_the_price_before_it(price):
    """10.0 from 10 to 40 s; what the message says of quantities counts."""
    said = messages((10, 100, 10.0, 100, 0, None), (40, 100, price, 70, 30, "Sell"))
    found = rows({"imbalance": said, "marketstate": CALL}, [*OF_MESSAGES, "ToReference"], timeline="dense")
    assert found[60]["IndicativeClose"] is None
    assert (found[60]["IndicativeTWA"], found[60]["IndicativeCoverageSeconds"]) == (10.0, 30)
    assert (found[60]["IndicativeOpen"], found[60]["ReturnBps"], found[60]["ToReferenceBps"]) == (10.0, None, None)
    assert (found[120]["PairedQuantity"], found[120]["ImbalanceQuantity"]) == (70, -30)
    assert (found[120]["IndicativeOpen"], found[120]["IndicativeTWA"]) == (None, None)


def test_an_unknown_side_is_never_a_sell_and_nothing_left_over_is_0():
    """30 left of an unknown side is null; 0 left is 0 on either side and on none; what is no quantity is null."""
    said = [(10, 30, None), (70, 0, None), (130, 0, "Sell"), (190, float("nan"), "Buy"), (250, None, "Buy")]
    told = messages(*((at, 100, 10.0, 100, left, side) for at, left, side in said))
    found = rows({"imbalance": told, "marketstate": CALL}, ["Imbalance"])
    assert [row["ImbalanceQuantity"] for row in found.values()] == [None, 0, 0, None, None]
    assert [row["ImbalanceRatio"] for row in found.values()] == [None, 0, 0, None, None]


def test_nothing_paired_has_no_ratio_to_it():
    """All of 50 is left over: −50/50; −50/0 is none. With nothing on either side there is no ratio at all."""
    told = messages((10, 100, 10.0, 0, 50, "Sell"), (70, 100, 10.0, 0, 0, None))
    found = rows({"imbalance": told, "marketstate": CALL}, ["Imbalance"])
    assert (found[60]["ImbalanceRatio"], found[60]["ImbalanceToPaired"]) == (-1, None)
    assert (found[120]["ImbalanceRatio"], found[120]["ImbalanceToPaired"]) == (None, None)


def test_a_message_that_is_too_old_is_not_in_force():
    """10.0 stands from 10 to 100 s; then nothing does, and 12.0 at 130 s is no step from it."""
    said = prices((10, 10.0), (130, 12.0))
    found = rows({"imbalance": said, "marketstate": CALL}, OF_MESSAGES, timeline="dense", max_message_age="90s")
    assert [found[at]["IndicativeCoverageSeconds"] for at in (60, 120, 180, 240, 300)] == pytest.approx(
        [50, 40, 50, 40, 0]
    )
    assert [found[at]["IndicativeClose"] for at in (60, 120, 180, 240, 300)] == [10.0, 10.0, 12.0, 12.0, None]
    assert [found[at]["Path"] for at in (60, 120, 180, 240, 300)] == [0, 0, 0, 0, 0]
    assert found[180]["IndicativeOpen"] == 12.0
    assert found[300]["PairedQuantity"] is None


def test_of_messages_at_one_stamp_the_last_is_in_force():
    """All count, and take part in high and low; the time goes to the last."""
    said = prices((10, 10.0), (10, 13.0), (10, 12.0))
    found = rows({"imbalance": said, "marketstate": CALL}, OF_MESSAGES)
    assert (found[60]["MessageCount"], found[60]["IndicativeTWA"], found[60]["IndicativeHigh"]) == (3, 12.0, 13.0)
    assert found[60]["Path"] == 4


def test_a_message_on_an_edge_is_an_event_of_one_bucket_and_lasts_in_the_next():
    """At 60 s: counted up to there, and closed on the left from there on."""
    tables = {"imbalance": prices((60, 10.0)), "marketstate": CALL}
    right, left = (rows(tables, OF_MESSAGES, timeline="dense", closed=closed) for closed in ("right", "left"))
    assert (right[60]["MessageCount"], right[60]["IndicativeCoverageSeconds"], right[60]["IndicativeClose"]) == (
        1,
        0,
        10,
    )
    assert (right[120]["MessageCount"], right[120]["IndicativeCoverageSeconds"]) == (0, pytest.approx(60))
    assert (left[120]["MessageCount"], left[120]["IndicativeOpen"]) == (1, 10.0)
    assert left[60]["IndicativeClose"] is None


def test_a_daily_pass_has_both_auctions_of_the_date():
    """Open of the first, close of the last; path and time are inside each; the price is the closing one's."""
    two = states((0, "OPENING_AUCTION"), (60, "CONTINUOUS_TRADING"), (600, "CLOSING_AUCTION"), (660, "CLOSED"))
    said = prices((30, 10.0), (45, 10.5), (630, 12.0))
    printed = trades((60, 10.5, 100, "Auction"), (300, 11.0, 500, "Lit"), (660, 12.0, 400, "Auction"))
    tables = {"imbalance": said, "marketstate": two, "trades": printed}
    module = {"module": "auction", "measures": [*OF_MESSAGES, "Final", "Share"]}
    row = basalt.compute([module], timeline="daily", **tables).row(0, named=True)
    assert (row["AuctionIndicativeOpen"], row["AuctionIndicativeClose"], row["AuctionPath"]) == (10.0, 12.0, 0.5)
    assert row["AuctionIndicativeCoverageSeconds"] == 60
    assert (row["AuctionPrice"], row["AuctionVolume"], row["AuctionVolumeShare"]) == (12.0, 500, 0.5)


def test_prints_up_to_a_minute_behind_the_phase_are_the_auction_s():
    """359.9 s is, 360 s is not; busted, off book and without a type are none."""
    printed = trades(
        (300, 10.0, 100, "Auction"),
        (310, 10.0, 7, None),
        (320, 10.0, 7, "OffBook"),
        (330, 10.0, float("nan"), "Auction"),
        (359.9, 10.0, 50, "Auction"),
        (360, 10.0, 1000, "Auction"),
    )
    tables = {"trades": printed.with_columns(IsCancelled=False), "marketstate": CALL}
    found = rows(tables, ["Final"], "1m")
    assert {at: row["Volume"] for at, row in found.items() if row["Volume"]} == {300: 150}
    busted = tables | {"trades": printed.with_columns(IsCancelled=pl.col("Size") == 100)}
    assert {at: row["Volume"] for at, row in rows(busted, ["Final"]).items() if row["Volume"]} == {360: 50}


def test_two_prices_are_averaged_and_told():
    """(10·100 + 10.2·300)/400 = 10.15."""
    printed = trades((300, 10.0, 100, "Auction"), (300, 10.2, 300, "Auction"))
    found = rows({"trades": printed, "marketstate": CALL}, ["Final"])
    assert found[300]["Price"] == pytest.approx(10.15, rel=1e-12)
    assert found[300]["PriceConflict"] is True


def test_one_price_written_in_two_ways_is_no_conflict():
    printed = trades((300, 0.3, 100, "Auction"), (300, 0.1 + 0.2, 300, "Auction"))
    assert rows({"trades": printed, "marketstate": CALL}, ["Final"])[300]["PriceConflict"] is False


def test_a_print_marked_wrongly_long_before_the_uncross_does_not_hide_it():
    """100 at 9.0 two minutes into the call has a row of its own, final a minute later; the uncross is told as another
    price. What the phase came to is the average, (9.0·100 + 10·900)/1000 = 9.9."""
    printed = trades((120, 9.0, 100, "Auction"), (300, 10.0, 900, "Auction"))
    tables = {"imbalance": prices((10, 9.9)), "trades": printed, "marketstate": CALL}
    found = rows(tables, ["Final", "IndicativeError"])
    assert [(at, row["Price"], row["PriceConflict"]) for at, row in found.items() if row["Volume"]] == [
        (120, 9.0, False),
        (300, 10.0, True),
    ]
    assert found[60]["IndicativeErrorBps"] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("options", "bps"),
    [
        ({}, 10.005002501251),
        ({"reference_lag": "70s"}, 1e4 * (100.05 / 99.95 - 1)),
        ({"reference_lag": "50s"}, 1e4 * (100.05 / 99.1 - 1)),
        ({"reference_lag": "0s"}, 1e4 * (100.05 / 99.1 - 1)),
        ({"reference_lag": "2m"}, None),
        ({"reference": "after", "reference_lag": "30s"}, 1e4 * (100.05 / 100.2 - 1)),
        ({"reference": "after", "reference_lag": "29s"}, None),
        ({"reference": "after", "reference_lag": "40s"}, None),
        ({"reference": "column"}, 1e4 * (100.05 / 100 - 1)),
    ],
)
def test_dislocation_against_each_reference(options, bps):
    """Mids: 99.95 from −100, 99.1 from −50, none in the call, 100.2 from 330 to 340 s, then a crossed book.

    A mid no time before the call is the one just before it.
    """
    tables = dict(closing())
    late = books((10, 99.0, 99.2), (330, 100.1, 100.3), (340, 100.3, 100.1))
    tables["l2"] = pl.concat([tables["l2"], late])
    used = set(tables) if options.get("reference") != "column" else {"imbalance", "trades", "marketstate"}
    found = rows({name: tables[name] for name in used}, ["Dislocation"], **options)
    values = [row["DislocationSignedBps"] for row in found.values() if row["DislocationSignedBps"] is not None]
    assert values == ([] if bps is None else [pytest.approx(bps, rel=1e-9)])


def test_an_auction_that_prints_before_its_state_changes_is_over_as_it_prints():
    """The state is told 20 s late; the mid 30 s after is that 30 s behind the print."""
    tables = {
        "trades": trades((300, 10.0, 100, "Auction")),
        "marketstate": states((0, "OPENING_AUCTION"), (320, "CONTINUOUS_TRADING")),
        "l2": books((325, 10.0, 10.02), (335, 11.0, 11.02)),
    }
    found = rows(tables, ["Dislocation"], reference="after", reference_lag="30s")
    assert found[300]["DislocationSignedBps"] == pytest.approx(1e4 * (10.0 / 10.01 - 1), rel=1e-9)


def test_dislocation_against_the_best_quotes_of_the_instrument():
    """Of two venues; the listing has no book of its own."""
    tables = dict(closing())
    tables["cbbo"] = tables.pop("l2").rename({"ListingId": "InstrumentId"}).drop("BidQuantity1")
    tables["reference"] = pl.DataFrame({"ListingId": [1], "InstrumentId": [1]})
    found = rows(tables, ["Dislocation"], quotes="cbbo")
    assert found[300]["DislocationBps"] == pytest.approx(10.005002501251, rel=1e-9)


def test_share_is_0_without_an_auction_and_none_without_trades():
    printed = trades((10, 10.0, 100, "Lit"), (70, 10.0, 100, "Lit"))
    found = rows({"trades": printed, "marketstate": CALL}, ["Share"])
    assert {at: row["VolumeShare"] for at, row in found.items()} == {60: None, 120: 0}


def test_listings_do_not_see_each_other():
    names = ("IndicativePrice", "ListingId")
    said = table(names, [(10, 10.0, 1), (20, 11.0, 1), (10, 99.0, 2)])
    phases = table(("MarketState", "ListingId"), [(0, "CLOSING_AUCTION", 1), (0, "OPENING_AUCTION", 2)])
    found = basalt.compute(
        [{"module": "auction", "measures": ["Indicative", "Path"]}], every="1m", imbalance=said, marketstate=phases
    )
    assert found["AuctionIndicativeClose"].to_list() == [11.0, 99.0]
    assert found["AuctionPath"].to_list() == [1.0, 0.0]


def test_a_phase_without_an_end_lasts_to_the_session_s():
    tables = {"imbalance": prices((10, 10.0)), "marketstate": states((0, "CLOSING_AUCTION"))}
    session = {"session": {"start": "09:00", "end": "09:03", "tz": "UTC"}}
    module = {"module": "auction", "measures": ["IndicativeTWA"]}
    found = basalt.compute([module], every="1m", timeline="dense", **session, **tables)
    assert found["AuctionIndicativeCoverageSeconds"].to_list() == pytest.approx([50, 60, 60])


def test_names_follow_the_template():
    found = rows(closing(), ["IndicativeTWA", "Dislocation"], name="{measure}OfCall")
    names = list(next(iter(found.values())))
    assert names[2:] == [
        "MessageCountOfCall",
        "IndicativeTWAOfCall",
        "IndicativeCoverageSecondsOfCall",
        "DislocationBpsOfCall",
        "DislocationSignedBpsOfCall",
    ]


def columns(measures, **options):
    """The described columns by name."""
    from basalt_analytics.auction.module import Auction
    from basalt_analytics.auction.options import AuctionOptions

    tables = {name: frame.schema for name, frame in closing().items()}
    module = Auction(AuctionOptions(measures=measures, **options), tables, None, None)
    return {column.name: column for column in module.columns()}


def test_what_is_known_when():
    """Messages at once, prints a minute later, a mid after the auction no sooner than it stands."""
    found = columns(EVERYTHING, reference="after", reference_lag="90s")
    lags = {name: column.known_after for name, column in found.items() if not column.hidden}
    assert {name for name, lag in lags.items() if lag is Known.END_OF_DATE} == {
        "AuctionIndicativeErrorBps",
        "AuctionVolumeShare",
    }
    seconds = {name: lag.total_seconds() for name, lag in lags.items() if lag is not Known.END_OF_DATE}
    assert {name for name, lag in seconds.items() if lag == 60} == {
        "AuctionPrice",
        "AuctionVolume",
        "AuctionPriceConflict",
    }
    assert {name for name, lag in seconds.items() if lag == 90} == {
        "AuctionDislocationBps",
        "AuctionDislocationSignedBps",
    }
    assert columns(["Dislocation"])["AuctionDislocationBps"].known_after.total_seconds() == 60


def test_weights_are_named_after_what_they_weigh():
    found = columns(["Dislocation", "Share", "IndicativeTWA"], name="X{measure}")
    assert found["XDislocationBps"].over_listings.weight == "XDislocationBpsWeight"
    assert found["XVolumeShare"].over_time.weight == "XVolumeShareWeight"
    assert found["XIndicativeTWA"].over_time.weight == "XIndicativeCoverageSeconds"
    assert {name for name, column in found.items() if column.hidden} == {
        "XDislocationBpsWeight",
        "XDislocationSignedBpsWeight",
        "XVolumeShareWeight",
    }


REFUSED = [
    ({"measures": []}, "measures is empty"),
    ({"phases": []}, "phases is empty"),
    ({"phases": ["all"]}, "all"),
    ({"measures": ["Path", "Path"]}, "'Path' twice"),
    ({"measures": ["Price"]}, "Price"),
    ({"phases": ["CLOSING_AUCTION", "CLOSING_AUCTION"]}, "'CLOSING_AUCTION' twice"),
    ({"measures": ["Dislocation"], "reference_lag": "-1s"}, "is negative"),
    ({"max_message_age": "0s"}, "leaves nothing in force"),
    ({"measures": ["Final"], "max_message_age": "5s"}, "max_message_age = '5s' changes nothing"),
    ({"measures": ["Path"], "reference": "after"}, "reference = 'after' changes nothing"),
    (
        {"measures": ["Dislocation"], "reference": "column", "reference_lag": "5s"},
        "reference_lag = '5s' changes nothing",
    ),
    ({"measures": ["Final"], "quotes": "cbbo"}, "quotes = 'cbbo' changes nothing"),
    ({"name": "Auction"}, "twice"),
    ({"name": "{side}"}, "unknown field"),
]


@pytest.mark.parametrize(("options", "told"), REFUSED)
def test_options_that_cannot_be_are_refused(options, told):
    module = {"module": "auction", **options}
    with pytest.raises(UserError, match=told):
        basalt.compute([module], every="1m", **closing())


LACKING = [
    ("Indicative", "imbalance", "IndicativePrice"),
    ("Imbalance", "imbalance", "ImbalanceSide"),
    ("ToReference", "imbalance", "ReferencePrice"),
    ("Final", "trades", "TradeType"),
    ("Dislocation", "l2", "AskPrice1"),
]


@pytest.mark.parametrize(("measure", "name", "column"), LACKING)
def test_a_column_that_a_measure_needs_is_asked_for(measure, name, column):
    from basalt_analytics.auction.module import Auction
    from basalt_analytics.auction.options import AuctionOptions

    tables = {**closing(), name: closing()[name].drop(column)}
    schemas = {table: frame.schema for table, frame in tables.items()}
    with pytest.raises(UserError, match=f"'{measure}' needs column {column}"):
        Auction(AuctionOptions(measures=[measure]), schemas, None, None)


def test_states_are_needed():
    with pytest.raises(UserError, match="marketstate"):
        basalt.compute(["auction"], every="1m", imbalance=prices((10, 10.0)))


def day_of(rng):
    """Random messages and phases of a listing, in seconds: ties, on edges, without prices, sides and quantities."""
    cuts = sorted(rng.sample(range(0, 300, 5), 5))
    phases = [(cuts[0], cuts[1]), (cuts[1], cuts[2]), (cuts[3], cuts[4])]
    stamps = sorted(rng.choice([rng.randint(0, 320), rng.randrange(0, 320, 30)]) for _ in range(rng.randint(0, 25)))
    said = [
        (
            at,
            rng.choice([None, *(rng.randint(980, 1020) / 100 for _ in range(6))]),
            rng.choice([None, 0.0, *(100.0 * rng.randint(1, 9) for _ in range(5))]),
            rng.choice([None, 0.0, *(100.0 * rng.randint(1, 9) for _ in range(5))]),
            rng.choice([None, "Buy", "Buy", "Sell", "Sell"]),
        )
        for at in stamps
    ]
    return said, phases


@pytest.mark.parametrize("max_age", [None, 25])
@pytest.mark.parametrize("closed", ["right", "left"])
def test_random_days_are_what_a_slow_second_implementation_says(closed, max_age):
    """120 listings, buckets of 30 s, three phases each, the first two of which touch."""
    rng = Random(11)
    days = {listing: day_of(rng) for listing in range(120)}
    names = ("IndicativePrice", "PairedQuantity", "ImbalanceQuantity", "ImbalanceSide", "ListingId")
    said = [(*one, listing) for listing, (messages_, _) in days.items() for one in messages_]
    changes = []
    for listing, (_, (first, second, third)) in days.items():
        calls = ("OPENING_AUCTION", "UNSCHEDULED_AUCTION", "CONTINUOUS_TRADING", "CLOSING_AUCTION", "CLOSED")
        starts = (first[0], second[0], second[1], third[0], third[1])
        changes += [(at, state, listing) for at, state in zip(starts, calls, strict=True)]
    module = {"module": "auction", "measures": OF_MESSAGES}
    module |= {} if max_age is None else {"max_message_age": f"{max_age}s"}
    found = basalt.compute(
        [module],
        every="30s",
        closed=closed,
        timeline="dense",
        imbalance=table(names, said),
        marketstate=table(("MarketState", "ListingId"), changes),
    )
    assert found.height > 800
    for row in found.iter_rows(named=True):
        messages_, phases = days[row["ListingId"]]
        end = round(row["TimeBucket"].timestamp()) - NINE // SECOND
        slow = bucket(
            [(at * SECOND, *rest) for at, *rest in messages_],
            [(start * SECOND, stop * SECOND) for start, stop in phases],
            ((end - 30) * SECOND, end * SECOND),
            closed == "right",
            None if max_age is None else max_age * SECOND,
        )
        _same({name.removeprefix("Auction"): value for name, value in row.items()}, slow)


def _same(row, slow):
    if slow is None:
        assert (row["MessageCount"], row["IndicativeCoverageSeconds"], row["IndicativeClose"], row["Path"]) == (
            0,
            0,
            None,
            None,
        )
        return
    for name, value in slow.items():
        assert row[name] == (None if value is None else pytest.approx(value, rel=1e-9, abs=1e-9)), name
