"""The browser under a person's fingers: keys are pressed, and what stands on the screen is asserted."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from rich.console import Console
from textual.events import Key
from textual.pilot import Pilot
from textual.widgets import Label, Static

from basalt.plugins.registry import open_registry
from basalt_ui.schema_browser.app import Detail, ItemList, SchemaBrowser, SearchLine
from basalt_ui.schema_browser.help import Help
from basalt_ui.schema_browser.items import Item, installed_items, planned_items

Walk = Callable[[SchemaBrowser, Pilot[None]], Awaitable[Any]]
BOTH = pytest.mark.parametrize("size", [(80, 24), (200, 60)], ids=["80x24", "200x60"])


@pytest.fixture(scope="module")
def items(registry):
    return installed_items(registry)


def sit_down(items: Sequence[Item], walk: Walk, size: tuple[int, int] = (80, 24), about: str = "installed") -> None:
    """Open the browser in a terminal of that size and walk through it."""

    async def session() -> None:
        app = SchemaBrowser(items, about)
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await walk(app, pilot)

    asyncio.run(session())


def listed(app: SchemaBrowser) -> list[str]:
    table = app.query_one(ItemList)
    return [str(table.get_row_at(row)[0]) for row in range(table.row_count)]


def under_cursor(app: SchemaBrowser) -> str:
    table = app.query_one(ItemList)
    return str(table.get_row_at(table.cursor_row)[0])


def detail(app: SchemaBrowser) -> str:
    """The detail pane's title and text, as wide as it is."""
    pane = app.query_one(Detail)
    console = Console(width=pane.size.width, color_system=None)
    with console.capture() as captured:
        console.print(pane.query_one(Static).content)
    return f"{pane.border_title}\n{captured.get()}"


@BOTH
def test_it_opens_on_the_list_with_everything_installed_and_the_first_item_explained(items, size):
    async def walk(app, pilot):
        assert listed(app) == [item.name for item in items]
        assert isinstance(app.focused, ItemList)
        assert detail(app).startswith(items[0].name)
        assert str(app.query_one("#count", Label).content) == f" {len(items)} of {len(items)} installed"

    sit_down(items, walk, size)


@BOTH
def test_typing_after_a_slash_narrows_the_list_and_shows_the_best_match(items, size):
    async def walk(app, pilot):
        await pilot.press("slash", *"talv")
        assert listed(app) == ["TradeTotalVolume", "TradeTotalVWAP"]
        assert detail(app).startswith("TradeTotalVolume")
        await pilot.press(*"wap")
        assert listed(app) == ["TradeTotalVWAP"]
        assert "Σ P·q / Σ q" in detail(app)
        assert "1 of" in str(app.query_one("#count", Label).content)

    sit_down(items, walk, size)


@BOTH
def test_enter_goes_to_the_list_and_then_into_the_detail(items, size):
    async def walk(app, pilot):
        await pilot.press("slash", *"ttvw", "enter")
        assert isinstance(app.focused, ItemList)
        await pilot.press("enter")
        assert isinstance(app.focused, Detail)
        shown = detail(app)
        for label in ("what", "formula", "unit", "sign", "null rule", "rollup over time", "reads", "plugin"):
            assert f"\n{label} " in shown

    sit_down(items, walk, size)


@BOTH
def test_the_focused_detail_is_on_the_screen_with_the_cursors_row(items, size):
    async def walk(app, pilot):
        await pilot.press("pagedown", "pagedown", "enter")
        await pilot.pause()
        pane, table = app.query_one(Detail), app.query_one(ItemList)
        assert pane.size.height >= 14
        assert app.screen.region.contains_region(pane.region)
        assert table.scroll_offset.y <= table.cursor_row < table.scroll_offset.y + table.size.height - 1

    sit_down(items, walk, size)


def test_escape_goes_back_from_the_detail_and_then_clears_the_search_staying_on_the_item(items):
    async def walk(app, pilot):
        await pilot.press("slash", *"ttvw", "enter", "enter", "escape")
        assert isinstance(app.focused, ItemList)
        assert listed(app) == ["TradeTotalVWAP"]
        await pilot.press("escape")
        assert listed(app) == [item.name for item in items]
        assert under_cursor(app) == "TradeTotalVWAP"
        assert detail(app).startswith("TradeTotalVWAP")

    sit_down(items, walk)


def test_escape_while_typing_clears_the_search_and_gives_the_list_its_keys_back(items):
    async def walk(app, pilot):
        await pilot.press("slash", *"spread", "escape")
        assert app.query_one(SearchLine).value == ""
        assert isinstance(app.focused, ItemList)
        assert len(listed(app)) == len(items)

    sit_down(items, walk)


def test_arrows_and_j_and_k_move_and_the_detail_follows(items):
    async def walk(app, pilot):
        await pilot.press("down", "j", "j", "up", "k", "down")
        assert under_cursor(app) == items[2].name
        assert detail(app).startswith(items[2].name)
        await pilot.press("G")
        assert under_cursor(app) == items[-1].name
        await pilot.press("g")
        assert under_cursor(app) == items[0].name

    sit_down(items, walk)


def test_arrows_move_the_list_while_the_search_has_the_keys(items):
    async def walk(app, pilot):
        await pilot.press("slash", *"ttv", "down")
        assert isinstance(app.focused, SearchLine)
        assert under_cursor(app) == "TradeTotalVWAP"
        await pilot.press("w")
        assert listed(app) == ["TradeTotalVWAP"]

    sit_down(items, walk)


def test_j_and_k_scroll_a_detail_longer_than_its_pane(items):
    async def walk(app, pilot):
        await pilot.press("slash", *"trad", "enter", "enter", "j", "j")
        await pilot.pause(0.3)
        assert app.query_one(Detail).scroll_offset.y == 2

    sit_down(items, walk)


def test_tab_goes_round_the_panes(items):
    async def walk(app, pilot):
        seen = []
        for _ in range(3):
            await pilot.press("tab")
            seen.append(type(app.focused))
        assert seen == [Detail, SearchLine, ItemList]

    sit_down(items, walk)


def test_letters_that_are_keys_elsewhere_are_text_in_the_search(items):
    async def walk(app, pilot):
        await pilot.press("slash", "q", "question_mark", "slash", "j")
        assert app.query_one(SearchLine).value == "q?/j"
        assert app.return_code is None

    sit_down(items, walk)


def test_what_is_typed_in_one_burst_after_the_slash_is_not_lost(items):
    async def walk(app, pilot):
        for key, character in (("slash", "/"), ("t", "t"), ("t", "t"), ("v", "v")):
            app.post_message(Key(key, character))
        await pilot.pause(0.2)
        assert app.query_one(SearchLine).value == "ttv"

    sit_down(items, walk)


def test_a_search_without_result_says_so_and_how_to_go_on(items):
    async def walk(app, pilot):
        await pilot.press("slash", *"zzzz")
        assert listed(app) == []
        assert "press Escape to clear the search" in detail(app)
        await pilot.press("enter", "down", "enter", "escape", "escape")
        assert len(listed(app)) == len(items)
        assert detail(app).startswith(items[0].name)

    sit_down(items, walk)


def test_a_question_mark_shows_the_keys_and_escape_or_q_only_closes_them(items):
    async def walk(app, pilot):
        for closing in ("escape", "q", "question_mark"):
            await pilot.press("question_mark")
            assert isinstance(app.screen, Help)
            await pilot.press(closing)
            assert not isinstance(app.screen, Help)
        assert app.return_code is None

    sit_down(items, walk)


def test_q_quits(items):
    async def walk(app, pilot):
        await pilot.press("q")
        assert app.return_code == 0

    sit_down(items, walk)


def test_the_detail_is_below_the_list_on_a_narrow_screen_and_beside_it_on_a_wide_one(items):
    async def narrow(app, pilot):
        table, pane = app.query_one(ItemList).region, app.query_one(Detail).region
        assert pane.y == table.bottom
        assert (table.width, pane.width) == (80, 80)
        await pilot.resize_terminal(200, 60)
        await pilot.pause()
        table, pane = app.query_one(ItemList).region, app.query_one(Detail).region
        assert (pane.x, pane.y) == (table.right, table.y)

    sit_down(items, narrow)


def test_the_cursors_row_stands_out_without_colours(items, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")

    async def walk(app, pilot):
        assert app.no_color
        assert app.query_one(ItemList).get_component_rich_style("datatable--cursor").reverse

    sit_down(items, walk)


def test_a_single_file_plugin_appears_like_any_other(desk_file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    async def walk(app, pilot):
        await pilot.press("slash", *"desk")
        assert listed(app) == ["desk_clip", "DeskClipSize", "DeskClipPrice"]
        await pilot.press("down")
        assert "plugin                desk.py" in detail(app)

    sit_down(installed_items(open_registry([desk_file])), walk)


@BOTH
def test_a_pipelines_columns_stand_under_their_pass(plan, registry, size):
    async def walk(app, pilot):
        await pilot.press("slash", *"quarter v")
        row = [str(cell) for cell in app.query_one(ItemList).get_row_at(0)][:4]
        assert row == ["MyTradeTotalVolume", "shares", "quarter", "generic"]
        assert "pass bars" in detail(app)
        assert str(app.query_one("#count", Label).content).endswith("pipeline desk")

    sit_down(planned_items(plan, registry), walk, size, "pipeline desk")
