"""Components: what hooks return, checked, named and owned, and loaded only when they are needed."""

import inspect
import sys
from collections.abc import Collection, Mapping, Sequence
from contextlib import redirect_stdout
from difflib import get_close_matches
from importlib import import_module
from typing import Any, NamedTuple

import attrs

from basalt.errors import UserError
from basalt.hooks import Lazy
from basalt.plugins.failed import Failed, failure
from basalt.plugins.found import Found
from basalt.plugins.loaded import Loaded


class Kind(NamedTuple):
    """A kind of component. `made_of`: what one must be; empty: anything that can be called."""

    noun: str
    made_of: str = ""
    sibling: str = ""


KINDS = {
    "tables": Kind("table", "basalt.tables:TableSchema"),
    "sources": Kind("source", "basalt.sources:Source", "basalt-io"),
    "transforms": Kind("transform", "basalt.transforms:Transform", "basalt-analytics"),
    "analytics": Kind("analytics module", "basalt.modules:BucketModule basalt.modules:FrameModule", "basalt-analytics"),
    "outputs": Kind("output", "basalt.outputs:Output", "basalt-io"),
    "executors": Kind("executor"),
}


@attrs.frozen
class Component:
    """One thing a plugin offers. `rivals`: other plugins that offer the same name, where nothing says who wins."""

    name: str
    kind: str
    summary: str
    owner: Found
    target: Any = attrs.field(repr=False)
    strict: bool = attrs.field(default=False, repr=False)
    rivals: tuple[Found, ...] = ()

    def load(self) -> Any:
        """The class, function or record itself; PluginError names plugin, place and next step where it fails."""
        loaded = self.attempt()
        if isinstance(loaded, Failed):
            raise loaded.as_error(self.strict)
        return loaded

    def attempt(self) -> Any:
        """The same, with a `Failed` in place of the error."""
        if not isinstance(self.target, Lazy):
            return self.target
        try:
            with redirect_stdout(sys.stderr):
                loaded = self.target.load()
            if name_of(self.kind, loaded) != self.name:
                raise ValueError(f"{self.target.target} is named {name_of(self.kind, loaded)!r}, not {self.name!r}")
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin's door
            return failure(self.owner, f"could not give its {KINDS[self.kind].noun} {self.name!r}", error)
        return loaded


def components_of(plugin: Loaded, kind: str, strict: bool = False) -> list[Component]:
    """Call a plugin's hook of that kind and name what it returns; raises what the plugin raises, and on nonsense."""
    hook = f"basalt_{kind}"
    answer = plugin.call(hook)
    if answer is None or isinstance(answer, str | bytes | Mapping):
        raise TypeError(f"{hook} must return a list of components, not {answer!r}")
    components = [
        Component(name_of(kind, target), kind, _summary(target), plugin.found, target, strict) for target in answer
    ]
    names = [c.name for c in components]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"{hook} returns {', '.join(twice)} twice")
    return components


def name_of(kind: str, target: Any) -> str:
    """The name of what a hook returned; TypeError where it is not of that kind, or has none."""
    if isinstance(target, Lazy):
        return target.name
    if not _is_a(kind, target):
        mark = ", put @analytic above it" if kind == "analytics" and inspect.isfunction(target) else ""
        raise TypeError(f"{_called(target)} is not {_article(KINDS[kind].noun)}{mark}")
    name = getattr(target, "name", None if KINDS[kind].made_of else getattr(target, "__name__", None))
    if not isinstance(name, str) or not name:
        raise TypeError(f"{_called(target)} has no name: give the class a `name`")
    return name


def what_to_install(kind: str) -> str:
    """What to say where nothing of a kind is installed."""
    sibling = KINDS[kind].sibling
    return f"no {KINDS[kind].noun} is installed" + (f": pip install {sibling}" if sibling else "")


def unknown_component(
    kind: str,
    name: str,
    names: Sequence[str],
    failed: Sequence[Failed],
    aside: Mapping[Found, str],
    installed: Collection[str],
) -> UserError:
    """The error for a name that nobody offers: what is near, what there is, and who may have it."""
    sibling = KINDS[kind].sibling
    near = get_close_matches(name, names, 3)
    parts = [f"there is no {KINDS[kind].noun} {name!r}"]
    if near:
        parts.append(f"did you mean {' or '.join(map(repr, near))}?")
    elif names:
        parts.append(f"there {'is' if len(names) == 1 else 'are'} {', '.join(names)}")
    if sibling and sibling not in installed:
        parts.append(what_to_install(kind) if not names else f"{sibling} is not installed: pip install {sibling}")
    parts += [f"{f.found.named} {f.what} and may offer it ({f.cause}): try {f.hint}" for f in failed]
    parts += [f"{found.named} {why}, and may offer it" for found, why in aside.items()]
    return UserError("; ".join(parts))


def _is_a(kind: str, target: Any) -> bool:
    made_of = KINDS[kind].made_of.split()
    if not made_of:
        return callable(target)
    types = tuple(getattr(import_module(m), a) for m, _, a in (t.partition(":") for t in made_of))
    if kind == "tables":
        return isinstance(target, types)
    return isinstance(target, type) and issubclass(target, types)


def _summary(target: Any) -> str:
    if isinstance(target, Lazy):
        return target.summary
    text = getattr(target, "doc", None) or inspect.getdoc(target) or ""
    return str(text).strip().partition("\n")[0]


def _called(target: Any) -> str:
    return getattr(target, "__qualname__", None) or repr(target)


def _article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
