"""The tables of a partition: opened once, as the plan expects them, in order, for every pass that reads them."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path

import polars as pl

from basalt.errors import BasaltError, DataError, one_line
from basalt.planning.inputs import scan
from basalt.planning.plan import Plan
from basalt.planning.program import Program
from basalt.running.order import in_order, sorted_by

STRUCTURAL = ("SequenceNo", "MarketState", "IsCancelled")


def open_tables(
    plan: Plan, day: date, programs: Sequence[Program] | None = None, spill: Path | None = None
) -> dict[str, pl.LazyFrame]:
    """Every table the programs (default: all) read on that date, in (key, time, sequence) order.

    Order is checked once; a table out of order is sorted into `spill` once, or in each query where there is none.
    DataError for one that cannot be read, or is not as it was on the date the plan was made by.
    """
    wanted: dict[str, dict[str, None]] = {}
    for program in plan.programs if programs is None else programs:
        for name, columns in program.reads.items():
            wanted.setdefault(name, {}).update(dict.fromkeys(columns))
    return {name: _opened(plan, name, list(columns), day, spill) for name, columns in wanted.items()}


def _opened(plan: Plan, name: str, columns: Sequence[str], day: date, spill: Path | None) -> pl.LazyFrame:
    try:
        frame = scan(plan.source, plan.schemas[name], day)
        _check_as_planned(plan, name, columns, frame, day)
        return frame if plan.source.promises.sorted else ordered(frame, plan, name, columns, spill)
    except BasaltError:
        raise
    except Exception as error:
        raise DataError(
            f"table {name!r} of source {plan.source.name!r} cannot be read for {day}: {one_line(error)}"
        ) from error


def _check_as_planned(plan: Plan, name: str, columns: Sequence[str], frame: pl.LazyFrame, day: date) -> None:
    """One date's columns must not decide how another date is computed."""
    found, planned = frame.collect_schema(), plan.columns_of[name]
    for column in dict.fromkeys([*columns, *STRUCTURAL]):
        if found.get(column) != planned.get(column):
            now, then = found.get(column) or "absent", planned.get(column) or "absent"
            raise DataError(
                f"table {name!r}: column {column} is {now} on {day} and {then} on {plan.partitions[0].date}, by which "
                f"the pipeline was planned: run that date by itself with --date {day}, or mend its data"
            )


def ordered(
    frame: pl.LazyFrame, plan: Plan, table: str, columns: Sequence[str] = (), spill: Path | None = None
) -> pl.LazyFrame:
    """The frame in its table's order, checked before anything relies on it."""
    schema = plan.schemas[table]
    if not schema.events:
        return frame
    present = frame.collect_schema()
    order = [name for name in schema.order if name in present]
    _check_stamped(frame, table, schema.key)
    if in_order(frame, schema.key, order):
        return frame
    if spill is None:
        return sorted_by(frame, schema.key, order)
    spill.mkdir(parents=True, exist_ok=True)
    path = spill / f"{table}.parquet"
    sorted_by(frame.select(columns), schema.key, order).sink_parquet(path)
    return pl.scan_parquet(path)


def _check_stamped(frame: pl.LazyFrame, table: str, key: str) -> None:
    """An event without a listing or a stamp belongs nowhere."""
    missing = frame.select(pl.col(key, "EventTimestamp").null_count()).collect(engine="streaming").row(0, named=True)
    for column, count in missing.items():
        if count:
            raise DataError(f"table {table!r} has {count} rows without {column}: mend the data, or drop these rows")


def notes(program: Program, tables: Mapping[str, pl.LazyFrame]) -> Iterator[str]:
    """Listings whose market state is unknown all day, and which a state filter therefore drops: one note a table."""
    for step in program.steps:
        if step.implied:
            table = step.transform.output
            known = tables["marketstate"].select("ListingId").unique()
            missing = tables[table].select("ListingId").unique().join(known, on="ListingId", how="anti")
            found = missing.sort("ListingId").collect().to_series().to_list()
            if found:
                some = ", ".join(map(str, found[:5])) + (", …" if len(found) > 5 else "")
                count = len(found)
                yield f"{table} has listings without a row in marketstate ({count}), whose state is UNKNOWN: {some}"
