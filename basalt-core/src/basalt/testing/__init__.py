"""Testing: what proves an analytic. `AnalyticLaws` first; `market` simulates days, `days` names small ones.

Names are imported when first used, so that the simulator costs no engine.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from basalt.testing.laws import AnalyticLaws

__all__ = ["AnalyticLaws"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'basalt.testing' has no attribute {name!r}")
    return getattr(import_module("basalt.testing.laws"), name)
