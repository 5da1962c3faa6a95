"""Reading metadata: the same answers as importlib.metadata, without importing it or anything else."""

import importlib.metadata
import sys

from basalt.plugins.found import find_installed
from basalt.plugins.installed import canonical, declared, versions


def test_entry_points_are_those_that_importlib_metadata_sees(site):
    site.install("Acme_Desk", "2.1", {"basalt.v1": {"desk": "acme_desk"}, "basalt.commands": {"acme": "acme_desk:cli"}})
    site.install(
        "other", "3", {"console_scripts": {"other": "other:main"}, "basalt.v1": {"x": "other.plugin:door [fast]"}}
    )
    seen = {
        (e.dist.name, e.dist.version, e.group, e.name, e.value.partition(" [")[0])
        for group in ("basalt.v1", "basalt.commands")
        for e in importlib.metadata.entry_points(group=group)
    }
    assert {tuple(entry) for entry in declared()} == seen
    assert ("other", "3", "basalt.v1", "x", "other.plugin:door") in seen


def test_a_distribution_found_twice_is_listed_once_and_the_first_on_the_path_wins(site, tmp_path):
    site.install("acme-desk", "2.0", {"basalt.v1": {"desk": "acme_desk"}})
    older = tmp_path / "older"
    site.install("acme-desk", "1.0", {"basalt.v1": {"desk": "acme_desk"}}, folder=older)
    path = [str(site.folder), str(older), str(site.folder)]
    assert [(e.distribution, e.version) for e in declared(path)] == [("acme-desk", "2.0")]
    assert [(e.distribution, e.version) for e in declared(path[::-1][1:])] == [("acme-desk", "1.0")]


def test_comments_blank_lines_and_other_groups_are_no_entries(site):
    site.install("acme", "1", {})
    text = "# basalt.v1\n[basalt.v1]\n# off = acme.off\n; off = acme.off\n\n on = acme.on  \n[other]\nbasalt = acme\n"
    (site.folder / "acme-1.dist-info" / "entry_points.txt").write_text(text)
    assert [(e.name, e.value) for e in declared([str(site.folder)])] == [("on", "acme.on")]


def test_a_folder_without_metadata_is_a_distribution_with_nothing_to_say(site):
    (site.folder / "leftover-1.0.dist-info").mkdir()
    assert declared([str(site.folder), str(site.folder / "missing"), ""]) == []


def test_versions_are_of_installed_distributions_alone(site):
    site.install("basalt-acme", "7.5")
    assert versions(["basalt-acme", "basalt-nowhere"]) == {"basalt-acme": "7.5"}


def test_names_are_compared_in_one_spelling():
    assert canonical("Acme_Desk.Spreads--X") == "acme-desk-spreads-x"


def test_the_group_says_which_api_a_plugin_needs(site):
    site.plugin("acme-new", "", group="basalt.v2")
    site.plugin("acme-old", "")
    found = {f.distribution: f for f in find_installed([str(site.folder)])}
    assert (found["acme-new"].api, found["acme-new"].beyond) == (2, "needs plugin API 2, this is 1")
    assert (found["acme-old"].api, found["acme-old"].beyond) == (1, "")


def test_finding_imports_nothing(site):
    site.plugin("acme-loud", "raise SystemExit('imported')")
    code = """
import sys
from basalt.plugins.found import find_installed
print([f.distribution for f in find_installed() if f.distribution.startswith("acme")])
print([m for m in ("polars", "pluggy", "acme_loud", "basalt.plugin", "importlib.metadata") if m in sys.modules])
"""
    done = site.python(code)
    assert done.stdout == "['acme-loud']\n[]\n", done.stderr
    assert sys.modules.get("acme_loud") is None
