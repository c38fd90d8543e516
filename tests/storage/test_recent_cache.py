"""Recent values: bounded, built once, safe for threads, forks and pickles."""

import os
import pickle
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from syndr_curate.curate.storage.recent_cache import RecentCache


def test_the_least_recently_used_value_goes_when_the_weight_is_over_the_capacity():
    cache = RecentCache(10, len)
    built = []

    def get(key, length):
        def build():
            built.append(key)
            return "x" * length

        return cache.get((key,), build)

    get("a", 4), get("b", 4), get("a", 4)
    get("c", 4)  # 12 > 10: b goes, which was used before a
    get("a", 4), get("b", 4)
    assert built == ["a", "b", "c", "b"]


def test_one_value_above_the_capacity_is_kept_until_the_next():
    cache = RecentCache(10, len)
    assert cache.get(("large",), lambda: "x" * 99) == "x" * 99
    assert cache.get(("large",), lambda: "other") == "x" * 99
    cache.get(("small",), lambda: "s")
    assert cache.get(("large",), lambda: "other") == "other"


def test_without_keep_last_nothing_above_the_capacity_is_kept():
    cache = RecentCache(10, len, keep_last=False)
    cache.get(("small",), lambda: "s")
    assert cache.get(("large",), lambda: "x" * 99) == "x" * 99
    assert cache.get(("large",), lambda: "other") == "other"


def test_a_pickled_copy_starts_empty():
    cache = RecentCache(10, len)
    cache.get(("a",), lambda: "here")
    assert pickle.loads(pickle.dumps(cache)).get(("a",), lambda: "there") == "there"
    assert cache.get(("a",), lambda: "other") == "here"


def test_what_fails_to_build_is_built_by_the_next():
    cache = RecentCache(10, len)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            cache.get(("a",), lambda: str(1 // 0))
    assert cache.get(("a",), lambda: "fine") == "fine"


def test_threads_that_ask_at_once_build_once():
    cache = RecentCache(10, len)
    built = []
    gate = threading.Barrier(8)

    def build():
        time.sleep(0.05)  # long enough for the others to ask
        built.append(1)
        return "value"

    def ask(_):
        gate.wait()
        return cache.get(("a",), build)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(8))) == ["value"] * 8
    assert built == [1]


def test_a_fork_in_the_middle_of_building_does_not_hang_the_child():
    cache = RecentCache(10, len)
    building, finish = threading.Event(), threading.Event()

    def build():
        building.set()
        finish.wait(60)
        return "parent's"

    thread = threading.Thread(target=cache.get, args=(("a",), build))
    thread.start()
    building.wait(60)
    child = os.fork()
    if child == 0:
        signal.alarm(20)  # a child that waits for ever is killed
        os._exit(0 if cache.get(("a",), lambda: "child's") == "child's" else 1)
    status = os.waitpid(child, 0)[1]
    finish.set()
    thread.join()
    assert status == 0
    assert cache.get(("a",), lambda: "other") == "parent's"
