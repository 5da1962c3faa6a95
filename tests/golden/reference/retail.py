"""Module retail_imbalance: retail prints by side, flagged by the source or told by fractions of a cent."""

from collections.abc import Mapping, Sequence
from typing import Any

from .clock import Row, Rule
from .day import Predicate, Table
from .trade_groups import AMOUNTS, Group
from .values import ratio


def classified(row: Row, rule: str) -> tuple[bool | None, str | None]:
    """(retail, side); None for not reported, and for a side that is not known."""
    if rule == "flag":
        return row["IsRetail"], row.get("AggressorSide")
    if row.get("TradeType") != "OffBook":
        return False, None
    cents = 100 * row["Price"]
    part = round(cents - int(cents // 1), 6)
    if 0 < part < 0.4:
        return True, "Sell"
    return (True, "Buy") if 0.6 < part < 1 else (False, None)


def retail_imbalance(
    table: Table, rule: Rule, options: Mapping[str, Any], where: Mapping[str, Predicate]
) -> dict[str, Any]:
    """Columns by name."""
    group = Group(table, rule, options, {}, where)
    marked = {id(row): classified(row, options.get("rule", "flag")) for row in group.rows}
    for measure in options["measures"]:
        amount = AMOUNTS[measure]

        def total(rows: Sequence[Row], *asked: Any, amount: Any = amount) -> float:
            return sum(amount(r) for r in rows if marked[id(r)] in asked)

        def balance(rows: Sequence[Row], total: Any = total) -> tuple[Any, Any]:
            buy, sell = total(rows, (True, "Buy")), total(rows, (True, "Sell"))
            return ratio(buy - sell, buy + sell), buy + sell

        def share(rows: Sequence[Row], total: Any = total) -> tuple[Any, Any]:
            sides = ("Buy", "Sell", None)
            retail = total(rows, *((True, s) for s in sides))
            reported = retail + total(rows, *((False, s) for s in sides))
            return ratio(retail, reported), reported

        group.add(f"Retail{measure}Imbalance", group.rows, balance, rollup="mean")
        group.add(f"Retail{measure}Share", group.rows, share, rollup="mean")
        group.add(
            f"RetailUnknownSide{measure}",
            group.rows,
            lambda rows, total=total: (total(rows, (True, None)), None),
            "zero",
            "sum",
        )
    return {options.get("prefix", "") + name: column for name, column in group.columns.items()}
