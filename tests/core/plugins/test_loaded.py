"""One plugin at a time: what works is loaded, what does not is failed, with place, cause and next step."""

import pytest

from basalt.plugins.failed import Failed
from basalt.plugins.found import find_files, find_installed
from basalt.plugins.loaded import Loaded, load

GOOD = """
    from basalt import Lazy, hookimpl

    @hookimpl
    def basalt_analytics():
        return [Lazy("spread", "acme_desk:Spread", "What crossing cost.")]
"""


def loaded(site, distribution: str) -> Loaded | Failed:
    return load(next(f for f in find_installed([str(site.folder)]) if f.distribution == distribution))


def failed(site, source: str) -> Failed:
    site.plugin("acme-toxicity", source, version="0.2.1")
    plugin = loaded(site, "acme-toxicity")
    assert isinstance(plugin, Failed)
    return plugin


def test_a_good_plugin_is_loaded_with_the_hooks_it_has(site):
    site.plugin("acme-desk", GOOD)
    plugin = loaded(site, "acme-desk")
    assert isinstance(plugin, Loaded)
    assert plugin.hooks == {"basalt_analytics"}
    assert [lazy.name for lazy in plugin.call("basalt_analytics")] == ["spread"]


def test_a_missing_import_names_the_line_that_asked_for_it(site):
    plugin = failed(site, "import basalt\nimport scipyy\n")
    assert plugin.sentence == (
        "acme-toxicity 0.2.1 [toxicity] could not be imported: "
        "ModuleNotFoundError: No module named 'scipyy' at acme_toxicity.py:2; "
        "try basalt plugins disable acme-toxicity, or tell its author with: basalt plugins doctor --format json"
    )


def test_the_place_is_the_deepest_line_of_the_plugins_own_package(site):
    """acme/inner.py:3 calls json.loads, which raises in the standard library: the plugin's line is reported."""
    modules = {
        "acme/__init__.py": "",
        "acme/plugin.py": "from acme.inner import table\n\ntable()\n",
        "acme/inner.py": "import json\ndef table():\n    return json.loads('{')\n",
    }
    site.install("acme", "1", {"basalt.v1": {"acme": "acme.plugin"}}, modules)
    plugin = loaded(site, "acme")
    assert (plugin.error, plugin.place) == ("JSONDecodeError", "acme/inner.py:3")


def test_a_syntax_error_is_placed_in_the_file_that_has_it(site):
    assert failed(site, "x = 1\ny = = 2\n").place == "acme_toxicity.py:2"


def test_a_syntax_error_elsewhere_is_placed_where_the_plugin_imports_it(site):
    """A traceback ends at the import for a syntax error; the file that has it belongs to somebody else."""
    (site.folder / "foreign.py").write_text("y = = 2\n")
    assert failed(site, "x = 1\nimport foreign\n").place == "acme_toxicity.py:2"


def test_a_syntax_error_of_a_single_file_is_placed_in_it(site):
    file = site.work / "desk.py"
    file.write_text("y = = 2\n")
    assert load(find_files([file])[0]).place == f"{file}:1"


def test_an_entry_that_names_no_module_is_to_be_reinstalled(site):
    site.install("acme", "1", {"basalt.v1": {"acme": "acme_gone.plugin"}})
    plugin = loaded(site, "acme")
    assert (plugin.place, plugin.hint) == ("", "pip install --force-reinstall acme, which lacks a module of its own")


def test_a_name_that_basalt_does_not_have_means_the_versions_do_not_fit(site):
    plugin = failed(site, "from basalt.hooks import not_yet\n")
    assert plugin.hint == "pip install --upgrade acme-toxicity basalt-core, which do not fit each other"


def test_a_plugin_that_exits_while_it_is_imported_is_failed_and_the_host_lives(site):
    plugin = failed(site, "import sys\nsys.exit('goodbye')\n")
    assert (plugin.error, plugin.message, plugin.place) == ("SystemExit", "goodbye", "acme_toxicity.py:2")


def test_what_a_plugin_prints_while_it_is_imported_stays_out_of_stdout(site, capsys):
    site.plugin("acme-desk", "print('hello')\n" + GOOD.replace("\n    ", "\n"))
    assert isinstance(loaded(site, "acme-desk"), Loaded)
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "hello\n")


@pytest.mark.parametrize(
    ("hook", "trouble"),
    [
        ("basalt_analitics():", "there is no hook basalt_analitics, did you mean basalt_analytics"),
        ("basalt_analytics(config):", "basalt_analytics takes config, but is given nothing"),
        ("basalt_run_event(event, run):", "basalt_run_event takes run, but is given event"),
    ],
)
def test_a_hook_that_is_not_one_is_named_with_its_line(site, hook, trouble):
    plugin = failed(site, f"from basalt import hookimpl\n\n@hookimpl\ndef {hook}\n    return []\n")
    assert (plugin.what, plugin.message, plugin.place) == ("cannot be used", trouble, "acme_toxicity.py:3")


def test_a_forgotten_mark_is_pointed_out(site):
    plugin = failed(site, "def basalt_tables():\n    return []\n")
    assert plugin.message == "nothing in it is marked as a hook: put @hookimpl above basalt_tables"


def test_hooks_may_be_methods_of_an_object_that_the_entry_names(site):
    source = """
        from basalt import Lazy, hookimpl

        class Door:
            @hookimpl
            def basalt_outputs(self):
                return [Lazy("tape", "acme:Tape", "Writes to tape.")]

        door = Door()
    """
    site.install("acme", "1", {"basalt.v1": {"acme": "acme_door:door"}}, {"acme_door.py": source})
    plugin = loaded(site, "acme")
    assert isinstance(plugin, Loaded)
    assert plugin.call("basalt_outputs")[0].name == "tape"


def test_a_single_file_without_hooks_offers_the_modules_defined_in_it(site):
    source = """
import polars as pl
from basalt import BucketModule, Metric, Unit, analytic

@analytic("trades")
def desk_clip():
    '''How large the desk's prints are.'''
    yield Metric("DeskClip", pl.col("Size").mean(), Unit.SHARES, doc="Mean size.")
"""
    file = site.work / "desk.py"
    file.write_text(source)
    [found] = find_files([file])
    plugin = load(found)
    assert isinstance(plugin, Loaded)
    assert [module.name for module in plugin.call("basalt_analytics")] == ["desk_clip"]
    assert found.named == str(file)


def test_a_single_file_with_nothing_in_it_is_failed(site):
    file = site.work / "empty.py"
    file.write_text("")
    [found] = find_files([file, site.work / "." / "empty.py"])
    assert load(found).message == "it offers nothing: it has no @hookimpl and defines no module"


def test_a_broken_file_is_placed_by_its_whole_path(site):
    file = site.work / "desk.py"
    file.write_text("x = 1\n1 / 0\n")
    plugin = load(find_files([file])[0])
    assert (plugin.place, plugin.hint) == (f"{file}:2", "mending desk.py, or leave it out")
