"""Values that a URL names and does not hold.

`${NAME}` is a variable of the environment, `${keyring:SERVICE/USER}` a password in the keyring of the system or of the
backend that is set there, stored by `keyring set SERVICE USER` (`pip install 'basalt-io[keyring]'`). What stands behind
the last slash is the user. Nothing here is written down or told; who asks keeps values to itself.
"""

import os
import re

import attrs

from basalt.errors import UserError
from basalt_io.files import first_line

_NAMED = re.compile(r"\$\{(?:keyring:(?P<entry>[^{}]*)|(?P<variable>\w+))\}")
BLANK = "\ue000"  # a character of nobody's, in the place of a value


@attrs.frozen
class Named:
    """A value as a URL names it: `text`, with one of a variable and an entry of the keyring."""

    text: str
    variable: str | None
    entry: str | None

    def value(self) -> str:
        """UserError in one sentence where there is none."""
        if self.entry is not None:
            return self._of_keyring(self.entry)
        assert self.variable is not None
        if self.variable not in os.environ:
            raise UserError(f"url names {self.text}, which the environment lacks: set it")
        return os.environ[self.variable]

    def _of_keyring(self, entry: str) -> str:
        service, _, user = entry.rpartition("/")
        if not service or not user:
            raise UserError(f"url names {self.text}, which is no entry of a keyring: write ${{keyring:SERVICE/USER}}")
        try:
            import keyring
        except ModuleNotFoundError:
            raise UserError(
                f"url names {self.text}, and the package keyring is not installed: pip install 'basalt-io[keyring]'"
            ) from None
        try:
            found = keyring.get_password(service, user)
        except Exception as error:  # noqa: BLE001 - the door of a backend, which is whoever's
            raise UserError(
                f"url names {self.text}, and the keyring cannot be read ({first_line(error)}): unlock it, or set a "
                "backend that works here"
            ) from None
        if not found:
            raise UserError(f"url names {self.text}, which the keyring lacks: keyring set {service} {user}")
        return found


def named(url: str) -> list[Named]:
    """What the URL names, in order."""
    return [Named(found[0], found["variable"], found["entry"]) for found in _NAMED.finditer(url)]


def blanked(url: str) -> str:
    """The URL with `BLANK` in place of each value it names."""
    return _NAMED.sub(BLANK, url)
