"""Pipelines that publish to databases and read from them: one reads what another published, and no password is told."""

import json
from pathlib import Path

import attrs
import pytest
from sql_servers import Store, postgresql_store

import basalt
from basalt.cli.main import run

BARS = """
name = "bars"
[source]
type = "simulator"
listings = 2
seed = 1
events = 2000
from = "2026-01-05"
to = "2026-01-06"
[[outputs]]
type = "sql"
{store}
table = "trades"
[[passes]]
name = "bars"
every = "1m"
[[passes.modules]]
module = "trade"
generic = [{{ measures = ["Volume", "VWAP"], sides = ["Total"] }}]
"""
HOURS = """
name = "hours"
[source]
type = "sql"
{store}
columns.trades = {{ EventTimestamp = "TimeBucket", Price = "TradeTotalVWAP", Size = "TradeTotalVolume" }}
[[outputs]]
type = "sql"
{store}
[[passes]]
name = "hours"
every = "1h"
[[passes.modules]]
module = "trade"
generic = [{{ measures = ["Volume"], sides = ["Total"] }}]
"""


def pipelines(store: Store) -> tuple[Path, Path]:
    options = f"url = {json.dumps(store.url)}" + (f"\nschema = {json.dumps(store.schema)}" if store.schema else "")
    files = store.folder / "bars.toml", store.folder / "hours.toml"
    for file, text in zip(files, (BARS, HOURS), strict=True):
        file.write_text(text.format(store=options))
    return files


def volumes(store: Store, table: str) -> dict[tuple[str, int], float]:
    found = store.run(
        f'SELECT "Date", "ListingId", SUM("TradeTotalVolume") FROM {{}}"{table}" GROUP BY 1, 2 ORDER BY 1, 2'
    )
    return {(str(day), listing): volume for day, listing, volume in found}


@pytest.mark.slow
def test_a_second_pipeline_reads_what_the_first_one_published(store):
    """Bars of the first are the trades of the second: by hour they have the same volume, and nothing is to do after."""
    first, second = pipelines(store)
    for file in (first, second):
        assert len(basalt.run(file).published) == 2
    assert len(volumes(store, "hours")) == 4
    assert volumes(store, "hours") == pytest.approx(volumes(store, "trades"))
    assert [basalt.run(file).published for file in (first, second)] == [[], []]


@pytest.mark.slow
def test_workers_publish_to_one_table_at_a_time(store):
    """Each of two processes has a date of its own, and both would create the table."""
    first, _ = pipelines(store)
    first.write_text('executor = "processes"\nworkers = 2\n' + first.read_text())
    assert len(basalt.run(first).published) == 2
    assert len(volumes(store, "trades")) == 4
    assert store.tables() == ["basalt_columns", "basalt_ledger", "trades"]


def test_plans_records_and_documents_hold_no_password(postgresql, tmp_path, monkeypatch, capsys):
    """The password is in the environment; what is looked through is all that a run prints and writes."""
    monkeypatch.setenv("DESK_PASSWORD", "hunter2")
    store = postgresql_store(postgresql, tmp_path)
    first, second = pipelines(attrs.evolve(store, url=postgresql.replace("postgres:@", "postgres:${DESK_PASSWORD}@")))
    for command in (["run", str(first)], ["plan", str(second), "--format", "json"], ["run", str(second)]):
        assert run(["pipeline", *command]) == 0
    printed = capsys.readouterr()
    assert "postgresql://" in printed.out
    written = [file.read_text(errors="replace") for file in tmp_path.rglob("*") if file.is_file()]
    kept = [str(store.run(f'SELECT * FROM {{}}"basalt_{name}"')) for name in ("columns", "ledger")]
    assert len(written) > 6
    for text in (printed.out, printed.err, *written, *kept):
        assert "hunter2" not in text
