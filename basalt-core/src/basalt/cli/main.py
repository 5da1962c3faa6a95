"""The entry of `basalt`: answers the front page at once, runs everything else, and turns errors into exit codes.

0 done, 1 failed while running, 2 the user's input is wrong, 3 plugin trouble under `--strict-plugins`, 4 a check
failed, 130 interrupted. Nothing but the standard library is imported before it is known that a command is called.
"""

import io
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from basalt.errors import BasaltError

if TYPE_CHECKING:
    from click import ClickException

_COMPLETING = "_BASALT_COMPLETE"
# How Polars' allocator gives back what it no longer uses: soon and for good. As Polars has it, so much is kept that a
# memory budget is missed by a quarter, and that peaks tell little of what a batch needs.
_ALLOCATOR = "_RJEM_MALLOC_CONF"
_OURS, _OF_POLARS = "dirty_decay_ms:100,muzzy_decay_ms:0", "dirty_decay_ms:500,muzzy_decay_ms:1000"


def main() -> None:
    """Run the command line and exit."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    _set_allocator()
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def _set_allocator() -> None:
    """Before Polars is loaded, which adds to what is set; what the user set goes last and wins."""
    given = os.environ.get(_ALLOCATOR, "").removeprefix(_OF_POLARS)
    os.environ[_ALLOCATOR] = ",".join(filter(None, [_OURS, given.strip(",")]))


def run(args: Sequence[str]) -> int:
    """Run one command line; an error is one line on stderr, and the number returned is the exit code."""
    try:
        code = None if _COMPLETING in os.environ else _front(args)
        return _command(args) if code is None else code
    except KeyboardInterrupt:
        return _say("interrupted", 130)
    except BasaltError as error:
        return _failed(str(error), error.exit_code, args)
    except BrokenPipeError:  # the reader went away: nobody is left to tell
        return 1
    except Exception as error:  # noqa: BLE001 - whatever breaks is told in one sentence
        return _failed(_unexpected(error), 1, args)
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # of Polars, which may not have been imported
            raise
        return _failed(_unexpected(error), 1, args)


def _front(args: Sequence[str]) -> int | None:
    """Print the front page where it is asked for; None where a command is called."""
    from basalt.cli.front import help_page, version_page

    if not args:
        return _say(help_page(), 2)
    page = {"--help": help_page, "--version": version_page}.get(args[0]) if len(args) == 1 else None
    if page is None:
        return None
    sys.stdout.write(page() + "\n")
    return 0


def _command(args: Sequence[str]) -> int:
    import click

    from basalt.cli.root import make_root

    try:
        code = make_root().main(list(args), prog_name="basalt", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        return _say(error.format_message(), 2)
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx else "basalt"
        return _failed(f"{_sentence(error)}; see `{where} --help`", 2, args)
    except click.ClickException as error:
        return _failed(_sentence(error), error.exit_code, args)
    except click.Abort:
        return _say("interrupted", 130)
    return code if isinstance(code, int) else 0


def _failed(sentence: str, code: int, args: Sequence[str]) -> int:
    if "--debug" in args:
        import traceback

        traceback.print_exc()
    return _say(f"error: {sentence}", code)


def _unexpected(error: BaseException) -> str:
    first = (str(error).splitlines() or [""])[0]
    return (
        f"basalt broke with {type(error).__name__}: {first}; this is a defect of basalt: "
        "run it again as `basalt --debug …` and report the trace"
    )


def _sentence(error: "ClickException") -> str:
    near = " or ".join(map(repr, getattr(error, "possibilities", None) or []))
    message = error.message if near else " ".join(error.format_message().split())
    return message[:1].lower() + message[1:].rstrip(".") + (f", did you mean {near}?" if near else "")


def _say(text: str, code: int) -> int:
    sys.stderr.write(text + "\n")
    return code
