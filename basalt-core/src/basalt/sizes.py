"""Amounts of memory as configurations write them: `"<number><B|kB|MB|GB|TB|KiB|MiB|GiB|TiB>"`, held as whole bytes."""

import re

from basalt.errors import UserError

BYTES = {
    "B": 1,
    "kB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
}
_WRITTEN = re.compile(rf"(\d+(?:\.\d+)?) ?({'|'.join(BYTES)})")


def parse_size(text: str) -> int:
    """Bytes of `text`; UserError unless it is a positive amount with its unit."""
    match = _WRITTEN.fullmatch(text)
    if not match or not float(match[1]):
        raise UserError(f"{text!r} is no amount of memory: write a number and one of {', '.join(BYTES)}, as in '4GB'")
    return round(float(match[1]) * BYTES[match[2]])


def format_size(size: float) -> str:
    """Three significant digits in decimal units, for people: 1234567 is `1.23 MB`."""
    unit = next((u for u in ("TB", "GB", "MB", "kB") if size >= BYTES[u]), "B")
    return f"{size / BYTES[unit]:.3g} {unit}"
