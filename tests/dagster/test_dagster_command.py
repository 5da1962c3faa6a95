"""`basalt dagster definitions`: what it prints, where, and what is imported before it runs."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from basalt.cli.main import run


@pytest.mark.parametrize("args", [["--help"], ["dagster", "--help"], ["dagster", "definitions", "--help"]])
def test_help_pages_do_not_import_dagster(args, tmp_path):
    code = f"import sys, basalt.cli.main as cli; cli.run({args!r}); print('dagster' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "False", done.stderr
    assert "dagster" in done.stdout


def test_importing_the_command_and_the_package_imports_neither_dagster_nor_polars(tmp_path):
    code = "import sys, basalt_dagster, basalt_dagster.commands; print({'dagster', 'polars'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "set()", done.stderr


def test_only_what_the_package_promises_is_found_in_it():
    import basalt_dagster

    with pytest.raises(AttributeError, match="no attribute 'build_definition'"):
        _ = basalt_dagster.build_definition


def test_assets_dependencies_and_partitions_are_printed_and_serving_is_explained_on_stderr(written, capsys):
    file = written()
    assert run(["dagster", "definitions", str(file), "--format", "json"]) == 0
    said = capsys.readouterr()
    rows = {row["asset"]: row for row in json.loads(said.out)}
    assert list(rows)[-2:] == ["desk-bars/bars", "desk-bars/quarter"]
    assert rows["desk-bars/quarter"] == {
        "asset": "desk-bars/quarter",
        "made by": "basalt",
        "depends on": "desk-bars/bars",
        "partitions": 2,
        "first": "2026-01-09",
        "last": "2026-01-12",
        "group": "desk_bars",
    }
    assert rows["desk-bars/source/trades"]["made by"] == "the source"
    assert said.err.splitlines()[-2:] == [
        "  from basalt_dagster import build_definitions",
        f"  defs = build_definitions({str(file)!r})",
    ]


def test_the_two_printed_lines_are_a_definitions_file_that_dagster_loads(written, capsys, tmp_path):
    run(["dagster", "definitions", str(written()), "--set", "passes.bars.every=5m"])
    lines = [line.strip() for line in capsys.readouterr().err.splitlines()[-2:]]
    names: dict[str, object] = {}
    exec("\n".join(lines), names)
    import dagster as dg

    defs = names["defs"]
    assert isinstance(defs, dg.Definitions)
    bars = next(spec for spec in defs.resolve_all_asset_specs() if spec.key.path[-1] == "bars")
    assert bars.description == "trade, l2: every 5m, label end, closed right"


def test_csv_holds_the_same_rows(written, capsys):
    assert run(["dagster", "definitions", str(written()), "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["partitions"] for row in rows] == ["0", "0", "0", "2", "2"]


def test_a_pipeline_that_cannot_run_pass_by_pass_is_wrong_input(written, capsys):
    file = written(replaced={'[[outputs]]\ntype = "parquet"\n': ""})
    assert run(["dagster", "definitions", str(file)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("error: passes.quarter reads passes.bars, which has no output")


def test_a_file_that_is_not_there_is_wrong_input(capsys):
    assert run(["dagster", "definitions", str(Path("nowhere.toml"))]) == 2
    assert "nowhere.toml" in capsys.readouterr().err
