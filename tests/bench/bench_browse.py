"""How long the schema browser takes to open on 2,000 lines, after imports, and to answer a key.

Opening is from its items to a painted screen, in a headless terminal of 80×24. A key's time includes the
fixed pause that pressing one by the test pilot takes, which is given beside it.
"""

import asyncio
import time
from itertools import cycle, islice
from statistics import median

import attrs

from basalt.plugins.registry import open_registry
from basalt_ui.schema_browser.app import SchemaBrowser
from basalt_ui.schema_browser.items import Item, installed_items
from basalt_ui.schema_browser.search import Index

LINES = 2_000


def many(items: list[Item]) -> list[Item]:
    """As many items: the installed ones, again and again under new names."""
    lines = islice(cycle(items), LINES)
    return [attrs.evolve(item, name=f"{item.name}V{n // len(items)}") for n, item in enumerate(lines)]


def seconds_to_open(items: list[Item]) -> float:
    async def opened() -> float:
        started = time.perf_counter()
        app = SchemaBrowser(items, "installed")
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.pause()
            return time.perf_counter() - started

    return asyncio.run(opened())


def seconds_of_keys(items: list[Item]) -> tuple[float, float]:
    """Median time of a letter typed into the search, and of a key that does nothing."""

    async def pressed() -> tuple[float, float]:
        app = SchemaBrowser(items, "installed")
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press("slash")
            letters = [await timed(pilot, letter) for letter in "vwaptotal"]
            return median(letters), median([await timed(pilot, "f9") for _ in range(9)])

    async def timed(pilot, key: str) -> float:
        started = time.perf_counter()
        await pilot.press(key)
        return time.perf_counter() - started

    return asyncio.run(pressed())


def test_the_browser_opens_on_2000_lines(report):
    items = many(installed_items(open_registry()))
    seconds_to_open(items[:50])
    times = [seconds_to_open(items) for _ in range(5)]
    report(f"browse: {LINES} lines open in {median(times):.2f} s (fastest {min(times):.2f})")


def test_a_letter_in_the_search(report):
    items = many(installed_items(open_registry()))
    letter, nothing = seconds_of_keys(items)
    index = Index(items)
    started = time.perf_counter()
    found = len(index.find("vwap total"))
    searched = time.perf_counter() - started
    report(
        f"browse: a letter typed over {LINES} lines takes {letter * 1e3:.0f} ms, a key that does nothing "
        f"{nothing * 1e3:.0f} ms; the search itself {searched * 1e3:.1f} ms ({found} found)"
    )
