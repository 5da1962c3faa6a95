"""The source that a `basalt data` command names by WHAT and `--source`.

WHAT is a pipeline file; a Delta table or one Parquet file, told by what it is; a folder or prefix of data, whose layout
`--source` names, else Parquet; or nothing, for a source that needs none (`--source simulator`). What is not a pipeline
may be an address, `s3://bucket/prefix`, reached as `--set storage.…` or the environment says.
"""

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import click

from basalt.cli.session import registry_of
from basalt.config.model import SourceEntry
from basalt.config.override import override
from basalt.config.read import read_pipeline
from basalt.config.structure import structure
from basalt.errors import UserError
from basalt.planning.inputs import open_source
from basalt.plugins.registry import Registry
from basalt.sources import Source
from basalt_io.object_store import Location, location
from basalt_io.objects import ObjectError, Objects

if TYPE_CHECKING:
    from basalt_io.read_by_command import Chosen

PIPELINES = (".toml", ".py")


def source_of(ctx: click.Context, chosen: "Chosen") -> tuple[Source, Registry]:
    """The source, opened, and where it was found; UserError for options that are none."""
    if _is_pipeline(chosen):
        return _of_pipeline(ctx, chosen)
    if chosen.what is None and chosen.kind is None:
        raise click.UsageError("name what to read: a pipeline file, a folder of data, or --source")
    place, registry = place_of(chosen), registry_of(ctx)
    if place is not None and place.is_parquet:
        return _one_file(place, chosen), registry
    kind, options = chosen.kind or "parquet", _options(chosen)
    if place is not None and is_delta(place):
        kind, name = "delta", PurePosixPath(place.uri).name
        options = {**options, "root": place.above.uri, "tables": {name: name}}
    return open_source(SourceEntry(type=kind, options=options), registry, Path.cwd()), registry


def place_of(chosen: "Chosen") -> Location | None:
    """What tells its own layout or is searched for Parquet; None where it is a pipeline, or `--source` is given."""
    if chosen.what is None or chosen.kind is not None or _is_pipeline(chosen):
        return None
    options = _options(chosen)
    storage = options.get("storage")
    return location(Path.cwd(), options["root"], storage if isinstance(storage, dict) else {})


def is_delta(place: Location) -> bool:
    """Whether it is a Delta table, by its log; UserError where a store does not tell."""
    log = place.below("_delta_log")
    if log.path is not None:
        return log.path.is_dir()
    try:
        return not Objects(log).is_empty()
    except ObjectError as error:
        raise UserError(f"{place.uri} cannot be listed, as {error}") from error


def _is_pipeline(chosen: "Chosen") -> bool:
    return isinstance(chosen.what, Path) and chosen.what.suffix in PIPELINES


def _of_pipeline(ctx: click.Context, chosen: "Chosen") -> tuple[Source, Registry]:
    assert isinstance(chosen.what, Path)
    if chosen.kind is not None:
        raise click.UsageError(f"{chosen.what} is a pipeline, which names its source: leave --source out")
    config, folder = (
        read_pipeline(chosen.what, [f"source.{text}" for text in chosen.options]),
        chosen.what.resolve().parent,
    )
    files = [folder / name for name in config.plugins.files]
    registry = registry_of(ctx, files, config.plugins.prefer)
    return open_source(config.source, registry, folder), registry


def _one_file(place: Location, chosen: "Chosen") -> Source:
    from basalt_io.sources.parquet import ParquetSourceOptions
    from basalt_io.sources.parquet_one import OneParquetFile

    options = structure(ParquetSourceOptions, {**_options(chosen), "root": place.above.uri}, "source")
    return OneParquetFile(options, place, chosen.tables[0] if len(chosen.tables) == 1 else None)


def _options(chosen: "Chosen") -> dict[str, Any]:
    """Those of the command line; `root` is WHAT."""
    what = chosen.what
    found: dict[str, Any] = {} if what is None else {"root": str(what.resolve() if isinstance(what, Path) else what)}
    for text in chosen.options:
        override(found, text)
    return found
