"""What `basalt plugins list` says, from metadata alone, and how a person's name for a plugin is understood."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from basalt.errors import UserError
from basalt.plugins.found import Found
from basalt.plugins.installed import COMMANDS, Declared, canonical
from basalt.plugins.switches import Switches

COLUMNS = ("plugin", "distribution", "version", "state", "commands")


def state_of(found: Found, switches: Switches) -> str:
    """`enabled`, `disabled`, or what keeps it from being used."""
    if found.beyond:
        return found.beyond
    return "disabled" if not found.place and switches.disables(found.distribution) else "enabled"


def described(plugins: Sequence[Found], entries: Sequence[Declared], switches: Switches) -> list[dict[str, Any]]:
    """A row a plugin, and one for each distribution that brings commands alone; sorted by distribution."""
    commands: dict[str, list[str]] = {}
    for e in entries:
        if e.group == COMMANDS:
            commands.setdefault(e.distribution, []).append(e.name.replace(".", " "))
    alone = {e.distribution: e for e in entries if e.group == COMMANDS}
    for found in plugins:
        alone.pop(found.distribution, None)
    subjects = [*plugins, *(Found(e.distribution, e.version, "", e.value) for e in alone.values())]
    return [
        dict(
            zip(
                COLUMNS,
                (f.entry, f.distribution, f.version, state_of(f, switches), commands.get(f.distribution, [])),
                strict=True,
            )
        )
        for f in sorted(subjects, key=lambda f: (f.distribution, f.entry))
    ]


def distribution_named(name: str, entries: Sequence[Declared], known: Sequence[str] = ()) -> str:
    """The distribution a person means by its name or by an entry of it; UserError with near names where none is.

    `known`: further distributions that may be named, as those that are disabled and no longer installed.
    """
    distributions = dict.fromkeys([*(e.distribution for e in entries), *known])
    exact = [d for d in distributions if canonical(d) == canonical(name)]
    by_entry = {e.distribution for e in entries if e.group != COMMANDS and e.name == name}
    matching = exact or sorted(by_entry)
    if len(matching) == 1:
        return matching[0]
    if matching:
        raise UserError(f"{name!r} is a plugin of {' and of '.join(matching)}: give the name of the distribution")
    names = sorted({*distributions, *(e.name for e in entries if e.group != COMMANDS)})
    near = get_close_matches(name, names, 3)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(sorted(distributions))}"
    raise UserError(f"no plugin {name!r} is installed; {hint}")
