"""The delta source."""

import datetime as dt

import polars as pl
from deltalake import write_deltalake

from basalt.testing import SourceLaws, market
from basalt_io.sources.delta import DeltaSource, DeltaSourceOptions

DATES = [dt.date(2026, 1, 5), dt.date(2026, 1, 6)]


class TestDelta(SourceLaws):
    def source(self, folder):
        for day in DATES if not any(folder.iterdir()) else ():
            for name, rows in market.simulate(listings=2, events=200, date=day).items():
                rows = rows.with_columns(
                    pl.col(pl.Enum).cast(pl.String),
                    pl.lit(day).alias("Date"),
                    pl.col(pl.Datetime("ns", "UTC")).cast(pl.Datetime("us", "UTC")),
                )
                write_deltalake(folder / "data" / name, rows, partition_by=["Date"], mode="append")
        return DeltaSource(DeltaSourceOptions(root="data"), folder)
