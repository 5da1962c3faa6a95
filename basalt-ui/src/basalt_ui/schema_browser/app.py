"""The browser itself: a search line, the list, and the detail of the line the cursor is on."""

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, VerticalScroll
from textual.widgets import DataTable, Footer, Input, Label, Static

from basalt_ui.schema_browser.detail import rendered
from basalt_ui.schema_browser.help import Help
from basalt_ui.schema_browser.items import Item
from basalt_ui.schema_browser.search import Index

WIDEST_NAME = 40


class SearchLine(Input):
    """What is typed narrows the list; the arrows move the list's cursor meanwhile."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "List"),
        Binding("up", "app.move('cursor_up')", show=False),
        Binding("down", "app.move('cursor_down')", show=False),
        Binding("pageup", "app.move('page_up')", show=False),
        Binding("pagedown", "app.move('page_down')", show=False),
    ]


class ItemList(DataTable[Text]):
    """The items found; rows are drawn only where they are in view."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", show=False),
        Binding("k", "cursor_up", show=False),
        Binding("g", "scroll_top", show=False),
        Binding("G", "scroll_bottom", show=False),
        Binding("enter", "select_cursor", "Detail"),
    ]

    def on_resize(self) -> None:
        """Keep the cursor's row in view when the detail takes room."""
        self.move_cursor(row=self.cursor_row)


class Detail(VerticalScroll):
    """Everything there is to say about one item."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", show=False),
        Binding("k", "scroll_up", show=False),
        Binding("g", "scroll_home", show=False),
        Binding("G", "scroll_end", show=False),
    ]


class SchemaBrowser(App[None]):
    """Browse items. `about` says whose they are: what is installed, or a pipeline's."""

    CSS_PATH = "browser.tcss"
    ENABLE_COMMAND_PALETTE = False
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide")]  # noqa: RUF012 - as Textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "Search", key_display="/", priority=True),
        Binding("escape", "step_back", "Back", key_display="esc"),
        Binding("question_mark", "help", "Keys", key_display="?"),
        Binding("q", "quit", "Quit"),
    ]

    def __init__(self, items: Sequence[Item], about: str) -> None:
        super().__init__()
        self.index = Index(items)
        self.about = about
        self.found: Sequence[Item] = ()

    def compose(self) -> ComposeResult:
        with Horizontal(id="top"):
            yield Label("Search ")
            yield SearchLine(placeholder="press / and type", compact=True, select_on_focus=False)
            yield Label(id="count")
        with Container(id="body"):
            yield ItemList(cursor_type="row", zebra_stripes=False)
            with Detail():
                yield Static()
        yield Footer()

    def on_mount(self) -> None:
        """Fill the list; it has the keys from the start."""
        items, listing = self.index.items, self.query_one(ItemList)
        listing.add_column("column", width=_width([item.name for item in items]))
        listing.add_column("unit", width=_width([item.unit for item in items]))
        if _of_pipeline(items):
            listing.add_column("pass", width=_width([item.pass_name or "" for item in items]))
        listing.add_column("module", width=_width([item.module for item in items]))
        listing.add_column("what", width=max(len(item.what) for item in items))
        self._list("")
        listing.focus()

    @on(Input.Changed)
    def narrow(self, event: Input.Changed) -> None:
        """Show what the words typed so far find."""
        self._list(event.value)

    @on(Input.Submitted)
    def into_list(self) -> None:
        """Enter on the search line goes to the list."""
        self.query_one(ItemList).focus()

    @on(DataTable.RowHighlighted)
    def explain(self, event: DataTable.RowHighlighted) -> None:
        """Show the detail of the line under the cursor."""
        if event.cursor_row < len(self.found):
            self._show(self.found[event.cursor_row])

    @on(DataTable.RowSelected)
    def into_detail(self) -> None:
        """Enter on the list goes to the detail."""
        self.query_one(Detail).focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A slash typed into the search line is text."""
        return action != "search" or not isinstance(self.focused, SearchLine)

    def action_search(self) -> None:
        """Go to the search line, at once: what is typed right after the slash is meant for it."""
        self.screen.set_focus(self.query_one(SearchLine))

    def action_move(self, how: str) -> None:
        """Move the list's cursor while the search line has the keys."""
        getattr(self.query_one(ItemList), f"action_{how}")()

    def action_step_back(self) -> None:
        """From the detail to the list; from there, and from the search line, clear the search."""
        if self.query_one(Detail).has_focus:
            self.query_one(ItemList).focus()
            return
        self.query_one(SearchLine).value = ""
        self.query_one(ItemList).focus()

    def action_help(self) -> None:
        """Show the keys."""
        self.push_screen(Help())

    def _list(self, query: str) -> None:
        """List what the query finds. A cleared search stays on the item it was on; a new one starts at the best."""
        listing = self.query_one(ItemList)
        stay = None if query or not self.found else self.found[listing.cursor_row]
        self.found = self.index.find(query)
        listing.clear()
        with_pass = _of_pipeline(self.index.items)
        listing.add_rows(_cells(item, with_pass) for item in self.found)
        if stay is not None:
            listing.move_cursor(row=self.found.index(stay))
        self.query_one("#count", Label).update(f" {len(self.found):,} of {len(self.index.items):,} {self.about}")
        if not self.found:
            self._show(None)

    def _show(self, item: Item | None) -> None:
        pane = self.query_one(Detail)
        pane.border_title = "" if item is None else item.name
        text = "Nothing here has all of these words: press Escape to clear the search."
        pane.query_one(Static).update(text if item is None else rendered(item.explain()))
        pane.scroll_home(animate=False)


def _of_pipeline(items: Sequence[Item]) -> bool:
    return any(item.pass_name is not None for item in items)


def _cells(item: Item, with_pass: bool) -> list[Text]:
    between = [item.pass_name or ""] if with_pass else []
    return [Text(cell, no_wrap=True) for cell in (item.name, item.unit, *between, item.module, item.what)]


def _width(texts: Sequence[str]) -> int:
    return min(max(map(len, texts)), WIDEST_NAME)
