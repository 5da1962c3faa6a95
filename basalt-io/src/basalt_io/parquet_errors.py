"""What is said of a Parquet file that cannot be read, here or in an object store."""

import polars as pl

from basalt.errors import DataError
from basalt_io.files import first_line
from basalt_io.object_store import is_remote, said
from basalt_io.objects import trouble

UNREAD = (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException)
"""What a query over a file that is damaged raises: pages beyond the end of the file make Polars panic."""


def unreadable(file: str, error: BaseException, step: str) -> DataError:
    """`step`: what the user does about a file that is none."""
    told = trouble(error, file)
    if told is not None:
        return DataError(f"{file} cannot be read, as {told}")
    detail = said(error) if is_remote(file) else first_line(error)
    return DataError(f"{file} is no readable Parquet file ({detail}): {step}")
