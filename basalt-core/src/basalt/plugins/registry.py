"""Last stage: what the plugins offer, by kind and name. The face of the plugin host for the rest of basalt.

A *component* is one thing a plugin offers: a table, source, transform, analytics module, output or executor. Its
*owner* is the plugin that offers it. Order never comes from registration: everything is sorted by (name, distribution).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from basalt.errors import UserError
from basalt.plugins.components import KINDS, Component, components_of, unknown_component, what_to_install
from basalt.plugins.failed import Failed, failure
from basalt.plugins.found import Found, find_files, find_installed
from basalt.plugins.installed import canonical
from basalt.plugins.loaded import Loaded, accept, load
from basalt.plugins.switches import Switches, read_switches

__all__ = ["Component", "Failed", "Found", "Registry", "open_registry", "what_to_install"]
Report = Callable[[Failed], None]


def _silent(_: Failed) -> None:
    """Whoever opened the registry reads `failed`."""


def open_registry(
    files: Sequence[Path] = (),
    prefer: Mapping[str, str] | None = None,
    switches: Switches | None = None,
    strict: bool = False,
    report: Report = _silent,
) -> "Registry":
    """Find and load every enabled plugin: installed ones and single `files`.

    `prefer` (name → distribution) goes before that of the switches, which are read from `basalt.toml` by default.
    A plugin that fails is reported and left out; strict: PluginError with exit code 3 instead. UserError for a file
    that is not there.
    """
    switches = read_switches() if switches is None else switches
    registry = Registry({**switches.prefer, **(prefer or {})}, strict, report, tuple(files))
    for found in [*find_installed(), *find_files(files)]:
        if found.beyond:
            registry.aside[found] = found.beyond
        elif not found.place and switches.disables(found.distribution):
            registry.aside[found] = f"is disabled in {switches.file}: basalt plugins enable {found.distribution}"
        else:
            registry.take(load(found))
    return registry


@attrs.define
class Registry:
    """What the loaded plugins offer. Hooks are called when their kind is first asked for, once.

    `files`: the single files among them, so that another process may open the same; None for plugins given as
    objects, which it cannot. `failed`: plugins that broke so far. `aside`: plugins found and not loaded, and why.
    """

    prefer: Mapping[str, str] = attrs.field(factory=dict)
    strict: bool = False
    report: Report = _silent
    files: Sequence[Path] | None = None
    loaded: list[Loaded] = attrs.field(factory=list, init=False)
    failed: list[Failed] = attrs.field(factory=list, init=False)
    aside: dict[Found, str] = attrs.field(factory=dict, init=False)
    _kinds: dict[str, list[Component]] = attrs.field(factory=dict, init=False)

    @classmethod
    def of(cls, plugins: Mapping[str, object], prefer: Mapping[str, str] | None = None) -> "Registry":
        """A registry of these plugin objects (distribution name → module or object with hooks) and no other."""
        registry = cls(prefer or {})
        for name, plugin in sorted(plugins.items()):
            registry.take(accept(Found(name, "", name, getattr(plugin, "__name__", name)), plugin))
        return registry

    def take(self, plugin: Loaded | Failed) -> None:
        """Take in a plugin; a failed one is reported, and an error where the registry is strict."""
        if isinstance(plugin, Loaded):
            self.loaded.append(plugin)
            return
        self.failed.append(plugin)
        if self.strict:
            raise plugin.as_error(strict=True)
        self.report(plugin)

    def names(self, kind: str) -> list[str]:
        """Names of that kind, each once, sorted."""
        return sorted({c.name for c in self._offered(kind)})

    def components(self, kind: str) -> list[Component]:
        """Every component of that kind, sorted by (name, distribution); one offered twice has `rivals`.

        Where `prefer` settles who wins, only the winner is listed.
        """
        groups = [self._of_name(kind, name) for name in self.names(kind)]
        return [c for group in groups for c in (self._preferred(group) or group)]

    def get(self, kind: str, name: str) -> Component:
        """The one component of that name. UserError: nobody offers it, or several do and nothing says who wins."""
        group = self._of_name(kind, name)
        if not group:
            raise unknown_component(kind, name, self.names(kind), self.failed, self.aside, self._installed())
        wanted = self.prefer.get(name)
        preferred = self._preferred(group)
        if wanted and not preferred and not self._elsewhere(kind, name, wanted):
            raise UserError(
                f"[plugins] prefer takes {name!r} from {wanted}, which does not offer it: it is offered by "
                f"{_listed(group)}; install {wanted} or mend prefer"
            )
        if len(preferred or group) > 1:
            raise UserError(
                f"{KINDS[kind].noun} {name!r} is offered by {_listed(group)}: uninstall one of them, or choose with "
                f'[plugins] prefer = {{{name} = "{group[0].owner.distribution}"}}'
            )
        return (preferred or group)[0]

    def observers(self) -> list[Callable[[Any], None]]:
        """What to call with each run event; one that raises is reported once, and silent from then on."""
        return [Observer(p, self) for p in self.loaded if "basalt_run_event" in p.hooks]

    def _offered(self, kind: str) -> list[Component]:
        if kind not in self._kinds:
            offered: list[Component] = []
            for plugin in [p for p in self.loaded if f"basalt_{kind}" in p.hooks]:
                try:
                    offered += components_of(plugin, kind, self.strict)
                except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin's door
                    self.drop(plugin, f"raised in basalt_{kind}", error)
            self._kinds[kind] = sorted(offered, key=lambda c: (c.name, c.owner.distribution, c.owner.entry))
        return self._kinds[kind]

    def drop(self, plugin: Loaded, what: str, error: BaseException) -> None:
        """Make a loaded plugin a failed one; what it offered before stays."""
        self.loaded = [p for p in self.loaded if p is not plugin]
        self.take(failure(plugin.found, what, error))

    def _of_name(self, kind: str, name: str) -> list[Component]:
        group = [c for c in self._offered(kind) if c.name == name]
        owners = [c.owner for c in group]
        return [attrs.evolve(c, rivals=tuple(o for o in owners if o != c.owner)) for c in group]

    def _preferred(self, group: Iterable[Component]) -> list[Component]:
        """The component that `prefer` names, its rivals settled."""
        return [
            attrs.evolve(c, rivals=())
            for c in group
            if canonical(self.prefer.get(c.name, "")) == canonical(c.owner.distribution)
        ]

    def _elsewhere(self, kind: str, name: str, distribution: str) -> bool:
        """Whether `prefer` can only mean another kind: a name may be a source's and an output's."""
        others = [c for other in KINDS if other != kind for c in self._of_name(other, name)]
        return any(canonical(c.owner.distribution) == canonical(distribution) for c in others)

    def _installed(self) -> set[str]:
        found = [*(p.found for p in self.loaded), *(f.found for f in self.failed), *self.aside]
        return {canonical(f.distribution) for f in found}


@attrs.define
class Observer:
    """A plugin's `basalt_run_event`, harmless to the run."""

    plugin: Loaded
    registry: Registry = attrs.field(repr=False)
    silent: bool = False

    def __call__(self, event: Any) -> None:
        """Hand over one record."""
        if self.silent:
            return
        try:
            self.plugin.call("basalt_run_event", event=event)
        except Exception as error:  # noqa: BLE001 - a plugin's door
            self.silent = True
            self.registry.drop(self.plugin, "raised in basalt_run_event", error)


def _listed(group: Sequence[Component]) -> str:
    return " and by ".join(c.owner.named for c in group)
