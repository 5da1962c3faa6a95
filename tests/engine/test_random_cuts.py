"""Random markets, pipelines and cuts: the same result as in one run of one batch over sorted files."""

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import random_cuts
from conftest import assert_same
from desk_modules import Lead, Rank, Share, Usual
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from random_cuts import Cut, Market
from small import Small

from basalt.running.events import BatchComputed, Event

LONG = "BASALT_CUTS" in os.environ
PARTS = 8 if LONG else 1  # each with examples of its own
EXAMPLES = int(os.environ.get("BASALT_CUTS", "12")) // PARTS
WHOLE = Cut({})


def run(market: Market, passes: Sequence[Mapping[str, Any]], cut: Cut, folder: Path) -> dict[str, pl.DataFrame]:
    """Run it cut so; what each pass published, `rank` of universes left out."""
    desk = Small(folder, [Usual, Rank, Share, Lead])
    random_cuts.write(market, cut, folder / "data")
    sized = [{**one, "memory": f"{cut.memory[one['name']]} B"} if one["name"] in cut.memory else one for one in passes]
    top: dict[str, Any] = {}
    if cut.halves:
        for name, listings in random_cuts.universes(market).items():
            pl.DataFrame({"ListingId": listings}, {"ListingId": market.dtype}).write_parquet(folder / f"{name}.parquet")
        top["universes"] = {name: {"file": f"{name}.parquet"} for name in random_cuts.universes(market)}
    batches = 0
    for dates in [[each] for each in market.dates] if cut.by_date else [[]]:
        for stop in (*cut.stops, None):
            with suppress(KeyboardInterrupt):
                result = desk.run(*sized, dates=dates, observers=[after(stop)], **top)
                assert [each.error for each in result.failed] == []
            batches += sum(isinstance(event, BatchComputed) for event in desk.told)
    note(f"{batches} batches of {len(sized) * len(market.dates)} passes")
    assert [p for p in (folder / ".basalt" / "work").rglob("*") if p.is_file()] == []
    return {name: as_one(desk.published(name)) for name in sorted(p.name for p in (folder / "out").iterdir())}


def after(events: int | None) -> Callable[[Event], None]:
    """Interrupts a run after so many events."""
    left = [events]

    def stop(_: Event) -> None:
        if left[0] is not None:
            left[0] -= 1
            if not left[0]:
                raise KeyboardInterrupt

    return stop


def as_one(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of both universes as if they were of one; in the order of the file where there is one."""
    if rows["Universe"].unique().to_list() in ([], ["all"]):
        return rows
    names = ["Date", "ListingId", "Venue", "TimeBucket", "EventTimestamp"]
    keys = [name for name in names if name in rows.columns]
    return rows.with_columns(Universe=pl.lit("all")).sort(keys, maintain_order=True)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=not LONG,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    print_blob=True,
)
@given(data=st.data())
def test_any_cut_of_any_market_gives_the_same_rows(part, data):
    """Where universes are halves, ranks are of the halves and are not compared."""
    market = data.draw(random_cuts.markets(), "market")
    passes = data.draw(random_cuts.pipelines(market), "passes")
    cut = data.draw(random_cuts.cuts(), "cut")
    with tempfile.TemporaryDirectory() as folder:
        whole = run(market, passes, WHOLE, Path(folder) / "whole")
        found = run(market, passes, cut, Path(folder) / "cut")
    if cut.halves:
        whole.pop("rank", None)
        found.pop("rank", None)
    assert_same(found, whole)
