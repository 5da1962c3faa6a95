"""The consolidated book written plainly: at every moment, look at each venue's last quote and put the levels together.

Times are ns, prices are compared as whole numbers of 1e-9. Nothing is kept from one moment to the next but what each
venue last said.
"""

from itertools import pairwise
from typing import Any

Row = dict[str, Any]
ORDER = {"state": 0, "expiry": 1, "quote": 2}


def key(price: float) -> int:
    return round(price * 1e9)


def shown(ladder: list[tuple[Any, Any, Any]], least: float) -> list[tuple[int, float, float, int | None]]:
    """(key, price, quantity, orders) of the levels that count."""
    finite = [(p, q, n) for p, q, n in ladder if p is not None and q is not None and abs(p) < 1e9 and 0 < q < 1e18]
    return [(key(p), p, q, n) for p, q, n in finite if q >= least]


def moments(rows: list[Row], states: list[Row], age: int | None) -> list[Row]:
    """Everything that happens, in order. Rows have at, rank, bids, asks, and state where one is told."""
    found = [{**row, "kind": "quote"} for row in rows] + [{**row, "kind": "state"} for row in states]
    if age is not None:
        for rank, at in {(row["rank"], row["at"]) for row in rows}:
            if not any(row["rank"] == rank and at < row["at"] < at + age for row in rows):
                found.append({"at": at + age, "rank": rank, "kind": "expiry"})
    return sorted(found, key=lambda one: (one["at"], ORDER[one["kind"]], one["rank"]))


def standing(venues: dict[int, Row], how: Row) -> dict[int, tuple[list[Any], list[Any], int]]:
    """By rank, what each venue shows, and since when."""
    found = {}
    for rank, venue in sorted(venues.items()):
        quote = venue.get("quote")
        if quote is None or not venue.get("open", how["open"]):
            continue
        bids, asks = (shown(quote[side], how["least"]) for side in ("bids", "asks"))
        own_crossed = bids and asks and max(b[0] for b in bids) > min(a[0] for a in asks)
        if not (own_crossed and how["own_crossed"] == "drop"):
            found[rank] = (bids, asks, quote["at"])
    return found


def bests(books: dict[int, Any]) -> tuple[int | None, int | None]:
    bids = [level[0] for bids, _, _ in books.values() for level in bids]
    asks = [level[0] for _, asks, _ in books.values() for level in asks]
    return max(bids, default=None), min(asks, default=None)


def state_of(bid: int | None, ask: int | None) -> str:
    if bid is None or ask is None:
        return "EMPTY" if bid is None and ask is None else "ONE_SIDED"
    return "CROSSED" if bid > ask else "LOCKED" if bid == ask else "OK"


def uncrossed(books: dict[int, Any]) -> dict[int, Any]:
    books = dict(books)
    while state_of(*bests(books)) == "CROSSED":
        bid, ask = bests(books)
        crossing = [
            (since, -rank)
            for rank, (bids, asks, since) in books.items()
            if max((b[0] for b in bids), default=ask) > ask or min((a[0] for a in asks), default=bid) < bid
        ]
        del books[-min(crossing)[1]]
    return books


def merged(books: dict[int, Any], side: int, how: Row) -> list[tuple[Any, ...]]:
    """(price, quantity, orders, venues, first rank) of each level, best first."""
    keys = sorted({level[0] for book in books.values() for level in book[side]}, reverse=side == 0)
    found = []
    for wanted in keys[: how["top_n"]]:
        there = {rank: [x for x in book[side] if x[0] == wanted] for rank, book in books.items()}
        there = {rank: levels for rank, levels in there.items() if levels}
        sizes = [sum(x[2] for x in levels) for levels in there.values()]
        orders = [x[3] for levels in there.values() for x in levels]
        first = min(there)
        size = max(sizes) if how["quantity"] == "largest" else sum(sizes)
        found.append((there[first][0][1], size, None if None in orders else sum(orders), len(there), first))
    return found


def written(venues: dict[int, Row], how: Row) -> Row:
    """What a row shows now."""
    books = standing(venues, how)
    eligible, state = len(books), state_of(*bests(books))
    if state == "CROSSED" and how["crossed"] == "drop_oldest":
        books = uncrossed(books)
        state = state_of(*bests(books))
        state = "UNCROSSED" if state == "OK" else state
    if (state == "CROSSED" and how["crossed"] == "null") or (state == "LOCKED" and how["locked"] == "null"):
        books = {}
    return {"bids": merged(books, 0, how), "asks": merged(books, 1, how), "state": state, "eligible": eligible}


def consolidated(rows: list[Row], states: list[Row], how: Row, edges: list[int] | None = None) -> list[Row]:
    """Rows of the book of one instrument, each with its stamp. `edges`: of buckets closed on the right."""
    events, venues, found = moments(rows, states, how["age"]), {}, []
    quoted = False
    for i, event in enumerate(events):
        venue = venues.setdefault(event["rank"], {})
        if event.get("state") is not None and how["states"] is not None:
            venue["open"] = event["state"] in how["states"]
        if event["kind"] == "quote":
            venue["quote"], quoted = event, True
        elif event["kind"] == "expiry":
            venue["quote"] = None
        last_of_stamp = i + 1 == len(events) or events[i + 1]["at"] > event["at"]
        now = {"at": event["at"], **written(venues, how)}
        if edges is not None:
            until = events[i + 1]["at"] if i + 1 < len(events) else max(edges) + 1
            found += [{**now, "at": edge} for edge in edges if event["at"] <= edge < until]
        elif quoted and (how["emit"] == "event" or last_of_stamp):
            found.append(now)
    if how["only_changes"] and edges is None:
        bare = [{**row, "at": None} for row in found]
        found = [row for i, row in enumerate(found) if i == 0 or bare[i] != bare[i - 1]]
    return found


def spent(rows: list[Row], states: list[Row], how: Row) -> dict[str, float]:
    """Seconds by state and by how many venues stand, from the first quote to the last event."""
    plain = {**how, "crossed": "keep", "locked": "keep", "emit": "timestamp", "only_changes": False}
    every = consolidated(rows, states, plain)
    pairs = [(row, (then["at"] - row["at"]) / 1e9) for row, then in pairwise(every)]
    return {
        "LockedSeconds": sum(dt for row, dt in pairs if row["state"] == "LOCKED"),
        "CrossedSeconds": sum(dt for row, dt in pairs if row["state"] == "CROSSED"),
        "NoVenueSeconds": sum(dt for row, dt in pairs if row["eligible"] == 0),
        "OneVenueSeconds": sum(dt for row, dt in pairs if row["eligible"] == 1),
        "SeveralVenuesSeconds": sum(dt for row, dt in pairs if row["eligible"] > 1),
    }
