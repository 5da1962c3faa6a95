"""Switches: one file counts, and editing it changes nothing else in it."""

import tomllib
from pathlib import Path

import click
import pytest

from basalt.errors import UserError
from basalt.plugins.switches import Switches, disable, enable, read_switches, user_folder


def test_without_a_file_nothing_is_disabled(site):
    assert read_switches() == Switches((), {}, "")


def test_the_users_folder_is_where_click_puts_it(site, monkeypatch):
    assert user_folder() == click.get_app_dir("basalt") == str(site.home / "basalt")
    monkeypatch.delenv("XDG_CONFIG_HOME")
    assert user_folder() == click.get_app_dir("basalt")


def test_the_working_folders_file_counts_alone(site):
    (site.home / "basalt").mkdir()
    (site.home / "basalt" / "basalt.toml").write_text('[plugins]\ndisabled = ["user"]\n')
    assert read_switches().disabled == ("user",)
    Path("basalt.toml").write_text('[plugins]\nprefer = { trade = "desk-trade" }\n')
    assert read_switches() == Switches((), {"trade": "desk-trade"}, "basalt.toml")


def test_disabling_creates_the_file_in_the_users_folder(site):
    file = site.home / "basalt" / "basalt.toml"
    assert disable("acme-desk").file == str(file)
    assert file.read_text() == '[plugins]\ndisabled = ["acme-desk"]\n'
    assert not Path("basalt.toml").exists()
    assert read_switches().disables("Acme_Desk")
    assert enable("ACME-desk").disabled == ()
    assert file.read_text() == "[plugins]\ndisabled = []\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", '[plugins]\ndisabled = ["acme"]\n'),
        ("# mine\nname = 'x'\n", "# mine\nname = 'x'\n\n[plugins]\ndisabled = [\"acme\"]\n"),
        (
            '[plugins]  # switches\nprefer = { trade = "desk" }  # ours\n\n[x]\ndisabled = [1]\n',
            '[plugins]  # switches\ndisabled = ["acme"]\nprefer = { trade = "desk" }  # ours\n\n[x]\ndisabled = [1]\n',
        ),
        (
            '[plugins]\ndisabled = [\n  "bolt",\n]\n# end\n',
            '[plugins]\ndisabled = ["acme", "bolt"]\n# end\n',
        ),
        (
            '[plugins]\n[plugins.prefer]\ntrade = "desk"\n',
            '[plugins]\ndisabled = ["acme"]\n[plugins.prefer]\ntrade = "desk"\n',
        ),
    ],
)
def test_disabling_keeps_everything_else_of_the_file(site, before, after):
    Path("basalt.toml").write_text(before)
    disable("acme")
    assert Path("basalt.toml").read_text() == after
    assert read_switches().disables("acme")


@pytest.mark.parametrize(
    "text",
    [
        'plugins = { disabled = ["bolt"] }\n',
        'plugins.disabled = ["bolt"]\n',
        '[plugins]\ndisabled = [ # "]"\n "bolt"]\n',
        '[plugins]\nprefer = { trade = """\n[plugins]\n""" }\n"disabled" = ["bolt"]\n',
    ],
)
def test_a_file_that_cannot_be_edited_safely_is_left_alone(site, text):
    Path("basalt.toml").write_text(text)
    assert tomllib.loads(text)["plugins"]["disabled"] == ["bolt"]
    with pytest.raises(UserError, match=r"basalt.toml is written in a way that cannot be edited safely: set plugins"):
        disable("acme")
    assert Path("basalt.toml").read_text() == text
    assert sorted(p.name for p in site.work.iterdir()) == ["basalt.toml"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[plugins", "basalt.toml is not valid TOML: "),
        ("plugins = 1", "basalt.toml: plugins must be a table with disabled and prefer, not 1"),
        ("[plugins]\ndisable = []", "basalt.toml: plugins.disable is not a switch; those are disabled and prefer"),
        ("[plugins]\ndisabled = 'x'", "basalt.toml: plugins.disabled must be a list of distribution names, not 'x'"),
        ("[plugins]\nprefer = {a = 1}", "plugins.prefer must map component names to distributions, not {'a': 1}"),
    ],
)
def test_a_file_that_says_something_else_is_refused_in_one_sentence(site, text, sentence):
    Path("basalt.toml").write_text(text)
    with pytest.raises(UserError) as raised:
        read_switches()
    assert sentence in str(raised.value)
    assert "\n" not in str(raised.value)
