"""The sources of basalt-io under the laws."""

import datetime as dt
from pathlib import Path
from typing import ClassVar

import polars as pl
import pytest

from basalt.testing import SourceLaws, market, partitions
from basalt_io.outputs.delta import DeltaOutput, DeltaOutputOptions
from basalt_io.outputs.parquet import ParquetOutput, ParquetOutputOptions
from basalt_io.outputs.sql import SqlOutput, SqlOutputOptions
from basalt_io.sources.china_l2 import ChinaL2Options, ChinaL2Source
from basalt_io.sources.databento import DatabentoOptions, DatabentoSource
from basalt_io.sources.delta import DeltaSource, DeltaSourceOptions
from basalt_io.sources.lobster import LobsterOptions, LobsterSource
from basalt_io.sources.parquet import ParquetSource, ParquetSourceOptions
from basalt_io.sources.simulator import SimulatorOptions, SimulatorSource
from basalt_io.sources.sql import SqlSource, SqlSourceOptions
from basalt_io.sources.taq import TaqOptions, TaqSource

DATES = [dt.date(2026, 1, 5), dt.date(2026, 1, 6)]
SHARED = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"


class OfRealData(SourceLaws):
    """Files that stand beside the checkout."""

    there: str

    @pytest.fixture(autouse=True)
    def root(self):
        root = SHARED / self.there
        if not root.is_dir():
            pytest.skip(f"the folder `shared/data/{self.there}` is not beside the checkout")
        self.root = str(root.resolve())


class TestParquet(SourceLaws):
    def source(self, folder):
        for day in DATES if not any(folder.iterdir()) else ():
            for name, rows in market.simulate(listings=2, events=200, date=day).items():
                place = folder / "data" / name / f"date={day}" / "part.parquet"
                place.parent.mkdir(parents=True)
                rows.write_parquet(place)
        return ParquetSource(ParquetSourceOptions(root="data"), folder)


class TestSimulator(SourceLaws):
    def source(self, folder):
        return SimulatorSource(SimulatorOptions(listings=2, events=200, dates=DATES), folder)


class TestLobster(OfRealData):
    there = "lobster"

    def source(self, folder):
        return LobsterSource(LobsterOptions(root=self.root), folder)


class TestShanghai(OfRealData):
    there = "sse-600519"

    def source(self, folder):
        return ChinaL2Source(ChinaL2Options(root=self.root), folder)


class TestDatabentoOrders(OfRealData):
    there = "databento/dbn-small"
    schemas: ClassVar = ["mbo", "status"]

    def source(self, folder):
        return DatabentoSource(DatabentoOptions(root=self.root, dataset="GLBX.MDP3", schemas=self.schemas), folder)


class TestDatabentoLevels(TestDatabentoOrders):
    schemas: ClassVar = ["mbp-10"]


class TestTaq(SourceLaws):
    def source(self, folder):
        sides = {"BID": [9.5, 9.75, 10.0], "BIDSIZ": [1, 2, 3], "OFR": [10.5, 10.25, 10.5], "OFRSIZ": [1, 1, 1]}
        prints = {"PRICE": [10.0, 10.5, 10.25], "SIZE": [100, 200, 300], "CORR": ["00", "00", "01"]}
        for day in DATES if not any(folder.iterdir()) else ():
            stamps = {"DATE": [f"{day:%Y%m%d}"] * 3, "TIME_M": ["09:30:00.5", "09:30:01", "15:59:59.123456"]}
            whose = {**stamps, "EX": ["N", "N", "T"], "SYM_ROOT": ["XXX"] * 3}
            pl.DataFrame({**whose, **prints}).write_csv(folder / f"trades_{day}.csv")
            pl.DataFrame({**whose, **sides}).write_csv(folder / f"quotes_{day}.csv")
        return TaqSource(TaqOptions(root=str(folder)), folder)


class OfResults(SourceLaws):
    """What an output published of two dates, each of two listings. `stores`: the output and the source over it."""

    @staticmethod
    def stores(folder):
        raise NotImplementedError

    def source(self, folder):
        output, source = self.stores(folder)
        for day in () if any(folder.iterdir()) else partitions.DATES[:2]:
            batches = partitions.spooled(folder / "spool" / str(day), partitions.rows(day))
            output.commit(output.stage(partitions.target(day), batches, partitions.document(str(day))), str(day))
        return source


class TestPublishedParquet(OfResults):
    @staticmethod
    def stores(folder):
        output = ParquetOutput(ParquetOutputOptions(root="lake"), folder)
        return output, ParquetSource(ParquetSourceOptions(root="lake"), folder)


class TestPublishedDelta(OfResults):
    @staticmethod
    def stores(folder):
        output = DeltaOutput(DeltaOutputOptions(root="lake"), folder)
        return output, DeltaSource(DeltaSourceOptions(root="lake"), folder)


class TestPublishedSql(OfResults):
    @staticmethod
    def stores(folder):
        output = SqlOutput(SqlOutputOptions(url="sqlite:///lake.db"), folder)
        return output, SqlSource(SqlSourceOptions(url="sqlite:///lake.db"), folder)
