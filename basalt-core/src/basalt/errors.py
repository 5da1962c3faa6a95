"""The errors basalt raises, grouped by who must act.

Every message is one sentence that names the culprit, what was asked, what there is, and the next step.
`exit_code` is what the command line returns for it; `readable` says of one that stopped a partition whether partitions
that read it go on, because what they read of it was published before.
"""

_LONGEST = 3_000  # characters of a message; what quotes a broken file may be as long as the file


class BasaltError(Exception):
    """Anything basalt refuses or cannot finish; caught at the command line and printed without a trace."""

    exit_code = 1
    readable = False

    def __str__(self) -> str:
        """The message, cut in the middle where it is too long to be read, control characters spelt out."""
        said = super().__str__()
        if len(said) > _LONGEST:
            said = f"{said[: _LONGEST // 3]} … {said[-_LONGEST // 3 :]}"
        return said if said.isprintable() else "".join(map(_visible, said))


def one_line(error: BaseException) -> str:
    """The error's type and message on one line, without the query plan that Polars puts behind it, and without the
    document that an object store answers with."""
    said = str(error).partition("\n\n")[0].partition(": <?xml")[0]
    return f"{type(error).__name__}: {' '.join(said.split())}"


def _visible(letter: str) -> str:
    return letter if letter.isprintable() or letter == "\n" else ascii(letter)[1:-1]


class UserError(BasaltError):
    """The user's input is wrong: configuration, command line, a name that does not exist. Raised while planning."""

    exit_code = 2


class PluginError(BasaltError):
    """A plugin's code is at fault: it did not import, declared something false, or raised. Its author must act."""


class DataError(BasaltError):
    """The data is at fault: a corrupt file, a row that breaks the table's contract. Its supplier must act."""


class PublishError(BasaltError):
    """A result could not be published. Nothing of that partition became visible; running again is safe."""


class CheckError(BasaltError):
    """A check failed that the pipeline says must hold. Nothing of that partition was published."""

    exit_code = 4
