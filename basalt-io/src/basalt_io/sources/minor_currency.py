"""Prices in pence, cents or agorot: the option `minor_currency` of the sources of tables.

It names the codes of CurrencyCode that are a part of a currency, and which: `GBX = "GBP/100"`. Prices of listings with
such a code are divided by the number and their code becomes the currency's, so that all prices are in the currency
itself, as notionals and market capitalisations are already. Prices are the columns whose unit in the table's contract
is price: TickSize of `reference` too, a price in a column of yours not. The code of a row is that of its own table
where that has CurrencyCode, else that of its listing in `reference`; a listing whose code nobody knows stops the query,
as its prices may be a hundred times what they seem.
"""

import re
from collections.abc import Callable, Mapping

import attrs
import polars as pl

from basalt.columns import Unit
from basalt.conform import REFUSED
from basalt.errors import UserError
from basalt.options import option
from basalt.tables import TableSchema

CODE = "CurrencyCode"
DIGITS = 9
"""Decimals of a price in the currency itself, so that a hundredth of 99.74 is 0.9974 and not a bit beside it: exact
below nine million, and beyond that within a bit."""
_PER = "basalt: parts of the currency"


def minor_option() -> object:
    """The option `minor_currency`."""
    return option(
        "codes of CurrencyCode whose prices are in a part of a currency, as `{ GBX = 'GBP/100', ILA = 'ILS/100' }`: "
        "prices are divided by the number, and the code becomes the currency's",
        factory=dict,
    )


@attrs.frozen
class MinorCurrency:
    """The option, checked. `parts`: by code how many make one of the currency; `currencies`: by code, which that is."""

    source: str
    parts: Mapping[str, float]
    currencies: Mapping[str, str]

    @classmethod
    def of(cls, source: str, written: Mapping[str, str]) -> "MinorCurrency":
        """UserError for what names no part of a currency."""
        parts, currencies = {}, {}
        for code, text in written.items():
            found = re.fullmatch(r"([A-Z]{3})/([1-9]\d*)", text)
            if found is None or found[1] in written or int(found[2]) == 1:
                raise UserError(
                    f"source {source}: minor_currency.{code} = {text!r} is no part of a currency: write the currency "
                    "and how many of it make one, as GBX = 'GBP/100'"
                )
            currencies[code], parts[code] = found[1], float(found[2])
        return cls(source, parts, currencies)

    def applied(
        self, frame: pl.LazyFrame, table: TableSchema, where: str, reference: Callable[[], pl.LazyFrame | None]
    ) -> pl.LazyFrame:
        """Canonical rows with prices in the currency. `reference`: that date's, with the codes it has; None where there
        is none. UserError where nothing tells the code of a row."""
        found = frame.collect_schema()
        prices = self._prices(table, found)
        if CODE in found and self.parts:
            rows = self._by_own(frame, prices, table.key) if prices else frame
            return rows.with_columns(pl.col(CODE).replace(self.currencies))
        if not prices:
            return frame
        facts = self._facts(reference(), table.key, found, f"table {table.name} of {where}")
        joined = frame.join(facts, on=table.key, how="left", maintain_order="left")
        unknown, lack = pl.col(_PER).is_null(), f"{table.key} without one {CODE} in reference"
        return _divided(joined, prices, unknown, lack, table.key)

    def _by_own(self, frame: pl.LazyFrame, prices: list[str], key: str) -> pl.LazyFrame:
        parts = frame.with_columns(self._parts().alias(_PER))
        unknown = pl.col(_PER).is_null() & pl.any_horizontal(pl.col(prices).is_not_null())
        return _divided(parts, prices, unknown, f"{key} without {CODE}", key)

    def _prices(self, table: TableSchema, columns: Mapping[str, object]) -> list[str]:
        known = {name: table.column(name) for name in columns} if self.parts else {}
        return [name for name, column in known.items() if column is not None and column.unit is Unit.PRICE]

    def _parts(self) -> pl.Expr:
        """How many parts make one; null where the code is."""
        parts = pl.col(CODE).replace_strict(self.parts, default=1.0, return_dtype=pl.Float64)
        return pl.when(pl.col(CODE).is_not_null()).then(parts)

    def _facts(
        self, reference: pl.LazyFrame | None, key: str, found: Mapping[str, pl.DataType], whose: str
    ) -> pl.LazyFrame:
        """Parts by listing; null where its rows do not say the same."""
        there = {} if reference is None else reference.collect_schema()
        for name in (key, CODE):
            if reference is None or name not in there:
                lacks = "there is no table reference" if reference is None else f"reference has no column {name}"
                raise UserError(
                    f"source {self.source}: `minor_currency` needs the {CODE} of rows of {whose}, which has no such "
                    f"column, and {lacks}: add it, or leave the option out"
                )
        if key == "InstrumentId":
            raise UserError(
                f"source {self.source}: `minor_currency` needs the {CODE} of rows of {whose}, which has no such "
                "column, and listings of one instrument may be quoted in several: add it, or leave the option out"
            )
        if there[key] != found[key]:
            raise UserError(
                f"source {self.source}: {key} is {found[key]} in {whose} and {there[key]} in reference, by which "
                "`minor_currency` looks up codes: write them alike"
            )
        assert reference is not None
        parts = self._parts()
        return reference.group_by(key).agg(pl.when(parts.n_unique() == 1).then(parts.first()).alias(_PER))


def _divided(frame: pl.LazyFrame, prices: list[str], unknown: pl.Expr, lack: str, key: str) -> pl.LazyFrame:
    """The query fails on a row whose parts are `unknown`; `lack`: what is said of its key."""
    per, told = pl.col(_PER), REFUSED + lack
    named = frame.with_columns(pl.when(unknown).then(pl.col(key)).cast(pl.String).alias(told))
    fails = pl.col(told).cast(pl.Enum([REFUSED])).cast(pl.String).cast(pl.Float64)
    known = named.with_columns(pl.when(unknown).then(fails).otherwise(per).alias(_PER))
    exact = [pl.when(per == 1).then(name).otherwise((pl.col(name) / per).round(DIGITS)) for name in prices]
    return known.with_columns(exact).drop(_PER, told)
