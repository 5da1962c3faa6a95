"""Rules of `[universes]`: each says in one way which listings it has."""

from collections.abc import Iterator, Mapping

import attrs

from basalt.config.explain import Mistake
from basalt.config.model import UniverseConfig
from basalt.config.words import listed

_WAYS = tuple(field.name for field in attrs.fields(UniverseConfig))


def broken_universes(universes: Mapping[str, UniverseConfig]) -> Iterator[Mistake]:
    """Every universe that says nothing of its listings, or says it twice."""
    for name, one in universes.items():
        given = [way for way in _WAYS if getattr(one, way) is not None]
        if not given:
            yield Mistake(("universes", name), f" names no listings: set {listed(_WAYS)}")
        if len(given) > 1:
            yield Mistake(("universes", name), f" sets {listed(given, 'and')}: keep one of them")
