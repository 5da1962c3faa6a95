"""Sorting on disk: complete, stable, in bounded memory, and clear about a disk that is full."""

import subprocess
import sys
import textwrap

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from basalt.errors import PublishError
from basalt.running.spill import SECTION, fits, run_rows, sort_to_disk

ORDER = ["EventTimestamp", "SequenceNo"]
WIDTH = 32  # four columns of 8 bytes


def table(rows, key=pl.Int64):
    """Rows of (key, time, sequence), numbered by `Place` in file order."""
    schema = {"ListingId": key, "EventTimestamp": pl.Int64, "SequenceNo": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row").with_row_index("Place").cast({"Place": pl.Int64})


def by_key(frame):
    return frame.group_by("ListingId").agg(Rows=pl.len().cast(pl.Int64)).sort("ListingId")


def cut(frame, rows):
    return [frame[i : i + rows] for i in range(0, max(1, frame.height), rows)]


def spilled(frame, folder, memory, order=ORDER, rows=None):
    """The files, after slices as `memory` allows them, or of so many rows."""
    parts = cut(frame, rows or run_rows(memory, WIDTH))
    return sort_to_disk(parts, by_key(frame), order, folder / "trades", memory, WIDTH)


def read(files):
    return pl.scan_parquet(files, glob=False).collect()


def expected(frame, order=ORDER):
    """Python's sort is stable: rows that tie stay as they are in the file; a null sorts first."""
    names = ["ListingId", *order]
    places = sorted(frame.to_dicts(), key=lambda row: [(row[n] is not None, row[n] or 0) for n in names])
    return [row["Place"] for row in places]


keys = st.integers(0, 6)
rows_ = st.lists(st.tuples(keys, st.integers(0, 4), st.none() | st.integers(0, 3)), min_size=1, max_size=60)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(rows_, st.integers(1, 20), st.integers(1, 3_000))
def test_whatever_the_cut_the_rows_are_those_of_a_stable_sort(tmp_path_factory, rows, slice_rows, memory):
    """Slices of any length, sections of one key up to all of them, ties, and no SequenceNo in some rows."""
    frame = table(rows)
    folder = tmp_path_factory.mktemp("spill")
    assert read(spilled(frame, folder, memory, rows=slice_rows))["Place"].to_list() == expected(frame)


def test_ties_keep_file_order_without_a_sequence_number(tmp_path):
    """One stamp, three listings in turn, 600 rows in slices of 7: each listing's rows stay in file order."""
    frame = table([(i % 3, 5, None) for i in range(600)])
    found = read(spilled(frame, tmp_path, memory=100, order=ORDER[:1], rows=7))
    assert found["Place"].to_list() == [*range(0, 600, 3), *range(1, 600, 3), *range(2, 600, 3)]


def test_listings_named_by_strings_are_in_the_order_of_strings(tmp_path):
    frame = table([(name, 5, 1) for name in ("b", "ä", "a10", "a9", "", "B")], key=pl.String)
    found = read(spilled(frame, tmp_path, memory=64, rows=2))
    assert found["ListingId"].to_list() == ["", "B", "a10", "a9", "b", "ä"]


def test_hundreds_of_sections_are_sorted_as_one(tmp_path):
    """300 listings × 40 rows, the last listing first at each time; a section takes 2 listings: 150 files of 80 rows."""
    frame = table([(listing, time, 1) for time in range(40) for listing in range(300, 0, -1)])
    files = spilled(frame, tmp_path, memory=SECTION * 80 * WIDTH, rows=1_000)
    assert len(files) == 150
    assert {pl.scan_parquet(file).select(pl.len()).collect().item() for file in files} == {80}
    found = read(files)
    assert found.equals(frame.sort("ListingId", "EventTimestamp"))
    assert sorted(p.name for p in (tmp_path / "trades").iterdir()) == [file.name for file in files]


def test_one_listing_larger_than_a_section_is_a_section_of_its_own(tmp_path):
    """Listing 5 has 500 of 508 rows, and a section takes 10: 1 to 4 before it, then itself, then those behind it."""
    rows = [(5, -i, 1) for i in range(500)] + [(k, 9, 1) for k in (9, 8, 7, 6, 4, 3, 2, 1)]
    files = spilled(table(rows), tmp_path, memory=SECTION * 10 * WIDTH, rows=50)
    listings = [pl.read_parquet(file)["ListingId"].unique().sort().to_list() for file in files]
    assert listings == [[1, 2, 3, 4, 5], [6, 7, 8, 9]]
    assert read(files)["EventTimestamp"].to_list() == [9] * 4 + list(range(-499, 1)) + [9] * 4


def test_what_fits_is_sorted_at_once_and_is_one_file(tmp_path):
    frame = table([(2, 1, 1), (1, 2, 1), (1, 1, 1)])
    assert fits(3, SECTION * 3 * WIDTH, WIDTH)
    assert not fits(3, SECTION * 3 * WIDTH - 1, WIDTH)
    files = spilled(frame, tmp_path, memory=SECTION * 3 * WIDTH, rows=2)
    assert [file.name for file in files] == ["000000.parquet"]
    assert read(files)["Place"].to_list() == [2, 1, 0]


def test_dtypes_survive(tmp_path):
    frame = table([(2, 1, 1), (1, 2, 1)]).with_columns(
        MarketState=pl.Series(["HALTED", None], dtype=pl.Enum(["HALTED", "CLOSED"])),
        EventTimestamp=pl.Series([1, 2], dtype=pl.Datetime("ns", "UTC")),
    )
    found = read(spilled(frame, tmp_path, memory=16, rows=1))
    assert found.schema == frame.schema
    assert found["MarketState"].to_list() == [None, "HALTED"]


def test_slices_without_rows_are_passed_over(tmp_path):
    """As where every row of a slice was cancelled."""
    frame = table([(2, 1, 1), (1, 2, 1)])
    parts = [frame[:1], frame[:0], frame[1:]]
    files = sort_to_disk(parts, by_key(frame), ORDER, tmp_path / "trades", 16, WIDTH)
    assert read(files)["ListingId"].to_list() == [1, 2]


def test_row_groups_hold_few_megabytes(tmp_path):
    """A section of 200,000 rows of 256 bytes as they are counted: row groups of 16 MiB are 65,536 rows, so four."""
    frame = table([(1, 200_000 - i, 1) for i in range(200_000)])
    files = sort_to_disk([frame], by_key(frame), ORDER, tmp_path / "trades", 2**30, 256)
    first = pl.scan_parquet(files).filter(pl.col("EventTimestamp") <= 65_536).select(pl.col("Place").max())
    assert first.collect().item() == 199_999


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "work").write_text("a file")
    with pytest.raises(PublishError) as refused:
        spilled(table([(2, 1, 1), (1, 2, 1)]), tmp_path / "work", memory=16)
    said = str(refused.value)
    assert said.startswith(f"rows that came out of order could not be sorted in {tmp_path / 'work' / 'trades'} (")
    assert said.endswith("): make room there, or set `work` to a folder that has it, and run again")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="file sizes are limited by POSIX")
def test_a_disk_that_is_full_is_an_error_in_one_sentence(tmp_path):
    """No file of the process may grow beyond 100 kB, and a run of 50,000 rows takes more."""
    code = textwrap.dedent(f"""
        import resource, sys
        from pathlib import Path
        import polars as pl
        from basalt.errors import PublishError
        from basalt.running.spill import sort_to_disk
        rows = pl.select(pl.int_range(50_000).alias("i")).select(
            ListingId=pl.col("i").hash(1) // 2**40, EventTimestamp=pl.col("i").hash(2), Price=pl.col("i").hash(3)
        )
        counts = rows.group_by("ListingId").len("Rows").sort("ListingId")
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
        try:
            sort_to_disk([rows], counts, ["EventTimestamp"], Path({str(tmp_path)!r}) / "l2", 1000, 24)
        except PublishError as error:
            print(error)
    """)
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.startswith(f"rows that came out of order could not be sorted in {tmp_path / 'l2' / 'runs'} (")
    assert "File too large" in done.stdout
    assert done.stdout.endswith("): make room there, or set `work` to a folder that has it, and run again\n")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak from the kernel")
def test_memory_stays_within_what_sorting_may_take(tmp_path):
    """A table of 480 MB, as it is in memory, is sorted within 100 MB: 4 M rows × 15 columns of 8 bytes, by time, of 50
    listings. Slices and sections take at most that; 100 MB more are what the libraries hold on to at most."""
    code = textwrap.dedent(f"""
        from pathlib import Path
        import polars as pl
        from basalt.running.peak import Peak, resident
        from basalt.running.spill import run_rows, sort_to_disk
        LISTINGS, ROWS, COLUMNS, MEMORY = 50, 4_000_000, 13, 100 * 10**6
        def part(start, rows):
            i = pl.int_range(start, min(start + rows, ROWS), eager=True).alias("i").to_frame()
            values = {{f"x{{n}}": pl.col("i").hash(n) for n in range(COLUMNS)}}
            return i.select(ListingId=pl.col("i") % LISTINGS, EventTimestamp=pl.col("i"), **values)
        counts = pl.DataFrame({{"ListingId": range(LISTINGS), "Rows": [ROWS // LISTINGS] * LISTINGS}})
        rows = run_rows(MEMORY, 120)
        slices = (part(start, rows) for start in range(0, ROWS, rows))
        part(0, 1000).write_parquet(Path({str(tmp_path)!r}) / "warm.parquet")
        before = resident()
        with Peak() as peak:
            files = sort_to_disk(slices, counts, ["EventTimestamp"], Path({str(tmp_path)!r}) / "l2", MEMORY, 120)
        whole = pl.scan_parquet(files).select(pl.len(), (pl.col("ListingId").diff() < 0).any().alias("falls"))
        print(peak.bytes - before, *whole.collect().row(0))
    """)
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    growth, rows, falls = done.stdout.split()
    assert (int(rows), falls) == (4_000_000, "False")
    assert int(growth) < 200 * 10**6
