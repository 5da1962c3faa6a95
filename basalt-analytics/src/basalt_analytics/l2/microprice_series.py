"""The microprice as a series of the book: the mid, moved by what books of its state were seen to do next.

The *class* of a row's imbalance is where b/(b+a) falls when [0, 1] is cut into n equal parts; an edge between two
belongs to the one nearer to ½. With n even, ½ itself is an edge: a balanced book is a *cell* of its own between the
middle classes, so that exchanging bid and ask always gives the mirror image.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import polars as pl

from basalt.columns import Unit
from basalt.errors import UserError
from basalt_analytics.l2.book import NEAR, Book
from basalt_analytics.l2.microprice_table import MicropriceTable, read
from basalt_analytics.l2.series import PRICES, Series

MICROPRICE = "Microprice"


def prices(module: str, path: str | None, asked: Iterable[str]) -> Mapping[str, Series]:
    """The series of every source that is asked for; UserError where Microprice and the path of its table do not come
    together."""
    if MICROPRICE not in asked:
        if path is not None:
            raise UserError(
                f"{module}.microprice_table = {path!r} has no effect: name Microprice as a source, or drop the option"
            )
        return PRICES
    if path is None:
        raise UserError(
            f"{module}: source Microprice needs a table fitted on earlier dates: set microprice_table to a file that "
            "basalt_analytics.l2.microprice.fit(…).write made"
        )
    return {**PRICES, MICROPRICE: microprice(read(path, f"{module}.microprice_table"))}


def microprice(table: MicropriceTable) -> Series:
    """The series with these adjustments."""
    return Series(
        MICROPRICE,
        lambda book: _value(book, table),
        Unit.PRICE,
        "microprice",
        "M + tick·G*(class of b_1 / (b_1 + a_1), S in ticks)",
        citation="Stoikov 2018",
        traits=frozenset(["scale_dependent"]),
        by_row=True,
    )


def cells(classes: int) -> int:
    """Classes, and where they are even the balanced book between them."""
    return classes + (classes + 1) % 2


def cell(book: Book, classes: int) -> pl.Expr:
    """Number of the cell, 0 for all on the ask; its mirror image is `cells` − 1 minus it."""
    bid, ask = (book.at(side, "Quantity", 1) for side in ("Bid", "Ask"))
    tilt = classes * (bid - ask) / (bid + ask)
    away = pl.max_horizontal(((tilt.abs() - classes % 2) / 2).ceil(), 0.0)
    return book.if_counts((cells(classes) // 2 + tilt.sign() * away).cast(pl.Int64, strict=False))


def spread_in_ticks(book: Book, tick: float) -> pl.Expr:
    """The spread where it is a whole number of ticks, but for rounding of prices; else null."""
    ticks = book.spread / tick
    whole = ticks.round()
    near = (ticks - whole).abs() * tick <= (1 - NEAR) * book.price("Ask", 1)
    return pl.when(near).then(whole).cast(pl.Int64, strict=False)


def _value(book: Book, table: MicropriceTable) -> pl.Expr:
    width, deepest = cells(table.classes), max(one.spread for one in table.adjustments)
    ticks: list[float | None] = [None] * (width * (deepest + 1))
    for one in table.adjustments:
        ticks[one.spread * width : (one.spread + 1) * width] = _by_cell(one.ticks)
    spread = book.step(f"spread in ticks of {table.tick}", spread_in_ticks(book, table.tick))
    place = pl.when(spread >= 0).then(spread * width + cell(book, table.classes))
    adjustment = pl.lit(ticks, dtype=pl.List(pl.Float64)).list.get(place, null_on_oob=True)
    value = book.mid + table.tick * adjustment
    return value if table.through is None else pl.when(_later(book, table.through)).then(value)


def _by_cell(ticks: list[float | None]) -> list[float | None]:
    """Adjustments of the cells; the balanced book has the mean of the two middle classes."""
    if len(ticks) % 2:
        return ticks
    half = len(ticks) // 2
    below, above = ticks[half - 1 : half + 1]
    balanced = None if below is None or above is None else (below + above) / 2
    return [*ticks[:half], balanced, *ticks[half:]]


def _later(book: Book, through: str) -> pl.Expr:
    """Whether the row is later than that stamp, by whole microseconds."""
    epoch = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
    last = (datetime.fromisoformat(through) - epoch) // timedelta(microseconds=1)
    return book.stamp.dt.timestamp("us") > last
