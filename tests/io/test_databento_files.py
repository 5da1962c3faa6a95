"""DBN files as the databento source meets them: symbols, dates, venues, other versions, and what it refuses."""

import datetime as dt
import subprocess
import sys
from pathlib import Path

import pytest
from dbn_files import DAY, MIDNIGHT, SECOND, dbn, definition, order, real_folder, rows, source, write

from basalt.errors import DataError, UserError


@pytest.fixture(scope="session")
def real() -> Path:
    return real_folder()


def test_an_instrument_without_one_symbol_goes_by_its_number(tmp_path):
    records = [order(1, "A", "B", 1.0, 1, 1)]
    assert rows(write(tmp_path, "mbo", records, symbols={}).scan("l3", DAY), "ListingId") == [("7",)]
    parent = write(tmp_path, "mbo", records, symbols={"ESH4": "7", "ES.c.0": "7"})
    assert rows(parent.scan("l3", DAY), "ListingId") == [("7",)]


def test_a_file_of_two_dates_is_two_partitions(tmp_path):
    found = write(tmp_path, "mbo", [order(1, "A", "B", 1.0, 1, 1), order(86_401, "A", "B", 2.0, 1, 2)], days=2)
    days = found.dates("l3")
    assert days == [DAY, DAY + dt.timedelta(days=1)]
    assert [rows(found.scan("l3", day), "SequenceNo", "Price") for day in days] == [[(1, 1.0)], [(1, 2.0)]]


def test_a_book_that_begins_within_a_date_is_not_promised_to_be_complete(tmp_path):
    assert not write(tmp_path, "mbo", [order(2, "A", "B", 1.0, 1, 1)], start=MIDNIGHT + SECOND).promises.complete_book


def test_a_file_that_ends_in_a_far_future_is_refused(tmp_path):
    """Its dates would be hundreds of thousands."""
    with pytest.raises(DataError, match="says that it ends behind the year 2100, so its head is damaged"):
        write(tmp_path, "mbo", [], days=100_000).tables()


def test_the_same_records_twice_are_refused(tmp_path):
    write(tmp_path, "mbo", [])
    with pytest.raises(UserError, match="hold mbo of the same instruments and time: keep one"):
        write(tmp_path, "mbo", [], name="two.dbn").tables()


def test_one_dataset_is_read_at_a_time(tmp_path):
    write(tmp_path, "mbo", [])
    found = write(tmp_path, "mbo", [], name="two.dbn", dataset="XNAS.ITCH")
    with pytest.raises(UserError, match=r"holds files of GLBX.MDP3, XNAS.ITCH.*dataset = 'GLBX.MDP3'"):
        found.tables()
    assert source(tmp_path, dataset="XNAS.ITCH").tables() == ["l3", "l3_snapshot", "trades"]
    with pytest.raises(UserError, match="nothing of dataset 'ARCX'"):
        source(tmp_path, dataset="ARCX").tables()


def test_a_listing_of_two_venues_is_refused_until_one_is_named(tmp_path):
    other = dbn.TradeMsg(2, 7, MIDNIGHT, SECOND, 1, dbn.Action("T"), dbn.Side("B"), 0, MIDNIGHT)
    one = dbn.TradeMsg(1, 7, MIDNIGHT, SECOND, 3, dbn.Action("T"), dbn.Side("B"), 0, MIDNIGHT)
    found = write(tmp_path, "trades", [one, other])
    with pytest.raises(DataError, match="ESH4 from publishers 1, 2"):
        found.scan("trades", DAY).collect()
    assert rows(source(tmp_path, publisher=2).scan("trades", DAY), "Size") == [(1.0,)]


def test_folders_tables_and_dates_that_are_not_there(tmp_path):
    with pytest.raises(UserError, match="holds no file named"):
        source(tmp_path).tables()
    with pytest.raises(UserError, match="is no folder"):
        source(tmp_path / "no").tables()
    found = write(tmp_path, "mbo", [])
    with pytest.raises(UserError, match="no table l2, which a file of mbp-10 or mbp-1"):
        found.dates("l2")
    with pytest.raises(UserError, match=r"no l3 for 2024-01-01: .* has 2023-12-25 alone"):
        found.scan("l3", dt.date(2024, 1, 1))


def test_records_that_cannot_be_what_they_say_are_refused(tmp_path):
    with pytest.raises(DataError, match="1 of 1 records with a stamp outside 2023-12-25 to 2023-12-25"):
        write(tmp_path, "mbo", [order(90_000, "A", "B", 1.0, 1, 1)]).scan("l3", DAY).collect()
    with pytest.raises(DataError, match="1 of 1 records with an order event without side or price"):
        write(tmp_path, "mbo", [order(1, "A", "N", 1.0, 1, 1)]).scan("l3", DAY).collect()
    added = dbn.TradeMsg(1, 7, MIDNIGHT, SECOND, 1, dbn.Action("A"), dbn.Side("B"), 0, MIDNIGHT)
    with pytest.raises(DataError, match="1 of 1 records with an action that is not T"):
        write(tmp_path, "trades", [added]).scan("trades", DAY).collect()
    status = dbn.StatusMsg(1, 7, MIDNIGHT, MIDNIGHT)
    with pytest.raises(DataError, match="a record of type 18, and its schema mbo has type 160"):
        write(tmp_path, "mbo", [status]).scan("l3", DAY).collect()


def test_a_file_that_is_cut_short_anywhere_is_refused(real, tmp_path):
    """A compressed file, at every length: the decoder itself minds only some."""
    whole = (real / "dbn-small" / "GLBX.MDP3.mbp-1.dbn.zst").read_bytes()
    for length in range(len(whole)):
        (tmp_path / "one.dbn.zst").write_bytes(whole[:length])
        with pytest.raises(DataError, match=r"one\.dbn\.zst"):
            source(tmp_path).scan("l2", dt.date(2020, 12, 28)).collect()


def test_a_plain_file_that_ends_within_a_record_is_refused(tmp_path):
    write(tmp_path, "mbo", [order(1, "A", "B", 1.0, 1, 1)])
    file = tmp_path / "one.dbn"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"one\.dbn is cut short: fetch it again"):
        source(tmp_path).scan("l3", DAY).collect()


def test_without_the_package_the_error_says_what_to_install(tmp_path):
    write(tmp_path, "mbo", [])
    code = (
        "import sys; sys.modules['databento_dbn'] = None; from pathlib import Path\n"
        "from basalt_io.sources.databento import DatabentoOptions, DatabentoSource\n"
        "try: DatabentoSource(DatabentoOptions(root=sys.argv[1]), Path()).tables()\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    said = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True).stdout
    assert said.startswith("UserError")
    assert "pip install 'basalt-io[dbn]'" in said


def test_records_of_earlier_versions_are_upgraded(tmp_path):
    """A definition of version 2, whose record is shorter and ordered otherwise; all that it need not say is 0."""
    write(tmp_path, "definition", [], version=2)
    said = {
        "publisher_id": 1,
        "instrument_id": 7,
        "ts_event": MIDNIGHT,
        "ts_recv": MIDNIGHT,
        "min_price_increment": SECOND // 4,
        "raw_symbol": "ESH4",
        "currency": "USD",
        "exchange": "XCME",
        "instrument_class": dbn.InstrumentClass("F"),
        "match_algorithm": dbn.MatchAlgorithm("K"),
        "security_update_action": dbn.SecurityUpdateAction("A"),
        "user_defined_instrument": dbn.UserDefinedInstrument("N"),
    }
    text = ("settl_currency", "secsubtype", "group", "asset", "cfi", "security_type", "unit_of_measure", "underlying")
    numbers = (
        *("display_factor", "expiration", "activation", "high_limit_price", "low_limit_price", "max_price_variation"),
        *("trading_reference_price", "unit_of_measure_qty", "min_price_increment_amount", "price_ratio"),
        *("strike_price", "inst_attrib_value", "underlying_id", "raw_instrument_id", "market_depth_implied"),
        *("market_depth", "market_segment_id", "max_trade_vol", "min_lot_size", "min_lot_size_block"),
        *("min_lot_size_round_lot", "min_trade_vol", "contract_multiplier", "decay_quantity"),
        *("original_contract_size", "trading_reference_date", "appl_id", "maturity_year", "decay_start_date"),
        *("channel_id", "md_security_trading_status", "main_fraction", "price_display_format", "settl_price_type"),
        *("sub_fraction", "underlying_product", "maturity_month", "maturity_day", "maturity_week"),
        *("contract_multiplier_unit", "flow_schedule_type", "tick_rule"),
    )
    rest = {**dict.fromkeys((*text, "strike_price_currency"), ""), **dict.fromkeys(numbers, 0)}
    old = dbn.InstrumentDefMsgV2(**said, **rest)
    assert len(bytes(old)) != len(bytes(definition(0, 7, "ESH4", "A")))
    with (tmp_path / "one.dbn").open("ab") as file:
        file.write(bytes(old))
    told = ("ListingId", "Ticker", "MIC", "CurrencyCode", "TickSize", "LotSize", "MatchingRule")
    assert rows(source(tmp_path).scan("reference", DAY), *told) == [
        ("ESH4", "ESH4", "XCME", "USD", 0.25, None, "PRO_RATA")
    ]
