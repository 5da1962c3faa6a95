"""What messages of auctions come to in a bucket, slowly: one listing, one bucket at a time, straight from the words.

Messages are (ns, price, paired, left over, side), phases (start, end), all in order. A price is None where there is
none.
"""

from collections.abc import Sequence
from typing import Any

Message = tuple[int, float | None, float | None, float | None, str | None]
Phase = tuple[int, int]


def bucket(
    messages: Sequence[Message], phases: Sequence[Phase], edges: tuple[int, int], right: bool, max_age: int | None
) -> dict[str, Any] | None:
    """The bucket's columns; None where no phase in it has had a message."""
    found = _Bucket(edges, right, max_age)
    for start, end in phases:
        found.add([one for one in messages if start <= one[0] < end], end)
    return found.columns() if found.seen else None


class _Bucket:
    def __init__(self, edges: tuple[int, int], right: bool, max_age: int | None) -> None:
        self.start, self.end = edges
        self.right, self.max_age = right, max_age
        self.seen, self.count, self.path, self.seconds, self.weighted = False, 0, 0.0, 0.0, 0.0
        self.prices: list[float | None] = []
        self.last: Message | None = None

    def add(self, own: Sequence[Message], end: int) -> None:
        for i, one in enumerate(own):
            until = own[i + 1][0] if i + 1 < len(own) else end
            if self._holds(one[0]):
                self._event(one, own[i - 1] if i else None)
            elif one[0] < self.end and until > self.start and one[0] <= self.start:
                self._carry(one)
            fresh = until if self.max_age is None else min(until, one[0] + self.max_age)
            length = min(fresh, self.end) - max(one[0], self.start)
            if one[1] is not None and length > 0:
                self.seconds += length / 1e9
                self.weighted += length / 1e9 * one[1]

    def _holds(self, at: int) -> bool:
        return self.start < at <= self.end if self.right else self.start <= at < self.end

    def _event(self, one: Message, before: Message | None) -> None:
        self.seen, self.count, self.last = True, self.count + 1, one
        self.prices.append(one[1])
        in_force = before is not None and (self.max_age is None or one[0] - before[0] <= self.max_age)
        if in_force and before is not None and before[1] is not None and one[1] is not None:
            self.path += abs(one[1] - before[1])

    def _carry(self, one: Message) -> None:
        old = self.max_age is not None and self.start - one[0] > self.max_age
        self.seen = True
        self.last = (one[0], None, None, None, None) if old else one
        self.prices.append(self.last[1])

    def columns(self) -> dict[str, Any]:
        assert self.last is not None
        known = [price for price in self.prices if price is not None]
        _, close, paired, left, side = self.last
        signed = None if left is None else 0.0 if left == 0 else {"Buy": left, "Sell": -left}.get(side or "")
        both = None if signed is None or paired is None else 2 * paired + abs(signed)
        return {
            "MessageCount": self.count,
            "IndicativeOpen": known[0] if known else None,
            "IndicativeHigh": max(known, default=None),
            "IndicativeLow": min(known, default=None),
            "IndicativeClose": close,
            "IndicativeTWA": self.weighted / self.seconds if self.seconds else None,
            "IndicativeCoverageSeconds": self.seconds,
            "Path": self.path,
            "ReturnBps": 1e4 * (close / known[0] - 1) if close is not None else None,
            "PairedQuantity": paired,
            "ImbalanceQuantity": signed,
            "ImbalanceRatio": signed / both if both else None,
            "ImbalanceToPaired": signed / paired if paired and signed is not None else None,
        }
