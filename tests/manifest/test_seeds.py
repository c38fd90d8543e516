"""Streams and draws that depend on what they are for, and on nothing else."""

import hashlib
import subprocess
import sys
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from syndr_curate.curate.manifest.seeds import digest_ids, row_seed, stream_seed, uniform_draw

IDS = [f"r{k}" for k in range(10)]


def test_seeds_never_change_from_one_release_to_the_next():
    assert stream_seed(123, "I01", 1, 1) == 1727320736000153492
    assert stream_seed(123, "I01", 25, 5) == 172621456236371467
    assert stream_seed(-1, "ü", 3, 2) == 3380020812442213917
    assert row_seed(stream_seed(123, "I01", 1, 1)) == 1686836656250149  # 1727320736000153492 // 1024


def test_a_seed_is_the_top_63_bits_of_a_framed_hash():
    parts = ["render", "7", "ab", "3", "5"]
    framed = b"".join(len(part).to_bytes(4, "big") + part.encode() for part in parts)
    expected = int.from_bytes(hashlib.blake2b(framed, digest_size=8).digest(), "big") >> 1
    assert stream_seed(7, "ab", 3, 5) == expected


@given(st.integers(), st.text(st.characters(codec="utf-8")), st.integers(1, 25), st.integers(1, 5))
def test_the_seed_of_a_row_survives_a_float64(seed, reference, distortion, level):
    stream = stream_seed(seed, reference, distortion, level)
    assert 0 <= stream < 2**63
    assert 0 <= row_seed(stream) < 2**53
    assert int(float(row_seed(stream))) == row_seed(stream)


def test_every_part_of_the_key_counts_and_none_runs_into_the_next():
    keys = [(1, "a", 1, 1), (2, "a", 1, 1), (1, "b", 1, 1), (1, "a", 2, 1), (1, "a", 1, 2), (11, "a", 1, 1),
            (1, "1a", 1, 1), (1, "a1", 1, 1), (1, "a", 11, 1), (1, "", 1, 1)]  # fmt: skip
    assert len({stream_seed(*key) for key in keys}) == len(keys)


def test_all_seeds_of_a_large_set_differ():
    cells = [(f"r{k}", kind, level) for k in range(100) for kind in range(1, 26) for level in range(1, 6)]
    seeds = {row_seed(stream_seed(123, *cell)) for cell in cells}
    assert len(seeds) == 12_500


def test_a_draw_never_changes_from_one_release_to_the_next():
    assert uniform_draw(IDS, 3, 123, 0) == {"r0", "r1", "r7"}


@given(st.permutations(IDS), st.integers(0, 12))
def test_a_draw_depends_on_the_set_of_ids_not_on_its_order(order, count):
    drawn = uniform_draw(order, count, 123, 1)
    assert drawn == uniform_draw(IDS, count, 123, 1)
    assert len(drawn) == min(count, len(IDS))
    assert drawn <= set(IDS)


def test_a_smaller_draw_is_part_of_a_larger_one():
    assert uniform_draw(IDS, 3, 5) < uniform_draw(IDS, 7, 5)


def test_another_context_draws_again():
    assert len({frozenset(uniform_draw(IDS, 5, 123, epoch)) for epoch in range(20)}) > 15


def test_each_id_is_drawn_as_often_as_any_other():
    counts = Counter(name for trial in range(4000) for name in uniform_draw(IDS, 3, trial))
    # 4000 draws of 3 of 10: 1200 each, with a standard deviation of sqrt(4000 * 0.3 * 0.7) = 29
    assert all(abs(counts[name] - 1200) < 5 * 29 for name in IDS)


@given(st.permutations(IDS))
def test_a_digest_of_ids_is_one_in_any_order(order):
    assert digest_ids(order) == digest_ids(IDS)


def test_a_digest_of_ids_differs_between_sets():
    assert digest_ids(["b", "a"]) == "51f0df627eafec87293cace2af5bdf2a"
    assert len({digest_ids(ids) for ids in (["ab"], ["a", "b"], ["a"], [], [""])}) == 5


@pytest.mark.parametrize("hash_seed", ["0", "1"])
def test_pythons_own_hash_seed_does_not_matter(hash_seed):
    code = (
        "from syndr_curate.curate.manifest.seeds import *\n"
        "print(stream_seed(123, 'I01', 1, 1), sorted(uniform_draw([f'r{k}' for k in range(10)], 3, 123, 0)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONHASHSEED": hash_seed}, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "1727320736000153492 ['r0', 'r1', 'r7']"
