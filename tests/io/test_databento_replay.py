"""The databento source's l3 against a replay that takes one record after the other, as a reader of the docs would."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import pytest
from dbn_files import DAY, LAST, SNAPSHOT, dbn, order, real_folder, rows, source, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

COLUMNS = ("SequenceNo", "OrderId", "Action", "Price", "Size", "OldPrice", "OldSize", "ExecutionPrice", "ExecutionSize")
Row = tuple[object, ...]


class Replay:
    """A book of orders, id to (price, size), and the fills that wait for the record that carries them out."""

    def __init__(self, records: Sequence[object]) -> None:
        self.book: dict[int, tuple[float, int]] = {}
        self.fills: dict[int, list[tuple[int, float, int]]] = defaultdict(list)
        self.aggressors = {(r.ts_event, r.order_id, str(r.side)) for r in records if str(r.action) == "T"}
        self.sending = False

    def row(self, number: int, record: object) -> Row | None:
        """What the record is in l3; None where it is no row."""
        action, sent = str(record.action), int(record.flags) & SNAPSHOT > 0
        if action == "R" or (sent and not self.sending):
            self.book.clear()
            self.fills.clear()
        self.sending = sent
        if action == "F":
            self._fill(record)
        if action not in ("A", "C", "M"):
            return None
        changed = self._change(action, record)
        return None if sent else (number, record.order_id, *changed)

    def _fill(self, record: object) -> None:
        if (record.ts_event, record.order_id, str(record.side)) not in self.aggressors:
            self.fills[record.order_id].append((record.ts_event, record.price / 1e9, record.size))

    def _change(self, action: str, record: object) -> Row:
        before = self.book.pop(record.order_id, None)
        fills = [fill for fill in self.fills.pop(record.order_id, []) if fill[0] == record.ts_event]
        price, left = record.price / 1e9, record.size
        if action == "A":
            self.book[record.order_id] = (price, left)
            return ("Insert", price, left, None, 0, None, 0)
        if action == "C":
            left = max(before[1] - record.size, 0) if before else 0
            before = before or (price, record.size)
        if left:
            self.book[record.order_id] = (price, left)
        size = sum(fill[2] for fill in fills)
        paid = sum(fill[1] * fill[2] for fill in fills) / size if size else None
        after = ("Update", price, left) if left else ("Remove", None, 0)
        return (*after, *(before or (None, None)), paid, size)


def replayed(records: Sequence[object]) -> list[Row]:
    replay = Replay(records)
    found = (replay.row(number, record) for number, record in enumerate(records, 1))
    return [row for row in found if row is not None]


def test_every_row_of_the_cme_day():
    """50,723 rows in nine columns; averages of several fills to the last bit but one."""
    real = real_folder()
    (file,) = real.glob("esh4-glbx-mdp3-20231225*")
    decoder = dbn.DBNDecoder(compression=dbn.Compression.ZSTD)
    told = replayed(decoder.write_and_decode(file.read_bytes())[1:])
    found = rows(source(real, schemas=["mbo"]).scan("l3", DAY), *COLUMNS)
    assert len(found) == len(told) == 50_723
    assert [row[:7] + row[8:] for row in found] == [row[:7] + row[8:] for row in told]
    paid = [(mine[7], theirs[7]) for mine, theirs in zip(found, told, strict=True) if mine[7] != theirs[7]]
    assert all(mine == pytest.approx(theirs, rel=1e-15) for mine, theirs in paid)


EVENTS = st.lists(
    st.tuples(
        st.sampled_from("AAACCMMFFFTR"),
        st.integers(1, 3),
        st.integers(1, 4),
        st.integers(1, 2),
        st.booleans(),
        st.sampled_from([False, False, False, True]),
    ),
    max_size=25,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(EVENTS)
def test_every_row_of_any_sequence_of_records(tmp_path: Path, events):
    """Also of such that no venue sends: cancels of more than there is, fills that nothing follows, repeated adds."""
    second, records = 1, []
    for action, number, size, price, later, sent in events:
        second += later
        flags = SNAPSHOT if sent and action == "A" else LAST
        records.append(order(second, action, "B" if number < 3 else "A", float(price), size, number, flags))
    found = rows(write(tmp_path, "mbo", records).scan("l3", DAY), *COLUMNS)
    told = replayed(records)
    assert [row[:7] + row[8:] for row in found] == [row[:7] + row[8:] for row in told]
    assert [row[7] for row in found] == [row[7] if row[7] is None else pytest.approx(row[7], rel=1e-14) for row in told]
