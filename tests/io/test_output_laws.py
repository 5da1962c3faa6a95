"""The outputs of basalt-io under the laws."""

from basalt.testing import OutputLaws
from basalt_io.outputs.delta import DeltaOutput, DeltaOutputOptions
from basalt_io.outputs.parquet import ParquetOutput, ParquetOutputOptions


class TestParquet(OutputLaws):
    def output(self, folder):
        return ParquetOutput(ParquetOutputOptions(root="lake"), folder)


class TestDelta(OutputLaws):
    def output(self, folder):
        return DeltaOutput(DeltaOutputOptions(root="lake"), folder)
