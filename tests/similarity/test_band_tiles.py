"""Tiles of a band: every pair once, and no list of them however many there are."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syndr_curate.curate.similarity import threshold_components
from syndr_curate.curate.similarity.band_tiles import BandTiles, TileRange
from syndr_curate.curate.similarity.label_band import Band, label_band

MEBIBYTE = 2**20


def band_of(reach):
    return Band(order=np.arange(len(reach)), reach=np.array(reach, dtype=np.int64))


def test_tiles_follow_one_another_row_by_row_up_to_the_reach_of_the_last_row():
    tiles = BandTiles(band_of([3, 3, 5, 7, 7, 7, 7]), 2, aspect=1)
    assert list(tiles) == [
        TileRange(0, 2, 0, 2),
        TileRange(0, 2, 2, 3),  # no row of this tile reaches beyond position 2
        TileRange(2, 4, 2, 4),
        TileRange(2, 4, 4, 6),
        TileRange(2, 4, 6, 7),
        TileRange(4, 6, 4, 6),
        TileRange(4, 6, 6, 7),
        TileRange(6, 7, 6, 7),
    ]
    assert [tiles[number] for number in range(len(tiles))] == list(tiles)


def test_no_rows_have_no_tiles_and_a_tile_beyond_the_last_is_an_error():
    empty = BandTiles(band_of([]))
    assert list(empty) == []
    with pytest.raises(IndexError, match="tile 0: expected 0 to -1"):
        empty[0]
    with pytest.raises(IndexError, match="tile -1: expected 0 to 0"):
        BandTiles(band_of([1]))[-1]


@settings(max_examples=60, deadline=None)
@given(
    labels=st.lists(st.integers(0, 12), min_size=0, max_size=60),
    tile_rows=st.sampled_from([None, 1, 3, 16]),
    aspect=st.sampled_from([1, 4]),
)
def test_every_pair_of_the_band_lies_in_one_tile(*, labels, tile_rows, aspect):
    band = label_band(np.array(labels, dtype=np.float32), 3.0, len(labels))
    seen = np.zeros((len(labels), len(labels)), dtype=int)
    for tile in BandTiles(band, tile_rows, aspect=aspect):
        seen[tile.top : tile.bottom, tile.left : tile.right] += 1
    assert seen.max(initial=0) <= 1
    assert all(seen[p, p + 1 : band.reach[p]].all() for p in range(len(labels)))


def test_three_hundred_million_tiles_take_one_number_per_row_of_tiles():
    band = band_of(np.full(200_000, 200_000))
    tracemalloc.start()
    tiles = BandTiles(band, 4)
    first, last = tiles[0], tiles[len(tiles) - 1]
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # the row of tiles that starts at 4r has ceil((200,000 - 4r) / 16) tiles: 12,500 rows of tiles take 4 rounds each
    assert len(tiles) == 4 * sum(range(1, 12_501))
    assert (first, last) == (TileRange(0, 4, 0, 16), TileRange(199_996, 200_000, 199_996, 200_000))
    assert held < 2 * MEBIBYTE


def peak_of_search(tile_rows, progress=None):
    """Return the most bytes that a search holds; the least of three runs."""
    peaks = []
    for _ in range(3):
        tracemalloc.start()
        threshold_components(np.ones((1000, 2), dtype=np.float32), None, tile_rows=tile_rows, progress=progress)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    return min(peaks)


def test_a_search_of_eight_thousand_tiles_holds_no_list_of_them():
    counts = []
    # beside a search of 40 tiles, since the libraries that a process has loaded take memory, too
    few = peak_of_search(64)
    many = peak_of_search(4, lambda *done: counts.append(done) if done[0] % 1000 == 0 else None)
    # the row of tiles that starts at 4r has ceil((1000 - 4r) / 16) tiles: 63, 63, then 62 to 1, four times each
    assert {total for _, total in counts} == {2 * 63 + 4 * sum(range(1, 63))}
    assert many < few + MEBIBYTE // 8  # a list of them takes a mebibyte
