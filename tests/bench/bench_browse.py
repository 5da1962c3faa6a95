"""How long the schema browser takes to open on 2,000 columns, after imports, and to answer a key.

Opening is from the catalogue's entries to a painted screen, in a headless terminal of 80×24. A key's time includes the
fixed pause that pressing one by the test pilot takes, which is given beside it.
"""

import asyncio
import time
from statistics import median

import attrs

from basalt.catalog import Entry, default_columns
from basalt.plugins.registry import open_registry
from basalt_ui.schema_browser.app import SchemaBrowser
from basalt_ui.schema_browser.items import Item, column_item
from basalt_ui.schema_browser.search import Index

COLUMNS = 2_000


def many(entries: list[Entry]) -> list[Entry]:
    """As many entries, of real columns under new names."""
    return [
        attrs.evolve(entry, column=attrs.evolve(entry.column, name=f"{entry.column.name}V{n // len(entries)}"))
        for n in range(COLUMNS)
        for entry in [entries[n % len(entries)]]
    ]


def items_of(entries: list[Entry]) -> list[Item]:
    return [column_item(entry, {}, {}) for entry in entries]


def seconds_to_open(entries: list[Entry]) -> float:
    async def opened() -> float:
        started = time.perf_counter()
        app = SchemaBrowser(items_of(entries), "installed")
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.pause()
            return time.perf_counter() - started

    return asyncio.run(opened())


def seconds_of_keys(entries: list[Entry]) -> tuple[float, float]:
    """Median time of a letter typed into the search, and of a key that does nothing."""

    async def pressed() -> tuple[float, float]:
        app = SchemaBrowser(items_of(entries), "installed")
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press("slash")
            letters = [await timed(pilot, letter) for letter in "vwaptotal"]
            return median(letters), median([await timed(pilot, "f9") for _ in range(9)])

    async def timed(pilot, key: str) -> float:
        started = time.perf_counter()
        await pilot.press(key)
        return time.perf_counter() - started

    return asyncio.run(pressed())


def test_the_browser_opens_on_2000_columns(report):
    entries = many(default_columns(open_registry()))
    seconds_to_open(entries[:50])
    times = [seconds_to_open(entries) for _ in range(5)]
    report(f"browse: {COLUMNS} columns open in {median(times):.2f} s (fastest {min(times):.2f})")


def test_a_letter_in_the_search(report):
    entries = many(default_columns(open_registry()))
    letter, nothing = seconds_of_keys(entries)
    index = Index(items_of(entries))
    started = time.perf_counter()
    found = len(index.find("vwap total"))
    searched = time.perf_counter() - started
    report(
        f"browse: a letter typed over {COLUMNS} columns takes {letter * 1e3:.0f} ms, a key that does nothing "
        f"{nothing * 1e3:.0f} ms; the search itself {searched * 1e3:.1f} ms ({found} found)"
    )
