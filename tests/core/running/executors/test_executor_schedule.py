"""What is started when, what is run again, what is given up: the same for every executor."""

from datetime import date, timedelta
from types import SimpleNamespace

import attrs
import pytest
from partition_work import Scripted, day, tasks

import basalt.plugin
from basalt import hookimpl
from basalt.config.model import ExecutorEntry, PipelineConfig, SourceEntry
from basalt.errors import BasaltError, CheckError, DataError, PluginError, UserError
from basalt.planning.partitions import Partition
from basalt.plugins.registry import Registry
from basalt.running.attempts import Failure, WorkerLost, lost
from basalt.running.dask import Dask
from basalt.running.events import BatchComputed, Noted, PassComputed
from basalt.running.executors import Task, open_executor, processes_for
from basalt.running.inline import Inline
from basalt.running.processes import Processes
from basalt.running.schedule import Schedule


def run_inline(work, todo, retries=0, fail_fast=False):
    told = []
    done = list(Inline(None, None, retries, fail_fast).run(work, todo, told.append))
    return done, told


def days_of(done):
    return [one.partition.date.day for one in done]


def schedule(todo, retries=0, fail_fast=False, at_once=1):
    told = []
    return Schedule(todo, retries, fail_fast, told.append, at_once), told


def test_inline_runs_in_the_order_of_the_tasks_and_in_this_process(tmp_path):
    work = Scripted(tmp_path)
    done, told = run_inline(work, tasks(3, 1, 2))
    assert days_of(done) == [3, 1, 2]
    assert [(one.error, one.attempts) for one in done] == [(None, 1)] * 3
    assert [event.date.day for event in told] == [3, 3, 3, 1, 1, 1, 2, 2, 2]
    assert [seen["share"] for seen in work.attempts(day(1))] == [1.0]


def test_no_tasks_are_nothing_to_do(tmp_path):
    for made in (Inline, Processes, Dask):
        assert list(made(made.Config(), None, 0, False).run(Scripted(tmp_path), [], print)) == []


def test_a_partition_waits_for_those_it_reads(tmp_path):
    """5 reads 4, 4 reads 3: listed first, started last; 9 is no partition of the run, so nothing waits for it."""
    todo = [
        Task(day(5), frozenset([day(4)])),
        Task(day(4), frozenset([day(3), day(9)])),
        Task(day(2), frozenset([day(9)])),
        Task(day(3)),
    ]
    done, _ = run_inline(Scripted(tmp_path), todo)
    assert days_of(done) == [2, 3, 4, 5]


def test_only_what_is_ready_is_handed_out():
    made, _ = schedule(tasks(1, 2, 3, chained=True))
    first = made.take()
    assert (first.partition, made.take()) == (day(1), None)
    assert days_of(made.finish(first, None)) == [1]
    assert made.take().partition == day(2)
    assert made.take() is None


def test_what_reads_a_failed_date_is_given_up_with_its_name_and_exit_code(tmp_path):
    """2 fails its check (4): 3 reads it and 4 reads 3; 1 and 5 read neither."""
    todo = [*tasks(1), *tasks(2, 3, 4, chained=True), *tasks(5)]
    done, _ = run_inline(Scripted(tmp_path, {2: ["check"]}), todo)
    assert {one.partition.date.day: one.attempts for one in done} == {1: 1, 2: 1, 3: 0, 4: 0, 5: 1}
    said = {one.partition.date.day: one.error for one in done if one.error}
    assert str(said[3]) == (
        "2026-01-03 was not started: it reads 2026-01-02, which failed; run it again once that is mended"
    )
    assert "it reads 2026-01-03, which was not started either" in str(said[4])
    assert [said[n].exit_code for n in (2, 3, 4)] == [4, 4, 4]


def test_what_reads_a_failed_date_goes_on_where_what_it_reads_was_published():
    """1 stopped behind what 2 reads of it, also when the error came from another process; 3 reads 2."""
    made, _ = schedule(tasks(1, 2, 3, chained=True))
    error = CheckError("too many nulls in the last pass")
    error.readable = True
    (one,) = made.finish(made.take(), Failure.of(error).error())
    assert (one.partition, one.error.exit_code) == (day(1), 4)
    assert [done.error for done in made.finish(made.take(), None)] == [None]
    assert made.take().partition == day(3)


def test_a_long_chain_is_given_up_whole():
    chain = [Partition(date(2020, 1, 1) + timedelta(n)) for n in range(3000)]
    made, _ = schedule([Task(p, frozenset(chain[max(0, i - 1) : i])) for i, p in enumerate(chain)])
    done = list(made.finish(made.take(), DataError("gone")))
    assert [one.partition for one in done] == chain
    assert list(made.rest()) == []


def test_partitions_that_wait_for_each_other_end_in_errors():
    made, _ = schedule([Task(day(1), frozenset([day(2)])), Task(day(2), frozenset([day(1)])), Task(day(3))])
    assert days_of(made.finish(made.take(), None)) == [3]
    assert made.take() is None
    assert [str(one.error) for one in made.rest()] == [
        "2026-01-01 was not started: it waits for 2026-01-02, which waits for it; run it again once that is mended",
        "2026-01-02 was not started: it waits for 2026-01-01, which waits for it; run it again once that is mended",
    ]


def test_a_failed_partition_is_run_again_at_once_up_to_retries_times(tmp_path):
    """1 fails twice and 3 always; with 2 retries 1 is done at the third attempt, 3 fails after as many."""
    work = Scripted(tmp_path, {1: ["data", "publish", "done"], 3: ["data"]})
    done, told = run_inline(work, tasks(1, 2, 3), retries=2)
    assert [(one.partition.date.day, one.attempts, one.error and str(one.error)) for one in done] == [
        (1, 3, None),
        (2, 1, None),
        (3, 3, "a corrupt file"),
    ]
    assert [event.what for event in told if isinstance(event, Noted) and event.date.day == 1] == [
        "a corrupt file; run again, 1 of 2 retries",
        "no space left; run again, 2 of 2 retries",
    ]


@pytest.mark.parametrize(("play", "kind"), [("user", UserError), ("check", CheckError), ("plugin", PluginError)])
def test_what_would_fail_alike_is_not_run_again(tmp_path, play, kind):
    done, _ = run_inline(Scripted(tmp_path, {1: [play]}), tasks(1), retries=3)
    assert (type(done[0].error), done[0].attempts) == (kind, 1)


@pytest.mark.parametrize(("play", "said"), [("value", "ValueError: 3 is no price"), ("exit", "SystemExit: leaving")])
def test_what_nobody_expected_is_told_in_a_sentence_and_run_again(tmp_path, play, said):
    done, _ = run_inline(Scripted(tmp_path, {1: [play]}), tasks(1, 2), retries=1)
    assert [one.attempts for one in done] == [2, 1]
    assert type(done[0].error) is BasaltError
    assert str(done[0].error) == f"2026-01-01 broke with {said}; see the trace with --debug"
    assert type(done[0].error.__cause__).__name__ == said.partition(":")[0]


def test_failing_fast_starts_nothing_more(tmp_path):
    done, _ = run_inline(Scripted(tmp_path, {2: ["check"]}), tasks(1, 2, 3, 4), fail_fast=True)
    assert [(one.partition.date.day, one.attempts) for one in done] == [(1, 1), (2, 1), (3, 0), (4, 0)]
    assert str(done[2].error) == (
        "2026-01-03 was not started: the run stops at the first failure, and 2026-01-02 failed; "
        "run it again once that is mended"
    )
    assert {one.error.exit_code for one in done if one.error} == {4}
    assert not (tmp_path / "2026-01-03.0").exists()


def test_failing_fast_lets_what_runs_end_and_runs_nothing_again():
    """1 fails; 2, which ran beside it, fails too and is not run again; 3, which was to be, ends with its own error."""
    made, _ = schedule(tasks(1, 2, 3, 4), retries=1, fail_fast=True, at_once=3)
    first, second, third = made.take(), made.take(), made.take()
    assert list(made.finish(third, DataError("late file"))) == []
    assert days_of(made.finish(first, UserError("no"))) == [1]
    assert [(one.attempts, str(one.error)) for one in made.finish(second, DataError("bad file"))] == [(1, "bad file")]
    assert made.take() is None
    assert [(one.partition, one.attempts, str(one.error)[:40]) for one in made.rest()] == [
        (day(3), 1, "late file"),
        (day(4), 0, "2026-01-04 was not started: the run stop"),
    ]


def test_a_lost_worker_is_given_half_the_memory_once():
    """Two at once: 1/2 of the memory each, then 1/4; a DataError in between is a retry of its own."""
    made, told = schedule(tasks(1), retries=1, at_once=2)
    first = made.take()
    assert list(made.finish(first, lost(first, "it was killed", None))) == []
    second = made.take()
    assert list(made.finish(second, DataError("late file"))) == []
    third = made.take()
    assert [(a.number, a.share) for a in (first, second, third)] == [(1, 0.5), (2, 0.25), (3, 0.25)]
    (done,) = made.finish(third, lost(third, "it was killed", None))
    assert (type(done.error), done.attempts) == (WorkerLost, 3)
    assert str(done.error) == (
        "2026-01-01 lost its worker before a batch was computed: it was killed; it was lost before, with twice the "
        "memory: lower `memory` or `workers`, or find in the system's log what stops it"
    )
    assert told[0].what == (
        "2026-01-01 lost its worker before a batch was computed: it was killed; run again with half the memory"
    )


def test_a_lost_worker_is_told_with_its_partition_and_batch():
    made, _ = schedule([Task(Partition(date(2026, 1, 1), "xlon"))])
    batch = BatchComputed("bars", date(2026, 1, 1), "xlon", 3, 1, 1, 1, 2, 0.0, 0)
    whole = PassComputed("bars", date(2026, 1, 1), "xlon", 4, 1, 1, 0.0, 0)
    where = "2026-01-01 xlon lost its worker after"
    attempt = made.take()
    assert str(lost(attempt, "why", batch)) == f"{where} batch 3 of pass 'bars': why"
    assert str(lost(attempt, "why", whole)) == f"{where} pass 'bars' was computed: why"


def test_an_error_crosses_processes_with_type_message_exit_code_and_trace():
    class Odd(CheckError):
        def __init__(self, column, limit):
            super().__init__(f"{column} above {limit}")
            self.exit_code = 9

    def raised():
        try:
            try:
                raise ValueError("3 is no price")
            except ValueError as error:
                raise Odd("Spread", 5) from error
        except Odd as error:
            return Failure.of(error)

    error = raised().error()
    assert (type(error), str(error), error.exit_code) == (CheckError, "Spread above 5", 9)
    assert "ValueError: 3 is no price" in str(error.__cause__)
    assert "in raised" in str(error.__cause__)


def test_one_process_a_core_and_no_more_than_partitions():
    assert processes_for(None, tasks(1)) == 1
    assert processes_for(3, tasks(1, 2)) == 2
    assert processes_for(3, tasks(1, 2, 3, 4)) == 3


def configured(executor, **more):
    registry = Registry.of({"basalt-core": basalt.plugin, "acme": SimpleNamespace(basalt_executors=hookimpl(acme))})
    config = PipelineConfig(name="desk", source=SourceEntry(type="parquet"), passes=[], executor=executor, **more)
    return open_executor(config, registry)


def acme():
    @attrs.frozen
    class Options:
        queue: str = "short"

    @attrs.frozen
    class Greedy:
        type: str = "x"

    def made(label, config_class):
        def init(self, *given):
            self.given = given

        return type(label, (), {"name": label, "Config": config_class, "__init__": init})

    return [made("grid", Options), made("greedy", Greedy)]


def test_an_executor_is_a_name_or_a_table_with_options():
    assert type(configured("processes", workers=2)) is Processes
    assert type(configured(ExecutorEntry(type="dask", options={"address": "tcp://127.0.0.1:1"}))) is Dask
    options, workers, retries, fail_fast = configured(
        ExecutorEntry(type="grid", options={"queue": "long"}), retries=2
    ).given
    assert (options.queue, workers, retries, fail_fast) == ("long", None, 2, False)


@pytest.mark.parametrize(
    ("executor", "more", "kind", "said"),
    [
        ("dusk", {}, UserError, "there is no executor 'dusk'; did you mean 'dask'?"),
        (ExecutorEntry(type="processes", options={"threads": 2}), {}, UserError, "executor.threads"),
        (ExecutorEntry(type="dask", options={"adress": "x"}), {}, UserError, "did you mean 'address'?"),
        ("processes", {"workers": 0}, UserError, "workers is 0: give 1 or more"),
        ("inline", {"retries": -1}, UserError, "retries is -1: give 0 or more"),
        ("inline", {"workers": 4}, UserError, "runs one partition at a time and workers is 4"),
        ("greedy", {}, PluginError, r"executor greedy \(acme.*\): its Config declares 'type', which belongs to"),
    ],
)
def test_what_cannot_run_is_refused_while_planning(executor, more, kind, said):
    with pytest.raises(kind, match=said):
        configured(executor, **more)
