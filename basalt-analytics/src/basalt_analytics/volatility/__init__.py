"""Volatility: returns of a price by events or on a grid, estimators over them, and the module `l2_volatility`."""
