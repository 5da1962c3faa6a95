"""Testing: what proves a plugin. `AnalyticLaws`, `OutputLaws`, `SourceLaws`; `market` simulates days, `days` names
small ones.

Names are imported when first used, so that the simulator costs no engine.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from basalt.testing.laws import AnalyticLaws
    from basalt.testing.output_laws import OutputLaws
    from basalt.testing.source_laws import SourceLaws

_HOME_OF = {
    "AnalyticLaws": "basalt.testing.laws",
    "OutputLaws": "basalt.testing.output_laws",
    "SourceLaws": "basalt.testing.source_laws",
}
__all__ = ["AnalyticLaws", "OutputLaws", "SourceLaws"]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'basalt.testing' has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)
