"""The page that `?` shows: the keys, and how to search."""

from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import ModalScreen
from textual.widgets import Static

KEYS = {
    "/": "search: every word must be in the name, unit, module or sentence; ttv finds TradeTotalVolume",
    "Esc": "from the detail back to the list, then clear the search",
    "↑ ↓  j k": "move; PgUp, PgDn, g and G go further; while searching the arrows move the list",
    "Enter": "from the search to the list, from the list to the detail",
    "Tab": "next pane",
    "q": "quit",
}


class Help(ModalScreen[None]):
    """Any of the keys below closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape,question_mark,q,enter", "dismiss", "Close")]

    def compose(self) -> ComposeResult:
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(no_wrap=True, style="bold")
        grid.add_column()
        for key, what in KEYS.items():
            grid.add_row(Text(key), Text(what))
        page = Static(grid)
        page.border_title = "Keys"
        page.border_subtitle = "Esc closes"
        yield page
