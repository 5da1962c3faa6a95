"""`option`: one declaration of a configuration field, read by the parser, help texts, JSON schema and forms.

Configurations are attrs classes whose fields are options; the type annotation says what is allowed.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs

from basalt.columns import Unit


def option(
    doc: str,
    *,
    default: Any = attrs.NOTHING,
    factory: Callable[[], Any] | None = None,
    unit: Unit | None = None,
    path: bool = False,
) -> Any:
    """A field of a Config. `doc`: one sentence for users. `unit`: of a quantity; the kit scales it with the data.
    `path`: of a module's or transform's file; where it is relative, the component has it from the pipeline's folder."""
    metadata = {"doc": doc, "unit": unit, "path": path}
    if factory is not None:
        return attrs.field(factory=factory, metadata=metadata, kw_only=True)
    return attrs.field(default=default, metadata=metadata, kw_only=True)


def anchored(config: Any, folder: Path) -> Any:
    """The configuration with its relative paths seen from that folder."""
    given = {
        field.name: getattr(config, field.name) for field in attrs.fields(type(config)) if field.metadata.get("path")
    }
    paths = {name: str(folder / Path(value).expanduser()) for name, value in given.items() if value is not None}
    return attrs.evolve(config, **paths)


@attrs.frozen
class NoOptions:
    """A component that takes no options."""
