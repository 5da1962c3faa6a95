"""The hooks a plugin may implement, and nothing else.

Each is called once a process, when a command first needs its kind of component, in the order of
(distribution, entry). Whatever a hook returns is a list of components: the class or function itself, or a
`Lazy(name, "module:attribute", summary)`. A hook that raises makes its plugin failed: one line on stderr where the
command can go on without it, an error that names plugin, place and next step where it cannot.
"""

from typing import TYPE_CHECKING, Any

import pluggy

from basalt.hooks.lazy import Lazy

if TYPE_CHECKING:
    from basalt.modules import BucketModule, FrameModule
    from basalt.outputs import Output
    from basalt.running.executors import Executor
    from basalt.sources import Source
    from basalt.tables import TableSchema
    from basalt.transforms import Transform

hookspec = pluggy.HookspecMarker("basalt")


@hookspec
def basalt_tables() -> "list[TableSchema | Lazy]":  # type: ignore[empty-body]
    """Declare tables beyond the built-in ones. Fires when a pipeline is planned or tables are listed."""


@hookspec
def basalt_sources() -> "list[type[Source] | Lazy]":  # type: ignore[empty-body]
    """Offer places that tables come from. Fires when a pipeline names its `[source] type`."""


@hookspec
def basalt_transforms() -> "list[type[Transform] | Lazy]":  # type: ignore[empty-body]
    """Offer preprocess steps: tables in, a table and side tables out. Fires when a pass is planned."""


@hookspec
def basalt_analytics() -> "list[type[BucketModule] | type[FrameModule] | Lazy]":  # type: ignore[empty-body]
    """Offer modules of metrics; an `@analytic` function is one. Fires when a pass is planned or modules are listed."""


@hookspec
def basalt_outputs() -> "list[type[Output] | Lazy]":  # type: ignore[empty-body]
    """Offer places that results go to. Fires when a pipeline names an output's `type`."""


@hookspec
def basalt_executors() -> "list[type[Executor] | Lazy]":  # type: ignore[empty-body]
    """Offer ways to run partitions. Fires when a pipeline is planned and names its `executor`.

    An executor is a class with the members of `basalt.running.executors.Executor`; its `Config` has the options that
    stand beside `type` in the pipeline's `executor`.
    """


@hookspec
def basalt_run_event(event: Any) -> None:
    """Observe a run: fires for each typed record of `basalt.running.events`, in the process that runs the pipeline.

    event: the record; observers return nothing, and one that raises is reported once and harms no run.
    """
