"""What must not happen before a command is called: imports, beyond the standard library and basalt's own metadata."""

import pytest

from basalt.cli.front import OPTIONS, help_page
from basalt.cli.main import run
from basalt.cli.root import make_root

LOUD = "import sys\nsys.stderr.write('acme was imported')\nraise ImportError('acme was imported')\n"


@pytest.fixture
def loud(site):
    """A site whose plugin and command say so when they are imported."""
    groups = {"basalt.v1": {"acme": "acme_loud"}, "basalt.commands": {"acme": "acme_loud:acme"}}
    site.install("acme-loud", "1", groups, {"acme_loud.py": LOUD})
    return site


@pytest.mark.parametrize(
    "args", [["--help"], ["--version"], ["plugins", "list"], ["plugins", "--help"], ["--debug", "--help"]]
)
def test_neither_polars_nor_a_plugin_is_imported(loud, args):
    heavy = ["polars", "pluggy", "cattrs", "rich", "acme_loud", "basalt.plugin", "basalt_analytics", "basalt_io"]
    code = f"""
import sys
from basalt.cli.main import run
code = run({args!r})
sys.stderr.write(repr((code, [m for m in {heavy!r} if m in sys.modules])))
"""
    done = loud.python(code)
    assert done.stderr == "(0, [])"
    assert "acme" in done.stdout or args[-1] == "--version" or args == ["plugins", "--help"]


def test_help_does_not_even_import_click(loud):
    done = loud.python("import sys; from basalt.cli.main import run; run(['--help']); print('click' in sys.modules)")
    assert done.stdout.endswith("False\n")


def test_help_is_on_stdout_and_names_every_option_of_the_root(capsys):
    assert run(["--help"]) == 0
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == (help_page() + "\n", "")
    flags = {flag for parameter in make_root().params for flag in parameter.opts} | {"--help"}
    assert {flag.split()[0] for flag in OPTIONS} == flags


def test_help_behind_another_option_is_the_same_page(capsys):
    assert run(["--debug", "--help"]) == 0
    assert capsys.readouterr().out == help_page() + "\n"


def test_no_command_is_the_users_error_and_leaves_stdout_alone(capsys):
    assert run([]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == help_page() + "\n"


def test_a_third_partys_command_is_listed_with_its_distribution(loud):
    assert "  acme              from acme-loud\n" in help_page() + "\n"


def test_versions_are_those_of_our_distributions_that_are_installed(site, capsys):
    assert run(["--version"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("basalt-core ")
    assert run(["--debug", "--version"]) == 0
    assert capsys.readouterr().out.splitlines() == lines


def test_what_is_not_installed_is_listed_with_what_to_install(core_alone):
    assert [line.split() for line in help_page().partition("Not installed:\n")[2].splitlines()] == [
        ["analytics", "browse", "pip", "install", "basalt-ui"],
        ["dagster", "pip", "install", "basalt-dagster"],
        ["data", "pip", "install", "basalt-io"],
    ]


def test_every_command_of_core_has_a_sentence_of_its_own(core_alone):
    commands = help_page().partition("Commands:\n")[2].partition("\n\n")[0]
    assert [line.split()[0] for line in commands.splitlines()] == ["analytics", "demo", "pipeline", "plugins", "runs"]
    assert "from basalt-core" not in commands
