"""The plugin door: mark a function `@hookimpl`, name its module under the entry point `basalt.v1`, and it is found.

    from basalt import hookimpl

    @hookimpl
    def basalt_analytics():
        return [desk_spread]

    # pyproject.toml
    [project.entry-points."basalt.v1"]
    desk = "desk_spreads"

`specs.py` lists the hooks: when each fires, what to return, what happens if it raises.
"""

import pluggy

from basalt.hooks.lazy import Lazy

hookimpl = pluggy.HookimplMarker("basalt")

__all__ = ["Lazy", "hookimpl"]
