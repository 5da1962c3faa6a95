"""`Lazy`: a component named without importing it, so that listing names costs nothing."""

from importlib import import_module
from typing import Any

import attrs


@attrs.frozen
class Lazy:
    """A component by name; `target` is `"package.module:attribute"`, imported by `load`, never before."""

    name: str
    target: str
    summary: str

    def load(self) -> Any:
        """Import the module and return the attribute; raises whatever the import raises."""
        module, _, attribute = self.target.partition(":")
        return getattr(import_module(module), attribute)
