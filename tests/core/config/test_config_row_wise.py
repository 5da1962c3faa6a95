"""Row-wise expressions: everything on the list gives each row what it gives that row alone; the rest is refused."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from basalt.config.row_wise import FUNCTIONS, OPERATORS, is_row_wise
from basalt.config.serialised import function_name, parted, tree
from basalt.metrics import previous, ratio, signed

a, b, n, s, t, e, f = (pl.col(name) for name in "abnstef")
lists, struct, span, flag = pl.col("l"), pl.col("r"), pl.col("d"), pl.col("g")
ROWS = pl.DataFrame(
    {
        "a": [0.5, -2.0, None, 8.25],
        "b": [1.5, 0.0, 3.0, float("nan")],
        "n": [3, -1, None, 3],
        "s": ["2024-01-02", "x", None, "12"],
        "t": [
            datetime(2024, 1, 2, 9, 30, 0, 5, UTC),
            datetime(2024, 5, 6, 1, 2, 3, 4, UTC),
            None,
            datetime(1999, 12, 31, 0, 0, 0, 0, UTC),
        ],
        "d": [timedelta(seconds=90), timedelta(0), None, timedelta(days=-2)],
        "e": ["Lit", "Dark", None, "Lit"],
        "f": ["1", "2", None, "3"],
        "g": [True, False, None, True],
        "l": [[1, 2], [3], None, [4, 4]],
        "r": [{"x": 1}, {"x": None}, None, {"x": 2}],
    },
    schema_overrides={"e": pl.Enum(["Lit", "Dark"]), "t": pl.Datetime("ns", "UTC")},
)
ROW_WISE: list[pl.Expr] = [
    a.abs(), -a, a.sign(), a.floor(), a.ceil(), a.round(1), a.round_sig_figs(2), a.truncate(1), a.clip(0, b), a.clip(1),
    a.log(), a.log10(), a.log1p(), a.exp(), pl.arctan2("a", "b"),
    a.fill_null(b), a.fill_nan(None), pl.coalesce("a", "b"), pl.struct("a", "b"), n.reinterpret(signed=False),
    pl.min_horizontal("a", "b"), pl.max_horizontal("a", "b"), pl.sum_horizontal("a", "b"), pl.mean_horizontal("a", "b"),
    t.to_physical(), e.to_physical(), n.replace({3: 4}), n.replace_strict({3: "x"}, default=None),
    a ** 2, a.sqrt(), a.cbrt(),
    a.sin(), a.cos(), a.tan(), a.arcsin(), a.arccos(), a.arctan(), a.sinh(), a.cosh(), a.tanh(),
    a.degrees(), a.radians(),
    a.is_null(), a.is_not_null(), b.is_nan(), b.is_not_nan(), b.is_finite(), b.is_infinite(), ~flag, a.is_between(0, b),
    a.is_close(0.5), pl.any_horizontal(flag, a > 0), pl.all_horizontal(flag, a > 0),
    n.is_in([1, 3]), e.is_in(["Lit"]), e == "Lit", s == "x", a.eq_missing(b),
    a != b, a < b, a <= b, a > b, a >= b, a.ne_missing(b), (a > 0) & flag, (a > 0) | flag, (a > 0) ^ flag,
    a + b, a - b, a * b, a / b, a // b, a % b, a.cast(pl.String), n.cast(pl.Float64, strict=False), a.alias("z"),
    pl.when(a > 0).then(b).when(flag).then(n).otherwise(0), pl.lit(1), pl.lit(None), pl.lit(date(2024, 1, 1)),
    pl.sql_expr("n + 1.5 > 2.5"), pl.sql_expr("n - 1.5 < 2.5"), pl.sql_expr("a * b = 1.5"), pl.sql_expr("a / b >= 1.5"),
    pl.sql_expr("n // 2 <= 1.5"), pl.sql_expr("n % 2 <=> 1.5"), pl.sql_expr("n IN (1, 3)"),
    s.str.starts_with("x"), s.str.ends_with("2"), s.str.contains("0"), s.str.len_chars(), s.str.len_bytes(),
    s.str.to_uppercase(), s.str.to_lowercase(), s.str.slice(1, 2), s.str.head(2), s.str.tail(2),
    s.str.replace("x", "y"),
    s.str.strip_chars("2"), s.str.strip_chars_start("2"), s.str.strip_chars_end("2"), s.str.strip_prefix("1"),
    s.str.strip_suffix("2"), s.str.zfill(4), s.str.pad_start(4), s.str.pad_end(4), s.str.extract(r"(\d)", 1),
    f.str.to_integer(), pl.concat_str("s", "f"), pl.format("{}!", "s"), s.str.split("-"),
    s.str.to_date("%Y-%m-%d", strict=False),
    t.dt.year(), t.dt.quarter(), t.dt.month(), t.dt.week(), t.dt.weekday(), t.dt.day(), t.dt.ordinal_day(), t.dt.hour(),
    t.dt.minute(), t.dt.second(), t.dt.millisecond(), t.dt.microsecond(), t.dt.nanosecond(), t.dt.date(), t.dt.time(),
    t.dt.timestamp("ns"), t.dt.truncate("1m"), t.dt.round("1m"), t.dt.offset_by("1h"), t.dt.cast_time_unit("us"),
    t.dt.convert_time_zone("Europe/London"), t.dt.replace_time_zone(None), pl.duration(seconds="n"),
    span.dt.total_days(), span.dt.total_hours(), span.dt.total_minutes(), span.dt.total_seconds(),
    span.dt.total_milliseconds(), span.dt.total_microseconds(), span.dt.total_nanoseconds(),
    e.cat.starts_with("L"), e.cat.ends_with("t"), e.cat.len_chars(), e.cat.len_bytes(), e.cat.slice(1, 2),
    n.clip(0, 1).cast(pl.UInt8).cat.to(pl.Enum(["no", "yes"])),
    lists.list.get(0), lists.list.len(), lists.list.sum(), lists.list.min(), lists.list.max(), lists.list.mean(),
    lists.list.contains(4), pl.concat_list("a", "b"), struct.struct.field("x"),
    ratio(a, b), signed(pl.when(flag).then(pl.lit("Buy"))), (a.fill_null(0) + b.abs()).round(2).clip(0, 5).is_in([1.5]),
]  # fmt: skip


def functions_and_operators(node: Any) -> Iterator[str]:
    """Names of every function and operator in an expression's nodes."""
    if isinstance(node, list):
        for part in node:
            yield from functions_and_operators(part)
    if isinstance(node, dict):
        kind, parts = parted(node)
        if kind == "Function":
            yield function_name(parts["function"])[0]
        if kind == "BinaryExpr":
            yield parts["op"]
        for part in node.values():
            yield from functions_and_operators(part)


@pytest.mark.parametrize("expr", ROW_WISE, ids=str)
def test_what_is_row_wise_gives_a_row_what_it_gives_the_row_alone(expr: pl.Expr) -> None:
    assert is_row_wise(expr)
    column = expr.alias("value")
    whole = ROWS.with_columns(column)["value"]
    alone = pl.concat([ROWS[i].with_columns(column)["value"] for i in range(ROWS.height)])
    assert whole.dtype == alone.dtype
    assert str(whole.to_list()) == str(alone.to_list())


def test_the_list_holds_nothing_that_is_not_tested_here() -> None:
    seen = {name for expr in ROW_WISE for name in functions_and_operators(tree(expr))}
    assert FUNCTIONS - seen == set()
    assert OPERATORS - seen == set()


NOT_ROW_WISE: list[pl.Expr] = [
    a.sum(), a.mean(), a.min(), a.max(), a.std(), a.var(), a.median(), a.quantile(0.5), a.count(), a.len(),
    a.n_unique(), a.null_count(), pl.len(), a.first(), a.last(), a.get(0), a.gather([0]), a.arg_max(), a.mode(),
    a.product(),
    flag.any(), flag.all(), a.has_nulls(), a.implode(), a.dot(b), a.entropy(), a.approx_n_unique(), a.max_by("b"),
    pl.corr("a", "b"), n.bitwise_and(), a.unique(), a.value_counts(), a.search_sorted(1.0), a.index_of(0.5),
    a.sum().over("e"), a.over("e"), a.shift(1).over("e"), previous(a), a.rank().over("e"),
    a.shift(1), a.diff(), a.pct_change(), a.cum_sum(), a.cum_count(), a.cum_max(), a.rolling_mean(2), a.rolling_max(2),
    a.rolling_mean_by("t", "1m"), a.ewm_mean(alpha=0.5), a.rolling("t", period="1m"), a.rank(), a.interpolate(),
    a.forward_fill(), a.backward_fill(), a.fill_null(strategy="forward"), a.fill_null(strategy="mean"),
    a.fill_null(a.mean()), a.sort(), a.sort_by("b"), a.arg_sort(), a.reverse(), a.filter(flag), a.head(1),
    a.slice(0, 2),    a.drop_nulls(), a.explode(), lists.explode(), a.shuffle(), a.sample(1), a.peak_max(), a.rle_id(),
    a.is_unique(), a.is_duplicated(), a.is_first_distinct(), a.is_last_distinct(),
    n.is_in(pl.col("b").cast(pl.Int64)), n.is_in(n.max().implode()), n.is_in(pl.Series([[1], [2], [3], [4]])),
    s.str.join(","), s.str.to_date(strict=False),
    pl.int_range(pl.len()), pl.int_range(4), pl.repeat(1, 4), pl.arg_where(flag), pl.lit(pl.Series([1, 2, 3, 4])),
    a + pl.Series([1, 2, 3, 4]), pl.all(), pl.col("^a|b$"), pl.col("a", "b"), pl.col(pl.Float64), pl.first(), pl.nth(0),
    a.map_elements(abs, return_dtype=pl.Float64), a.map_batches(lambda column: column),
    pl.sql_expr("SUM(a) > 1"), pl.sql_expr("COUNT(*) > 1"), pl.sql_expr("ROW_NUMBER() OVER () > 1"),
]  # fmt: skip
HOLDERS = {
    "alone": lambda x: x,
    "named": lambda x: x.alias("z"),
    "cast": lambda x: x.cast(pl.Float64, strict=False),
    "on the left": lambda x: x + a,
    "on the right": lambda x: a > x,
    "as condition": lambda x: pl.when(x > 0).then(a),
    "as then": lambda x: pl.when(flag).then(x),
    "as otherwise": lambda x: pl.when(flag).then(a).otherwise(x),
    "in a function": lambda x: pl.max_horizontal(a, x),
    "looked for": lambda x: x.is_in([1.0]),
}


@pytest.mark.parametrize("expr", NOT_ROW_WISE, ids=str)
def test_what_reads_other_rows_is_not_row_wise(expr: pl.Expr) -> None:
    assert not is_row_wise(expr)


@pytest.mark.parametrize("holder", HOLDERS.values(), ids=HOLDERS.keys())
def test_what_reads_other_rows_is_found_wherever_it_stands(holder: Any) -> None:
    for expr in (a.sum(), a.shift(1), a.cum_sum(), a.sum().over("e"), pl.len(), a.sort()):
        assert not is_row_wise(holder(expr))


def test_an_expression_nested_too_deeply_to_read_is_not_row_wise() -> None:
    expr = a
    for _ in range(2000):
        expr = expr + 1
    assert not is_row_wise(expr)
