"""Users' SQL: what passes gives the right rows, and whatever looks ahead or silently matches nothing is refused."""

from datetime import UTC, date, datetime
from itertools import product

import polars as pl
import pytest

from basalt.config.filters import LONGEST, is_row_wise, row_filter
from basalt.errors import UserError
from basalt.tables import AGGRESSOR, NS_UTC, TRADE_TYPE

ROWS = pl.DataFrame(
    {
        "Row": [0, 1, 2, 3],
        "Price": [10.0, 10.5, 0.0, None],
        "Size": [100.0, 0.0, 300.0, 50.0],
        "Level": [1, 2, 3, None],
        "AggressorSide": ["Buy", "Sell", None, "Buy"],
        "TradeType": ["Lit", "Dark", "Lit", None],
        "Venue": ["XLON", "XPAR", None, "XLON"],
        "IsHidden": [True, False, None, False],
        "EventTimestamp": [datetime(2024, 1, 2, hour, tzinfo=UTC) for hour in (8, 9, 10, 11)],
        "PublicationTimestamp": [datetime(2024, 1, 2, hour, 30, tzinfo=UTC) for hour in (8, 9, 11, 11)],
        "Date": [date(2024, 1, 2)] * 3 + [None],
    },
    schema={
        "Row": pl.Int64,
        "Price": pl.Float64,
        "Size": pl.Float64,
        "Level": pl.Int32,
        "AggressorSide": AGGRESSOR,
        "TradeType": TRADE_TYPE,
        "Venue": pl.String,
        "IsHidden": pl.Boolean,
        "EventTimestamp": NS_UTC,
        "PublicationTimestamp": NS_UTC,
        "Date": pl.Date,
    },
)


def kept(sql: str) -> list[int]:
    """Rows that pass the filter."""
    return ROWS.filter(row_filter(sql, ROWS.schema, "where"))["Row"].to_list()


def refusal(sql: str) -> str:
    with pytest.raises(UserError) as caught:
        row_filter(sql, ROWS.schema, "where")
    said = str(caught.value)
    assert "\n" not in said
    assert said.startswith(f"where = {sql!r} ")
    return said.removeprefix(f"where = {sql!r} ")


GOOD = {
    "Price > 10": [1],
    "Price > 10.25": [1],
    "10.25 < Price": [1],
    "Price >= 10.5 AND Size = 0": [1],
    "Price = 10.5 OR Level = 3": [1, 2],
    "NOT IsHidden": [1, 3],
    "NOT (Price > 10.25)": [0, 2],
    "IsHidden": [0],
    "IsHidden = TRUE": [0],
    "IsHidden IS NULL": [2],
    "IsHidden IS NOT TRUE": [1, 3],
    "Price IS NOT NULL AND NOT IsHidden": [1],
    "Price BETWEEN 10 AND 10.25": [0],
    "Price NOT BETWEEN 10 AND 10.25": [1, 2],
    "Price <> 10": [1, 2],
    "Price != 10": [1, 2],
    "Level IN (1, 3)": [0, 2],
    "Level NOT IN (1, 3)": [1],
    "Level IN (2.5, 2)": [1],
    "AggressorSide = 'Buy'": [0, 3],
    "'Buy' = AggressorSide": [0, 3],
    "AggressorSide <> 'Buy'": [1],
    "AggressorSide IS DISTINCT FROM 'Buy'": [1, 2],
    "TradeType IN ('Lit', 'Auction')": [0, 2],
    "Venue = 'XLON' AND TradeType = 'Lit'": [0],
    "Venue = 'no such venue'": [],
    "Price * Size > 1000": [],
    "Price * Size >= 1000": [0],
    "Price + 1 > 11": [1],
    "Price - Size > 0": [1],
    "-Price < -10": [1],
    "Level % 2 = 1": [0, 2],
    "Size / Level > 40": [0, 2],
    "Level / 2 > 0.75": [1, 2],
    "PublicationTimestamp - EventTimestamp > INTERVAL '1h'": [2],
    "PublicationTimestamp > EventTimestamp": [0, 1, 2, 3],
    "Date = DATE '2024-01-02'": [0, 1, 2],
    "EventTimestamp < DATE '2024-01-03'": [0, 1, 2, 3],
    "(Price > 10) = (Size = 0)": [0, 1, 2],
    '"Price" > 10 -- a comment': [1],
}


@pytest.mark.parametrize(("sql", "rows"), GOOD.items())
def test_a_filter_keeps_the_rows_it_says(sql: str, rows: list[int]) -> None:
    assert kept(sql) == rows


@pytest.mark.parametrize("sql", GOOD)
def test_a_filter_is_row_wise_and_gives_boolean_whatever_rows_there_are(sql: str) -> None:
    expr = row_filter(sql, ROWS.schema, "where")
    assert is_row_wise(expr)
    whole = ROWS.select(expr).to_series()
    assert whole.dtype == pl.Boolean
    assert whole.to_list() == [ROWS[i].select(expr).item() for i in range(4)]


def test_a_filter_names_the_columns_it_reads() -> None:
    expr = row_filter("Price * Size > 5 AND (Venue IN ('a', 'b') OR Price / Level > 1)", ROWS.schema, "where")
    assert set(expr.meta.root_names()) == {"Price", "Size", "Venue", "Level"}


def test_a_quotient_by_zero_is_null_and_drops_the_row() -> None:
    """Row 1 has Size 0: 10.5 / 0 would be infinite, hence above 0. Row 2 has Price 0: 0 / 0 would be NaN, which
    Polars holds above every number."""
    assert kept("Price / Size > 0") == [0]
    assert kept("Price / Price > 0") == [0, 1]
    assert kept("Size / Price < 1e9 OR Row = 2") == [0, 1, 2]
    assert kept("Price % Size >= 0") == [0, 2]
    assert ROWS.select(row_filter("Price / Size > 0", ROWS.schema, "where")).to_series().to_list() == [
        True,
        None,
        False,
        None,
    ]


LIST = "a filter takes comparisons, arithmetic, AND, OR, NOT, IN, BETWEEN and IS NULL over columns of the row"
EVIL = {
    "SUM(Size) > 1": f"aggregates over rows, which would look ahead: {LIST}",
    "Size > AVG(Size)": f"aggregates over rows, which would look ahead: {LIST}",
    "COUNT(*) > 1": f"aggregates over rows, which would look ahead: {LIST}",
    "Size = LAST(Size)": f"aggregates over rows, which would look ahead: {LIST}",
    "Size > MAX(Price + 1)": f"aggregates over rows, which would look ahead: {LIST}",
    "SUM(Size) OVER (PARTITION BY Venue) > 1": f"uses a window over rows, which would look ahead: {LIST}",
    "ROW_NUMBER() OVER (ORDER BY Price) = 1": f"uses a window over rows, which would look ahead: {LIST}",
    "LAG(Size) OVER (ORDER BY Price) > 1": f"uses a window over rows, which would look ahead: {LIST}",
    "Size IN (SELECT 1)": f"uses SELECT: {LIST}",
    "EXISTS (SELECT 1)": f"uses SELECT: {LIST}",
    "ABS(Price) > 1": f"uses Abs: {LIST}",
    "Venue LIKE 'X%'": f"uses StartsWith: {LIST}",
    "EXTRACT(HOUR FROM EventTimestamp) > 9": f"uses Hour: {LIST}",
    "COALESCE(Price, 1) > 1": f"uses Coalesce: {LIST}",
    "CASE WHEN IsHidden THEN TRUE ELSE FALSE END": f"uses CASE or COALESCE: {LIST}",
    "CAST(Price AS INT) > 1": f"uses a cast or ||: {LIST}",
    "Venue || 'x' = 'y'": f"uses a cast or ||: {LIST}",
    "Price // 2 = 5": f"uses //: {LIST}",
    '"^.*$" = 1': f"uses a pattern of columns: {LIST}",
    "COLUMNS('Price') > 1": f"uses a pattern of columns: {LIST}",
    "Price.x > 1": f"uses FieldByName: {LIST}",
    "UNNEST(Venue) = 'x'": f"uses Explode: {LIST}",
    "Price > 1 AS x": "names its result 'x': leave the name out, and write numbers without _",
    "Price > 1_000": "names its result '_000': leave the name out, and write numbers without _",
    "Prize > 1": "names column 'Prize', which is not there (did you mean 'Price'?)",
    "price > 1": "names column 'price', which is not there (did you mean 'Price'?)",
    "Zzz > 1": "names column 'Zzz', which is not there: the columns are Row, Price, Size, Level, AggressorSide, "
    "TradeType, Venue, IsHidden, EventTimestamp, PublicationTimestamp, Date",
    'TradeType = "Lot"': "names column 'Lot', which is not there: the columns are Row, Price, Size, Level, "
    "AggressorSide, TradeType, Venue, IsHidden, EventTimestamp, PublicationTimestamp, Date; text stands in single "
    "quotes",
    "TradeType = 'lit'": "compares TradeType with 'lit', which it never is (did you mean 'Lit'?): it takes 'Lit', "
    "'Dark', 'Auction', 'OffBook' or 'SystematicInternaliser'",
    "'Drak' <> TradeType": "compares TradeType with 'Drak', which it never is (did you mean 'Dark'?): it takes 'Lit', "
    "'Dark', 'Auction', 'OffBook' or 'SystematicInternaliser'",
    "AggressorSide IN ('Buy', 'Sel')": "compares AggressorSide with 'Sel', which it never is (did you mean 'Sell'?): "
    "it takes 'Buy' or 'Sell'",
    "AggressorSide NOT IN ('S')": "compares AggressorSide with 'S', which it never is: it takes 'Buy' or 'Sell'",
    "AggressorSide IN ('S', Venue)": "compares AggressorSide with 'S', which it never is: it takes 'Buy' or 'Sell'",
    "(AggressorSide = '') = TRUE": "compares AggressorSide with '', which it never is: it takes 'Buy' or 'Sell'",
    "EventTimestamp > '2024-01-02'": "compares a time with text: compare it with another time column, or with DATE "
    "'2024-01-31'",
    "'2024-01-02' = Date": "compares a time with text: compare it with another time column, or with DATE '2024-01-31'",
    "Date IN ('2024-01-02')": "compares a time with text: compare it with another time column, or with DATE "
    "'2024-01-31'",
    "EventTimestamp BETWEEN '2024-01-01' AND '2025-01-01'": "compares a time with text: compare it with another time "
    "column, or with DATE '2024-01-31'",
    "EventTimestamp > 5": "compares a number with a time: the two sides must be of one kind",
    "Price = '10'": "compares a number with text: the two sides must be of one kind",
    "Level IN ('1')": "compares a number with text: the two sides must be of one kind",
    "IsHidden = 'TRUE'": "compares a flag with text: the two sides must be of one kind",
    "IsHidden = 1": "compares a flag with a number: the two sides must be of one kind",
    "Price = NULL": "compares with NULL, which is never true: write IS NULL or IS NOT NULL",
    "Venue IN ('XLON', NULL)": "compares with NULL, which is never true: write IS NULL or IS NOT NULL",
    "Venue NOT IN ('XLON', NULL)": "compares with NULL, which is never true: write IS NULL or IS NOT NULL",
    "Price > 1e400": "holds a number that is too large",
    "Price / 0 > 1": "divides by 0, which is null on every row",
    "NOT Price": "has NOT over a number: it takes conditions, which are true or false",
    "Price AND IsHidden": "has AND over a number: it takes conditions, which are true or false",
    "Level & 1 = 1": "has AND over a number: it takes conditions, which are true or false",
    "Venue + 'x' = 'y'": "has + between text and text: it takes two numbers",
    "EventTimestamp - 5 > Date": "has - between a time and a number: it takes two numbers",
    "Price": "is neither true nor false on a row: compare it with something",
    "Price + 1": "is neither true nor false on a row: compare it with something",
    "TRUE": "reads no column, so it keeps every row or none: name a column",
    "1 = 1": "reads no column, so it keeps every row or none: name a column",
    "Price >": f"is no SQL expression (unable to parse 'Price >' as Expr): {LIST}",
    "": f"is no SQL expression (unable to parse '' as Expr): {LIST}",
    "Price > 1; DROP": f"is no SQL expression (invalid expression (found unexpected token ';')): {LIST}",
}


@pytest.mark.parametrize(("sql", "said"), EVIL.items())
def test_what_a_filter_may_not_hold_is_refused(sql: str, said: str) -> None:
    assert refusal(sql) == said


def test_a_stamp_without_a_time_zone_is_refused() -> None:
    assert refusal("EventTimestamp > TIMESTAMP '2024-01-02 09:00:00'").startswith("cannot be evaluated: ")


def test_a_filter_too_long_for_the_parser_is_refused() -> None:
    with pytest.raises(UserError) as caught:
        row_filter(" AND ".join(["Price > 1"] * 20_000), ROWS.schema, "where")
    assert str(caught.value).endswith(f" is too long: a filter has at most {LONGEST} characters")
    assert len(str(caught.value)) < 200


def test_a_filter_that_is_nested_too_deeply_is_refused() -> None:
    """Of a filter of thousands of letters the message shows the beginning and the end."""
    with pytest.raises(UserError) as caught:
        row_filter(" OR ".join(["Row=1"] * (LONGEST // 9)), ROWS.schema, "where")
    said = str(caught.value)
    assert said.startswith("where = 'Row=1 OR Row=1 OR ")
    assert said.endswith(" OR Row=1' is too deeply nested: shorten it, with IN for instance")


def test_what_a_filter_may_not_hold_is_refused_at_any_depth() -> None:
    holders = ["NOT ({})", "Price > 1 AND {}", "({}) = TRUE", "({}) IS NULL", "IsHidden IN (TRUE) OR ({})"]
    for inner, outer in product(holders, holders):
        sql = outer.format(inner.format("SUM(Size) > 1"))
        assert refusal(sql).startswith("aggregates over rows")


def test_a_misspelt_column_of_a_wide_table_lists_a_few() -> None:
    wide = {f"BidPrice{i}": pl.Float64() for i in range(1, 41)}
    with pytest.raises(UserError) as caught:
        row_filter("Zzz > 1", wide, "passes.bars.modules[0].where")
    assert str(caught.value).startswith("passes.bars.modules[0].where = 'Zzz > 1' names column 'Zzz', ")
    assert str(caught.value).endswith("BidPrice11, BidPrice12 and 28 more")
