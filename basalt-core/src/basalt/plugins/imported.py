"""Importing what an entry names: apart from `loaded`, because commands are imported so too, and need no hooks."""

import sys
from contextlib import redirect_stdout
from functools import reduce
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any

from basalt.plugins.found import Found


def resolve(found: Found) -> Any:
    """Import what an entry's value names (`module` or `module:attribute`), or the file; raises what that raises."""
    with redirect_stdout(sys.stderr):
        if found.place:
            return _run_file(found)
        module, _, attribute = found.value.partition(":")
        return reduce(getattr, filter(None, attribute.split(".")), import_module(module))


def _run_file(found: Found) -> Any:
    spec = spec_from_file_location(found.value, found.place)
    if spec is None or spec.loader is None:
        raise ImportError(f"{found.place} is not a Python file: its name must end in .py")
    module = module_from_spec(spec)
    sys.modules[found.value] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[found.value]
        raise
    return module
