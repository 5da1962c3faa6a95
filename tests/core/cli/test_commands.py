"""Commands come from entry points: loaded when called, attached below groups, refused when two give one."""

import pytest

from basalt.cli.main import run

ACME = """
import click
from basalt.cli.output import narrate
from basalt.cli.session import registry_of, session_of

@click.command()
def hello():
    '''Say hello.'''
    narrate("about to")
    click.echo("hello")

@click.command()
@click.pass_context
def names(ctx):
    registry_of(ctx)
    click.echo("spread" in registry_of(ctx).names("analytics"))

@click.group()
def desk():
    '''The desk's own commands.'''

@desk.command()
def own():
    click.echo("own")

not_a_command = 1
"""


@pytest.fixture
def acme(site):
    """A site with a distribution that gives commands, by `give`."""

    def give(distribution="acme-cli", **commands):
        module = distribution.replace("-", "_")
        entries = {name.replace("__", "."): f"{module}:{target}" for name, target in commands.items()}
        site.install(distribution, "1.5", {"basalt.commands": entries}, {f"{module}.py": ACME})
        return site

    return give


def outcome(capsys, *args):
    code = run(args)
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_a_third_partys_command_runs_with_data_on_stdout_and_narration_on_stderr(acme, capsys):
    acme(hello="hello")
    assert outcome(capsys, "hello") == (0, "hello\n", "about to\n")


def test_its_own_help_is_the_commands_help(acme, capsys):
    acme(hello="hello")
    code, out, err = outcome(capsys, "hello", "--help")
    assert (code, err) == (0, "")
    assert out.startswith("Usage: basalt hello [OPTIONS]\n\n  Say hello.\n")


def test_a_command_is_attached_below_anothers_group(acme, capsys):
    """The group keeps its own commands, and is the same again when it is loaded a second time."""
    acme(desk="desk")
    acme("bolt-cli", desk__hello="hello")
    for _ in range(2):
        assert outcome(capsys, "desk", "hello") == (0, "hello\n", "about to\n")
        assert outcome(capsys, "desk", "own") == (0, "own\n", "")
    out = outcome(capsys, "desk", "--help")[1]
    assert "  hello  from bolt-cli\n" in out
    assert "  own" in out


def test_a_group_that_nobody_declares_is_made(acme, capsys):
    acme(tools__say__hello="hello")
    assert outcome(capsys, "tools", "say", "hello") == (0, "hello\n", "about to\n")
    assert "  say  from acme-cli\n" in outcome(capsys, "tools", "--help")[1]


def test_two_distributions_giving_one_command_are_refused_naming_both(acme, capsys):
    acme(hello="hello")
    acme("bolt-cli", hello="hello")
    code, out, err = outcome(capsys, "hello")
    assert (code, out) == (2, "")
    assert err == (
        "error: `basalt hello` is offered by acme-cli 1.5 and by bolt-cli 1.5: uninstall one of them, "
        'or name it under [plugins] disabled = ["…"] in basalt.toml\n'
    )
    assert "  hello             from acme-cli, bolt-cli\n" in outcome(capsys, "--help")[1]


def test_disabling_one_of_them_is_a_way_out(acme, capsys):
    site = acme(hello="hello")
    acme("bolt-cli", hello="hello")
    (site.work / "basalt.toml").write_text('[plugins]\ndisabled = ["bolt-cli"]\n')
    assert outcome(capsys, "hello") == (0, "hello\n", "about to\n")


def test_a_command_that_a_group_has_itself_cannot_be_given_again(acme, capsys):
    acme(desk="desk")
    acme("bolt-cli", desk__own="hello")
    code, _, err = outcome(capsys, "desk", "own")
    assert code == 2
    assert "`basalt desk own` is offered by acme-cli 1.5 and by bolt-cli 1.5" in err


def test_nothing_can_be_attached_below_a_command_that_is_no_group(acme, capsys):
    acme(hello="hello")
    acme("bolt-cli", hello__again="hello")
    code, _, err = outcome(capsys, "hello", "again")
    assert code == 1
    assert err == "error: basalt hello of acme-cli 1.5 is not a group, so hello.again has no place below it\n"


def test_the_command_of_a_disabled_distribution_says_how_to_have_it_back(acme, capsys):
    site = acme(hello="hello")
    (site.work / "basalt.toml").write_text('[plugins]\ndisabled = ["acme-cli"]\n')
    assert "hello" not in outcome(capsys, "--help")[1]
    assert outcome(capsys, "hello") == (
        2,
        "",
        "error: `basalt hello` comes with acme-cli 1.5, which is disabled in basalt.toml: "
        "basalt plugins enable acme-cli\n",
    )


def test_a_broken_command_names_distribution_place_and_next_step(site, capsys):
    site.install(
        "acme-cli", "1.5", {"basalt.commands": {"hello": "acme_cli:hello"}}, {"acme_cli.py": "\nimport scipyy\n"}
    )
    code, out, err = outcome(capsys, "hello")
    assert (code, out) == (1, "")
    assert err == (
        "error: acme-cli 1.5 [hello] could not give its command 'hello': "
        "ModuleNotFoundError: No module named 'scipyy' at acme_cli.py:2; "
        "try basalt plugins disable acme-cli, or tell its author with: basalt plugins doctor --format json\n"
    )
    assert outcome(capsys, "--strict-plugins", "hello")[0] == 3


def test_an_entry_that_is_no_command_is_its_distributions_fault(acme, capsys):
    acme(hello="not_a_command")
    assert "TypeError: acme_cli:not_a_command is no click command but int" in outcome(capsys, "hello")[2]


def test_an_unknown_command_says_what_is_near(acme, capsys):
    acme(hello="hello")
    code, out, err = outcome(capsys, "helo")
    assert (code, out) == (2, "")
    assert err == "error: no such command 'helo', did you mean 'hello'?; see `basalt --help`\n"


def test_an_unknown_option_is_one_line(acme, capsys):
    acme(hello="hello")
    assert outcome(capsys, "hello", "--fast") == (2, "", "error: no such option '--fast'; see `basalt hello --help`\n")


@pytest.mark.parametrize(
    ("args", "path", "distribution"),
    [
        (["dagster", "definitions", "x.toml"], "dagster", "basalt-dagster"),
        (["dagster"], "dagster", "basalt-dagster"),
        (["data", "simulate", "--days", "3"], "data", "basalt-io"),
        (["analytics", "browse"], "analytics browse", "basalt-ui"),
    ],
)
def test_a_siblings_command_that_is_not_installed_says_what_to_install(core_alone, capsys, args, path, distribution):
    sentence = f"error: `basalt {path}` comes with {distribution}, which is not installed: pip install {distribution}\n"
    assert outcome(capsys, *args) == (2, "", sentence)


def test_a_siblings_command_that_is_disabled_is_not_said_to_be_missing(core_alone, capsys):
    core_alone.install("basalt-io", "0.1", {"basalt.commands": {"data.simulate": "basalt_io.simulate:simulate"}})
    (core_alone.work / "basalt.toml").write_text('[plugins]\ndisabled = ["basalt-io"]\n')
    code, _, err = outcome(capsys, "data", "simulate")
    assert code == 2
    assert "which is disabled in basalt.toml: basalt plugins enable basalt-io" in err
    assert "pip install basalt-io" not in outcome(capsys, "--help")[1]


def test_a_failed_plugin_is_one_line_on_stderr_and_the_command_goes_on(acme, capsys):
    """One line, though the command `names` opens two registries."""
    site = acme(names="names")
    site.plugin("acme-broken", "import scipyy\n", version="0.2")
    code, out, err = outcome(capsys, "names")
    assert (code, out) == (0, "False\n")
    assert [line for line in err.splitlines() if "acme" in line] == [
        "plugin acme-broken 0.2 [broken] could not be imported: ModuleNotFoundError: No module named 'scipyy' "
        "at acme_broken.py:1; try basalt plugins disable acme-broken, "
        "or tell its author with: basalt plugins doctor --format json"
    ]


def test_strict_plugins_turns_it_into_exit_code_3(acme, capsys):
    site = acme(names="names")
    site.plugin("aaa-broken", "import scipyy\n")
    code, out, err = outcome(capsys, "--strict-plugins", "names")
    assert (code, out) == (3, "")
    assert err.startswith("error: aaa-broken 1.0 [broken] could not be imported: ")
    assert err.count("\n") == 1


def test_a_disabled_plugin_is_not_imported(acme, capsys):
    site = acme(names="names")
    site.plugin("acme-broken", "import scipyy\n")
    (site.work / "basalt.toml").write_text('[plugins]\ndisabled = ["acme-broken"]\n')
    code, _, err = outcome(capsys, "names")
    assert code == 0
    assert "acme" not in err


def test_a_file_on_the_command_line_is_a_plugin(acme, capsys):
    site = acme(names="names")
    offer = "@hookimpl\ndef basalt_analytics():\n    return [Lazy('spread', 'x:y', '')]\n"
    (site.work / "desk.py").write_text("from basalt import Lazy, hookimpl\n" + offer)
    assert outcome(capsys, "--plugin", "desk.py", "names")[1] == "True\n"
    assert outcome(capsys, "names")[1] == "False\n"
    code, _, err = outcome(capsys, "--plugin", "gone.py", "names")
    assert (code, err.count("\n")) == (2, 1)
    assert "'gone.py' does not exist" in err
