"""What measurements share: large synthetic days, and ratios of two commands timed in turn.

Run with `nox -s bench`. A figure is a paired ratio: A and B in turn, several times, the median of A/B pair by pair.
Other days are made of the large one and kept beside it, each as hive Parquet.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from statistics import median

import polars as pl
import pytest

sys.path.insert(0, str(Path(__file__).parent))

SHARED = Path(__file__).resolve().parents[3] / "shared" / "bench"
CACHE = Path(os.environ.get("BASALT_BENCH", Path.home() / ".cache" / "basalt-bench"))
DAY = date(2026, 1, 5)
EVENTS = ("trades", "l2", "l3", "marketstate")
ROW_GROUP = 250_000  # rows, as in the large day


@pytest.fixture(scope="session")
def cache() -> Path:
    """A folder that is kept from session to session."""
    CACHE.mkdir(parents=True, exist_ok=True)
    return CACHE


@pytest.fixture(scope="session")
def large_day(cache: Path) -> Path:
    """60 listings × 5,000 trades, 50,000 book rows × 10 levels, 200,000 order events, as hive Parquet."""
    if not SHARED.exists():
        pytest.skip("the generator of the large synthetic day is not beside this checkout (shared/bench)")
    day = cache / "day"
    if not (day / "reference").exists():
        subprocess.run([sys.executable, SHARED / "gen.py", "60", cache / "raw"], check=True)
        subprocess.run([sys.executable, SHARED / "canonical.py", cache / "raw", day], check=True)
    return day


@pytest.fixture(scope="session")
def small_day(large_day: Path, cache: Path) -> Path:
    """The first 20 listings of the large day."""
    listings = sorted(_rows(large_day, "reference").collect()["ListingId"])[:20]
    return _kept(cache / "day20", large_day, lambda frame, _: frame.filter(pl.col("ListingId").is_in(listings)))


@pytest.fixture(scope="session")
def four_days(small_day: Path, cache: Path) -> Path:
    """The first 20 listings of the large day on four dates."""
    return _kept(cache / "days4x20", small_day, _shifted, 4)


@pytest.fixture(scope="session")
def unsorted_day(large_day: Path, cache: Path) -> Path:
    """The large day with its rows in order of time alone."""

    def by_time(frame: pl.LazyFrame, _: int) -> pl.LazyFrame:
        stamped = "EventTimestamp" in frame.collect_schema()
        return frame.sort("EventTimestamp", maintain_order=True) if stamped else frame

    return _kept(cache / "unsorted", large_day, by_time)


def _kept(root: Path, large: Path, made: Callable[[pl.LazyFrame, int], pl.LazyFrame], dates: int = 1) -> Path:
    """The days below `root`, made where they are not: `made(rows of the one day, number of the date)`."""
    if root.exists():
        return root
    unfinished = root.with_name(f"{root.name}-{os.getpid()}")
    for table in (*EVENTS, "reference"):
        for n in range(dates):
            file = unfinished / table / f"date={DAY + timedelta(n)}" / "part.parquet"
            file.parent.mkdir(parents=True)
            made(_rows(large, table), n).collect().write_parquet(file, row_group_size=ROW_GROUP)
    unfinished.rename(root)
    return root


def _rows(root: Path, table: str) -> pl.LazyFrame:
    return pl.scan_parquet(root / table / f"date={DAY}" / "part.parquet", hive_partitioning=False)


def _shifted(frame: pl.LazyFrame, days: int) -> pl.LazyFrame:
    if "EventTimestamp" not in frame.collect_schema():
        return frame
    return frame.with_columns(pl.col("EventTimestamp") + timedelta(days))


Work = Callable[[], object]


@pytest.fixture(scope="session")
def paired() -> Callable[..., tuple[float, float, float]]:
    """`paired(a, b)`: median of A/B over `runs` pairs after one warm-up of each; medians of A and B in seconds."""

    def measured(a: Work, b: Work, runs: int = 7) -> tuple[float, float, float]:
        a()
        b()
        times = [(_seconds(a), _seconds(b)) for _ in range(runs)]
        return median(x / y for x, y in times), median(x for x, _ in times), median(y for _, y in times)

    return measured


def _seconds(work: Work) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


@pytest.fixture
def report(capsys):
    """Print one measured figure, past pytest's capture, and how busy the machine was in the last minute."""

    def say(text: str) -> None:
        with capsys.disabled():
            print(f"\n  {text} [load {os.getloadavg()[0]:.1f}]")

    return say
