"""The plugin host: found → loaded or failed → registry. `open_registry` is what the rest of basalt calls.

Names are imported when first used: the command line lists commands and plugins without loading this machinery.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from basalt.plugins.components import Component, what_to_install
    from basalt.plugins.failed import Failed
    from basalt.plugins.found import Found
    from basalt.plugins.loaded import Loaded
    from basalt.plugins.registry import Registry, open_registry
    from basalt.plugins.switches import Switches

_HOME_OF = {
    "Component": "components",
    "what_to_install": "components",
    "Found": "found",
    "Failed": "failed",
    "Loaded": "loaded",
    "Registry": "registry",
    "open_registry": "registry",
    "Switches": "switches",
}
__all__ = ["Component", "Failed", "Found", "Loaded", "Registry", "Switches", "open_registry", "what_to_install"]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'basalt.plugins' has no attribute {name!r}")
    return getattr(import_module(f"basalt.plugins.{_HOME_OF[name]}"), name)
