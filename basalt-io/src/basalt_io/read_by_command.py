"""What a `basalt data` command reads: the tables and dates that its arguments choose, of the source they name."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click

from basalt.cli.output import narrate
from basalt.cli.planned import DATE

if TYPE_CHECKING:
    import polars as pl

    from basalt.errors import BasaltError
    from basalt.sources import Source
    from basalt.tables import TableSchema


class _Place(click.ParamType):
    """A path of this machine that is there, or an address in an object store."""

    name = "path"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        there = click.Path(exists=True, path_type=Path)
        return value if "://" in value else there.convert(value, param, ctx)


_ARGUMENTS = (
    click.argument("what", type=_Place(), required=False),
    click.option("--source", "kind", metavar="TYPE", help="Layout of WHAT: a source, as `basalt plugins list` has it."),
    click.option("--set", "options", multiple=True, metavar="KEY=VALUE", help="An option of the source."),
    click.option("--table", "tables", multiple=True, metavar="NAME", help="This table alone; may be given again."),
    click.option("--date", "dates", type=DATE, multiple=True, help="This date alone; may be given again."),
)


@attrs.frozen
class Chosen:
    """What the command line names. `tables`, `dates`: these alone; empty: all."""

    what: Path | str | None
    kind: str | None
    options: Sequence[str]
    tables: Sequence[str]
    dates: Sequence[date]


@attrs.frozen
class Readable:
    """An open source, and of its tables and dates those that were asked for. `schemas`: every declared table."""

    source: "Source"
    schemas: Mapping[str, "TableSchema"]
    tables: Sequence[str]
    dates: Sequence[date]

    def days(self, table: str) -> list[date]:
        """The dates of that table, ascending; none for one that does not depend on the date."""
        return [day for day in self.source.dates(table) if not self.dates or day in self.dates]

    def frames(self, table: str) -> Iterator[tuple[date | None, "pl.LazyFrame"]]:
        """Each date's rows as the contract wants them; with None what holds for every date. Tells what is left out.

        DataError where a table is not as it is declared, with the fix.
        """
        from basalt.planning.inputs import canonical

        for day in self.days(table) or ([] if self.source.dates(table) else [None]):
            schema, at = self.schemas.get(table), day or self._some_day
            if left_out := self.source.left_out(table, at):
                said = ", ".join(f"{option} {rows:,}" for option, rows in left_out.items())
                narrate(f"{table} of {at}: rows left out by {said}")
            frame = self.source.scan(table, at) if schema is None else canonical(self.source, schema, at)
            if schema is not None and schema.unique:
                self._refuse_repeated(schema, day, frame)
            yield day, frame

    def unread(self, table: str, day: date | None, error: BaseException) -> "BasaltError":
        """What to raise where a query over those rows failed."""
        from basalt.errors import DataError
        from basalt.planning.inputs import unread
        from basalt.tables import TableSchema

        schema, when = self.schemas.get(table) or TableSchema(table, "", ()), f" of {day}" if day else ""
        said = unread(error, self.source, schema, day or self._some_day)
        return DataError(f"table {table}{when} cannot be read: {said}; mend or remove what is there")

    def _refuse_repeated(self, schema: "TableSchema", day: date | None, frame: "pl.LazyFrame") -> None:
        import polars as pl

        from basalt.errors import DataError
        from basalt_io.parquet_errors import UNREAD

        several = frame.group_by(schema.key).agg(pl.len().alias("Rows")).filter(pl.col("Rows") > 1).sort(schema.key)
        try:
            found = several.head(1).collect().rows()
        except UNREAD as error:
            raise self.unread(schema.name, day, error) from error
        for key, rows in found:
            where = self.source.lies(schema.name, day or self._some_day) or f"source {self.source.name!r}"
            raise DataError(
                f"table {schema.name} of {where} has {rows} rows of {schema.key} {key}, and one is wanted: drop those "
                "that repeat it"
            )

    @property
    def _some_day(self) -> date:
        return next((day for table in self.source.tables() for day in self.source.dates(table)), date.min)


def reading(command: Callable[..., Any]) -> Callable[..., Any]:
    """WHAT, `--source`, `--set`, `--table` and `--date`, as one argument `chosen`."""

    @wraps(command)
    def called(*args: Any, **given: Any) -> Any:
        said = {field.name: given.pop(field.name) for field in attrs.fields(Chosen)}
        said["dates"] = tuple(map(datetime.date, said["dates"]))
        return command(*args, chosen=Chosen(**said), **given)

    for argument in reversed(_ARGUMENTS):
        argument(called)
    return called


def opened(ctx: click.Context, chosen: Chosen) -> Readable:
    """UserError for a source, table or date that is not there; tells what the source does not read."""
    from basalt.errors import UserError
    from basalt.planning.inputs import declared_tables
    from basalt_io.named_by_command import source_of

    source, registry = source_of(ctx, chosen)
    there = list(source.tables())
    if not there:
        raise UserError(
            f"source {source.name!r} finds no table in {source.root or 'what it reads'}: name its layout with --source"
        )
    for name in chosen.tables:
        if name not in there:
            raise UserError(f"source {source.name!r} has no table {name!r}; it has {', '.join(there) or 'none'}")
    dates = {day for name in there for day in source.dates(name)}
    for day in chosen.dates:
        if day not in dates:
            span = f"{min(dates)} to {max(dates)}" if dates else "none"
            raise UserError(f"source {source.name!r} has nothing on {day}; it has dates from {span}")
    for said in source.unread():
        narrate(said)
    return Readable(source, declared_tables(registry), chosen.tables or there, chosen.dates)
