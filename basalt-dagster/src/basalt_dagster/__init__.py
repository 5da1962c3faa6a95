"""basalt-dagster: a pipeline as Dagster assets, one a pass.

    # definitions.py
    from basalt_dagster import build_definitions

    defs = build_definitions("pipeline.toml")

Dagster is imported when `build_definitions` is first used, never by naming a command.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from basalt_dagster.assets import build_definitions

__all__ = ["build_definitions"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'basalt_dagster' has no attribute {name!r}")
    from basalt_dagster import assets

    return getattr(assets, name)
