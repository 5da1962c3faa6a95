"""What Dagster is told of a pass: its columns, and how its last run went."""

from collections.abc import Mapping
from typing import Any

import dagster as dg
import polars as pl

from basalt.columns import DType
from basalt.documents import PassResult, ResultColumn
from basalt.planning.partitions import Partition
from basalt.planning.plan import Plan
from basalt.running.ledger import Ledger, Record
from basalt.tables import US_UTC


def column_schema(result: PassResult) -> dict[str, dg.TableSchema]:
    """The published columns in order: dtype and sentence, the unit as a tag."""
    keys = [
        _key("Date", pl.Date, "trading date"),
        _key("Universe", pl.String, "universe of the partition"),
        *(
            _key(name, dtype, "whose row it is", nullable=name != result.keys[0])
            for name, dtype in zip(result.keys, result.key_dtypes, strict=True)
        ),
        _key("TimeBucket", US_UTC, "" if result.rule is None else result.rule.describe()),
    ]
    return {"dagster/column_schema": dg.TableSchema([*keys, *map(_column, result.columns)])}


def _key(name: str, dtype: DType, doc: str, nullable: bool = False) -> dg.TableColumn:
    return dg.TableColumn(name, str(dtype), doc, dg.TableColumnConstraints(nullable=nullable))


def _column(column: ResultColumn) -> dg.TableColumn:
    return dg.TableColumn(column.name, str(column.dtype), column.doc, tags={"unit": column.unit.value})


def outcome(plan: Plan, name: str) -> Mapping[str, Any]:
    """The metadata of a materialisation, from the ledger's records of the plan's one date, a universe each."""
    records = [_record(plan, name, partition) for partition in plan.partitions]
    result = plan.program(name).result
    return {
        "dagster/row_count": sum(record.rows for record in records),
        "columns": len(result.columns),
        "seconds": sum(sum(record.seconds.values()) for record in records),
        "places": [place for record in records for place in record.places],
        "ledger_key": ", ".join(record.key for record in records),
        "plugins": dict(records[0].versions),
        **column_schema(result),
    }


def _record(plan: Plan, name: str, partition: Partition) -> Record:
    record = Ledger(plan.folder / plan.config.state).read(plan.target(name, partition, ""))
    assert isinstance(record, Record), "a partition that did not fail is in the ledger"
    return record
