"""Where the tests of basalt-io find real data, and the partition they publish."""

import datetime as dt
from pathlib import Path

import pytest

from basalt.outputs import Target

SHARED = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"


@pytest.fixture(scope="session")
def lobster_folder() -> Path:
    """AMZN, a whole day at one level, and the first 999 rows of AAPL at ten levels."""
    folder = SHARED / "lobster"
    if not folder.is_dir():
        pytest.skip("the LOBSTER sample files are not in the folder `shared/data/lobster` beside the checkout")
    return folder.resolve()


@pytest.fixture
def target() -> Target:
    """The partition that most tests publish."""
    return Target("equities", "bars", dt.date(2024, 3, 8), "xlon", "parquet")
