"""Whether trade.csv has the trades that snapshot.csv counts: what tells that it was cut between two rows."""

import polars as pl

from basalt.errors import DataError
from basalt_io.sources.china_l2_files import COUNTS, Part, rows
from basalt_io.sources.china_l2_shenzhen import TRADED


def counted(part: Part) -> str | None:
    """The snapshots' column that counts trades since the start of the date; None where it is not there."""
    names = part.header("snapshot") if {"snapshot", "trade"} <= part.members.keys() else []
    return next((name for name in COUNTS if name in names), None)


def refuse_fewer(part: Part, count: str, schema: pl.Schema) -> pl.DataFrame:
    """No row, with that schema; DataError where a security has fewer trades than its snapshots say."""
    said = rows(part, "snapshot", {"SecurityID": pl.String, count: pl.Int64}, {})
    columns = {"SecurityID": pl.String} | dict.fromkeys({"ExecType"} & set(part.header("trade")), pl.String)
    prints = rows(part, "trade", columns, {})
    trades = prints.filter(pl.col("ExecType").is_in(TRADED)) if "ExecType" in columns else prints
    told = said.group_by("SecurityID").agg(pl.col(count).max().alias("Told"))
    both = told.join(trades.group_by("SecurityID").agg(pl.len().alias("There")), on="SecurityID", how="left")
    fewer = both.filter(pl.col("There").fill_null(0) < pl.col("Told")).sort("SecurityID").collect()
    if fewer.height:
        security, wanted, there = fewer.row(0)
        raise DataError(
            f"{part.file('trade')} has {there or 0} trades of {security}, and the last snapshot counts {wanted}: fetch "
            "it again, or leave the snapshots away if a part is what you want"
        )
    return pl.DataFrame(schema=schema)
