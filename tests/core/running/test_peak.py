"""What is left of memory, what this process holds, and the most it held."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from basalt.errors import UserError
from basalt.running.peak import Peak, Sampler, available, budget, high_water, reset_high_water, resident

MB = 2**20


def held(megabytes: int) -> bytearray:
    """Memory whose every page is touched."""
    return bytearray(megabytes * MB)


def put(root: Path, **files: str) -> Path:
    """Files of the system below a folder of ours; `__` stands for `/`, a space in a name for a dot."""
    for name, text in files.items():
        file = root / name.replace("__", "/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


def group(root: Path, folder: str, **files: str) -> None:
    (root / folder).mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (root / folder / name.replace("__", ".")).write_text(text)


def machine(root: Path, groups: str) -> Path:
    """A machine with 8,000 kB left, and these lines about the process's control groups."""
    return put(root, proc__meminfo="MemTotal: 16000 kB\nMemAvailable: 8000 kB\n", proc__self__cgroup=groups)


def test_the_peak_is_what_was_held_at_most_and_not_what_is_left():
    """200 MB are held and given back inside the block: the peak has them, the process no longer does."""
    before = resident()
    with Peak() as peak:
        block = held(200)
        del block
        after = resident()
    assert 195 * MB < peak.bytes - before < 260 * MB
    assert after - before < 60 * MB


def test_a_second_block_does_not_see_the_first_ones_peak():
    with Peak() as first:
        block = held(200)
        del block
    with Peak() as second:
        pass
    assert first.bytes - second.bytes > 150 * MB


def test_a_block_has_the_peaks_of_the_blocks_inside_it_and_from_before_them():
    """The kernel's mark begins anew in each inner block: 200 MB are held before the first one, 100 MB inside it."""
    before = resident()
    with Peak() as outer:
        block = held(200)
        del block
        with Peak() as inner:
            block = held(100)
            del block
        with Peak() as idle:
            pass
    assert outer.bytes - before > 195 * MB
    assert 95 * MB < inner.bytes - before < 160 * MB
    assert idle.bytes - before < 60 * MB


def test_inside_the_block_the_peak_so_far_is_told():
    before = resident()
    with Peak() as peak:
        assert peak.bytes - before < 60 * MB
        block = held(200)
        del block
        assert peak.bytes - before > 195 * MB


def test_what_other_threads_hold_counts():
    before = resident()
    with Peak() as peak:
        worker = threading.Thread(target=held, args=(200,))
        worker.start()
        worker.join()
    assert peak.bytes - before > 195 * MB


def test_the_peak_of_a_block_that_raises_is_known():
    before = resident()
    peak = Peak()

    def failing() -> None:
        with peak:
            held(200)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        failing()
    assert peak.bytes - before > 195 * MB


def test_samples_see_what_is_held_for_a_while():
    """Where the kernel's mark may not be reset: 200 MB are held until a sample was surely taken."""
    before = resident()
    sampler = Sampler()
    block = held(200)
    threading.Event().wait(0.2)
    del block
    assert sampler.stop() - before > 195 * MB


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's mark is Linux's")
def test_the_kernels_mark_begins_anew_where_it_is_reset():
    block = held(200)
    del block
    assert reset_high_water()
    assert high_water() - resident() < 20 * MB


def test_memory_of_the_machine_is_what_is_available_without_swapping(tmp_path):
    assert available(machine(tmp_path, "")) == 8_000 * 1024


def test_a_container_has_what_its_group_leaves(tmp_path):
    """Version 2: limit 5,000,000, of which 2,000,000 are used, and of these 500,000 are cache that gives way:
    5,000,000 − (2,000,000 − 500,000) = 3,500,000."""
    root = machine(tmp_path, "0::/\n")
    group(root, "sys/fs/cgroup", memory__max="5000000\n", memory__current="2000000\n")
    group(root, "sys/fs/cgroup", memory__stat="anon 1500000\ninactive_file 500000\n")
    assert available(root) == 3_500_000


def test_the_tightest_group_on_the_way_up_counts(tmp_path):
    """The job's own group has no limit; the batch queue's above it leaves 4,000,000 − 1,000,000."""
    root = machine(tmp_path, "0::/queue/job\n")
    group(root, "sys/fs/cgroup/queue/job", memory__max="max\n", memory__current="900000\n")
    group(root, "sys/fs/cgroup/queue", memory__max="4000000\n", memory__current="1000000\n")
    assert available(root) == 3_000_000


def test_a_group_that_is_throttled_before_its_limit_counts_from_there(tmp_path):
    root = machine(tmp_path, "0::/job\n")
    group(root, "sys/fs/cgroup/job", memory__max="6000000\n", memory__high="2500000\n", memory__current="500000\n")
    assert available(root) == 2_000_000


def test_control_groups_of_version_one(tmp_path):
    root = machine(tmp_path, "9:cpu,cpuacct:/job\n4:memory:/job\n0::/\n")
    group(root, "sys/fs/cgroup/memory/job", memory__limit_in_bytes="3000000\n")
    group(root, "sys/fs/cgroup/memory/job", memory__usage_in_bytes="1000000\n")
    group(root, "sys/fs/cgroup/memory/job", memory__stat="total_inactive_file 400000\n")
    assert available(root) == 2_400_000


def test_a_group_named_from_outside_the_container_is_the_mount_itself(tmp_path):
    """The path is the host's; below the mount there is no such folder, and the mount is the container's group."""
    root = machine(tmp_path, "0::/system.slice/docker-0123.scope\n")
    group(root, "sys/fs/cgroup", memory__max="2000000\n", memory__current="500000\n")
    assert available(root) == 1_500_000


def test_a_limit_above_what_the_machine_has_does_not_count(tmp_path):
    root = machine(tmp_path, "0::/\n")
    group(root, "sys/fs/cgroup", memory__max="9223372036854771712\n", memory__current="500000\n")
    assert available(root) == 8_000 * 1024


def test_a_group_over_its_limit_leaves_nothing_and_not_less(tmp_path):
    root = machine(tmp_path, "0::/\n")
    group(root, "sys/fs/cgroup", memory__max="2000000\n", memory__current="2500000\n")
    assert available(root) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="what the system tells differs")
def test_where_nothing_tells_what_is_left_half_of_the_memory_is(tmp_path):
    assert available(tmp_path) == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2


def test_this_machine_has_memory_left():
    assert 0 < available() < 2**50


@pytest.mark.skipif(sys.platform != "linux", reason="limits the address space")
def test_the_memory_held_is_that_of_the_process():
    """A fresh interpreter holds some megabytes; with 100 more it holds 100 more."""
    code = (
        "from basalt.running.peak import resident; a = resident(); b = bytearray(100 * 2**20);print(a, resident() - a)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    own, more = map(int, done.stdout.split())
    assert 2 * MB < own < 200 * MB
    assert 99 * MB < more < 110 * MB


def test_a_budget_is_as_the_run_says():
    assert budget("4GB") == 4 * 10**9
    assert budget("1GiB") == 2**30
    with pytest.raises(UserError, match="'much' is no amount of memory"):
        budget("much")


def test_a_budget_that_nobody_sets_is_most_of_what_is_left():
    """60 % of what is left, which changes by the moment, so within a fifth."""
    expected = 0.6 * available()
    assert abs(budget(None) - expected) < 0.2 * expected
