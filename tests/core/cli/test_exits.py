"""Errors become one line on stderr and an exit code; data already printed stays on stdout."""

import pytest

from basalt.cli.main import run

COMMANDS = """
import sys
import click
from basalt.errors import DataError, PluginError, UserError

@click.command()
@click.argument("how")
def end(how):
    click.echo("data")
    if how == "interrupt":
        raise KeyboardInterrupt
    if how == "abort":
        raise click.Abort
    if how == "exit":
        click.get_current_context().exit(4)
    if how == "break":
        raise KeyError("x\\nand more")
    if how == "file":
        raise click.FileError("day.parquet", hint="not there.")
    if how in ("user", "data", "plugin"):
        raise {"user": UserError, "data": DataError, "plugin": PluginError}[how]("because")

@click.command()
def flood():
    for n in range(100_000):
        click.echo(n)

@click.command()
def strange():
    sys.stdout.write("Δ − ✓\\n")
"""


@pytest.fixture
def ends(site):
    """A site with the command `end`."""
    entries = {name: f"acme_ends:{name}" for name in ("end", "flood", "strange")}
    site.install("acme-ends", "1", {"basalt.commands": entries}, {"acme_ends.py": COMMANDS})
    return site


@pytest.mark.parametrize(
    ("how", "code", "err"),
    [
        ("well", 0, ""),
        ("exit", 4, ""),
        ("user", 2, "error: because\n"),
        ("data", 1, "error: because\n"),
        ("plugin", 1, "error: because\n"),
        ("file", 1, "error: could not open file 'day.parquet': not there\n"),
        ("abort", 130, "interrupted\n"),
    ],
)
def test_each_end_has_its_exit_code_and_one_line(ends, capsys, how, code, err):
    assert run(["end", how]) == code
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("data\n", err)


def test_an_interrupt_is_130(ends):
    done = ends.basalt("end", "interrupt")
    assert (done.returncode, done.stdout, done.stderr.strip()) == (130, "data\n", "interrupted")


def test_a_defect_is_one_sentence_without_a_trace(ends, capsys):
    assert run(["end", "break"]) == 1
    assert capsys.readouterr().err == (
        "error: basalt broke with KeyError: 'x\\nand more'; this is a defect of basalt: "
        "run it again as `basalt --debug …` and report the trace\n"
    )


def test_debug_shows_the_trace_of_any_error(ends, capsys):
    assert run(["--debug", "end", "user"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("Traceback (most recent call last):\n")
    assert err.endswith("basalt.errors.UserError: because\nerror: because\n")


def test_a_reader_that_goes_away_is_no_error(ends):
    done = ends.shell("basalt flood | head -n 1")
    assert (done.stdout, done.stderr) == ("0\n", "")
    assert ends.shell("basalt --help | true").stderr == ""


def test_a_terminal_without_unicode_prints_something_instead_of_breaking(ends):
    done = ends.shell("PYTHONIOENCODING=ascii basalt strange")
    assert (done.stdout, done.stderr) == ("? ? ?\n", "")


def test_the_shell_can_complete_commands(ends):
    done = ends.shell("_BASALT_COMPLETE=bash_complete COMP_WORDS='basalt en' COMP_CWORD=1 basalt")
    assert done.stdout == "plain,end\n"
