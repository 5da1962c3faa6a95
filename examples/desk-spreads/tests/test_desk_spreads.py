from basalt.testing import AnalyticLaws
from desk_spreads import desk_spread


class TestDeskSpread(AnalyticLaws):
    analytic = desk_spread
