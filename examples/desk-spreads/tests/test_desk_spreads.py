from desk_spreads import desk_spread

from basalt.testing import AnalyticLaws


class TestDeskSpread(AnalyticLaws):
    analytic = desk_spread
