"""Feeds whose files are spoilt, through `basalt data convert`: rows that are all there, or one sentence.

Each file of each feed is cut, put in another order, given wrong types, emptied, made huge or filled with garbage.
BASALT_FUZZ is how many examples each file and way gets.
"""

import io
import json
import os
import random
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spoiled_feeds import CASES, ROWS, WAYS, Case

from basalt.cli.main import run

EXAMPLES = int(os.environ.get("BASALT_FUZZ", "3"))


def converted(case: Case, content: bytes, place: Path) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of converting the files, the spoilt one with this content."""
    (place / "in").mkdir()
    case.put(place / "in", content)
    what = ("data", "convert", str(place / "in"), "--source", case.source, *case.options)
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        code = run([*what, "--out", str(place / "out"), "--format", "json"])
    return code, out.getvalue(), err.getvalue()


def rows_of(case: Case, out: str) -> int:
    """How many rows of the case's tables were converted."""
    return sum(row["rows"] for row in json.loads(out) if row["table"] in case.tables.split())


@pytest.mark.parametrize("case", CASES, ids=str)
def test_sound_files_are_rows(case, tmp_path):
    code, out, _ = converted(case, case.files[case.spoilt], tmp_path)
    assert code == 0
    assert rows_of(case, out) == ROWS


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("case", CASES, ids=str)
@settings(max_examples=EXAMPLES, database=None)
@given(seed=st.integers(0, 2**32))
def test_spoilt_files_are_whole_tables_or_refused(case, way, seed):
    """What is accepted has a row for every line or record that the spoilt file still has, and a plain CSV file its last
    line end; what is refused is refused in one sentence, and no other table has less than it should."""
    content = way(case.files[case.spoilt], random.Random(seed))
    with TemporaryDirectory() as folder:
        place = Path(folder)
        code, out, err = converted(case, content, place)
        if code == 0:
            assert case.holds(content, rows_of(case, out))
            assert case.ends_anyhow or not content or content.endswith((b"\n", b"\r"))
            return
        assert code in (1, 2)
        told = [line for line in err.splitlines() if not line.startswith("converting ")]
        assert len(told) == 1, err
        assert told[0].startswith("error: ")
        assert not {"defect", "Traceback"} & set(told[0].replace(":", " ").split())
        for file in (place / "out").glob(f"{case.tables}/*/*.parquet"):
            assert case.holds(content, pl.scan_parquet(file).select(pl.len()).collect().item())


@pytest.mark.parametrize("case", [case for case in CASES if case.whole], ids=str)
def test_a_compressed_or_counted_file_that_is_cut_anywhere_is_refused(case):
    """Whatever is packed, has a count in meta.json, or ends within a record: at every length."""
    content = case.files[case.spoilt]
    step = max(len(content) // (6 * EXAMPLES), 1)
    for length in range(1, len(content) - 1, step):
        with TemporaryDirectory() as folder:
            code, _, err = converted(case, content[:length], Path(folder))
        assert code in (1, 2), (length, err)
