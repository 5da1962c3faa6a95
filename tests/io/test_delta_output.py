"""The delta output."""

from basalt.testing import OutputLaws
from basalt_io.outputs.delta import DeltaOutput, DeltaOutputOptions


class TestDelta(OutputLaws):
    def output(self, folder):
        return DeltaOutput(DeltaOutputOptions(root="lake"), folder)
