"""Expectations: what a pass's rows must be as a whole (`[passes.expect]`), beside unique keys, which always must be.

*Members* are the listings, or the instruments, of the partition's universe.
"""

from collections.abc import Iterator, Mapping
from datetime import date

import attrs
import polars as pl

from basalt.buckets import BucketRule
from basalt.checks.ascending import Monotone, UniqueKeys
from basalt.checks.columns import key_dtypes
from basalt.checks.findings import first_row, named, rows_of, some
from basalt.checks.rows import Rows, Rule
from basalt.config.model import ExpectConfig
from basalt.config.words import did_you_mean, listed
from basalt.documents import PassResult
from basalt.errors import UserError

MEMBERS = {"ListingId": "listings", "InstrumentId": "instruments"}


def expectation_rules(expect: ExpectConfig, result: PassResult, results: Mapping[str, PassResult]) -> Iterator[Rule]:
    """The rules of a pass; UserError where it shall preserve what is no earlier pass of its keys and buckets."""
    raises = expect.on_fail == "raise"
    keys = list(key_dtypes(result))
    yield UniqueKeys(keys)
    if expect.monotone:
        yield Monotone(raises, keys, result.rule)
    if expect.coverage is not None:
        yield Coverage(raises, result.keys[0], expect.coverage)
    if expect.preserves_rows_of is not None:
        _check_alike(result, expect.preserves_rows_of, results)
        yield PreservesRows(raises, expect.preserves_rows_of)


def _check_alike(result: PassResult, name: str, results: Mapping[str, PassResult]) -> None:
    place = f"passes.{result.name}.expect.preserves_rows_of = {name!r}"
    earlier = results.get(name)
    if earlier is None:
        there = f"earlier passes are {listed(results, 'and')}" if results else "no pass comes before this one"
        raise UserError(f"{place} is no earlier pass{did_you_mean(name, results)}: {there}")
    for what, mine, theirs in (
        ("keys", _keys_said(result), _keys_said(earlier)),
        ("buckets", _rule_said(result.rule), _rule_said(earlier.rule)),
    ):
        if mine != theirs:
            raise UserError(
                f"{place} has other {what}, {theirs}, than this pass, {mine}: name a pass that has the same"
            )


def _keys_said(result: PassResult) -> str:
    return ", ".join(f"{name} {dtype}" for name, dtype in zip(result.keys, result.key_dtypes, strict=True))


def _rule_said(rule: BucketRule | None) -> str:
    return "one a date" if rule is None else rule.describe()


@attrs.frozen(eq=False)
class Coverage:
    """A share of the universe's members has at least one row. Without members there is no share, and it holds."""

    raises: bool
    key: str
    limit: float
    check: str = "expect.coverage"

    def counts(self, day: date) -> list[pl.Expr]:
        """The members that have a row."""
        return [pl.col(self.key).unique().drop_nulls().implode().alias(self.check)]

    def found(self, rows: Rows) -> tuple[bool, str]:
        """Passed, and which members lack; never where the members are not known."""
        noun = MEMBERS.get(self.key, f"values of {self.key}")
        present = set(rows.counted[self.check])
        if rows.members is None:
            return False, f"{len(present):,} {noun} have a row, of a universe whose members are not known"
        without: list[object] = []
        if isinstance(rows.members, int):
            have, members = len(present), rows.members
        else:
            expected = rows.members.drop_nulls().unique(maintain_order=True).to_list()
            without = [member for member in expected if member not in present]
            have, members = len(expected) - len(without), len(expected)
        if not members:
            return True, f"the universe has no {noun}"
        passed = have / members >= self.limit
        said = f"{have:,} of {members:,} {noun} have a row, a share of {have / members:.6g}"
        lacking = f"; without one: {some(map(str, without))}" if without else ""
        return passed, f"{said}, {'not ' if passed else ''}below coverage = {self.limit:g}{lacking}"


@attrs.frozen(eq=False)
class PreservesRows:
    """The pass has every (keys, TimeBucket) of an earlier pass, and no other."""

    raises: bool
    name: str
    check: str = "expect.preserves_rows_of"

    def counts(self, day: date) -> list[pl.Expr]:
        """Rows are counted anyway."""
        return []

    def found(self, rows: Rows) -> tuple[bool, str]:
        """Passed, and an example of what lacks and of what is too much."""
        mine = rows.frame.select(rows.keys)
        theirs = rows.earlier[self.name].select(rows.keys)
        if _same_in_order(mine, theirs, rows):
            return True, f"{rows_of(rows.count)}, those of {self.name}"
        lacks = _beyond(theirs, mine, rows)
        more = _beyond(mine, theirs, rows)
        wrong = [f"lacks {lacks}" if lacks else "", f"adds {more}" if more else ""]
        return not (lacks or more), ", and ".join(filter(None, wrong)) or f"the keys of {self.name}"


def _same_in_order(mine: pl.LazyFrame, theirs: pl.LazyFrame, rows: Rows) -> bool:
    """Whether both have the same keys row by row: nothing is hashed, and both are read as they stream."""
    count = theirs.select(pl.len()).collect(engine="streaming").item()
    if count != rows.count:
        return False
    beside = pl.concat([mine, theirs.select(pl.col(n).alias(f"{n}_theirs") for n in rows.keys)], how="horizontal")
    same = pl.all_horizontal(pl.col(n).eq_missing(pl.col(f"{n}_theirs")) for n in rows.keys)
    return bool(beside.select(same.all()).collect(engine="streaming").item())


def _beyond(some_keys: pl.LazyFrame, others: pl.LazyFrame, rows: Rows) -> str:
    """`3 rows, first ListingId 1001, …`: the keys that the others do not have; "" where there are none."""
    apart = some_keys.join(others, on=rows.keys, how="anti", nulls_equal=True, maintain_order="left").unique(
        maintain_order=True
    )
    count = apart.select(pl.len()).collect(engine="streaming").item()
    return f"{rows_of(count)}, first {named(first_row(apart, rows.key_dtypes, pl.lit(True)))}" if count else ""
