"""Whatever a user gives, the answer is a pipeline, a filter or a UserError of one sentence a line: never a crash."""

import re
from collections.abc import Callable
from datetime import date, datetime, time
from functools import reduce
from typing import Any

import attrs
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from basalt.config.filters import is_row_wise, row_filter
from basalt.config.model import PipelineConfig
from basalt.config.override import override
from basalt.config.read import read_pipeline
from basalt.config.rules import broken
from basalt.config.structure import structure
from basalt.errors import UserError
from basalt.tables import AGGRESSOR, NS_UTC

QUICK = settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
KEYS = [
    "name",
    "source",
    "type",
    "passes",
    "every",
    "label",
    "closed",
    "origin",
    "market_states",
    "preprocess",
    "transform",
    "modules",
    "module",
    "prefix",
    "outputs",
    "weights",
    "dates",
    "from",
    "to",
    "list",
    "plugins",
    "files",
    "prefer",
    "executor",
    "state",
    "work",
    "options",
]
WORDS = ["bars", "1m", "0s", "-1d", "end", "right", "09:30", "HALTED", "2024-01-02", "2024-02-30", "", "a b", "parquet"]
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=2**70),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(WORDS),
    st.dates(min_value=date(1900, 1, 1)),
    st.just(datetime(2024, 1, 2, 3)),
    st.just(time(9, 30)),
)
TREES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=4), inner, max_size=6)
        | st.dictionaries(st.integers(), inner, max_size=1)
    ),
    max_leaves=25,
)
PASSES = st.lists(
    st.dictionaries(st.sampled_from(KEYS), st.sampled_from(WORDS) | TREES, max_size=5).map(
        lambda d: {"name": "b", **d}
    ),
    max_size=3,
)
PIPELINES = st.fixed_dictionaries(
    {"name": st.just("p"), "source": st.just({"type": "x"}), "passes": PASSES},
    optional={"dates": TREES, "outputs": TREES, "plugins": TREES, "work": SCALARS},
)


def outcome(call: Callable[..., Any], *args: Any) -> tuple[Any, list[str]]:
    """(what the call returns, []), or (None, the lines of its refusal)."""
    try:
        return call(*args), []
    except UserError as error:
        return None, str(error).split("\n")


@QUICK
@given(TREES | PIPELINES)
def test_any_tree_becomes_a_pipeline_or_a_refusal(tree: Any) -> None:
    made, said = outcome(structure, PipelineConfig, tree, "file")
    assert all(re.match(r"file.*\S", line) for line in said)
    assert made is None or all(mistake.said for mistake in broken(made))


@attrs.frozen
class Options:
    """Options of the kinds modules have."""

    name: int | list[int] = 1
    source: list[dict[str, float]] = attrs.field(factory=list)
    type: str | list[str] | None = None
    label: dict[str, list[date]] = attrs.field(factory=dict)


@QUICK
@given(TREES)
def test_any_tree_becomes_options_or_a_refusal(tree: Any) -> None:
    made, said = outcome(structure, Options, tree, "here")
    assert all(re.match(r"here.*\S", line) for line in said)
    assert said or isinstance(made, Options)


@QUICK
@given(st.text(max_size=60) | st.lists(st.sampled_from([*KEYS, *WORDS, "=", '"', "[[", "]]", "\n", "{"])).map("".join))
def test_any_text_becomes_a_pipeline_or_a_refusal(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    file = tmp_path_factory.getbasetemp() / "fuzz.toml"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    _, said = outcome(read_pipeline, file)
    assert all(line.startswith(str(file)) for line in said)


@QUICK
@given(PIPELINES, st.lists(st.sampled_from([*KEYS, *WORDS, ".", "[0]", "[9]", "=", '"', "\n"])).map("".join))
def test_any_override_changes_the_tree_or_is_refused(tree: Any, text: str) -> None:
    done, said = outcome(override, tree, text)
    assert said == [] or said[0].startswith("--set ")
    if done is not None:
        assert reduce(lambda node, step: node[step], done.path, tree) is not tree


COLUMNS = {
    "Price": pl.Float64(),
    "Level": pl.Int32(),
    "IsHidden": pl.Boolean(),
    "Venue": pl.String(),
    "AggressorSide": AGGRESSOR,
    "EventTimestamp": NS_UTC,
}
LITERALS = ["1", "0", "2.5", "-3", "'Buy'", "'x'", "NULL", "TRUE", "DATE '2024-01-02'", "(1, 2)", "SUM(Price)", '"a"']
COMPARING = ["=", "<>", "<", "<=", ">", "AND", "OR", "IN", "BETWEEN", "NOT", "IS NULL", "IS NOT NULL", "LIKE"]
COUNTING = ["+", "-", "*", "/", "%", "||", "//", ",", "(", ")", "."]
TERMS = st.sampled_from([*COLUMNS, *LITERALS])
OPERATORS = st.sampled_from([*COMPARING, *COUNTING])


@QUICK
@given(st.recursive(TERMS, lambda x: st.tuples(x, OPERATORS, x).map(" ".join) | x.map("({})".format), max_leaves=6))
def test_any_sql_becomes_a_row_wise_condition_or_a_refusal(sql: str) -> None:
    expr, said = outcome(row_filter, sql, COLUMNS, "where")
    assert len(said) <= 1
    if expr is not None:
        assert is_row_wise(expr)
        rows = pl.DataFrame({name: [None, None] for name in COLUMNS}, schema=COLUMNS)
        assert rows.filter(expr).height in (0, 2)


@QUICK
@given(st.text(max_size=30))
def test_text_over_no_columns_is_no_filter(sql: str) -> None:
    with pytest.raises(UserError):
        row_filter(sql, {}, "where")
