"""The checks of a pass: planned with it, made of each partition's rows before they are published."""

from collections.abc import Mapping, Sequence
from datetime import date

import attrs
import polars as pl

from basalt.checks.columns import key_dtypes
from basalt.checks.expectations import Coverage, PreservesRows, expectation_rules
from basalt.checks.findings import Finding
from basalt.checks.quality import quality_rules
from basalt.checks.rows import Rows, Rule, counted
from basalt.columns import DType
from basalt.config.model import PassConfig
from basalt.documents import PassResult


@attrs.frozen(eq=False)
class Checks:
    """What is checked of a pass. `key_dtypes`: of its keys and TimeBucket."""

    rules: Sequence[Rule]
    key_dtypes: Mapping[str, DType]

    @property
    def reads(self) -> list[str]:
        """Earlier passes whose rows `findings` compares with."""
        return [rule.name for rule in self.rules if isinstance(rule, PreservesRows)]

    @property
    def needs_members(self) -> bool:
        """Whether `findings` must be told the universe's members."""
        return any(isinstance(rule, Coverage) for rule in self.rules)

    def findings(
        self,
        rows: pl.LazyFrame,
        day: date,
        members: pl.Series | int | None = None,
        earlier: Mapping[str, pl.LazyFrame] | None = None,
    ) -> list[Finding]:
        """One finding for each rule, in the order of the configuration, keys first.

        `rows` are those of one partition as they would be published: read once, whatever the number of rules and
        columns, and again only to name an example of what failed. `members`: values of the first key that the universe
        has, or how many, where `needs_members`; a failed coverage names those without a row only if it has the values.
        `earlier`: the rows of the passes in `reads`.
        """
        found = counted(Rows(rows, self.key_dtypes, day, members, earlier or {}), self.rules)
        return [_finding(rule, found) for rule in self.rules]


def planned_checks(config: PassConfig, result: PassResult, results: Mapping[str, PassResult]) -> Checks:
    """The pass's checks; UserError where they name what the pass, or `results`, the earlier passes, do not have."""
    rules = [*expectation_rules(config.expect, result, results), *quality_rules(config.quality, result)]
    return Checks(rules, key_dtypes(result))


def _finding(rule: Rule, rows: Rows) -> Finding:
    passed, said = rule.found(rows)
    return Finding(rule.check, passed, rule.raises, said)
