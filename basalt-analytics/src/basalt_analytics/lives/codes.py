"""Codes by which lives are told: on which side they are, and what became of them."""

from basalt.tables import SIDE

SIDES = tuple(SIDE.categories)
OPEN, FILLED, CANCELLED, REPLACED, LOST = range(5)
