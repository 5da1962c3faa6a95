"""The outputs of basalt-io under the laws."""

from basalt.testing import OutputLaws
from basalt_io.outputs.parquet import ParquetOutput, ParquetOutputOptions


class TestParquet(OutputLaws):
    def output(self, folder):
        return ParquetOutput(ParquetOutputOptions(root="lake"), folder)
