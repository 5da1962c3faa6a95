"""`basalt plugins list|doctor|enable|disable`, on real distributions."""

import csv
import io
import json
from importlib.metadata import version

import pytest

from basalt.cli.main import run
from basalt.plugins.doctor import examine
from basalt.plugins.found import find_files

GOOD = """
from basalt import Lazy, hookimpl

@hookimpl
def basalt_analytics():
    return [Lazy("spread", "acme_desk:Lazily", "Spreads.")]

@hookimpl
def basalt_tables():
    return []

def __getattr__(name):
    if name != "Lazily":
        raise AttributeError(name)
    from basalt import BucketModule
    return type("Lazily", (BucketModule,), {"name": "spread", "table": "trades"})
"""


def outcome(capsys, *args):
    code = run(args)
    printed = capsys.readouterr()
    return code, printed.out, printed.err


@pytest.fixture
def site(core_alone):
    """Only basalt-core, and what the test installs: the doctor examines nothing else."""
    return core_alone


def rows(capsys, *args):
    code, out, err = outcome(capsys, "plugins", *args, "--format", "json")
    assert (code, err) == (0, "")
    return json.loads(out)


CORE = "analytics, demo, pipeline, plugins, runs"


def test_the_list_says_what_each_plugin_is_and_whether_it_is_used(site, capsys):
    site.plugin("acme-desk", GOOD, version="1.2")
    site.plugin("acme-new", "", group="basalt.v2")
    site.plugin("acme-off", "raise ImportError")
    site.install("acme-cli", "3", {"basalt.commands": {"acme.hello": "acme_cli:hello"}})
    (site.work / "basalt.toml").write_text('[plugins]\ndisabled = ["acme-off"]\n')
    (site.work / "desk.py").write_text("raise ImportError")
    code, out, err = outcome(capsys, "--plugin", "desk.py", "plugins", "list", "--format", "csv")
    assert (code, err) == (0, "")
    assert [tuple(row.values()) for row in csv.DictReader(io.StringIO(out))] == [
        ("", "acme-cli", "3", "enabled", "acme hello"),
        ("desk", "acme-desk", "1.2", "enabled", ""),
        ("new", "acme-new", "1.0", "needs plugin API 2, this is 1", ""),
        ("off", "acme-off", "1.0", "disabled", ""),
        ("core", "basalt-core", version("basalt-core"), "enabled", CORE),
        ("desk", "desk.py", "", "enabled", ""),
    ]


def test_the_list_is_a_table_and_json_too(site, capsys):
    site.plugin("acme-desk", GOOD)
    head, *table = outcome(capsys, "plugins", "list")[1].splitlines()
    assert head.split() == ["plugin", "distribution", "version", "state", "commands"]
    assert [line.split()[:2] for line in table] == [["desk", "acme-desk"], ["core", "basalt-core"]]
    acme, core = rows(capsys, "list")
    assert acme == {"plugin": "desk", "distribution": "acme-desk", "version": "1.0", "state": "enabled", "commands": []}
    assert core["commands"] == CORE.split(", ")


@pytest.mark.slow
def test_the_doctor_reports_each_plugin_with_place_and_next_step(site, capsys):
    site.plugin("acme-desk", GOOD, version="1.2")
    site.plugin("acme-toxicity", "import scipyy\n", version="0.2.1")
    code, out, err = outcome(capsys, "plugins", "doctor")
    first, good, *broken, core = out.splitlines()
    assert (code, err) == (0, "")
    assert first.startswith("python 3.")
    assert f", basalt-core {version('basalt-core')}" in first
    assert good.startswith("✓ acme-desk 1.2 [desk] ok, imported in 0.")
    assert good.endswith(" s, 1 component")
    assert " [core] ok, imported in " in core
    assert broken == [
        "✗ acme-toxicity 0.2.1 [toxicity] could not be imported",
        "    ModuleNotFoundError: No module named 'scipyy'   at acme_toxicity.py:1",
        "    Try: basalt plugins disable acme-toxicity, or tell its author with: basalt plugins doctor --format json",
    ]


@pytest.mark.slow
def test_the_doctor_survives_plugins_that_crash_print_and_exit(site, capsys):
    site.plugin("acme-b-crashes", "import os\nos._exit(7)\n")
    site.plugin("acme-c-exits", "import sys\nsys.exit(3)\n")
    site.plugin(
        "acme-d-prints", GOOD.replace("acme_desk", "acme_d_prints") + "\nimport os\nos.write(1, b'{\"failures\": 1}')\n"
    )
    report = rows(capsys, "doctor")
    assert {"python", "basalt-core"} <= set(report["versions"])
    assert [
        (p["distribution"], p["state"], [f"{f['what']}: {f['message']}" for f in p["failures"]])
        for p in report["plugins"][:3]
    ] == [
        ("acme-b-crashes", "failed", ["crashed while loading: the process ended with code 7: it said nothing"]),
        ("acme-c-exits", "failed", ["could not be imported: 3"]),
        ("acme-d-prints", "ok", []),
    ]


def test_a_plugin_that_hangs_is_given_up_at_the_time_limit(tmp_path):
    file = tmp_path / "slow.py"
    file.write_text("import time\ntime.sleep(60)\n")
    examination = examine(find_files([file])[0], command=False, timeout=0.5)
    [failed] = examination.failures
    assert (examination.state, failed.what, failed.cause) == (
        "failed",
        "did not finish loading",
        "TimeoutError: not done after 0.5 s",
    )


@pytest.mark.slow
def test_the_doctor_finds_what_only_breaks_when_it_is_used(site, capsys):
    """Two failures of one plugin, a hook that raises and a component whose module is gone; and a command."""
    source = """
        from basalt import Lazy, hookimpl

        @hookimpl
        def basalt_analytics():
            return [Lazy("gone", "acme_gone:Gone", "")]

        @hookimpl
        def basalt_outputs():
            raise OSError("no disk")
    """
    groups = {"basalt.v1": {"acme": "acme_late"}, "basalt.commands": {"acme": "acme_nowhere:acme"}}
    site.install("acme-late", "1", groups, {"acme_late.py": source})
    plugin, _, command = rows(capsys, "doctor")["plugins"]
    assert [(f["what"], f["error"], f["place"]) for f in plugin["failures"]] == [
        ("raised in basalt_outputs", "OSError", "acme_late.py:10"),
        ("could not give its analytics module 'gone'", "ModuleNotFoundError", ""),
    ]
    assert (command["plugin"], command["group"], command["failures"][0]["error"]) == (
        "acme",
        "basalt.commands",
        "ModuleNotFoundError",
    )


def test_the_doctor_does_not_import_what_is_disabled_or_too_new(site, capsys):
    site.plugin("acme-off", "import os\nos._exit(1)\n")
    site.plugin("acme-new", "import os\nos._exit(1)\n", group="basalt.v3")
    (site.work / "basalt.toml").write_text('[plugins]\ndisabled = ["acme-off"]\n')
    code, out, _ = outcome(capsys, "--strict-plugins", "plugins", "doctor")
    assert code == 0
    assert out.splitlines()[1:3] == [
        "- acme-new 1.0 [new] needs plugin API 3, this is 1",
        "- acme-off 1.0 [off] disabled",
    ]


def test_a_single_file_is_examined_too(site, capsys):
    (site.work / "desk.py").write_text("1 / 0\n")
    code, out, _ = outcome(capsys, "--strict-plugins", "--plugin", "desk.py", "plugins", "doctor")
    assert code == 3
    assert out.splitlines()[2:] == [
        f"✗ {site.work / 'desk.py'} could not be imported",
        f"    ZeroDivisionError: division by zero   at {site.work / 'desk.py'}:1",
        "    Try: mending desk.py, or leave it out",
    ]


def test_disable_and_enable_say_which_file_they_changed(site, capsys):
    site.plugin("acme-desk", GOOD)
    file = site.home / "basalt" / "basalt.toml"
    assert outcome(capsys, "plugins", "disable", "desk") == (0, "", f"disabled acme-desk in {file}\n")
    assert rows(capsys, "list")[0]["state"] == "disabled"
    assert outcome(capsys, "plugins", "disable", "Acme_Desk")[2] == f"acme-desk is disabled already, in {file}\n"
    assert outcome(capsys, "plugins", "enable", "acme-desk") == (0, "", f"enabled acme-desk in {file}\n")
    assert outcome(capsys, "plugins", "enable", "acme-desk") == (0, "", "acme-desk is enabled already\n")
    assert rows(capsys, "list")[0]["state"] == "enabled"


def test_the_working_folders_file_is_the_one_that_is_changed_where_it_exists(site, capsys):
    site.plugin("acme-desk", GOOD)
    (site.work / "basalt.toml").write_text("# ours\n")
    assert outcome(capsys, "plugins", "disable", "acme-desk")[2] == "disabled acme-desk in basalt.toml\n"
    assert (site.work / "basalt.toml").read_text() == '# ours\n\n[plugins]\ndisabled = ["acme-desk"]\n'


def test_what_is_no_longer_installed_can_still_be_enabled(site, capsys):
    (site.work / "basalt.toml").write_text('[plugins]\ndisabled = ["acme-gone"]\n')
    assert outcome(capsys, "plugins", "enable", "acme-gone")[0] == 0
    assert (site.work / "basalt.toml").read_text() == "[plugins]\ndisabled = []\n"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("acme-dusk", "no plugin 'acme-dusk' is installed; did you mean acme-desk?"),
        ("zzz", "no plugin 'zzz' is installed; there are acme-desk, basalt-core, bolt-desk"),
        ("desk", "'desk' is a plugin of acme-desk and of bolt-desk: give the name of the distribution"),
        ("basalt-core", "basalt-core is basalt itself and cannot be disabled; basalt plugins list shows what can"),
    ],
)
def test_a_name_that_cannot_be_disabled_is_refused(site, capsys, name, sentence):
    site.plugin("acme-desk", GOOD)
    site.plugin("bolt-desk", GOOD)
    assert outcome(capsys, "plugins", "disable", name) == (2, "", f"error: {sentence}\n")
    assert not (site.home / "basalt").exists()
