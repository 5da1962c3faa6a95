"""Sources: places tables come from. A source turns a vendor's layout into the canonical columns.

*Promises* are facts about the data that the engine relies on, and the contract kit tries to falsify.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

import attrs
import polars as pl

from basalt.options import NoOptions


@attrs.frozen
class Promises:
    """`sorted`: rows come in (key, time, sequence) order, so nothing is checked. `shared_sequence`: SequenceNo orders
    rows across tables. `complete_book`: l3 holds every order of the book it implies."""

    sorted: bool = False
    shared_sequence: bool = False
    complete_book: bool = True


@attrs.frozen
class Size:
    """How much a source has of a table on a date. `bytes`: on disk; in memory where it is, or tells no other."""

    rows: int
    bytes: int


class Source(ABC):
    """A place tables come from. `folder` is what relative paths are relative to: the pipeline file's folder.

    `prunes`: a scan reads little beyond the rows and columns that a query asks of it, as of Parquet, so each batch may
    ask anew. Of a source that decodes or fetches the whole date for every query, the engine reads a table once a
    partition, keeps what is wanted of it on disk, and cuts that.
    """

    name: ClassVar[str]
    Config: ClassVar[type] = NoOptions
    promises: Promises = Promises()
    prunes: ClassVar[bool] = False

    def __init__(self, config: Any, folder: Path) -> None:
        self.config = config
        self.folder = folder

    @property
    def root(self) -> Path | str | None:
        """Folder its data lies in, or address of a prefix in an object store: no output may go inside."""
        return None

    @abstractmethod
    def tables(self) -> Sequence[str]:
        """Names of the tables it has."""

    @abstractmethod
    def dates(self, table: str) -> Sequence[date]:
        """Trading dates it has of that table, ascending; empty for a table that does not depend on the date."""

    @abstractmethod
    def fingerprint(self, table: str, day: date) -> str:
        """Changes when the data of that table and date changes; cheap (names, sizes, times), never a read of it all but
        of a small table that holds for every date, whose rows tell best."""

    def lies(self, table: str, day: date) -> str:
        """Where that date's rows are, for messages, as a file's name; empty where there is nothing to name."""
        return ""

    def size(self, table: str, day: date) -> Size | None:
        """How much there is of that table on that date, cancelled rows counted; None where only reading would tell.

        Cheap, as plans ask it for every date: footers, or a count that an index answers, never rows. Rows are exact: of
        a feed whose messages become rows, or none, as they are decoded, the size of its files tells nothing.
        """
        return None

    def unread(self) -> Sequence[str]:
        """What lies there and goes into no table, in sentences; plans and `basalt data` tell them. Cheap."""
        return ()

    def left_out(self, table: str, day: date) -> Mapping[str, int]:
        """How many of that date's rows its options leave out, by the option, in the order they are applied.

        As dear as reading the table; empty where no option leaves rows out.
        """
        return {}

    def document(self, table: str, day: date) -> Mapping[str, Any] | None:
        """The column document of a table that a pipeline published, as it is on that date: a module may then read it as
        an earlier pass, by `source = "the table"`. None for other tables; DataError where it cannot be read."""
        return None

    def rows_by_key(self, table: str, day: date, key: str) -> pl.DataFrame | None:
        """How many rows there are by that column: the column and Rows, ascending; None where a scan must count them.

        To be written where counting is cheaper than reading, as on a server; plans ask it for one date a universe.
        """
        return None

    @abstractmethod
    def scan(self, table: str, day: date) -> pl.LazyFrame:
        """That date's rows with canonical names, lazily; UserError where the source has no such table or date."""

    def scan_of(self, table: str, day: date, keys: pl.Series) -> pl.LazyFrame:
        """As `scan`, where only rows of these keys are wanted, and those without a key, which the engine refuses.

        `keys`: each once, ascending, named as the table's key column. Other rows may come too and are left out; what is
        wanted has the columns and the order that `scan` gives it. To be written where others need not be read: a
        database filters, files of other listings stay closed. Asked only where `prunes` is False.
        """
        return self.scan(table, day)
