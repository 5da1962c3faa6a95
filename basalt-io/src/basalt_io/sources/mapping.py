"""Columns that the user says are called otherwise: the option `columns` of a source."""

from collections.abc import Collection, Mapping

from basalt.errors import UserError


def refuse_mapping(names: Mapping[str, str], found: Collection[str], whose: str) -> None:
    """`names`: by canonical column what the table calls it. UserError where it has no such column, or has both."""
    for canonical, theirs in names.items():
        if theirs not in found:
            raise UserError(f"{whose} has no column {theirs} to be read as {canonical}: it has {', '.join(found)}")
        if canonical in found and canonical not in names.values():
            raise UserError(f"{whose} has a column {canonical} already: leave it out of `columns`")
