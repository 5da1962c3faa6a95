"""Columns of tables: dtype, unit and one sentence each.

A unit says how a value answers when all prices or all sizes are multiplied; the contract kit checks exactly that.
"""

from collections.abc import Sequence
from enum import Enum
from typing import Any

import attrs
import polars as pl

DType = pl.DataType | type[pl.DataType]


class Unit(Enum):
    """What a number is measured in; see `scaling` for how it answers to scaled prices and sizes."""

    PRICE = "price"
    CURRENCY = "currency"
    SHARES = "shares"
    COUNT = "count"
    BPS = "bps"
    RATIO = "ratio"
    SECONDS = "seconds"
    PRICE_PER_SHARE = "price_per_share"
    LOG_RETURN = "log_return"
    VARIANCE = "variance"
    PER_CURRENCY = "per_currency"
    PER_SQRT_CURRENCY = "per_sqrt_currency"
    SHARES_PER_BPS = "shares_per_bps"
    INDEX = "index"
    WEIGHT = "weight"
    FLAG = "flag"
    LABEL = "label"
    TIMESTAMP = "timestamp"

    @property
    def scaling(self) -> tuple[float, float] | None:
        """(power of price, power of size), or None where no law is claimed (index, weight)."""
        return _SCALING.get(self)


_SCALING: dict[Unit, tuple[float, float]] = {
    Unit.PRICE: (1, 0),
    Unit.CURRENCY: (1, 1),
    Unit.SHARES: (0, 1),
    Unit.COUNT: (0, 0),
    Unit.BPS: (0, 0),
    Unit.RATIO: (0, 0),
    Unit.SECONDS: (0, 0),
    Unit.PRICE_PER_SHARE: (1, -1),
    Unit.LOG_RETURN: (0, 0),
    Unit.VARIANCE: (0, 0),
    Unit.PER_CURRENCY: (-1, -1),
    Unit.PER_SQRT_CURRENCY: (-0.5, -0.5),
    Unit.SHARES_PER_BPS: (0, 1),
    Unit.FLAG: (0, 0),
    Unit.LABEL: (0, 0),
    Unit.TIMESTAMP: (0, 0),
}


@attrs.frozen
class Column:
    """A column of a table. `name` may hold `{i}`: then it stands for levels 1, 2, … as deep as the data goes."""

    name: str
    dtype: DType
    doc: str
    unit: Unit | None = None
    required: bool = False
    also: Sequence[DType] = ()

    def accepts(self, dtype: Any) -> bool:
        """Whether data of this dtype is canonical as it stands."""
        return any(dtype == allowed for allowed in (self.dtype, *self.also))
