"""The sources of basalt-io under the laws."""

import datetime as dt

import pytest

from basalt.testing import SourceLaws, market
from basalt_io.sources.lobster import LobsterSource
from basalt_io.sources.parquet import ParquetSource, ParquetSourceOptions
from basalt_io.sources.simulator import SimulatorOptions, SimulatorSource

DATES = [dt.date(2026, 1, 5), dt.date(2026, 1, 6)]


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


class TestLobster(SourceLaws):
    @pytest.fixture(autouse=True)
    def where(self, lobster_folder):
        self.folder = lobster_folder

    def source(self, folder):
        return LobsterSource(LobsterSource.Config(root=str(self.folder)), folder)
