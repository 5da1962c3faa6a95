"""The module `cbbo` over a table whose venues are counted: of a source, the engine has these columns as text."""

import polars as pl

from basalt_analytics.cbbo.module import Cbbo

COUNTS = ("BidVenues", "AskVenues")


class Counted(Cbbo):
    """The module behind a step that makes numbers of the counts."""

    name = "counted"

    def __init__(self, config, columns_of, source, rule):
        counted = columns_of["cbbo"] | dict.fromkeys(COUNTS, pl.Int32())
        super().__init__(config, {**columns_of, "cbbo": counted}, source, rule)

    def compute(self, inputs, pass_):
        counted = inputs["cbbo"].with_columns(pl.col(COUNTS).cast(pl.Int32))
        return super().compute({**inputs, "cbbo": counted}, pass_)
