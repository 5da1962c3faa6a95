"""The doctor: every plugin and command, imported in a process of its own with a time limit.

A plugin that hangs, exits or crashes the interpreter harms nobody but its own report. The child runs this module and
writes one JSON object, the examination, as the last line of stdout.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from time import perf_counter
from typing import Any

import attrs

from basalt.plugins.failed import Failed, failure
from basalt.plugins.found import Found
from basalt.plugins.installed import COMMANDS, Declared, versions
from basalt.plugins.loaded import Loaded, load


@attrs.frozen
class Examination:
    """What the child found. `import_seconds`: of the entry's module, in a process that has basalt loaded already."""

    found: Found
    command: bool
    state: str
    import_seconds: float | None = None
    components: int | None = None
    failures: tuple[Failed, ...] = ()

    @property
    def named(self) -> str:
        """As reports name it."""
        return self.found.named.replace("[", "[command ") if self.command else self.found.named

    @property
    def report(self) -> str:
        """A line; two more for each failure: the cause and its place, and what to try."""
        if not self.failures:
            seconds = "" if self.import_seconds is None else f", imported in {self.import_seconds:.2f} s"
            n = self.components
            offered = "" if n is None else f", {n} component{'s' * (n != 1)}"
            return f"{'✓' if self.state == 'ok' else '-'} {self.named} {self.state}{seconds}{offered}"
        return "\n".join(f"✗ {self.named} {f.what}\n{_cause(f)}\n    Try: {f.hint}" for f in self.failures)

    @property
    def row(self) -> dict[str, Any]:
        """For JSON: `failures` as records."""
        failures = [{k: getattr(f, k) for k in ("what", "error", "message", "place", "hint")} for f in self.failures]
        return {
            "plugin": self.found.entry,
            "group": COMMANDS if self.command else f"basalt.v{self.found.api}",
            "distribution": self.found.distribution,
            "version": self.found.version,
            "state": self.state,
            "import_seconds": self.import_seconds,
            "components": self.components,
            "failures": failures,
        }


def host_versions() -> dict[str, str]:
    """What the plugins run on, from metadata."""
    return {"python": sys.version.split()[0], **versions(["basalt-core", "polars", "pluggy"])}


def subjects(plugins: Sequence[Found], entries: Sequence[Declared]) -> Iterator[tuple[Found, bool]]:
    """What there is to examine, and whether it is a command: all plugins, and the commands core does not bring."""
    for found in plugins:
        yield found, False
    for e in entries:
        if e.group == COMMANDS and e.distribution != "basalt-core":
            yield Found(e.distribution, e.version, e.name, e.value), True


def examine(found: Found, command: bool, timeout: float) -> Examination:
    """Import it in a child process, call its hooks, load its components; a hang ends at `timeout` seconds."""
    # Files, not pipes: a grandchild that outlives the child would hold a pipe open.
    with TemporaryFile() as out, TemporaryFile() as err:
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "basalt.plugins.doctor", _packed(found, command)],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
        )
        try:
            child.wait(timeout)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            late = TimeoutError(f"not done after {timeout:g} s")
            return Examination(found, command, "failed", failures=(failure(found, "did not finish loading", late),))
        out.seek(0)
        err.seek(0)
        return _read(found, command, child.returncode, out.read().decode(), err.read().decode(errors="replace"))


def _cause(failed: Failed) -> str:
    return f"    {failed.error}: {failed.message}" + (f"   at {failed.place}" if failed.place else "")


def _packed(found: Found, command: bool) -> str:
    plain = attrs.asdict(found) | {"place": str(found.place) if found.place else None}
    return json.dumps({"found": plain, "command": command})


def _read(found: Found, command: bool, code: int, out: str, err: str) -> Examination:
    try:
        told = json.loads(out.splitlines()[-1])
        failures = tuple(Failed(found, **f) for f in told["failures"])
    except (IndexError, ValueError, KeyError, TypeError):
        last = (err.strip().splitlines() or ["it said nothing"])[-1]
        crash = RuntimeError(f"the process ended with code {code}: {last}")
        return Examination(found, command, "failed", failures=(failure(found, "crashed while loading", crash),))
    return Examination(
        found, command, "failed" if failures else "ok", told["import_seconds"], told["components"], failures
    )


def _examine_here(found: Found, command: bool) -> dict[str, Any]:
    from basalt.cli.lazy_group import command_of

    start = perf_counter()
    outcome = command_of(found) if command else load(found)
    seconds = round(perf_counter() - start, 3)
    failures, components = [outcome] if isinstance(outcome, Failed) else [], None
    if isinstance(outcome, Loaded):
        failures, components = _offered(outcome)
    told = [attrs.asdict(f, filter=lambda field, _: field.name not in ("found", "exception")) for f in failures]
    return {"import_seconds": seconds, "components": components, "failures": told}


def _offered(plugin: Loaded) -> tuple[list[Failed], int]:
    from basalt.plugins.components import KINDS
    from basalt.plugins.registry import Registry

    registry = Registry()
    registry.take(plugin)
    components = [c for kind in KINDS for c in registry.components(kind)]
    loaded = [c.attempt() for c in components]
    return [*registry.failed, *(c for c in loaded if isinstance(c, Failed))], len(components)


def _main() -> None:
    told = json.loads(sys.argv[1])
    place = told["found"].pop("place")
    found = Found(**told["found"], place=Path(place) if place else None)
    sys.stdout.write("\n" + json.dumps(_examine_here(found, told["command"])) + "\n")


if __name__ == "__main__":
    _main()
