"""Transforms: preprocess steps of a pass. Tables in, one table (and any side tables) out.

The result takes the place of a source's table of that name inside the pass; the plan says so.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import polars as pl

from basalt.modules import Lag, PassContext, Scope
from basalt.options import NoOptions
from basalt.tables import TableSchema


class Transform(ABC):
    """A preprocess step. `inputs`: tables it reads, given the configuration; `optional`: further ones, where the source
    has them; `output`: the table it replaces; `sides`: the side tables it can make, each with the key of its rows.
    `whole_book`: it replays orders, so that a source whose l3 lacks some of a book is refused.

    `columns_of` maps each input to the dtypes of its columns while planning.
    """

    name: ClassVar[str]
    scope: Scope = "listing"
    optional: Sequence[str] = ()
    sides: Sequence[TableSchema] = ()
    whole_book: ClassVar[bool] = False
    Config: ClassVar[type] = NoOptions

    def __init__(self, config: Any) -> None:
        self.config = config

    @property
    @abstractmethod
    def inputs(self) -> Sequence[str]:
        """Names of the tables it reads."""

    @property
    @abstractmethod
    def output(self) -> str:
        """Name of the table it makes."""

    @abstractmethod
    def columns(self, columns_of: Mapping[str, Mapping[str, pl.DataType]]) -> dict[str, pl.DataType]:
        """Dtypes of the output's columns."""

    @property
    def known_after(self) -> Mapping[str, Lag]:
        """Columns it adds that are known later than their row, and how much."""
        return {}

    def notes(
        self, columns_of: Mapping[str, Mapping[str, pl.DataType]], shared_sequence: bool, hours: bool
    ) -> Iterable[str]:
        """What the plan tells of this step: what it decides from what there is. `hours`: the pass names them."""
        return ()

    @abstractmethod
    def apply(self, inputs: Mapping[str, pl.LazyFrame], pass_: PassContext) -> dict[str, pl.LazyFrame]:
        """The output by name, and the side tables, those at least that `pass_.sides` asks for. Inputs come sorted by
        (key, time); rows stay in that order."""
