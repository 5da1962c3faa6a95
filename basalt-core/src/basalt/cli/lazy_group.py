"""Commands that are loaded when they are called, and not before.

The root and every group hold `Deferred` stand-ins made from entry points of `basalt.commands`. A stand-in loads the
real command when click makes its context; a real group then gets stand-ins for the commands attached below it.
"""

from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any

import click

from basalt.cli.offered import Offer, absent, offers, upwards
from basalt.cli.session import session_of
from basalt.errors import PluginError, UserError
from basalt.plugins.failed import Failed, failure
from basalt.plugins.found import Found
from basalt.plugins.imported import resolve
from basalt.plugins.installed import COMMANDS, Declared, declared
from basalt.plugins.switches import Switches, read_switches


class Deferred(click.Command):
    """Stands for the command of one entry point, with the stand-ins of the commands below it."""

    def __init__(self, offer: Offer, below: Mapping[str, click.Command]) -> None:
        super().__init__(leaf(offer.path), short_help=offer.summary)
        self.offer = offer
        self.below = below

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Load the command and hand over to it."""
        real = self._loaded(strict=parent is not None and session_of(parent).strict)
        return real.make_context(info_name, args, parent=parent, **extra)

    def _loaded(self, strict: bool) -> click.Command:
        if not self.offer.givers:
            return click.Group(self.name, dict(self.below), help=self.offer.summary)
        giver = self.offer.givers[0]
        real = command_of(Found(giver.distribution, giver.version, giver.name, giver.value))
        if isinstance(real, Failed):
            raise real.as_error(strict)
        return self._holding(real) if self.below else real

    def _holding(self, real: click.Command) -> click.Command:
        """The group with what is attached below it; the loaded object stays as its author made it."""
        giver = self.offer.givers[0]
        if not isinstance(real, click.Group):
            others = ", ".join(f"{self.offer.path}.{name}" for name in self.below)
            raise PluginError(
                f"{spoken(self.offer.path)} of {named(giver)} is not a group, so {others} has no place below it"
            )
        group = copy(real)
        group.commands = dict(real.commands)
        for name, stand_in in self.below.items():
            if name not in real.commands:
                group.commands[name] = stand_in
            elif isinstance(stand_in, Deferred):
                path = f"{self.offer.path}.{name}"
                group.commands[name] = Refused(path, contest(path, [giver, *stand_in.offer.givers]))
        return group


class Refused(click.Command):
    """Stands for a command that cannot be given, and says why when it is called; not listed."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(leaf(path), hidden=True)
        self.why = why

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Refuse, whatever the arguments."""
        raise UserError(self.why)


def installed_commands() -> dict[str, click.Command]:
    """Stand-ins for everything below `basalt`, by name."""
    entries, switches = declared(), read_switches()
    found = offers(entries, switches)
    refusals = {path: _not_installed(path, name) for path, name in absent(found, entries).items()}
    disabled = [e for e in entries if e.group == COMMANDS and switches.disables(e.distribution)]
    refusals |= {path: _disabled(e, switches) for e in disabled for path in upwards(e.name)}
    return _below("", found, {path: why for path, why in refusals.items() if path not in found})


def command_of(found: Found) -> click.Command | Failed:
    """Import the command that an entry point names."""
    try:
        command = resolve(found)
        if not isinstance(command, click.Command):
            raise TypeError(f"{found.value} is no click command but {type(command).__name__}")
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin's door
        return failure(found, f"could not give its command {found.entry!r}", error)
    return command


def _below(path: str, found: Mapping[str, Offer], refusals: Mapping[str, str]) -> dict[str, click.Command]:
    """Stand-ins for what is directly below a path; the empty path is the root."""
    children: dict[str, click.Command] = {
        leaf(child): Refused(child, why) for child, why in refusals.items() if child.rpartition(".")[0] == path
    }
    for child, offer in found.items():
        if child.rpartition(".")[0] == path:
            children[leaf(child)] = (
                Deferred(offer, _below(child, found, refusals))
                if len(offer.givers) < 2
                else Refused(child, contest(child, offer.givers))
            )
    return children


def _not_installed(path: str, distribution: str) -> str:
    return f"`{spoken(path)}` comes with {distribution}, which is not installed: pip install {distribution}"


def _disabled(entry: Declared, switches: Switches) -> str:
    return (
        f"`{spoken(entry.name)}` comes with {named(entry)}, which is disabled in {switches.file}: "
        f"basalt plugins enable {entry.distribution}"
    )


def contest(path: str, givers: Sequence[Declared]) -> str:
    """Why a command that several distributions declare is not run."""
    return (
        f"`{spoken(path)}` is offered by {' and by '.join(map(named, givers))}: uninstall one of them, "
        f'or name it under [plugins] disabled = ["…"] in basalt.toml'
    )


def named(entry: Declared) -> str:
    """A distribution as messages name it."""
    return f"{entry.distribution} {entry.version}"


def spoken(path: str) -> str:
    """The command as the user types it."""
    return "basalt " + path.replace(".", " ")


def leaf(path: str) -> str:
    """The last word of a path."""
    return path.rpartition(".")[2]
