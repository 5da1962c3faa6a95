"""What measurements share: a large synthetic day, and ratios of two commands timed in turn.

Run with `nox -s bench`. A figure is a paired ratio: A and B in turn, several times, the median of A/B pair by pair.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import pytest

SHARED = Path(__file__).resolve().parents[3] / "shared" / "bench"
CACHE = Path(os.environ.get("BASALT_BENCH", Path.home() / ".cache" / "basalt-bench"))


@pytest.fixture(scope="session")
def large_day() -> Path:
    """60 listings × 5,000 trades, 50,000 book rows × 10 levels, 200,000 order events, as hive Parquet."""
    if not SHARED.exists():
        pytest.skip("the generator of the large synthetic day is not beside this checkout (shared/bench)")
    day = CACHE / "day"
    if not (day / "reference").exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, SHARED / "gen.py", "60", CACHE / "raw"], check=True)
        subprocess.run([sys.executable, SHARED / "canonical.py", CACHE / "raw", day], check=True)
    return day


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
    """Print one measured figure, past pytest's capture."""

    def say(text: str) -> None:
        with capsys.disabled():
            print(f"\n  {text}")

    return say
