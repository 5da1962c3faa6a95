"""Second stage: a plugin's module is imported and its hooks are checked; it is `Loaded`, or `Failed` with its place.

pluggy's bulk loader stops at the first broken plugin and names none. Here each plugin has a pluggy manager of its own,
so that none can disturb another. `Exception` is caught at a plugin's doors alone: import, hook call, load.
"""

import inspect
import sys
from contextlib import redirect_stdout
from difflib import get_close_matches
from types import SimpleNamespace
from typing import Any

import attrs
import pluggy

from basalt.hooks import hookimpl, specs
from basalt.plugins.failed import Failed, failure, hint_for, place_of_code
from basalt.plugins.found import Found
from basalt.plugins.imported import resolve

HOOKS = [name for name in vars(specs) if name.startswith("basalt_")]


@attrs.frozen
class Loaded:
    """A plugin whose hooks are known and valid; none was called yet."""

    found: Found
    plugin: Any = attrs.field(repr=False)
    hooks: frozenset[str]
    manager: pluggy.PluginManager = attrs.field(repr=False, eq=False)

    def call(self, hook: str, **arguments: Any) -> Any:
        """The hook's answer; raises what the plugin raises. Its prints go to stderr: stdout is data."""
        with redirect_stdout(sys.stderr):
            answers = getattr(self.manager.hook, hook)(**arguments)
        return answers[0] if answers else None


def load(found: Found) -> Loaded | Failed:
    """Import a plugin and check its hooks, without calling them."""
    try:
        plugin = resolve(found)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin's door
        return failure(found, "could not be imported", error)
    return accept(found, plugin)


def accept(found: Found, plugin: Any) -> Loaded | Failed:
    """Check the hooks of a plugin object, and take it in."""
    manager = pluggy.PluginManager("basalt")
    manager.add_hookspecs(specs)
    if found.place and not _marked(manager, plugin):
        plugin = _modules_of(plugin)
    marked = _marked(manager, plugin)
    if not marked:
        return _useless(found, _nothing(found, plugin), "")
    for hook, function in marked.items():
        if trouble := _trouble(hook, function):
            return _useless(found, trouble, place_of_code(found, function.__code__))
    manager.register(plugin)
    return Loaded(found, plugin, frozenset(marked), manager)


def _useless(found: Found, message: str, place: str) -> Failed:
    error = pluggy.PluginValidationError(found, message)
    return Failed(found, "cannot be used", "HookError", message, place, hint_for(found, error))


def _marked(manager: pluggy.PluginManager, plugin: Any) -> dict[str, Any]:
    """The functions marked @hookimpl, by the hook they implement."""
    marked = {}
    for name in dir(plugin):
        options = manager.parse_hookimpl_opts(plugin, name)
        if options:
            marked[options.get("specname") or name] = inspect.unwrap(getattr(plugin, name))
    return marked


def _trouble(hook: str, function: Any) -> str:
    """What is wrong with a hook implementation; empty where nothing is."""
    if hook not in HOOKS:
        near = get_close_matches(hook, HOOKS, 1)
        return f"there is no hook {hook}" + (f", did you mean {near[0]}" if near else f": there are {', '.join(HOOKS)}")
    given = list(inspect.signature(getattr(specs, hook)).parameters)
    needed = [n for n, p in inspect.signature(function).parameters.items() if p.default is p.empty]
    unknown = [name for name in needed if name not in given]
    return f"{hook} takes {', '.join(unknown)}, but is given {', '.join(given) or 'nothing'}" if unknown else ""


def _nothing(found: Found, plugin: Any) -> str:
    names = [name for name in HOOKS if hasattr(plugin, name)]
    if names:
        return f"nothing in it is marked as a hook: put @hookimpl above {' and '.join(names)}"
    return "it offers nothing: it has no @hookimpl" + (" and defines no module" if found.place else "")


def _modules_of(module: Any) -> Any:
    """A plugin that offers the modules defined in a single file without hooks."""
    from basalt.modules import BucketModule, FrameModule

    modules = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, BucketModule | FrameModule)
        if value.__module__ == module.__name__ and hasattr(value, "name")
    ]
    return SimpleNamespace(basalt_analytics=hookimpl(lambda: modules)) if modules else module
