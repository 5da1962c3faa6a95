"""basalt: intraday market-microstructure analytics that a desk can trust.

    import basalt
    from basalt.testing import market

    day = market.simulate(listings=4, seed=1)
    bars = basalt.compute(["trade"], every="1m", trades=day["trades"])

A metric of your own is fifteen lines:

    import polars as pl
    from basalt import Metric, Unit, analytic

    @analytic("trades")
    def desk_clip():
        '''How large the desk's prints are.'''
        yield Metric("DeskClip", pl.col("Size").mean(), Unit.SHARES, doc="Mean size of the bucket's trades.")

Names are imported when first used, so `import basalt` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from basalt.columns import Column, Unit
    from basalt.face import compute, run
    from basalt.functions import analytic
    from basalt.hooks import Lazy, hookimpl
    from basalt.metrics import Empty, Metric, Rollup, previous, ratio, signed
    from basalt.modules import BucketModule, FrameModule
    from basalt.options import option
    from basalt.outputs import Output
    from basalt.sources import Source
    from basalt.tables import TableSchema
    from basalt.transforms import Transform

_HOMES = {
    "basalt.face": ("compute", "run"),
    "basalt.hooks": ("Lazy", "hookimpl"),
    "basalt.columns": ("Column", "Unit"),
    "basalt.metrics": ("Empty", "Metric", "Rollup", "previous", "ratio", "signed"),
    "basalt.functions": ("analytic",),
    "basalt.modules": ("BucketModule", "FrameModule"),
    "basalt.options": ("option",),
    "basalt.outputs": ("Output",),
    "basalt.sources": ("Source",),
    "basalt.tables": ("TableSchema",),
    "basalt.transforms": ("Transform",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
__version__ = "0.1.0"
__all__ = [
    "BucketModule",
    "Column",
    "Empty",
    "FrameModule",
    "Lazy",
    "Metric",
    "Output",
    "Rollup",
    "Source",
    "TableSchema",
    "Transform",
    "Unit",
    "analytic",
    "compute",
    "hookimpl",
    "option",
    "previous",
    "ratio",
    "run",
    "signed",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'basalt' has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
