"""Lives of a listing's orders as a table: when each begins, executes first and ends, and how."""

from typing import Any

import attrs
import numpy as np
import polars as pl

from basalt_analytics.l3.encoding import ROW, Array, encoded
from basalt_analytics.lives.codes import OPEN, SIDES
from basalt_analytics.lives.session import Session


@attrs.frozen(eq=False)
class Followed:
    """`lives`, in the order in which they are first seen: Seen, Begun (null of adopted ones), Filled and Ended in ns,
    null where that is not in the session; Kind, Side (0 Bid, 1 Ask), Size at the beginning, Removed at the end, Touch,
    and whether the times lie in a stretch (SeenIn, BegunIn, FilledIn, EndedIn). `edges`: what stands at ends of
    buckets: At, Live{side}, and Weight{i}{side}, Age{i}{side} of question i."""

    lives: pl.DataFrame
    edges: pl.DataFrame


def followed(
    rows: pl.DataFrame, session: Session, edges: Array, priority: bool, asked: list[tuple[int, bool]]
) -> Followed:
    """The lives of the listing whose events these are, with its snapshots between them. `edges`: ends of buckets in
    ns. `asked`: how many levels, 0 for all, and whether ages count from the place in the queue."""
    from basalt_analytics.kernels.lives import Edges, lives

    found, times = encoded(rows), _times(rows)
    after = np.searchsorted(times, edges, side="left" if session.closed_left else "right") - 1
    edges, after = edges[after >= 0], after[after >= 0]
    sums = (np.zeros((len(edges), len(asked), 2)) for _ in range(2))
    stood = Edges(edges, after, np.zeros((len(edges), 2), np.int64), *sums)
    questions = np.array(asked, np.int64).reshape(-1, 2)
    made = lives(found.events, times, found.orders, max(found.ranks, 1), priority, stood, questions)
    return Followed(_table(made, times, session), _stood(stood))


def _times(rows: pl.DataFrame) -> Array:
    """When each row happens; a snapshot from before the first event, with that event: earlier there is no bucket."""
    times, events = rows["EventTimestamp"].to_physical().to_numpy(), rows[ROW].is_not_null().to_numpy()
    found: Array = np.maximum(times, times[np.argmax(events)])
    return found


def _table(made: Any, times: Array, session: Session) -> pl.DataFrame:
    from basalt_analytics.kernels import lives as kernel

    facts, sizes = made
    columns: dict[str, Any] = {}
    for name, place in {
        "Seen": kernel.SEEN,
        "Begun": kernel.BEGUN,
        "Filled": kernel.FIRST_FILL,
        "Ended": kernel.ENDED,
    }.items():
        at = times[facts[:, place]]
        columns[name] = pl.Series(at).set(pl.Series((facts[:, place] < 0) | (at >= session.beyond[-1])), None)
        columns[f"{name}In"] = session.holds(at)
    columns |= {"Side": facts[:, kernel.OF_SIDE], "Touch": facts[:, kernel.TOUCH] > 0}
    columns |= {"Size": sizes[:, kernel.DISPLAYED], "Removed": sizes[:, kernel.REMOVED], "Kind": facts[:, kernel.KIND]}
    still = pl.col("Ended").is_null()
    return pl.DataFrame(columns).with_columns(Kind=pl.when(still).then(pl.lit(OPEN, pl.Int64)).otherwise("Kind"))


def _stood(stood: Any) -> pl.DataFrame:
    columns: dict[str, Any] = {"At": stood.time}
    for side, name in enumerate(SIDES):
        columns[f"Live{name}"] = stood.live[:, side]
        for question in range(stood.weight.shape[1]):
            columns[f"Weight{question}{name}"] = stood.weight[:, question, side]
            columns[f"Age{question}{name}"] = stood.age[:, question, side]
    return pl.DataFrame(columns)
