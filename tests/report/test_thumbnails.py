"""Small pictures: within their budget, in order of importance, with a reason where there is none."""

import base64
import io

import numpy as np
import pytest
from PIL import Image
from syndr_curate.curate.report.thumbnails import Wanted, make_thumbnails, picture_budget, thumbnail
from syndr_curate.curate.storage.images import UnreadableImageError


def unreadable():
    raise UnreadableImageError("the file is empty")


@pytest.fixture
def wanted(photograph):
    asked = Wanted()
    for seed in range(6):
        asked.add(f"p{seed}", lambda seed=seed: photograph(seed))
    asked.add("bad", unreadable)
    return asked


def test_a_picture_is_scaled_to_its_longer_side():
    image = Image.open(
        io.BytesIO(base64.b64decode(thumbnail(np.zeros((200, 400, 3), np.uint8), 100).partition(",")[2]))
    )
    assert (image.format, image.size) == ("WEBP", (100, 50))


def test_a_small_picture_keeps_its_size_and_colors():
    red = np.zeros((8, 10, 3), np.uint8)
    red[..., 0] = 200
    image = Image.open(io.BytesIO(base64.b64decode(thumbnail(red).partition(",")[2]))).convert("RGB")
    assert image.size == (10, 8)
    assert np.abs(np.asarray(image).astype(int) - [200, 0, 0]).max() < 12


def test_a_picture_is_large_where_it_is_asked_for_so(photograph):
    wanted = Wanted()
    for key, large in (("small", False), ("large", True)):
        wanted.add(key, lambda: photograph(0, 200, 400), large=large)
    wanted.add("small", lambda: photograph(0, 200, 400), large=True)  # was asked for before
    made = make_thumbnails(wanted, count=2).data
    sizes = {key: Image.open(io.BytesIO(base64.b64decode(text.partition(",")[2]))).size for key, text in made.items()}
    assert sizes == {"small": (112, 56), "large": (256, 128)}


def test_what_cannot_be_read_says_why(wanted):
    pictures = make_thumbnails(wanted, count=10)
    assert list(pictures.data) == [f"p{i}" for i in range(6)]
    assert pictures.missing == {"bad": "the file cannot be read: the file is empty"}
    assert pictures.left_out == 0


def test_the_first_ones_are_made_and_the_rest_counted(wanted):
    assert list(make_thumbnails(wanted, count=2).data) == ["p0", "p1"]
    assert make_thumbnails(wanted, count=2).left_out == 5


def test_the_budget_holds_and_is_the_same_whatever_the_workers(wanted):
    sizes = [len(text) for text in make_thumbnails(wanted, count=10).data.values()]
    budget = sizes[0] + sizes[1] + sizes[2] // 2
    alone, several = (make_thumbnails(wanted, count=10, budget=budget, workers=n) for n in (1, 3))
    assert list(alone.data) == ["p0", "p1"]
    assert alone == several


def test_a_picture_is_made_once(wanted):
    wanted.add("p0", unreadable)
    assert "p0" in make_thumbnails(wanted, count=1).data


def test_long_names_take_room_from_pictures_not_from_the_limit():
    assert picture_budget(1_000_000) == 2_600_000
    assert picture_budget(4_000_000) == 1_000_000
    assert picture_budget(9_000_000) == 0
