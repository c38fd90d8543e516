"""What reading a mapped file took is given back, and nothing else is touched."""

import mmap
import re
from pathlib import Path

import numpy as np
import pytest
from syndr_curate.curate.storage.mapped_pages import give_back_pages

pytestmark = pytest.mark.skipif(
    not hasattr(mmap, "MADV_DONTNEED") or not Path("/proc/self/smaps").exists(), reason="needs Linux"
)


def resident(path):
    """Kilobytes of a mapped file that are in this process's memory."""
    text = Path("/proc/self/smaps").read_text()
    return sum(int(size) for size in re.findall(rf"{re.escape(str(path))}\n(?:.*\n)*?Rss: +(\d+)", text))


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "features.npy"
    np.save(path, np.arange(1_000_000, dtype=np.float32).reshape(-1, 100))
    return path


def test_pages_of_a_map_are_given_back_and_read_again(file):
    matrix = np.load(file, mmap_mode="r")
    total = matrix.sum()
    assert resident(file) > 3500
    give_back_pages(matrix[::2][5:])
    assert resident(file) < 100
    assert matrix.sum() == total


def test_what_was_written_into_a_private_map_stays(file):
    matrix = np.load(file, mmap_mode="c")
    matrix[0, 0] = -7
    give_back_pages(matrix)
    assert matrix[0, 0] == -7


def test_an_array_in_memory_is_left_alone():
    array = np.ones((3, 2))
    give_back_pages(array.T[1:])
    assert array.sum() == 6
