"""Running a `basalt data` command as its user does, for what it prints as JSON."""

import json
from typing import Any

import click
from click.testing import CliRunner


def printed(command: click.Command, *args: object, code: int = 0) -> tuple[list[dict[str, Any]], str]:
    """The rows on stdout and the story on stderr; a refusal is raised, the exit code must be `code`."""
    result = CliRunner().invoke(command, [*map(str, args), "--format", "json"])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return json.loads(result.stdout), result.stderr
