"""Rows of some keys, filtered by the server: one bound parameter holds them all, so there may be any number.

What the server takes for equal may be more than what is (letter case, blanks at the end), never less.
"""

import json

import polars as pl
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

_MOST = 1000  # keys in a list, each a parameter: fewer than any database takes


def of_keys(column: sa.ColumnElement[str | int], keys: pl.Series, dialect: str) -> sa.ColumnElement[bool] | None:
    """What is true of the rows of these keys, and of those without one; None where there are more keys than a database
    takes, and all rows must come."""
    values = keys.to_list()
    if dialect == "postgresql":
        kind: sa.types.TypeEngine[object] = sa.BigInteger() if keys.dtype.is_integer() else sa.Text()
        inside = column == sa.any_(sa.bindparam(None, _unpadded(values), type_=ARRAY(kind), unique=True))
    elif dialect == "sqlite":
        inside = column.in_(sa.select(sa.func.json_each(json.dumps(values)).table_valued("value").c.value))
    elif len(values) <= _MOST:
        inside = column.in_(values)
    else:
        return None
    return inside | column.is_(None)


def _unpadded(values: list[str | int]) -> list[str | int]:
    """With blanks at the end and without: CHAR(n) has them where it is read, and not where it is compared with text."""
    return list(dict.fromkeys(each for value in values for each in (value, _stripped(value))))


def _stripped(value: str | int) -> str | int:
    return value.rstrip(" ") if isinstance(value, str) else value
