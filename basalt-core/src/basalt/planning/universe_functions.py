"""Universe functions: listings that a user's Python computes from the date's `reference`.

The function is named `module:function`, where the module is installed, or `file.py:function`, relative to the pipeline
file. It is called as function(reference, date) and returns the listings: a list, a Series, or a frame with ListingId.
"""

import hashlib
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import redirect_stdout
from datetime import date
from functools import cache, reduce
from pathlib import Path
from typing import Any

import attrs
import polars as pl

from basalt.config.words import did_you_mean
from basalt.errors import PluginError, UserError, one_line
from basalt.planning.code import code_digest
from basalt.planning.listing_ids import LISTING, as_listings
from basalt.plugins.failed import place_of
from basalt.plugins.found import Found
from basalt.plugins.imported import resolve

_RETURNS = "return a list, a Series, or a DataFrame with ListingId"


@attrs.frozen
class UniverseFunction:
    """`said` begins every error: `universes.liquid.python = 'desk.py:liquid'`. `file`: None where it is a module.

    Plain data, so that it travels to other processes; each loads the code for itself.
    """

    said: str
    module: str
    function: str
    file: Path | None

    @classmethod
    def named(cls, text: str, folder: Path, key: str) -> "UniverseFunction":
        """The function of that name, loaded once to see that it can be called; UserError or PluginError if not."""
        said = f"{key} = {text!r}"
        module, colon, function = text.rpartition(":")
        if not (module and colon and function):
            raise UserError(f"{said} names no function: write it as 'module:function' or 'file.py:function'")
        file = folder / Path(module).expanduser() if module.endswith(".py") else None
        if file and not file.is_file():
            raise UserError(f"{said} does not exist: there is no file {file}")
        made = cls(said, module, function, file)
        _check_arguments(made.load(), said)
        return made

    def load(self) -> Callable[[pl.DataFrame, date], Any]:
        """The function itself, of the file as it is now; UserError where there is none, PluginError where its code
        raises."""
        try:
            module = self._module()
        except ModuleNotFoundError as error:
            if self.file is None and error.name and f"{self.module}.".startswith(f"{error.name}."):
                raise UserError(
                    f"{self.said} does not exist: there is no module {error.name!r}; install it, or write "
                    "'file.py:function' for a file beside the pipeline"
                ) from error
            raise self._raised(error) from error
        except (Exception, SystemExit) as error:  # the user's door
            raise self._raised(error) from error
        found = reduce(lambda owner, name: getattr(owner, name, None), self.function.split("."), module)
        if not callable(found):
            known = [name for name, value in vars(module).items() if callable(value) and not name.startswith("_")]
            hint = did_you_mean(self.function, known)
            raise UserError(f"{self.said} does not exist: {self.module} has no function {self.function!r}{hint}")
        return found  # type: ignore[no-any-return]

    def digest(self) -> str:
        """Changes with the file, or that of the module, and with what it imports from beside it."""
        self.load()
        return _digest(self._found.value)

    def __call__(self, reference: pl.DataFrame, day: date, dtype: pl.DataType) -> pl.Series:
        """What it returns as ListingIds, nulls included; PluginError where it raises or returns something else."""
        function = self.load()
        try:
            with redirect_stdout(sys.stderr):
                found = _series(function(reference, day))
        except (Exception, SystemExit) as error:  # the user's door
            raise self._raised(error, f" for {day}") from error
        if not isinstance(found, pl.Series):
            raise PluginError(f"{self.said} returned {found} for {day}: {_RETURNS}")
        try:
            return as_listings(found, dtype, self.said)
        except UserError as error:
            raise PluginError(f"{error} (for {day})") from error

    def _module(self) -> Any:
        found = self._found
        known = sys.modules.get(found.value) if self.file else None
        return known or resolve(found)

    @property
    def _found(self) -> Found:
        """As the plugin loader knows it. A file's module is named by its content, so a file that changed is another
        module, and one that is a plugin as well is not loaded over it."""
        if self.file is None:
            return Found(self.module, "", self.function, self.module)
        content = hashlib.sha256(str(self.file).encode() + self.file.read_bytes()).hexdigest()
        name = f"basalt_universe_{self.file.stem}_{content[:12]}".replace(".", "_")
        return Found(self.file.name, "", self.function, name, place=self.file)

    def _raised(self, error: BaseException, when: str = "") -> PluginError:
        place = place_of(self._found, error)
        return PluginError(f"{self.said} raised {one_line(error)}{f' at {place}' if place else ''}{when}: mend it")


@cache
def _digest(module: str) -> str:
    """A module whose file changes after it was imported is not the code that this process runs."""
    return code_digest(module)


def _check_arguments(function: Callable[..., Any], said: str) -> None:
    try:
        signature = inspect.signature(function)
    except ValueError:  # compiled functions may tell none
        return
    try:
        signature.bind(None, None)
    except TypeError as error:
        raise UserError(f"{said} takes {signature}, and is called with (reference, date): {error}") from error


def _series(returned: Any) -> pl.Series | str:
    """The listings, or what was returned instead. A generator is used up here."""
    if isinstance(returned, pl.LazyFrame):
        returned = returned.collect()
    if isinstance(returned, pl.DataFrame):
        columns = ", ".join(returned.columns) or "no column"
        return returned[LISTING] if LISTING in returned.columns else f"a DataFrame of {columns}"
    if isinstance(returned, pl.Series):
        return returned
    if isinstance(returned, str | bytes | Mapping) or not isinstance(returned, Iterable):
        return "nothing" if returned is None else f"a value of type {type(returned).__name__}"
    values = list(returned)
    try:
        return pl.Series(LISTING, values)
    except (TypeError, OverflowError, pl.exceptions.PolarsError):
        return f"a {type(returned).__name__} of values of several types"
