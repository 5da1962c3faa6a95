"""`basalt.compute` and `basalt.run`: what they take, give and refuse."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

import basalt
from basalt import Metric, Unit, analytic
from basalt.config.model import ModuleEntry, OutputEntry, PassConfig, PipelineConfig, SourceEntry
from basalt.errors import UserError
from basalt.metrics import Empty
from basalt.modules import BucketModule, Part, Rows
from basalt.tables import NS_UTC

NINE = datetime(2026, 1, 5, 9, tzinfo=UTC)
MONDAY, TUESDAY = date(2026, 1, 5), date(2026, 1, 6)
VOLUME = {"module": "trade", "generic": [{"measures": ["Volume"]}]}


def trades(*rows):
    """Trades of (listing, seconds after nine of 5 January, price, size)."""
    return pl.DataFrame(
        [(listing, NINE + timedelta(seconds=at), price, size) for listing, at, price, size in rows],
        schema={"ListingId": pl.Int64, "EventTimestamp": NS_UTC, "Price": pl.Float64, "Size": pl.Float64},
        orient="row",
    )


TWO = trades((1, 30, 100, 5), (1, 40, 102, 15))
NEXT_DAY = 24 * 3600


@analytic("trades")
def clip():
    """How large prints are."""
    yield Metric("Clip", pl.col("Size").mean(), Unit.SHARES, doc="Mean size.")


def column(frame, name):
    return {(r["ListingId"], r["TimeBucket"].strftime("%d %H:%M")): r[name] for r in frame.to_dicts()}


@pytest.mark.parametrize("given", ["trade", ["trade"], {"module": "trade"}, [{"module": "trade"}]])
def test_modules_are_named_alone_or_in_a_list(given):
    """5 + 15 shares, (5·100 + 15·102) / 20 = 101.5."""
    bars = basalt.compute(given, every="1m", trades=TWO)
    assert bars.select("ListingId", "TradeTotalVolume", "TradeTotalVWAP").rows() == [(1, 20.0, 101.5)]
    assert bars["TimeBucket"].to_list() == [NINE + timedelta(minutes=1)]


def test_options_and_prefix_of_a_module():
    entry = {"module": "trade", "prefix": "Desk", "where": "Size > 5", "generic": [{"measures": ["Count"]}]}
    bars = basalt.compute(entry, every="1m", trades=TWO)
    assert bars.columns == ["ListingId", "TimeBucket", "DeskTradeTotalCount", "DeskTradeInvalidCount"]
    assert bars["DeskTradeTotalCount"].to_list() == [1]


@pytest.mark.parametrize("given", [clip, [clip], {"module": "clip"}])
def test_a_function_is_given_as_it_is(given):
    if isinstance(given, dict):
        with pytest.raises(UserError, match="there is no analytics module 'clip'"):
            basalt.compute(given, every="1m", trades=TWO)
        return
    assert basalt.compute(given, every="1m", trades=TWO)["Clip"].to_list() == [10.0]


def test_a_function_given_beside_options_of_its_own():
    bars = basalt.compute([clip, {"module": clip, "prefix": "Large", "where": "Size > 5"}], every="1m", trades=TWO)
    assert bars.select("Clip", "LargeClip").rows() == [(10.0, 15.0)]


def test_a_function_may_shadow_an_installed_module():
    @analytic("trades")
    def trade():
        """Ours."""
        yield Metric("Ours", pl.col("Size").sum(), Unit.SHARES, doc="Sum of sizes.")

    assert basalt.compute(trade, every="1m", trades=TWO).columns == ["ListingId", "TimeBucket", "Ours"]
    assert "TradeTotalVWAP" in basalt.compute("trade", every="1m", trades=TWO).columns


def test_a_function_gives_null_for_a_cell_that_is_no_number():
    odd = trades((1, 30, 100, 5), (1, 40, 100, float("nan")), (1, 50, 100, float("inf")))
    assert basalt.compute(clip, every="1m", trades=odd)["Clip"].to_list() == [5.0]


def test_lazy_and_eager_tables_give_one_answer():
    eager = basalt.compute("trade", every="1m", trades=TWO)
    assert basalt.compute("trade", every="1m", trades=TWO.lazy()).equals(eager)


class Held(BucketModule):
    """The last price of large prints, carried."""

    name = "held"
    table = "trades"

    def parts(self):
        held = Metric("Held", pl.col("Price").last(), Unit.PRICE, doc="Last price.", empty=Empty.CARRY)
        moved = Metric("Moved", pl.col("Step").sum(), Unit.PRICE, doc="Change.", empty=Empty.ZERO)
        step = {"Step": pl.col("Price") - basalt.previous(pl.col("Price"))}
        return [Part(Rows("trades"), (held, moved), derive=step, where=pl.col("Size") > 1)]


def test_nothing_is_carried_across_dates():
    """100 on Monday carries to the small print of 09:02 and not to Tuesday's at 09:01; 105 of Tuesday is not 5 more
    than 100 of Monday."""
    rows = [(1, 30, 100, 5), (1, 90, 7, 1), (1, NEXT_DAY + 30, 7, 1), (1, NEXT_DAY + 90, 105, 5)]
    bars = basalt.compute(Held, every="1m", trades=trades(*rows))
    assert column(bars, "Held") == {
        (1, "05 09:01"): 100.0,
        (1, "05 09:02"): 100.0,
        (1, "06 09:01"): None,
        (1, "06 09:02"): 105.0,
    }
    assert column(bars, "Moved") == {
        (1, "05 09:01"): 0.0,
        (1, "05 09:02"): 0.0,
        (1, "06 09:01"): 0.0,
        (1, "06 09:02"): 0.0,
    }


def test_a_named_date_is_the_date_of_every_row():
    """A session that runs past midnight is one date: what is held at 23:59 holds at 00:01."""
    late, early = (24 - 9) * 3600 - 90, (24 - 9) * 3600 + 30
    rows = trades((1, late, 100, 5), (1, early, 7, 1))
    assert basalt.compute(Held, every="1m", date=MONDAY, trades=rows)["Held"].to_list() == [100.0, 100.0]
    assert basalt.compute(Held, every="1m", trades=rows)["Held"].to_list() == [100.0, None]


def test_buckets_of_several_dates_count_from_each_dates_own_midnight():
    """Seven hours do not divide a day: 09:00 is in (07:00, 14:00] on both dates."""
    bars = basalt.compute(VOLUME, every="7h", trades=trades((1, 30, 100, 5), (1, NEXT_DAY + 30, 100, 6)))
    assert column(bars, "TradeTotalVolume") == {(1, "05 14:00"): 5.0, (1, "06 14:00"): 6.0}


def test_stamps_in_another_zone_are_the_same_instants():
    zoned = TWO.with_columns(pl.col("EventTimestamp").dt.convert_time_zone("America/New_York"))
    assert basalt.compute("trade", every="1m", trades=zoned).equals(basalt.compute("trade", every="1m", trades=TWO))


def test_naive_stamps_are_refused_with_the_cure():
    naive = TWO.with_columns(pl.col("EventTimestamp").dt.replace_time_zone(None))
    with pytest.raises(UserError) as error:
        basalt.compute("trade", every="1m", trades=naive)
    assert str(error.value) == (
        "EventTimestamp is Datetime(time_unit='ns', time_zone=None), which names no instant: make it Datetime in UTC, "
        "as with .dt.replace_time_zone('Europe/London').dt.convert_time_zone('UTC')"
    )


@pytest.mark.parametrize(
    ("keyword", "value", "kind"), [("lable", "start", "str"), ("trades", [1], "list"), ("tradez", TWO, "DataFrame")]
)
def test_a_keyword_that_is_neither_a_table_nor_an_option(keyword, value, kind):
    with pytest.raises(UserError) as error:
        basalt.compute("trade", every="1m", **{"trades": TWO, keyword: value})
    assert str(error.value) == (
        f"{keyword} (a {kind}) is neither a table nor an option of a pass: tables are Polars frames named "
        "aggressive_orders, calendar, cbbo, imbalance, l2, l3, l3_snapshot, marketstate, orders, reference, trades; "
        "options are calendar, closed, halts, keys, label, market_states, origin, preprocess, session, timeline, "
        "weights"
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"every": "1x"}, "passes.computed.every: '1x' is not a duration: "),
        ({"closed": "both"}, "passes.computed.closed = 'both' must be 'right' or 'left'"),
        ({"market_states": "CONTINUOS_TRADING"}, "passes.computed.market_states = 'CONTINUOS_TRADING' must be "),
        ({"origin": "25:00"}, "passes.computed.origin"),
    ],
)
def test_a_wrong_option_of_the_pass(options, said):
    with pytest.raises(UserError) as error:
        basalt.compute("trade", trades=TWO, **{"every": "1m", **options})
    assert str(error.value).startswith(said)


@pytest.mark.parametrize("given", [int, lambda: None, 3, {"prefix": "X"}])
def test_what_is_no_module(given):
    with pytest.raises(UserError) as error:
        basalt.compute([given], every="1m", trades=TWO)
    assert str(error.value).endswith(
        "is no module: give a name, a table with module = a name, or an @analytic function"
    )


def test_hidden_weights_stay_hidden_in_what_is_computed():
    class Priced(BucketModule):
        """A mean with a weight of its own."""

        name = "priced"
        table = "trades"

        def metrics(self):
            from basalt.metrics import mean

            weight = mean(pl.col("Size").sum())
            yield Metric("Priced", pl.col("Price").mean(), Unit.PRICE, doc="Mean price.", over_time=weight)

    bars = basalt.compute(Priced, every="1m", weights=True, trades=TWO)
    assert bars.columns == ["ListingId", "TimeBucket", "Priced"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two dates of trades as files, and a pipeline of one pass, in the working folder."""
    for day, rows in ((MONDAY, TWO), (TUESDAY, trades((1, NEXT_DAY + 30, 100, 7)))):
        file = tmp_path / f"data/trades/date={day}/part.parquet"
        file.parent.mkdir(parents=True)
        rows.write_parquet(file)
    (tmp_path / "pipeline.toml").write_text(
        'name = "desk"\nsource = { type = "parquet", root = "data" }\noutputs = [{ type = "parquet", root = "out" }]\n'
        '[[passes]]\nname = "bars"\nevery = "1m"\nmodules = [{ module = "trade" }]\n'
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_run_takes_a_file_and_gives_back_rows_and_their_document(folder):
    result = basalt.run(folder / "pipeline.toml")
    assert result.failed == []
    assert result.scan("bars").sort("Date").select("Date", "TradeTotalVolume").collect().rows() == [
        (MONDAY, 20.0),
        (TUESDAY, 7.0),
    ]
    document = result.document("bars")
    assert (document["pass"], document["provenance"]) == ("bars", {"pipeline": "desk"})
    assert [c["name"] for c in document["columns"]][:2] == ["TradeTotalVolume", "TradeTotalCount"]
    assert result.seconds > 0


def test_run_takes_dates_and_overrides(folder):
    result = basalt.run("pipeline.toml", dates=[TUESDAY], overrides=["passes.bars.every=1h"])
    rows = result.scan("bars").select("Date", "TimeBucket").collect().rows()
    assert rows == [(TUESDAY, NINE + timedelta(days=1, hours=1))]


def test_run_takes_a_pipeline_of_objects_relative_to_the_working_folder(folder):
    config = PipelineConfig(
        name="objects",
        source=SourceEntry(type="parquet", options={"root": "data"}),
        outputs=[OutputEntry(type="parquet", options={"root": "objects"})],
        passes=[PassConfig(name="bars", every="1m", modules=[ModuleEntry(module="trade")])],
    )
    told = []
    result = basalt.run(config, dates=[MONDAY], observers=[told.append])
    assert result.published[0].places == [str((folder / "objects/bars/date=2026-01-05/all.parquet").resolve())]
    steps = ["BatchComputed", "PassComputed", "Checked", "Staged", "Committed", "PassPublished", "PartitionFinished"]
    assert [type(e).__name__ for e in told] == ["RunStarted", *steps, "RunFinished"]


def test_run_overrides_keys_of_objects_too(folder):
    config = PipelineConfig(
        name="objects",
        source=SourceEntry(type="parquet", options={"root": "data"}),
        outputs=[OutputEntry(type="parquet", options={"root": "objects"})],
        passes=[PassConfig(name="bars", every="1m", modules=[ModuleEntry(module="trade")])],
    )
    result = basalt.run(config, dates=[MONDAY], overrides=["passes.bars.every=1h"])
    assert result.scan("bars").collect()["TimeBucket"].to_list() == [NINE + timedelta(hours=1)]
    with pytest.raises(UserError, match=r"^--set passes.bars.evry=1h: passes.bars.evry is no known key"):
        basalt.run(config, overrides=["passes.bars.evry=1h"])


def test_run_leaves_alone_what_is_done_unless_it_is_forced(folder):
    assert len(basalt.run("pipeline.toml").published) == 2
    again = basalt.run("pipeline.toml")
    assert (again.published, [s.date for s in again.skipped], again.exit_code) == ([], [MONDAY, TUESDAY], 0)
    assert again.scan("bars").collect().height == 2
    assert len(basalt.run("pipeline.toml", force=True, dates=[TUESDAY]).published) == 1


def test_run_of_missing_partitions_alone_leaves_stale_ones_as_they_are(folder):
    basalt.run("pipeline.toml", dates=[MONDAY])
    wider = basalt.run("pipeline.toml", overrides=["passes.bars.every=1h"], only_missing=True)
    assert [p.date for p in wider.published] == [TUESDAY]


def test_run_takes_universes(folder):
    pl.DataFrame({"ListingId": [1], "InstrumentId": [1]}).write_parquet(folder / "data/reference.parquet")
    file = folder / "pipeline.toml"
    universes = '[universes.one]\nwhere = "ListingId = 1"\n[universes.others]\nwhere = "ListingId > 1"\n'
    file.write_text(file.read_text() + universes)
    result = basalt.run("pipeline.toml", universes=["one"], dates=[MONDAY])
    assert [(p.universe, p.date) for p in result.published] == [("one", MONDAY)]
    with pytest.raises(UserError, match="there is no universe 'two'"):
        basalt.run("pipeline.toml", universes=["two"])


def test_run_takes_dates_as_text(folder):
    result = basalt.run("pipeline.toml", dates=["2026-01-06"])
    assert [p.date for p in result.published] == [TUESDAY]


@pytest.mark.parametrize(
    ("dates", "said"),
    [
        ("2026-01-06", r"dates is '2026-01-06', a single one: put it in a list, as \['2026-01-06'\]"),
        (TUESDAY, r"dates is datetime.date\(2026, 1, 6\), a single one"),
        (["6 January"], "dates has '6 January', which is no date: give datetime.date, or text as '2026-01-05'"),
        ([datetime(2026, 1, 6)], r"dates has datetime.datetime\(2026, 1, 6, 0, 0\), which is no date"),
        ([20260106], "dates has 20260106, which is no date"),
    ],
)
def test_what_is_no_list_of_dates_is_refused(folder, dates, said):
    with pytest.raises(UserError, match=said):
        basalt.run("pipeline.toml", dates=dates)


def test_run_of_no_dates_is_refused_and_not_a_run_of_all(folder):
    with pytest.raises(UserError, match="dates is empty, which names nothing to run"):
        basalt.run("pipeline.toml", dates=[])
    assert not (folder / "out").exists()


def test_run_stops_at_the_first_failure_where_asked_and_keeps_errors_with_their_causes(folder):
    """Monday's label is found while it is read; Tuesday is not started. The error is the one that was raised."""
    for day, side in (("05", "buy"), ("06", "Buy")):
        file = folder / f"data/trades/date=2026-01-{day}/part.parquet"
        pl.read_parquet(file).with_columns(AggressorSide=pl.lit(side)).write_parquet(file)
    buys = 'passes.bars.modules=[{module = "trade", generic = [{measures = ["Volume"], sides = ["Buy"]}]}]'
    result = basalt.run("pipeline.toml", overrides=[buys], fail_fast=True)
    assert [(f.date, f.tried) for f in result.failed] == [(MONDAY, True), (TUESDAY, False)]
    assert [(str(at), str(error)) for at, error in result.errors.items()] == [
        (str(f.date), f.error) for f in result.failed
    ]
    first = next(iter(result.errors.values()))
    assert first.__traceback__ is not None
    assert result.exit_code == 1


def test_run_goes_on_after_a_partition_that_fails(folder):
    """A label that AggressorSide does not have is found only when Monday's rows are read."""
    file = folder / "data/trades/date=2026-01-05/part.parquet"
    TWO.with_columns(AggressorSide=pl.lit("buy")).write_parquet(file)
    tuesday = folder / "data/trades/date=2026-01-06/part.parquet"
    pl.read_parquet(tuesday).with_columns(AggressorSide=pl.lit("Buy")).write_parquet(tuesday)
    buys = 'passes.bars.modules=[{module = "trade", generic = [{measures = ["Volume"], sides = ["Buy"]}]}]'
    result = basalt.run("pipeline.toml", overrides=[buys])
    assert [(f.date, "table 'trades' cannot be read" in f.error) for f in result.failed] == [(MONDAY, True)]
    assert result.scan("bars").select("TradeBuyVolume").collect()["TradeBuyVolume"].to_list() == [7.0]


def test_run_refuses_what_planning_refuses(folder):
    with pytest.raises(UserError, match="has no data for 2026-01-09; it has 2 dates from 2026-01-05 to 2026-01-06"):
        basalt.run("pipeline.toml", dates=[date(2026, 1, 9)])
    with pytest.raises(UserError, match="there is no analytics module 'trad'; did you mean 'trade'"):
        basalt.run("pipeline.toml", overrides=['passes.bars.modules=[{module = "trad"}]'])
    assert not (folder / "out").exists()
    assert not (folder / ".basalt").exists()


def test_a_desk_plugin_file_named_by_the_pipeline_is_loaded(folder):
    (folder / "desk.py").write_text(
        "import polars as pl\nfrom basalt import Metric, Unit, analytic\n\n"
        '@analytic("trades")\ndef desk_clip():\n    """Clips."""\n'
        '    yield Metric("DeskClip", pl.col("Size").max(), Unit.SHARES, doc="Largest size.")\n'
    )
    overrides = ['plugins.files=["desk.py"]', 'passes.bars.modules=[{module = "desk_clip"}]']
    result = basalt.run("pipeline.toml", dates=[MONDAY], overrides=overrides)
    assert result.scan("bars").select("DeskClip").collect()["DeskClip"].to_list() == [15.0]


def test_the_face_is_short_and_lists_its_names():
    assert len(basalt.__all__) <= 20
    assert dir(basalt) == sorted(basalt.__all__)
    with pytest.raises(AttributeError, match="module 'basalt' has no attribute 'computed'"):
        _ = basalt.computed
