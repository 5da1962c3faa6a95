"""Modules given as they are: by name, as a table of options, or as the class or function itself.

What `basalt.compute` and the contract kit take, turned into module entries and a registry that knows the classes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from basalt.config.model import ModuleEntry
from basalt.errors import UserError
from basalt.hooks import hookimpl
from basalt.modules import BucketModule, FrameModule
from basalt.plugins.found import Found
from basalt.plugins.loaded import accept
from basalt.plugins.registry import Registry, open_registry

Module = str | Mapping[str, Any] | type[BucketModule] | type[FrameModule]
GIVEN = "given"
_ENGINE_KEYS = ("module", "prefix", "source", "tables")


class _Plugin:
    """A plugin of the modules given as objects."""

    def __init__(self, modules: Sequence[type]) -> None:
        self._modules = list(modules)

    @hookimpl
    def basalt_analytics(self) -> list[type]:
        return self._modules


def registry_with(modules: Sequence[Module]) -> Registry:
    """The installed plugins, and in front of them the modules given as objects."""
    heads = [one.get("module") if isinstance(one, Mapping) else one for one in modules]
    given = list(dict.fromkeys(one for one in heads if isinstance(one, type)))
    registry = open_registry(prefer={getattr(one, "name", one.__name__): GIVEN for one in given})
    if given:
        registry.take(accept(Found(GIVEN, "", "compute", GIVEN), _Plugin(given)))
    return registry


def entry_of(module: Module) -> ModuleEntry:
    """The module entry a pipeline file would have; UserError for what is no module."""
    if isinstance(module, str):
        return ModuleEntry(module=module)
    if isinstance(module, Mapping) and "module" in module:
        own = {key: value for key, value in module.items() if key in _ENGINE_KEYS}
        own["module"] = _name(own["module"])
        return ModuleEntry(**own, options={key: value for key, value in module.items() if key not in own})
    return ModuleEntry(module=_name(module))


def _name(module: Any) -> str:
    if isinstance(module, str):
        return module
    if isinstance(module, type) and issubclass(module, BucketModule | FrameModule):
        return module.name
    raise UserError(f"{module!r} is no module: give a name, a table with module = a name, or an @analytic function")
