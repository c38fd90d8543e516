"""Bounded, ordered work on threads."""

import threading
import time

import pytest
from syndr_curate.curate.runs.progress import SILENT
from syndr_curate.curate.runs.threads import IN_FLIGHT_PER_WORKER, cores, ordered_map


@pytest.mark.parametrize("workers", [1, 2, 5, None])
def test_results_come_in_the_order_of_the_items(workers):
    def slow_first(number):
        time.sleep(0.02 if number == 0 else 0)
        return number * number

    assert list(ordered_map(slow_first, range(30), workers)) == [n * n for n in range(30)]
    assert list(ordered_map(slow_first, [], workers)) == []


@pytest.mark.parametrize("workers", [1, 3])
def test_an_error_is_raised_at_its_items_turn(workers):
    def fail_at_4(number):
        if number == 4:
            raise KeyError("four")
        return number

    results = ordered_map(fail_at_4, range(100), workers)
    assert [next(results) for _ in range(4)] == [0, 1, 2, 3]
    with pytest.raises(KeyError, match="four"):
        next(results)


def test_items_are_read_only_as_far_as_workers_can_take_them():
    read = []

    def items():
        for number in range(1000):
            read.append(number)
            yield number

    results = ordered_map(lambda number: number, items(), 2)
    next(results)
    assert len(read) <= 2 * IN_FLIGHT_PER_WORKER
    results.close()
    assert len(read) <= 2 * IN_FLIGHT_PER_WORKER


def test_one_worker_stays_in_the_callers_thread():
    assert set(ordered_map(lambda _: threading.get_ident(), range(3), 1)) == {threading.get_ident()}


def test_several_workers_do_work_at_once():
    barrier = threading.Barrier(2, timeout=10)
    assert sorted(ordered_map(lambda _: barrier.wait(), range(2), 2)) == [0, 1]


def test_stopping_early_waits_for_what_is_under_way_and_starts_nothing_more():
    done = []

    def work(number):
        time.sleep(0.01)
        done.append(number)
        return number

    results = ordered_map(work, range(100), 2)
    next(results)
    results.close()
    count = len(done)
    time.sleep(0.05)
    assert len(done) == count < 20


def test_there_is_at_least_one_worker():
    assert cores() >= 1


def test_the_silent_reporter_says_nothing(capsys):
    with SILENT.task("work", 3) as task:
        task.advance()
        task.advance(2, failed=1)
    SILENT.note("something")
    assert capsys.readouterr() == ("", "")
