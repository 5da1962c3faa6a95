"""Side outputs: made when somebody asks, published beside their pass, read in a table's place, and kept track of."""

import json
from collections.abc import Mapping
from datetime import date

import polars as pl
import pytest

from basalt import FrameModule, Unit
from basalt.columns import Column
from basalt.documents import ResultColumn
from basalt.errors import CheckError, PluginError, UserError
from basalt.modules import WithSides
from basalt.options import NoOptions
from basalt.planning.standing import statuses
from basalt.tables import NS_UTC, TableSchema
from basalt.transforms import Transform

MONDAY = date(2026, 1, 5)
LARGE = TableSchema(
    "large",
    "trades of 10 shares and more",
    [
        Column("ListingId", pl.Int64, "tradable line", Unit.LABEL, required=True, also=[pl.String]),
        Column("EventTimestamp", NS_UTC, "execution time", Unit.TIMESTAMP, required=True),
        Column("Price", pl.Float64, "price", Unit.PRICE, required=True),
        Column("Size", pl.Float64, "shares", Unit.SHARES, required=True),
    ],
)
BUSY = TableSchema(
    "busy",
    "listings with more than one trade",
    [
        Column("ListingId", pl.Int64, "tradable line", Unit.LABEL, required=True, also=[pl.String]),
        Column("Trades", pl.UInt32, "trades of the date", Unit.COUNT, required=True),
    ],
    events=False,
)


class Sizes(FrameModule):
    """Counts trades; beside it, the large ones and the busy listings."""

    name = "sizes"
    inputs = ("trades",)
    sides = (LARGE, BUSY)
    asked: list[frozenset[str]] = []  # noqa: RUF012 - what each call was asked for, for the tests

    def columns(self):
        """Count."""
        return [ResultColumn("Trades", Unit.COUNT, "Trades of the bucket.", dtype=pl.UInt32)]

    def compute(self, inputs, pass_):
        """Rows and side outputs."""
        trades = inputs["trades"]
        self.asked.append(pass_.sides)
        bucket = pass_.rule.bucket(pl.col("EventTimestamp"), pass_.date)
        rows = trades.group_by("ListingId", TimeBucket=bucket).agg(Trades=pl.len())
        large = trades.filter(pl.col("Size") >= 10).select("ListingId", "EventTimestamp", "Price", "Size")
        busy = trades.group_by("ListingId").agg(Trades=pl.len()).filter(pl.col("Trades") > 1).sort("ListingId")
        return WithSides(rows, {"large": large, "busy": busy})


class Doubled(Transform):
    """Trades of twice the size, and the listings it saw."""

    name = "doubled"
    inputs = ("trades",)
    output = "trades"
    sides = (BUSY,)
    Config = NoOptions

    def columns(self, columns_of):
        """As they were."""
        return dict(columns_of["trades"])

    def apply(self, inputs, pass_):
        """Doubled."""
        trades = inputs["trades"].with_columns(pl.col("Size") * 2)
        busy = trades.group_by("ListingId").agg(Trades=pl.len()).sort("ListingId")
        return {"trades": trades, "busy": busy}


FIRST = {"name": "first", "every": "1m", "modules": [{"module": "sizes"}]}
READS = {
    "name": "second",
    "every": "1m",
    "modules": [{"module": "volume", "tables": {"trades": "first:large"}}],
}


@pytest.fixture
def sides(desk):
    desk.modules.append(Sizes)
    Sizes.asked.clear()
    return desk


def read(desk, name: str) -> pl.DataFrame:
    return pl.read_parquet(desk.folder / f"out/{name}/date=2026-01-05/all.parquet", hive_partitioning=False)


def test_a_side_output_that_nobody_asks_for_is_not_made(sides):
    sides.run(FIRST, dates=[MONDAY])
    assert sides.files("out") == ["out/first/date=2026-01-05/all.parquet"]
    assert Sizes.asked[-1] == frozenset()


def test_a_later_pass_reads_it_in_a_tables_place_and_it_is_published(sides, by_bucket):
    """Monday: listing 1 trades 10 and 20, listing 2 trades 5, which is not large."""
    result = sides.run(FIRST, READS, dates=[MONDAY])
    assert result.failed == []
    assert by_bucket(read(sides, "second"), "Volume") == {(1, "09:01"): 10.0, (1, "09:02"): 20.0}
    large = read(sides, "first.large")
    assert large.columns == ["Date", "Universe", "ListingId", "EventTimestamp", "Price", "Size"]
    assert large.select("ListingId", "Price", "Size").rows() == [(1, 100.0, 10.0), (1, 101.0, 20.0)]
    assert large.schema["EventTimestamp"] == NS_UTC
    assert Sizes.asked[-1] == {"large"}
    assert result.plan.program("second").result.columns[0].reads == ("first:large.Size",)


def test_the_result_of_a_run_reads_it_back_and_describes_it(sides):
    result = sides.run(FIRST, READS, dates=[MONDAY])
    assert result.scan("first:large").select("Date", "Size").collect().rows() == [(MONDAY, 10.0), (MONDAY, 20.0)]
    assert [c["name"] for c in result.document("first:large")["columns"]] == ["EventTimestamp", "Price", "Size"]
    with pytest.raises(UserError, match=r"^pass 'first' made no side output 'busy' in this run; made: first:large$"):
        result.scan("first:busy")


def test_the_schema_lock_holds_it(sides):
    """The file of the run that updates it, then a plan that makes another side output of the pass."""
    always = {**FIRST, "side_outputs": {"large": "always"}}
    sides.run(always, dates=[MONDAY], schema_lock={"mode": "update"})
    held = json.loads((sides.folder / "basalt.lock.json").read_text())["desk"]["first.large"]
    assert (held["keys"], list(held["columns"])) == ({"ListingId": "Int64"}, ["EventTimestamp", "Price", "Size"])
    with pytest.raises(CheckError, match=r"(?s)passes.first.busy is new.*passes.first.large is gone"):
        sides.plan({**FIRST, "side_outputs": {"busy": "always"}}, schema_lock={"mode": "raise"})


def test_always_makes_it_and_an_output_that_names_it_does_too(sides):
    sides.run({**FIRST, "side_outputs": {"busy": "always"}}, dates=[MONDAY])
    assert read(sides, "first.busy").select("ListingId", "Trades").rows() == [(1, 2)]
    named = [{"type": "parquet", "root": "elsewhere", "side_outputs": ["busy"]}, {"type": "parquet", "root": "out2"}]
    sides.run({**FIRST, "outputs": named}, dates=[MONDAY])
    assert sides.files("elsewhere") == [
        "elsewhere/first.busy/date=2026-01-05/all.parquet",
        "elsewhere/first/date=2026-01-05/all.parquet",
    ]
    assert sides.files("out2")[0] == "out2/first.busy/date=2026-01-05/all.parquet"
    nothing = [{"type": "parquet", "root": "bare", "side_outputs": []}]
    sides.run({**FIRST, "outputs": nothing, "side_outputs": {"busy": "always"}}, dates=[MONDAY])
    assert sides.files("bare") == ["bare/first/date=2026-01-05/all.parquet"]


def test_a_pass_that_is_done_without_it_is_stale_once_it_is_asked_for(sides):
    sides.run(FIRST, dates=[MONDAY])
    result = sides.run(FIRST, READS, dates=[MONDAY])
    assert [p.name for p in result.published] == ["first", "second"]
    assert [p.name for p in sides.run(FIRST, READS, dates=[MONDAY]).skipped] == ["first", "second"]


def test_asking_for_one_computes_its_pass_again_and_none_that_reads_it(sides):
    """The rows of the pass are what they were, and so is what was made of them."""
    hours = {"name": "hours", "every": "1h", "modules": [{"module": "generic", "source": "first"}]}
    first = {**FIRST, "modules": [*FIRST["modules"], {"module": "volume"}]}
    sides.run(first, hours, dates=[MONDAY])
    asked = {**first, "side_outputs": {"busy": "always"}}
    plan = sides.plan(asked, hours, dates=[MONDAY])
    found = statuses(plan, plan.partitions[0])
    assert {name: (one.kind, one.reason) for name, one in found.items()} == {
        "first": ("stale", "its side output busy was not made"),
        "hours": ("done", ""),
    }
    result = sides.run(asked, hours, dates=[MONDAY])
    assert ([p.name for p in result.published], [p.name for p in result.skipped]) == (["first"], ["hours"])
    assert [p.name for p in sides.run(first, hours, dates=[MONDAY]).skipped] == ["first", "hours"]


def test_it_is_read_back_from_its_output_where_its_pass_is_done(sides, by_bucket):
    sides.run({**FIRST, "side_outputs": {"large": "always"}}, dates=[MONDAY])
    first = {**FIRST, "side_outputs": {"large": "always"}}
    result = sides.run(first, READS, dates=[MONDAY])
    assert ([p.name for p in result.skipped], [p.name for p in result.published]) == (["first"], ["second"])
    assert by_bucket(read(sides, "second"), "Volume") == {(1, "09:01"): 10.0, (1, "09:02"): 20.0}


def test_without_an_output_its_pass_is_computed_again_and_not_published_again(sides, by_bucket):
    first = {**FIRST, "outputs": []}
    sides.run(first, READS, dates=[MONDAY])
    again = {**READS, "modules": [{**READS["modules"][0], "prefix": "Big"}]}
    result = sides.run(first, again, dates=[MONDAY])
    assert ([p.name for p in result.skipped], [p.name for p in result.published]) == (["first"], ["second"])
    assert by_bucket(read(sides, "second"), "BigVolume") == {(1, "09:01"): 10.0, (1, "09:02"): 20.0}


def test_in_batches_it_has_every_listings_rows_once(sides):
    sides.run({**FIRST, "side_outputs": {"busy": "always", "large": "always"}}, dates=[MONDAY], memory="1 kB")
    assert read(sides, "first.busy").select("ListingId", "Trades").rows() == [(1, 2)]
    assert read(sides, "first.large")["Size"].to_list() == [10.0, 20.0]


def test_a_transforms_table_and_side_tables_are_side_outputs_too(desk, by_bucket, monkeypatch):
    registry = desk.registry()

    def with_transform(self):
        from types import SimpleNamespace

        from basalt import hookimpl
        from basalt.plugins.found import Found
        from basalt.plugins.loaded import accept

        registry.take(accept(Found("t", "", "t", "t"), SimpleNamespace(basalt_transforms=hookimpl(lambda: [Doubled]))))
        return registry

    monkeypatch.setattr(type(desk), "registry", with_transform)
    doubled = {
        "name": "first",
        "every": "1m",
        "preprocess": [{"transform": "doubled"}],
        "modules": [{"module": "volume"}],
        "side_outputs": {"busy": "always"},
    }
    second = {
        "name": "second",
        "every": "1h",
        "modules": [{"module": "volume", "tables": {"trades": "first:trades"}}],
    }
    assert desk.run(doubled, second, dates=[MONDAY]).failed == []
    assert by_bucket(read(desk, "second"), "Volume") == {(1, "10:00"): 60.0, (2, "10:00"): 10.0}
    assert read(desk, "first.busy").select("ListingId", "Trades").rows() == [(1, 2), (2, 1)]
    assert read(desk, "first.trades")["Size"].to_list() == [20.0, 40.0, 10.0]


REFUSED: Mapping[str, tuple[list[dict[str, object]], str]] = {
    "never and read": (
        [{**FIRST, "side_outputs": {"large": "never"}}, READS],
        "passes.first.side_outputs says large = 'never', and passes.second reads it: make it 'auto'",
    ),
    "never and named": (
        [
            {
                **FIRST,
                "side_outputs": {"large": "never"},
                "outputs": [{"type": "parquet", "side_outputs": ["large"]}],
            }
        ],
        "passes.first.side_outputs says large = 'never', and an output names it: make it 'auto'",
    ),
    "unknown": (
        [{**FIRST, "side_outputs": {"lage": "always"}}],
        "passes.first.side_outputs names 'lage' (did you mean 'large'?); side outputs there are: large, busy",
    ),
    "unknown to the output": (
        [{**FIRST, "outputs": [{"type": "parquet", "side_outputs": ["huge"]}]}],
        "passes.first.outputs[0].side_outputs names 'huge'; side outputs there are: large, busy",
    ),
    "a table that is not read": (
        [FIRST, {**READS, "modules": [{"module": "volume", "tables": {"l2": "first:large"}}]}],
        "passes.second.modules[0]: tables names 'l2', which module volume does not read; it reads trades",
    ),
    "other rows": (
        [FIRST, {**READS, "modules": [{"module": "volume", "tables": {"trades": "first:busy"}}]}],
        "passes.second.modules[0]: tables puts first:busy in the place of trades: trades has events by ListingId and "
        "first:busy has rows by ListingId; name a table of the same rows",
    ),
}


@pytest.mark.parametrize(("passes", "said"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_is_refused_while_planning(sides, passes, said):
    with pytest.raises(UserError) as error:
        sides.plan(*passes)
    assert str(error.value) == said


def test_a_substitute_that_is_nowhere_is_refused_with_what_there_is(sides):
    lost = {**READS, "modules": [{"module": "volume", "tables": {"trades": "first:lage"}}]}
    with pytest.raises(UserError, match=r"reads table 'first:lage', which .* does not have .*first:large.*trades"):
        sides.plan(FIRST, lost)


def test_a_module_must_return_what_it_declares(sides):
    class Forgets(Sizes):
        name = "forgets"

        def compute(self, inputs, pass_):
            """No busy listings."""
            made = super().compute(inputs, pass_)
            return WithSides(made.rows, {"large": made.sides["large"].drop("Price")})

    sides.modules.append(Forgets)
    with pytest.raises(PluginError) as error:
        sides.plan({**FIRST, "modules": [{"module": "forgets"}]})
    assert str(error.value) == (
        "passes.first.modules[0]: module forgets (desk-plugin) declares other columns of the side output large than it "
        "returns: Price"
    )


def test_a_check_of_a_pass_does_not_look_at_its_side_outputs(sides):
    checked = {**FIRST, "side_outputs": {"busy": "always"}, "quality": [{"columns": "Trades", "min": 1}]}
    assert sides.run(checked, dates=[MONDAY]).failed == []
