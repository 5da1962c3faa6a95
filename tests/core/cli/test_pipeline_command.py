"""`basalt pipeline`: data on stdout alone, the story on stderr, and how each command ends; run and plan have tests of
their own."""

import json

import pytest

NOTE = "note: passes.bars: table trades has no known market state, so all of its rows count\n"
FILE = "pipeline.toml"


@pytest.mark.parametrize(
    ("options", "dates"),
    [
        ([], ["2026-01-05", "2026-01-06"]),
        (["--date", "2026-01-06"], ["2026-01-06"]),
        (["--date", "2026-01-06", "--date", "2026-01-05"], ["2026-01-05", "2026-01-06"]),
        (["--from", "2026-01-06"], ["2026-01-06"]),
        (["--to", "2026-01-05"], ["2026-01-05"]),
        (["--from", "2026-01-01", "--to", "2026-01-31"], ["2026-01-05", "2026-01-06"]),
        (["--set", 'dates.list=["2026-01-06"]'], ["2026-01-06"]),
        (["--set", "dates.from=2026-01-06"], ["2026-01-06"]),
        (["--set", 'dates.list=["2026-01-06"]', "--date", "2026-01-05"], ["2026-01-05"]),
    ],
)
def test_dates_are_those_asked_for_out_of_those_there_are(folder, options, dates):
    done = folder.basalt("pipeline", "plan", FILE, "--format", "json", *options)
    assert (done.code, [p["date"] for p in done.json["partitions"]]) == (0, dates)


@pytest.mark.parametrize("others", [["--from", "2026-01-05"], ["--to", "2026-01-05"]])
def test_dates_alone_and_a_range_exclude_each_other(folder, others):
    done = folder.basalt("pipeline", "plan", FILE, "--date", "2026-01-05", *others)
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "error: --date names dates alone: give either it or --from and --to; see `basalt pipeline plan --help`\n"
    )


def test_a_date_that_is_none(folder):
    done = folder.basalt("pipeline", "run", FILE, "--date", "5.1.2026")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "error: invalid value for '--date': '5.1.2026' does not match the format '%Y-%m-%d'; see `basalt pipeline run "
        "--help`\n"
    )


@pytest.mark.parametrize("command", ["plan", "check", "datasets", "schema"])
def test_nothing_but_run_writes(folder, command):
    assert folder.basalt("pipeline", command, FILE).code == 0
    assert sorted(p.name for p in folder.path.iterdir()) == ["data", "pipeline.toml"]


def test_check_says_that_a_pipeline_is_sound_on_stderr(folder):
    done = folder.basalt("pipeline", "check", FILE)
    assert (done.code, done.out) == (0, "")
    assert done.err == f"{NOTE}pipeline.toml is sound: 2 passes, 6 columns, 2 partitions\n"


def test_datasets_lists_what_is_read_and_written(folder):
    done = folder.basalt("pipeline", "datasets", FILE, "--format", "json")
    rows = [(r["pass"], r["kind"], r["date"] or r["name"], r["columns"], r["where"]) for r in done.json]
    assert (done.code, done.err) == (0, "")
    assert rows == [
        ("bars", "reads", "trades", 4, "parquet"),
        ("bars", "writes", "2026-01-05", 3, folder.place("out/bars/date=2026-01-05/all.parquet")),
        ("bars", "writes", "2026-01-06", 3, folder.place("out/bars/date=2026-01-06/all.parquet")),
        ("hours", "reads", "bars", None, "earlier pass"),
        ("hours", "writes", "2026-01-05", 3, folder.place("out/hours/date=2026-01-05/all.parquet")),
        ("hours", "writes", "2026-01-06", 3, folder.place("out/hours/date=2026-01-06/all.parquet")),
    ]


def test_schema_lists_every_column(folder):
    done = folder.basalt("pipeline", "schema", FILE, "--format", "json")
    assert [(r["pass"], r["column"], r["dtype"], r["unit"], r["over time"]) for r in done.json] == [
        ("bars", "TradeTotalVolume", "Float64", "shares", "sum"),
        ("bars", "TradeTotalVWAP", "Float64", "price", "mean weighted by TradeTotalVolume"),
        ("bars", "TradeInvalidCount", "Int64", "count", "sum"),
        ("hours", "TradeTotalVolume", "Float64", "shares", "sum"),
        ("hours", "TradeTotalVWAP", "Float64", "price", "mean weighted by TradeTotalVolume"),
        ("hours", "TradeInvalidCount", "Int64", "count", "sum"),
    ]
    assert {r["hidden"] for r in done.json} == {False}


def test_schema_lists_hidden_weights_too(folder):
    alone = 'passes.bars.modules=[{module = "trade", generic = [{measures = ["VWAP"]}]}]'
    done = folder.basalt("pipeline", "schema", FILE, "--format", "json", "--set", alone)
    hidden = [(r["column"], r["unit"]) for r in done.json if r["pass"] == "bars" and r["hidden"]]
    assert hidden == [("TradeTotalVWAPWeight", "weight")]


def test_schema_of_pipeline_files(folder):
    done = folder.basalt("pipeline", "schema", "--config")
    assert (done.code, done.err) == (0, "")
    assert {"name", "source", "passes", "outputs"} <= set(done.json["properties"])
    assert json.loads(done.out) == done.json


def test_schema_needs_a_file_or_config(folder):
    done = folder.basalt("pipeline", "schema")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "error: name a pipeline file, or ask for the schema of such files with --config; see `basalt pipeline schema "
        "--help`\n"
    )


def test_set_overrides_a_key(folder):
    done = folder.basalt("pipeline", "plan", FILE, "--format", "json", "--set", "passes.bars.every=5m")
    assert done.json["passes"][0]["rule"] == "every 5m, label end, closed right"


def test_set_of_a_misspelt_key_is_blamed_on_it(folder):
    done = folder.basalt("pipeline", "run", FILE, "--set", "passes.bars.evry=5m")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "error: --set passes.bars.evry=5m: passes.bars.evry is no known key (did you mean 'every'?): the keys here "
        "are name, every, label, closed, origin, keys, timeline, session, calendar, halts, market_states, preprocess, "
        "modules, outputs, side_outputs, weights, memory, quality, expect\n"
    )


def test_a_file_that_is_not_there(folder):
    done = folder.basalt("pipeline", "run", "pipelines.toml")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "error: invalid value for 'FILE': File 'pipelines.toml' does not exist; see `basalt pipeline run --help`\n"
    )


def test_a_pipeline_may_be_run_from_another_folder(folder, monkeypatch):
    """Paths are relative to the pipeline file, wherever the command is called."""
    away = folder.path / "away"
    away.mkdir()
    monkeypatch.chdir(away)
    done = folder.basalt("pipeline", "run", "../pipeline.toml", "--date", "2026-01-05", "--format", "json")
    assert done.code == 0
    assert done.json[0]["places"] == [folder.place("out/bars/date=2026-01-05/all.parquet")]
    assert list(away.iterdir()) == []
