"""The book modules, computed twice: every cell of l2, and of what rolls it up, against a slow reference written from
the specification alone, on spoiled random days.

BASALT_FUZZ_DAYS=2000 compares that many random days of each family (default 20).
"""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "golden"))
from reference.against_books import book_only, compared
from reference.days import spoiled

FUZZ_DAYS = int(os.environ.get("BASALT_FUZZ_DAYS", "20"))
FAMILIES = {"dense": book_only}


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_spoiled_random_days_agree_with_the_reference(family):
    for seed in range(FUZZ_DAYS):
        assert compared(seed, spoiled(seed), FAMILIES[family]) == []
