"""Which of a folder's schemas make a table: the fullest; consolidated quotes; and schemas that make none."""

import datetime as dt
from pathlib import Path

import pytest
from dbn_files import DAY, LAST, MIDNIGHT, SECOND, dbn, order, real_folder, rows, source, write

from basalt.cli.main import run
from basalt.errors import UserError


@pytest.fixture(scope="session")
def real() -> Path:
    return real_folder()


def of_schema(folder: Path, schema: str, records: list[object], **how: object) -> None:
    write(folder, schema, records, name=f"{schema}.dbn", **how)


def test_the_fullest_schema_makes_a_table_and_the_others_are_told(tmp_path):
    """Trades of mbo (2 lots) beside those of `trades` (3) and tbbo (4); without mbo, those of `trades`."""
    quote = dbn.BidAskPair(99_750_000_000, 100_000_000_000, 5, 6, 2, 3)
    print_ = (1, 7, MIDNIGHT, 100 * SECOND)
    side = (dbn.Action("T"), dbn.Side("B"), 0, MIDNIGHT)
    of_schema(tmp_path, "mbo", [order(1, "T", "B", 100.0, 2, 9)])
    of_schema(tmp_path, "trades", [dbn.TradeMsg(*print_, 3, *side)])
    of_schema(tmp_path, "tbbo", [dbn.MBP1Msg(*print_, 4, *side, LAST, levels=quote)])
    of_schema(tmp_path, "mbp-1", [dbn.MBP1Msg(*print_, 5, *side, LAST, levels=quote)])
    found = source(tmp_path)
    assert found.tables() == ["l2", "l3", "l3_snapshot", "trades"]
    assert rows(found.scan("trades", DAY), "Size") == [(2.0,)]
    assert found.unread() == [
        "source databento: trades is made of mbo on 2023-12-25 alone, and mbp-1, tbbo, trades not read for it: name "
        "the schema to read first in `schemas` if you want another"
    ]
    assert rows(source(tmp_path, schemas=["trades", "tbbo"]).scan("trades", DAY), "Size") == [(3.0,)]
    assert rows(source(tmp_path, schemas=["tbbo", "mbp-1"]).scan("trades", DAY), "Size", "BidPrice") == [(4.0, 99.75)]
    turned = source(tmp_path, schemas=["tbbo", "mbo"])
    assert rows(turned.scan("trades", DAY), "Size") == [(4.0,)]
    assert turned.tables() == ["l3", "l3_snapshot", "trades"]
    assert "SequenceNo" not in turned.scan("trades", DAY).collect_schema()
    assert not source(tmp_path, schemas=["trades", "mbp-1"]).promises.shared_sequence
    assert source(tmp_path, schemas=["mbo"]).unread() == []


def test_the_small_files_of_one_dataset_need_no_schemas(real):
    """mbo, mbp-1, mbp-10, status and trades of one date: the book has ten levels, and mbo is silent on trades."""
    found = source(real / "dbn-small", dataset="GLBX.MDP3")
    day = dt.date(2020, 12, 28)
    assert found.tables() == ["l2", "l3", "l3_snapshot", "marketstate", "trades"]
    assert "BidPrice10" in found.scan("l2", day).collect_schema()
    assert found.scan("trades", day).collect().height == 0
    assert len(found.unread()) == 2
    alone = source(real / "dbn-small", dataset="GLBX.MDP3", schemas=["mbo"])
    for table in alone.tables():
        assert found.scan(table, day).collect().equals(alone.scan(table, day).collect()), table
    assert found.promises == alone.promises
    assert found.promises.shared_sequence
    assert "SequenceNo" not in found.scan("l2", day).collect_schema()


def test_a_fuller_schema_that_does_not_cover_a_lesser_one_is_refused(tmp_path):
    """Instrument 8 is in the trades alone; and a book from noon on says nothing of the morning's trades."""
    of_schema(tmp_path, "mbo", [])
    of_schema(tmp_path, "trades", [], symbols={"ESH4": "7", "NQH4": "8"})
    with pytest.raises(UserError, match=r"trades.dbn \(trades\) gives trades of 2023-12-25 for NQH4, which .*mbo.dbn"):
        source(tmp_path).tables()
    of_schema(tmp_path, "trades", [])
    of_schema(tmp_path, "mbo", [], start=MIDNIGHT + 12 * 3600 * SECOND)
    with pytest.raises(UserError, match=r"for 2023-12-25 00:00:00 UTC to 2023-12-26 00:00:00 UTC, which .*mbo"):
        source(tmp_path).tables()
    assert source(tmp_path, schemas=["trades"]).tables() == ["trades"]


def test_bars_and_statistics_make_no_table_and_are_named(tmp_path):
    of_schema(tmp_path, "trades", [])
    of_schema(tmp_path, "ohlcv-1m", [])
    of_schema(tmp_path, "statistics", [])
    found = source(tmp_path)
    assert found.tables() == ["trades"]
    assert found.unread() == [
        f"source databento: {tmp_path} also holds files of schemas that no table is made of: ohlcv-1m (1), "
        "statistics (1)"
    ]
    with pytest.raises(UserError, match="schema 'ohlcv-1m' makes no table"):
        source(tmp_path, schemas=["ohlcv-1m"]).tables()


def consolidated(second: int, action: str, side: str, bid: int, ask: int, publisher: int, rtype: int = 177) -> object:
    """A cmbp-1 record of 3 lots at 100, with bids of publisher 21 and asks of 22, units of 0.25."""
    at, quarter = MIDNIGHT + second * SECOND, SECOND // 4
    book = dbn.ConsolidatedBidAskPair(bid * quarter, ask * quarter, 5, 6, 21, 22)
    said = (dbn.Action(action), dbn.Side(side), at + 1_000)
    return dbn.CMBP1Msg(rtype, publisher, 7, at, 100 * SECOND, 3, *said, flags=LAST, levels=book)


def test_consolidated_quotes_of_every_change(tmp_path):
    """A trade repeats the quote before it: a row of trades, none of cbbo. The venue's stamp counts, not the arrival,
    and `publisher`, the venue of a trade, takes nothing from the quotes of all."""
    records = [consolidated(n, *said, publisher=20 + n) for n, said in enumerate([("A", "B", 399, 400)] * 2)]
    of_schema(tmp_path, "cmbp-1", [*records, consolidated(2, "T", "B", 399, 400, publisher=22)])
    found = source(tmp_path, publisher=22)
    assert found.tables() == ["cbbo", "trades"]
    quotes = ("InstrumentId", "BidPrice1", "AskPrice1", "BidQuantity1", "AskQuantity1", "BidVenues", "AskVenues")
    assert rows(found.scan("cbbo", DAY), *quotes) == [("ESH4", 99.75, 100.0, 5.0, 6.0, "21", "22")] * 2
    stamps = found.scan("cbbo", DAY).collect()["EventTimestamp"].to_physical()
    assert stamps.to_list() == [MIDNIGHT, MIDNIGHT + SECOND]
    prints = ("Price", "Size", "AggressorSide", "BidPrice", "AskQuantity")
    assert rows(found.scan("trades", DAY), *prints) == [(100.0, 3.0, "Buy", 99.75, 6.0)]


def test_consolidated_quotes_at_trades(tmp_path):
    of_schema(tmp_path, "tcbbo", [consolidated(1, "T", "A", 399, 400, publisher=22, rtype=194)])
    found = source(tmp_path)
    assert found.tables() == ["trades"]
    assert rows(found.scan("trades", DAY), "AggressorSide", "BidPrice", "AskPrice") == [("Sell", 99.75, 100.0)]


def test_changes_come_before_samples_of_the_consolidated_quote(tmp_path):
    of_schema(tmp_path, "cbbo-1s", [])
    of_schema(tmp_path, "cmbp-1", [consolidated(1, "A", "B", 399, 400, publisher=21)])
    found = source(tmp_path)
    assert found.scan("cbbo", DAY).collect().height == 1
    assert "cbbo is made of cmbp-1 on 2023-12-25 alone, and cbbo-1s not read for it" in found.unread()[0]


def test_what_is_not_read_is_told_by_plans_and_by_data_commands(tmp_path, capsys):
    lake = tmp_path / "dbn"
    lake.mkdir()
    of_schema(lake, "mbo", [order(1, "T", "B", 100.0, 2, 9)])
    of_schema(lake, "trades", [])
    of_schema(lake, "ohlcv-1m", [])
    (tmp_path / "desk.toml").write_text(
        'name = "desk"\nsource = { type = "databento", root = "dbn" }\noutputs = [{ type = "parquet", root = "out" }]\n'
        '[[passes]]\nname = "bars"\nevery = "1m"\nmodules = [{ module = "trade" }]\n'
    )
    for command in (("pipeline", "plan"), ("data", "describe")):
        assert run([*command, str(tmp_path / "desk.toml")]) == 0
        story = capsys.readouterr()
        assert "trades is made of mbo on 2023-12-25 alone, and trades not read for it" in story.out + story.err
        assert "also holds files of schemas that no table is made of: ohlcv-1m (1)" in story.out + story.err
