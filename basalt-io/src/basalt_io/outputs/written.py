"""What outputs that write Parquet files share: their options; and what no output takes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from basalt.errors import PublishError, UserError
from basalt.options import option
from basalt.outputs import Target
from basalt_io.files import ROW_GROUP

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


def refuse_no_batch(batches: Sequence[Path], target: Target, place: str) -> None:
    """PublishError where a partition is to be published of nothing at all."""
    if not batches:
        raise PublishError(f"{place} was given no batch of {target.pass_name}: an empty partition is one empty batch")
