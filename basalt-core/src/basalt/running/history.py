"""History: what a module sees of the earlier pass it reads, the rows of the day and of the previous dates it asked for.

Modules of one pass may look back differently far; each sees its own dates alone.
"""

from collections.abc import Mapping

import attrs
import polars as pl

from basalt.modules import Dates, PassContext
from basalt.planning.uses import Use, frame_inputs

Previous = Mapping[str, Dates]
"""By place of a module entry, the published dates that it sees, oldest first."""
Frames = Mapping[str, pl.LazyFrame]


def given(
    use: Use, tables: Frames, earlier: Frames, context: PassContext, previous: Previous
) -> tuple[dict[str, pl.LazyFrame], PassContext]:
    """What a frame module's `compute` gets. `earlier`: passes with every date in front that some module asked for."""
    inputs, days = frame_inputs(use, tables, earlier), previous.get(use.place, ())
    if "source" in inputs and len(days) < len(set().union(*previous.values())):
        inputs["source"] = inputs["source"].filter(pl.col("Date").is_in([*days, context.date]))
    return inputs, attrs.evolve(context, previous=tuple(days))
