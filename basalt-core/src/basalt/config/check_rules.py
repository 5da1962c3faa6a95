"""Rules between the keys of a pass's checks: shares are shares, bounds are in order, each entry checks something."""

from collections.abc import Iterator

from basalt.config.explain import Mistake, Path
from basalt.config.model import ExpectConfig, PassConfig, QualityEntry
from basalt.config.moments import nanoseconds
from basalt.config.words import shown

OF_COLUMNS = ("max_null_rate", "min", "max")
OF_ROWS = ("min_rows", "max_rows")


def broken_checks(config: PassConfig, i: int) -> Iterator[Mistake]:
    """Every rule that the checks of the pass, `passes[i]`, break."""
    for j, entry in enumerate(config.quality):
        yield from _quality(entry, ("passes", i, "quality", j))
    yield from _expect(config.expect, ("passes", i, "expect"))


def _quality(entry: QualityEntry, place: Path) -> Iterator[Mistake]:
    of_columns = [key for key in OF_COLUMNS if getattr(entry, key) is not None]
    of_rows = [key for key in OF_ROWS if getattr(entry, key) is not None]
    if not of_columns and not of_rows:
        yield Mistake(place, f" checks nothing: add one of {', '.join((*OF_COLUMNS, *OF_ROWS))}")
    elif not of_columns and entry.columns != "*":
        yield Mistake(
            (*place, "columns"), f" has no effect on {of_rows[0]}: leave it out, or add one of {', '.join(OF_COLUMNS)}"
        )
    if entry.columns == []:
        yield Mistake((*place, "columns"), " = [] names no column: name one, or leave the key out")
    yield from _share(entry.max_null_rate, (*place, "max_null_rate"))
    for key in of_rows:
        if getattr(entry, key) < 0:
            yield Mistake((*place, key), f" = {getattr(entry, key)} must be 0 or more")
    yield from _bounds(entry, place)
    if entry.min_rows is not None and entry.max_rows is not None and entry.min_rows > entry.max_rows:
        yield _swapped(entry.min_rows, entry.max_rows, "_rows", place)


def _bounds(entry: QualityEntry, place: Path) -> Iterator[Mistake]:
    least, most = entry.min, entry.max
    if isinstance(least, float) and isinstance(most, float):
        if least > most:
            yield _swapped(least, most, "", place)
    elif isinstance(least, str) and isinstance(most, str):
        comparable = ("T" in least) == ("T" in most)
        if comparable and nanoseconds(least) > nanoseconds(most):
            yield _swapped(least, most, "", place)
    elif least is not None and most is not None:
        yield Mistake(
            (*place, "max"),
            f" = {shown(most)} beside min = {shown(least)}: no column holds numbers and times, make two entries",
        )


def _swapped(least: object, most: object, suffix: str, place: Path) -> Mistake:
    return Mistake((*place, f"max{suffix}"), f" = {shown(most)} is below min{suffix} = {shown(least)}: swap them")


def _expect(expect: ExpectConfig, place: Path) -> Iterator[Mistake]:
    yield from _share(expect.coverage, (*place, "coverage"))
    if expect == ExpectConfig(on_fail="warn"):
        yield Mistake(
            (*place, "on_fail"),
            " = 'warn' has nothing to warn of, as keys that are not unique always raise: add coverage, "
            "preserves_rows_of or monotone, or leave it out",
        )


def _share(value: float | None, place: Path) -> Iterator[Mistake]:
    if value is not None and not 0 <= value <= 1:
        yield Mistake(place, f" = {shown(value)} must be a share from 0 to 1, as 0.2")
