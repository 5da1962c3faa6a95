"""Simulated days that several files examine."""

import pytest

from basalt.testing import market


@pytest.fixture(scope="session", params=[1, 2, 3, 11])
def day(request):
    return market.simulate(listings=3, seed=request.param, events=900)
