"""`basalt analytics`: what is installed, and what each column means."""

import csv

import pytest

from basalt.cli.main import run

FILE = "pipeline.toml"


def test_list_names_modules_with_their_tables_and_plugins(folder):
    done = folder.basalt("analytics", "list", "--format", "json")
    assert (done.code, done.err) == (0, "")
    found = {r["module"]: (r["reads"], r["distribution"]) for r in done.json}
    assert {name: found[name] for name in ("generic", "l2", "trade")} == {
        "generic": ("an earlier pass", "basalt-analytics"),
        "l2": ("l2", "basalt-analytics"),
        "trade": ("trades", "basalt-analytics"),
    }
    assert all(r["what"] and r["version"] for r in done.json)


def test_list_of_columns_gives_each_a_unit_and_a_sentence(folder):
    done = folder.basalt("analytics", "list", "--columns", "--format", "csv")
    rows = list(csv.DictReader(done.out.splitlines()))
    assert (done.code, done.err) == (0, "")
    assert all(row["unit"] and row["what"].endswith(".") for row in rows)
    units = {row["column"]: row["unit"] for row in rows if row["module"] == "trade"}
    assert units == {
        "TradeTotalVolume": "shares",
        "TradeTotalCount": "count",
        "TradeTotalVWAP": "price",
        "TradeTotalOpen": "price",
        "TradeTotalHigh": "price",
        "TradeTotalLow": "price",
        "TradeTotalClose": "price",
        "TradeInvalidCount": "count",
    }


def test_list_of_a_pipeline_gives_its_own_columns_by_pass(folder):
    done = folder.basalt("analytics", "list", "--pipeline", FILE, "--format", "json")
    assert [(r["pass"], r["column"], r["module"]) for r in done.json] == [
        ("bars", "TradeTotalVolume", "trade"),
        ("bars", "TradeTotalVWAP", "trade"),
        ("bars", "TradeInvalidCount", "trade"),
        ("hours", "TradeTotalVolume", "generic"),
        ("hours", "TradeTotalVWAP", "generic"),
        ("hours", "TradeInvalidCount", "generic"),
    ]


def test_list_in_a_table_has_a_line_a_module(folder):
    lines = folder.basalt("analytics", "list").out.splitlines()
    assert lines[0].split() == ["module", "reads", "distribution", "version", "what"]
    assert [line.split()[0] for line in lines[1:]] == sorted(line.split()[0] for line in lines[1:])


def test_explain_a_column_by_its_defaults(folder):
    done = folder.basalt("analytics", "explain", "TradeTotalVolume", "--format", "json")
    (told,) = done.json
    assert (done.code, done.err) == (0, "")
    assert {k: told[k] for k in ("column", "unit", "dtype", "rollup over time", "known", "made by")} == {
        "column": "TradeTotalVolume",
        "unit": "shares",
        "dtype": "Float64",
        "rollup over time": "sum",
        "known": "at the bucket's end",
        "made by": {"module": "trade"},
    }
    assert {line.split(":")[0].strip() for line in told["reads"]} == {"table trades", "Price", "Size"}
    assert told["null rule"] == "0 in a bucket of the timeline without matching rows"
    assert told["pass"] is None


def test_explain_a_column_of_a_pipeline_in_every_pass_that_has_it(folder):
    done = folder.basalt("analytics", "explain", "TradeTotalVWAP", "--pipeline", FILE, "--format", "json")
    bars, hours = done.json
    assert (bars["pass"], bars["module"], bars["made by"]) == (
        "bars",
        "trade",
        {"module": "trade", "generic": [{"measures": ["Volume", "VWAP"]}]},
    )
    assert (hours["pass"], hours["module"], hours["made by"]) == (
        "hours",
        "generic",
        {"module": "generic", "source": "bars"},
    )
    assert {line.split(":")[0].strip() for line in hours["reads"]} >= {"TradeTotalVWAP", "TradeTotalVolume"}
    assert bars["rollup over time"] == "mean weighted by TradeTotalVolume"


def test_explain_a_column_by_the_entry_that_made_it(folder):
    """Two entries of one module: the prefixed column is the second's, the plain one the first's."""
    two = (
        'passes.bars.modules=[{module = "trade", generic = [{measures = ["Volume"]}]}, '
        '{module = "trade", prefix = "Large", where = "Size > 15", generic = [{measures = ["Volume"]}]}]'
    )
    text = (folder.path / FILE).read_text().split("[[passes.modules]]")[0]
    (folder.path / "two.toml").write_text(text + two.removeprefix("passes.bars.") + "\n")
    made = {
        name: folder.basalt("analytics", "explain", name, "--pipeline", "two.toml", "--format", "json").json[0][
            "made by"
        ]
        for name in ("TradeTotalVolume", "LargeTradeTotalVolume")
    }
    assert made["TradeTotalVolume"] == {"module": "trade", "generic": [{"measures": ["Volume"]}]}
    assert made["LargeTradeTotalVolume"]["where"] == "Size > 15"
    assert made["LargeTradeTotalVolume"]["prefix"] == "Large"


def test_explain_in_text_is_one_line_a_label(folder):
    done = folder.basalt("analytics", "explain", "TradeTotalVWAP")
    lines = dict(line.split("  ", 1) for line in done.out.splitlines())
    assert lines["column"].strip() == "TradeTotalVWAP"
    assert lines["unit"].strip() == "price"
    assert lines["plugin"].strip().startswith("basalt-analytics ")


def test_explain_a_module_lists_its_options_and_columns(folder):
    (told,) = folder.basalt("analytics", "explain", "trade", "--format", "json").json
    assert told["module"] == "trade"
    assert told["columns"][0] == "TradeTotalVolume"
    assert {"market_states", "where", "generic"} <= {row["name"] for row in told["options"]}
    text = folder.basalt("analytics", "explain", "trade").out
    assert "where: a string, default none: " in text


def test_explain_a_name_that_nothing_has(folder):
    done = folder.basalt("analytics", "explain", "TradeTotalVWAB")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: no column or module 'TradeTotalVWAB' is known; near it: TradeTotalVWAP, ")
    assert done.err.endswith("; see basalt analytics list --columns\n")


@pytest.mark.parametrize("command", [["list", "--pipeline", "no.toml"], ["explain", "trade", "--pipeline", "no.toml"]])
def test_a_pipeline_that_is_not_there(folder, command):
    done = folder.basalt("analytics", *command)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: invalid value for '--pipeline': File 'no.toml' does not exist; see ")


def test_without_analytics_the_list_says_what_to_install(core_alone, capsys):
    assert run(["analytics", "list"]) == 0
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == "no analytics are installed: pip install basalt-analytics, or any plugin that brings some\n"


def test_a_desk_plugin_file_is_listed_beside_the_installed_ones(folder):
    (folder.path / "desk.py").write_text(
        "import polars as pl\nfrom basalt import Metric, Unit, analytic\n\n"
        '@analytic("trades")\ndef desk_clip():\n    """How large clips are."""\n'
        '    yield Metric("DeskClip", pl.col("Size").max(), Unit.SHARES, doc="Largest size.")\n'
    )
    done = folder.basalt("--plugin", "desk.py", "analytics", "list", "--format", "json")
    row = next(r for r in done.json if r["module"] == "desk_clip")
    assert (row["reads"], row["what"]) == ("trades", "How large clips are.")


def test_a_plugin_that_breaks_is_one_line_and_the_list_goes_on(folder):
    (folder.path / "desk.py").write_text("raise RuntimeError('no licence')\n")
    done = folder.basalt("--plugin", "desk.py", "analytics", "list", "--format", "json")
    assert (done.code, {r["module"] for r in done.json} >= {"trade", "l2"}) == (0, True)
    assert done.err.count("\n") == 1
    assert "could not be imported: RuntimeError: no licence" in done.err
    assert folder.basalt("--plugin", "desk.py", "--strict-plugins", "analytics", "list").code == 3
