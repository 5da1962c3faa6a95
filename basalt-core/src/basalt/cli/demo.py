"""`basalt demo`: the first command. A simulated day through a pipeline of three passes, and where to look next."""

from pathlib import Path

import click

from basalt.cli.output import emit, format_option, narrate
from basalt.cli.planned import plan_of
from basalt.errors import DataError

PIPELINE = """\
# A simulated day on two venues: one-minute bars, five-minute bars from them, and a daily summary from those.
name = "demo"

[source]
type = "simulator"
listings = 6
seed = 1
events = 20000

[dates]
list = ["2026-01-05"]

[[outputs]]
type = "parquet"
root = "results"

[[passes]]
name = "bars"
every = "1m"

[[passes.modules]]
module = "trade"
generic = [{ measures = ["Volume", "Count", "VWAP", "OHLC"], sides = ["Total", "Buy", "Sell"] }]

[[passes.modules]]
module = "l2"
levels = 5

[[passes]]
name = "five_minutes"
every = "5m"

[[passes.modules]]
module = "generic"
source = "bars"

[[passes]]
name = "daily"
every = "1d"

[[passes.modules]]
module = "generic"
source = "five_minutes"
"""
ROWS = 20
SHOWN = ["ListingId", "TradeTotalVolume", "TradeTotalCount", "TradeTotalVWAP", "TradeBuyVolume"]  # 80 columns wide


@click.command()
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("basalt-demo"),
    show_default=True,
    help="Where the pipeline file and its results go.",
)
@format_option
@click.pass_context
def demo(ctx: click.Context, folder: Path, format: str) -> None:
    """Simulate a day, run a pipeline of three passes on it, and print the daily summary.

    Example: basalt demo --folder first-look
    """
    from basalt.cli.progress import progress
    from basalt.running.run import run_plan

    file = _pipeline_file(folder)
    plan = plan_of(ctx, file)
    with progress() as told:
        result = run_plan(plan, [told, *plan.registry.observers()])
    if result.failed:
        raise DataError(result.failed[0].error)
    last = result.scan(plan.names[-1])
    shown = [name for name in SHOWN if name in last.collect_schema()] or last.collect_schema().names()[:10]
    emit(last.select(shown).head(ROWS).collect().to_dicts(), format, shown)
    how = f"Done in {result.seconds:.1f} s" if result.published else "Done before"
    narrate(f"\n{how}. The pipeline is {file}; edit it and run it again:")
    narrate(f"  basalt pipeline run {file}")
    narrate("Every column has a unit, a formula and a null rule:")
    narrate(f"  basalt analytics explain TradeTotalVWAP --pipeline {file}")


def _pipeline_file(folder: Path) -> Path:
    """The demo's pipeline file, written where there is none; an edited one is run as it is."""
    file = folder / "pipeline.toml"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(PIPELINE)
    return file
