"""What outputs share: options of those that write Parquet files, and what none of them takes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import polars as pl

from basalt.errors import PublishError, UserError
from basalt.options import option
from basalt.outputs import Target
from basalt_io.files import ROW_GROUP, first_line

Compression = Literal["zstd", "lz4", "snappy", "gzip", "brotli", "uncompressed"]


def compression_option() -> Any:
    """The option `compression`."""
    return option("how the files are compressed", default="zstd")


def row_group_option() -> Any:
    """The option `row_group_size`."""
    return option(
        "rows of a row group; fewer let readers of one listing read less beside it, more make smaller files",
        default=ROW_GROUP,
    )


def refuse_row_groups(size: int) -> None:
    """UserError for a number that is no number of rows."""
    if size <= 0:
        raise UserError(f"row_group_size = {size} must be positive: leave it out if unsure")


def same_schema(batches: Sequence[Path], target: Target, place: str) -> pl.Schema:
    """The schema of all batches; PublishError where they differ, one cannot be read, or there is none at all."""
    if not batches:
        raise PublishError(f"{place} was given no batch of {target.pass_name}: an empty partition is one empty batch")
    schemas = [_schema(batch, place) for batch in batches]
    for batch, schema in zip(batches, schemas, strict=True):
        if schema != schemas[0]:
            raise PublishError(
                f"{place}: batch {batch} has other columns or dtypes than {batches[0]}: nothing was changed"
            )
    return schemas[0]


def _schema(batch: Path, place: str) -> pl.Schema:
    try:
        return pl.scan_parquet(batch, glob=False, hive_partitioning=False).collect_schema()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise PublishError(
            f"{place} could not be published, as batch {batch} cannot be read ({first_line(error)}): run it again"
        ) from error
