"""Search: which items a query finds, best first.

A query is words, and every word must be found somewhere in the item. A name's *humps* are its parts as capitals and
digits divide it: Trade, Total, VWAP. A word abbreviates a name when starts of its humps, in order, spell it: `ttv`.
"""

import re
from collections.abc import Sequence

import attrs

from basalt_ui.schema_browser.items import Item

_HUMP = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
EXACT, START, HUMP, INSIDE, ABBREVIATED, OWNER, SENTENCE = 64, 32, 24, 16, 12, 8, 4


@attrs.frozen
class _Key:
    """What is searched of an item, in lower case."""

    name: str
    humps: tuple[str, ...]
    owner: str
    sentence: str


class Index:
    """Items made ready to be searched."""

    def __init__(self, items: Sequence[Item]) -> None:
        self.items = items
        self._keys = [_key(item) for item in items]

    def find(self, query: str) -> Sequence[Item]:
        """Items that hold every word of the query, best first, else in their own order; all of them for no word."""
        words = query.lower().split()
        if not words:
            return self.items
        scored = []
        for item, key in zip(self.items, self._keys, strict=True):
            scores = [_score(word, key) for word in words]
            if all(scores):
                scored.append((sum(scores), item))
        return [item for _, item in sorted(scored, key=lambda pair: -pair[0])]


def _key(item: Item) -> _Key:
    humps = tuple(part.lower() for part in _HUMP.findall(item.name))
    owner = " ".join([item.module, item.unit, item.pass_name or ""])
    return _Key(item.name.lower(), humps, owner.lower(), item.what.lower())


def _score(word: str, key: _Key) -> int:
    """How well one word fits; 0 where it does not."""
    if word in key.name:
        if word == key.name:
            return EXACT
        if key.name.startswith(word):
            return START
        return HUMP if any(hump.startswith(word) for hump in key.humps) else INSIDE
    if word in key.owner:
        return OWNER
    if _abbreviates(word, key.humps):
        return ABBREVIATED
    return SENTENCE if word in key.sentence else 0


def _abbreviates(word: str, humps: tuple[str, ...]) -> bool:
    """Whether starts of some of the humps, in order, spell the word."""
    if not word:
        return True
    for i, hump in enumerate(humps):
        for n in range(1, min(len(word), len(hump)) + 1):
            if word[:n] != hump[:n]:
                break
            if _abbreviates(word[n:], humps[i + 1 :]):
                return True
    return False
