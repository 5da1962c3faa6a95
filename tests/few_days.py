"""The sample days on which most goes wrong, for what stands under the laws on all of them in another form already."""

from basalt.testing.days import DAYS

FEW = {name: DAYS[name] for name in ("ties", "halt", "nulls")}
