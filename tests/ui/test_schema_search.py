"""The browser's search: which items words find, and which comes first."""

import pytest

from basalt_ui.schema_browser.items import Item
from basalt_ui.schema_browser.search import Index


def _item(name: str, unit: str, module: str, what: str, pass_name: str | None = None) -> Item:
    return Item(name, unit, module, what, dict, pass_name)


ITEMS = [
    _item("trade", "module", "trade", "Volumes and prices of trades."),
    _item("TradeTotalVolume", "shares", "trade", "Shares of trades.", "bars"),
    _item("TradeTotalVWAP", "price", "trade", "Volume-weighted average price of trades.", "bars"),
    _item("BidPrice1", "price", "l2", "Last best bid of the bucket.", "bars"),
    _item("BidPrice10", "price", "l2", "Last bid of level 10.", "bars"),
    _item("MidpriceOpen", "price", "l2", "First mid of the bucket.", "quarter"),
    _item("SpreadBps", "bps", "l2", "Ask less bid, relative to the mid.", "quarter"),
]


def _names(query: str) -> list[str]:
    return [item.name for item in Index(ITEMS).find(query)]


def test_no_words_find_everything_in_its_own_order() -> None:
    assert _names("") == _names("   ") == [item.name for item in ITEMS]


def test_the_exact_name_comes_first_then_names_that_start_with_it() -> None:
    assert _names("trade") == ["trade", "TradeTotalVolume", "TradeTotalVWAP"]
    assert _names("bidprice1") == ["BidPrice1", "BidPrice10"]


def test_a_word_inside_the_name_at_a_capital_comes_before_one_in_the_middle_of_a_part() -> None:
    """`price` starts a part of BidPrice1 and BidPrice10, stands in the middle of Midprice, is the unit of
    TradeTotalVWAP, and is in the sentence of the module trade."""
    assert _names("price") == ["BidPrice1", "BidPrice10", "MidpriceOpen", "TradeTotalVWAP", "trade"]


def test_every_word_must_be_found_in_name_unit_module_pass_or_sentence() -> None:
    assert _names("price l2") == ["BidPrice1", "BidPrice10", "MidpriceOpen"]
    assert _names("price quarter") == ["MidpriceOpen"]
    assert _names("weighted shares") == []
    assert _names("relative bps") == ["SpreadBps"]


@pytest.mark.parametrize(
    ("word", "found"),
    [("ttv", ["TradeTotalVolume", "TradeTotalVWAP"]), ("ttvw", ["TradeTotalVWAP"]), ("bp10", ["BidPrice10"])],
)
def test_starts_of_the_parts_of_a_name_abbreviate_it(word: str, found: list[str]) -> None:
    assert _names(word) == found


def test_letters_out_of_order_abbreviate_nothing() -> None:
    assert _names("vtt") == []


def test_the_case_of_what_is_typed_does_not_matter() -> None:
    assert _names("TTV") == _names("ttv")
    assert _names("SPREADBPS") == ["SpreadBps"]
