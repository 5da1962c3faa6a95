"""The option `minor_currency`: prices in pence become pounds, in every source of tables, and nothing else changes."""

import datetime as dt
from decimal import Decimal

import lakes
import polars as pl
import pytest
from lakes import sentence
from polars.testing import assert_frame_equal

from basalt.config.model import SourceEntry
from basalt.errors import UserError
from basalt.planning.inputs import open_source
from basalt.plugins.registry import open_registry
from basalt.tables import AGGRESSOR, NS_UTC
from basalt.testing import SourceLaws, market
from basalt_io.sources.minor_currency import MinorCurrency

DAY = dt.date(2026, 1, 5)
NINE = dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC)
MINOR = {"GBX": "GBP/100", "ZAc": "ZAR/100", "KWF": "KWD/1000"}
REFERENCE = pl.DataFrame(
    {
        "ListingId": [1, 2, 3, 4],
        "CurrencyCode": ["GBX", "GBP", "KWF", "ZAc"],
        "TickSize": [0.05, 0.0005, 1.0, 1.0],
        "MarketCap": [1e9, 2e9, 3e9, 4e9],
    }
)


def trades(**more) -> pl.DataFrame:
    """Vodafone at 99.74 p, another line of it in pounds, a listing at 452 fils, one at 6,120.5 cents."""
    stamps = pl.Series([NINE + dt.timedelta(seconds=n) for n in range(4)], dtype=NS_UTC)
    prices = {"Price": [99.74, 0.9974, 452.0, 6120.5], "BidPrice": [99.72, None, 451.0, 6120.0]}
    rows = {"ListingId": [1, 2, 3, 4], "EventTimestamp": stamps, **prices, "Size": [400.0, 1.0, 2.0, 3.0]}
    sides = pl.Series(["Buy", "Sell", None, "Buy"], dtype=AGGRESSOR)
    rows = {**rows, "AggressorSide": sides, "NotionalEUR": [457.0, 1.2, 2.6, 9500.0]}
    return pl.DataFrame({**rows, **more})


@pytest.fixture(params=lakes.KINDS)
def lake(request, tmp_path, monkeypatch) -> lakes.Lake:
    """Trades, and the reference that says what they are quoted in."""
    monkeypatch.chdir(tmp_path)
    made = lakes.made(request.param, request, tmp_path)
    made.put("trades", trades())
    made.put("reference", REFERENCE)
    return made


@pytest.fixture
def parquet(tmp_path, monkeypatch) -> lakes.Files:
    """The same as Parquet files of a folder."""
    monkeypatch.chdir(tmp_path)
    made = lakes.Files(tmp_path, "parquet", None)
    made.put("trades", trades())
    made.put("reference", REFERENCE)
    return made


class TestUnderTheLaws(SourceLaws):
    """Simulated days whose first listing is quoted in pence."""

    def source(self, folder):
        lake = lakes.Files(folder, "parquet", None)
        for day in (DAY, DAY + dt.timedelta(days=1)) if not any(folder.iterdir()) else ():
            for name, rows in market.simulate(listings=2, events=200, date=day).items():
                if name == "reference":
                    rows = rows.with_columns(CurrencyCode=pl.Series(["GBX", "EUR"]))
                lake.put_file(f"{name}/date={day}/part", lakes.content(rows))
        return source(lake, minor_currency=MINOR)


def source(lake, **options):
    entry = dict(lake.source)
    return open_source(
        SourceEntry(type=entry.pop("type"), options={**entry, **options}), open_registry(()), lake.folder
    )


def scanned(lake, table="trades", **options) -> pl.DataFrame:
    return source(lake, **{"minor_currency": MINOR, **options}).scan(table, DAY).collect()


def test_prices_are_in_the_currency(lake):
    """99.74 p is 0.9974 pounds, to the bit; 452 fils are 0.452 dinars; pounds, sizes and notionals stay."""
    found = scanned(lake)
    assert found["Price"].to_list() == [0.9974, 0.9974, 0.452, 61.205]
    assert found["BidPrice"].to_list() == [0.9972, None, 0.451, 61.2]
    plain = scanned(lake, minor_currency={})
    assert_frame_equal(found.drop("Price", "BidPrice"), plain.drop("Price", "BidPrice"))
    assert found.columns == plain.columns
    assert plain["Price"].to_list() == [99.74, 0.9974, 452.0, 6120.5]


def test_reference_says_the_currency_and_its_tick_sizes_are_in_it(lake):
    found = scanned(lake, "reference")
    assert found["CurrencyCode"].to_list() == ["GBP", "GBP", "KWD", "ZAR"]
    assert found["TickSize"].to_list() == [0.0005, 0.0005, 0.001, 0.01]
    assert found["MarketCap"].to_list() == [1e9, 2e9, 3e9, 4e9]


def test_another_code_in_reference_is_another_input(lake):
    before = source(lake, minor_currency=MINOR).fingerprint("trades", DAY)
    assert source(lake).fingerprint("trades", DAY) != before
    lake.put("reference", REFERENCE.with_columns(CurrencyCode=pl.lit("GBP")))
    assert source(lake, minor_currency=MINOR).fingerprint("trades", DAY) != before


def test_a_listing_whose_code_nobody_knows_stops_the_run(lake, capsys):
    """It may be a hundred times what it seems; listings that are not asked for stop nothing."""
    lake.put("reference", REFERENCE.head(3))
    ended = lake.call(capsys, "pipeline", "run", str(lake.pipeline("minor_currency = { GBX = 'GBP/100' }")))
    assert ended.code == 1
    assert "ListingId without one CurrencyCode in reference" in ended.err
    assert '["4"]' in ended.err
    assert list(lake.folder.glob("out/**/*.parquet")) == []
    rows = source(lake, minor_currency=MINOR).scan("trades", DAY)
    assert rows.filter(pl.col("ListingId") < 4).collect()["Price"].to_list() == [0.9974, 0.9974, 0.452]


def test_reference_that_contradicts_itself_stops_the_query(parquet):
    parquet.put("reference", pl.concat([REFERENCE, REFERENCE.tail(1).with_columns(CurrencyCode=pl.lit("ZAR"))]))
    with pytest.raises(pl.exceptions.InvalidOperationError, match="ListingId without one CurrencyCode in reference"):
        scanned(parquet)
    parquet.put("reference", pl.concat([REFERENCE, REFERENCE.tail(1)]))
    assert scanned(parquet)["Price"].to_list() == [0.9974, 0.9974, 0.452, 61.205]


def test_a_table_that_has_the_code_needs_no_reference(parquet):
    """Each row by its own; in pounds where the code is null there is no price to be wrong about."""
    parquet.put("trades", trades(CurrencyCode=["GBX", "GBP", "KWF", "GBX"]))
    (parquet.folder / "lake/reference.parquet").unlink()
    found = scanned(parquet)
    assert found["Price"].to_list() == [0.9974, 0.9974, 0.452, 61.205]
    assert found["CurrencyCode"].to_list() == ["GBP", "GBP", "KWD", "GBP"]


def test_a_row_without_its_own_code_stops_the_query(parquet):
    parquet.put("trades", trades(CurrencyCode=["GBX", None, "KWF", "GBX"]))
    with pytest.raises(pl.exceptions.InvalidOperationError, match="ListingId without CurrencyCode"):
        scanned(parquet)


def test_books_and_orders_too(parquet):
    stamps = trades().select("ListingId", "EventTimestamp").head(2)
    book = stamps.with_columns(BidPrice1=pl.Series([99.7, 0.997]), BidQuantity1=5.0, AskPrice2=pl.Series([100.1, None]))
    order = stamps.with_columns(OrderId=pl.lit("a"), Side=pl.lit("Bid"), Action=pl.lit("Insert"), OldPrice=250.5)
    parquet.put("l2", book)
    parquet.put("l3", order)
    found = scanned(parquet, "l2")
    assert found.select("BidPrice1", "BidQuantity1", "AskPrice2").rows() == [(0.997, 5.0, 1.001), (0.997, 5.0, None)]
    assert scanned(parquet, "l3")["OldPrice"].to_list() == [2.505, 250.5]


def test_only_the_rows_and_columns_asked_for_are_read(parquet):
    rows = source(parquet, minor_currency=MINOR).scan("trades", DAY).filter(pl.col("ListingId") == 1)
    plan = rows.select("ListingId", "Price").explain()
    scans = [line for line in plan.splitlines() if "SELECTION" in line]
    assert len(scans) == 2
    assert all('col("ListingId") == 1' in line for line in scans)
    assert "PROJECT 3/7 COLUMNS" in plan


@pytest.mark.parametrize("text", ["GBP", "GBP/1", "gbp/100", "GBP/0", "GBP/-100", "GBX/100", "GBP/100 ", ""])
def test_what_is_no_part_of_a_currency_is_refused(text):
    with pytest.raises(
        UserError, match=r"source x: minor_currency.GBX = .* is no part of a currency: write the currency"
    ):
        MinorCurrency.of("x", {"GBX": text})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda lake: (lake.folder / "lake/reference.parquet").unlink(), "and there is no table reference: add it"),
        (
            lambda lake: lake.put("reference", REFERENCE.drop("CurrencyCode")),
            "and reference has no column CurrencyCode",
        ),
        (
            lambda lake: lake.put("reference", REFERENCE.cast({"ListingId": pl.String})),
            "ListingId is Int64 in table trades of",
        ),
    ],
)
def test_what_does_not_tell_the_codes_is_refused_while_planning(parquet, capsys, change, told):
    change(parquet)
    ended = parquet.call(capsys, "pipeline", "plan", str(parquet.pipeline("minor_currency = { GBX = 'GBP/100' }")))
    assert ended.code == 2
    assert told in sentence(ended)


def test_best_quotes_of_instruments_need_a_code_of_their_own(parquet):
    quotes = trades().select("EventTimestamp", InstrumentId="ListingId", BidPrice1="Price", AskPrice1="Price")
    parquet.put("cbbo", quotes)
    parquet.put("reference", REFERENCE.with_columns(InstrumentId="ListingId"))
    with pytest.raises(UserError, match="listings of one instrument may be quoted in several: add it"):
        scanned(parquet, "cbbo")
    parquet.put("cbbo", quotes.with_columns(CurrencyCode=pl.lit("GBX")))
    assert scanned(parquet, "cbbo")["BidPrice1"][0] == 0.9974


def test_the_bmll_dialect_has_its_own(parquet):
    with pytest.raises(
        UserError, match="dialect bmll knows its minor currencies by itself: leave `minor_currency` out"
    ):
        source(parquet, dialect="bmll", minor_currency=MINOR)


@pytest.mark.parametrize("per", [100, 1000])
def test_every_price_in_parts_is_the_float_of_its_decimal(parquet, per):
    """All of 0.0001 … 900,000 parts with four decimals that a sample hits."""
    decimals = [Decimal(n * 7_919 % 9_000_000_000).scaleb(-4) for n in range(40_000)]
    rows = pl.DataFrame({"ListingId": 1, "EventTimestamp": NINE, "Price": [float(d) for d in decimals], "Size": 1.0})
    parquet.put("trades", rows.cast({"EventTimestamp": NS_UTC, "ListingId": pl.Int64}))
    found = scanned(parquet, minor_currency={"GBX": f"GBP/{per}"})
    assert found["Price"].to_list() == [float(d / per) for d in decimals]
