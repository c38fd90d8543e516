"""Transforms that draw a distortion or a chain for a picture."""

import pickle

import numpy as np
import pytest
import torch
from PIL import Image
from syndr_curate import ChainStep, CurateError, ManifestDataset, RandomChain, RandomDistortion, distort
from syndr_curate.curate.manifest.chains.recipes import chains_of
from syndr_curate.curate.manifest.chains.settings import ChainSettings
from syndr_curate.curate.rendering.distort import run_distort
from syndr_curate.curate.storage.images import decode_image
from syndr_curate.curate.training.picture_kinds import _MODES
from syndr_curate.distortions.catalog import CAMERA, CATALOG, IDENTITY_CELLS, get
from syndr_curate.distortions.chains import apply_chain
from torch.utils.data import ConcatDataset, DataLoader, Dataset
from torchvision import tv_tensors
from torchvision.transforms import v2

from ..making import paint_cities

FAST = tuple(entry.id for entry in CATALOG if entry.name != "denoise")
BOTH = [RandomDistortion(FAST, return_chain=True), RandomChain(FAST, return_chain=True)]


@pytest.fixture
def image():
    return np.random.default_rng(3).integers(20, 220, (48, 64, 3), np.uint8)


def tensor_of(image):
    return torch.from_numpy(image.copy()).permute(2, 0, 1)


class Pictures(Dataset):
    """Ten pictures under a transform, with a key or without."""

    def __init__(self, transform, *, keyed):
        self.transform, self.keyed = transform, keyed

    def __len__(self):
        return 10

    def __getitem__(self, index):
        image = np.random.default_rng(index).integers(0, 256, (48, 64, 3), np.uint8)
        return self.transform(tensor_of(image), key=index if self.keyed else None)


@pytest.mark.parametrize("transform", BOTH, ids=["one", "chain"])
def test_a_call_says_what_it_did_and_that_gives_the_picture_again(transform, image):
    before = image.copy()
    for key in range(20):
        out, chain, level = transform(image, key=key)
        assert np.array_equal(out, apply_chain(image, chain))
        assert level == sum(step.level for step in chain) / len(chain)
    assert np.array_equal(image, before)


def test_one_distortion_is_drawn_of_the_types_and_levels_given(image):
    drawn = [RandomDistortion("1,3,11,18", "1,3").distort(image, key=key).chain for key in range(300)]
    assert {len(chain) for chain in drawn} == {1}
    cells = [(step.distortion_id, step.level) for (step,) in drawn]
    assert set(cells) == {(1, 3), (3, 3), (11, 1), (11, 3), (18, 1)}  # no identity cells
    for kind in (1, 3, 11, 18):
        assert 45 < sum(cell[0] == kind for cell in cells) < 105


def test_without_types_all_25_are_drawn():
    drawn = {step for key in range(1500) for step in cells_of(RandomDistortion()._draw(str(key)))}
    assert drawn == {(entry.id, level) for entry in CATALOG for level in range(1, 6)} - set(IDENTITY_CELLS)


def cells_of(chain):
    return [(step.distortion_id, step.level) for step in chain]


def test_a_chain_has_the_length_and_types_given():
    transform = RandomChain("all,camera", length=(3, 5), return_chain=True)
    chains = [transform._draw(str(key)) for key in range(200)]
    assert {len(chain) for chain in chains} == {3, 4, 5}
    assert {step.distortion_id for chain in chains for step in chain} == {entry.id for entry in (*CATALOG, *CAMERA)}
    for chain in chains:
        subfamilies = [get(step.distortion_id).subfamily for step in chain]
        assert len(set(subfamilies)) == len(subfamilies)
        assert "compression" not in subfamilies[:-1]


def test_a_chain_can_be_stretched_once(image):
    once = RandomChain(FAST, stretch="once").distort(image, key="a")
    each = RandomChain(FAST).distort(image, key="a")
    assert once.chain[0] == once.chain[-1] == ChainStep(0, 0.0)
    assert once.chain[1:-1] == each.chain
    assert once.level == each.level
    assert np.array_equal(once.image, apply_chain(image, once.chain))


@pytest.mark.parametrize("transform", BOTH, ids=["one", "chain"])
def test_every_kind_of_picture_comes_back_as_it_came_with_the_same_pixels(transform, image):
    expected, chain, _ = transform(image)  # without a key: the pixels decide
    assert expected.shape == image.shape
    for given in (Image.fromarray(image), tensor_of(image), tv_tensors.Image(tensor_of(image)), image[::-1][::-1]):
        out, same_chain, _ = transform(given)
        assert type(out) is type(given)
        assert same_chain == chain
        as_array = out.permute(1, 2, 0).numpy() if isinstance(out, torch.Tensor) else np.asarray(out)
        assert np.array_equal(as_array, expected)


def test_gray_pictures_and_those_with_an_alpha_channel_become_rgb(image):
    transform = RandomDistortion("gaussian_blur", "5")
    gray = np.ascontiguousarray(image[:, :, 0])
    three = np.repeat(gray[:, :, np.newaxis], 3, axis=2)
    for given, plain in (
        (gray, three),
        (Image.fromarray(gray), three),
        (Image.fromarray(gray).convert("P"), three),
        (torch.from_numpy(gray)[None], three),
        (Image.fromarray(image).convert("RGBA"), image),
        (np.dstack([image, gray]), image),
    ):
        out = transform(given)
        as_array = out.permute(1, 2, 0).numpy() if isinstance(out, torch.Tensor) else np.asarray(out)
        assert np.array_equal(as_array, distort(plain, 1, 5))


@pytest.mark.parametrize("mode", _MODES)
def test_every_mode_of_8_bits_a_channel_is_taken(mode):
    out = RandomDistortion("gaussian_blur", "5")(Image.new(mode, (64, 48)))
    assert (out.mode, out.size) == ("RGB", (64, 48))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("photo.png", "an image is a str; expected a PIL image, a uint8 array"),
        (np.zeros((48, 64, 3), np.float32), "an image must be uint8 with codes 0 to 255, not float32"),
        (np.full((48, 64, 3), None), "an image must be uint8 with codes 0 to 255, not object"),
        (np.zeros((2, 48, 64, 3), np.uint8), "an image must be H x W x 3 RGB"),
        (torch.zeros(2, 3, 48, 64, dtype=torch.uint8), r"the shape \(2, 3, 48, 64\); expected one image, \(3, H, W\)"),
        (torch.zeros(48, 64, 3, dtype=torch.uint8), r"the shape \(48, 64, 3\); expected one image"),
        (torch.zeros(3, 48, 64), "a tensor is torch.float32 on cpu; expected torch.uint8 on cpu"),
        (Image.new("I;16", (64, 48)), "an image of mode I;16 has not 8 bits a channel"),
        (Image.new("F", (64, 48)), "an image of mode F has not 8 bits a channel"),
    ],
)
def test_what_is_no_picture_is_refused(given, said):
    with pytest.raises(CurateError, match=said):
        RandomDistortion("gaussian_blur")(given)


def test_a_picture_too_small_for_what_was_drawn_is_named_by_its_key():
    small = np.arange(16 * 16 * 3, dtype=np.uint16).astype(np.uint8).reshape(16, 16, 3)
    with pytest.raises(CurateError, match=r"^'photo7': color_block:[1-5]: color_block needs an image of at least 33 x"):
        RandomDistortion("color_block")(small, key="photo7")


@pytest.mark.parametrize("transform", BOTH, ids=["one", "chain"])
def test_draws_depend_on_key_seed_and_epoch_alone(transform, image):
    twin = type(transform)(FAST, return_chain=True)
    first = transform(image, key="a").chain
    assert twin(image[:40], key="a").chain == first
    assert twin(image, key="b").chain != first
    assert type(transform)(FAST, seed=5, return_chain=True)(image, key="a").chain != first
    twin.set_epoch(1)
    assert twin(image, key="a").chain != first
    twin.set_epoch(0)
    assert twin(image, key="a").chain == first
    assert twin(image, key=7).chain == twin(image, key="7").chain == twin(image, key=np.int64(7)).chain


@pytest.mark.parametrize("transform", BOTH, ids=["one", "chain"])
def test_without_a_key_seed_epoch_and_pixels_decide(transform, image):
    twin = type(transform)(FAST, return_chain=True)
    first = transform(image).chain
    assert twin(image.copy()).chain == first
    assert twin(255 - image).chain != first
    assert twin(image[::-1]).chain != first
    twin.set_epoch(1)
    assert twin(image).chain != first
    assert type(transform)(FAST, seed=5, return_chain=True)(image).chain != first


def test_noise_without_a_key_is_another_in_every_epoch(image):
    transform, pictures = RandomDistortion("white_noise", "3"), []
    for epoch in range(3):
        transform.set_epoch(epoch)
        pictures.append(transform(image).tobytes())
    assert len(set(pictures)) == 3


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda: RandomDistortion("blurr"), "there is no distortion 'blurr'"),
        (lambda: RandomDistortion("1", "6"), "'6' is not a level"),
        (lambda: RandomDistortion("1,3", "1"), "types '1,3' at levels '1' change nothing"),
        (lambda: RandomDistortion(seed=1.5), "seed is 1.5; expected a whole number"),
        (lambda: RandomChain("1,2"), "chains of up to 4 distortions were asked for, of types of 1 families"),
        (lambda: RandomChain(length=(1, 2)), "the length of chains is 1,2"),
        (
            lambda: RandomChain(length=3),
            "the length of chains is 3; expected the fewest and the most distortions, 2 to 14",
        ),
        (lambda: RandomChain()(np.zeros((9, 9, 3), np.uint8), key="\ud800"), "key: the id .* half of a character"),
        (lambda: RandomChain(order="last"), "order of chains is 'last'"),
        (lambda: RandomChain().set_epoch(-1), "epoch is -1; expected a whole number, 0 or more"),
        (lambda: RandomChain()(np.zeros((9, 9, 3), np.uint8), key=1.5), "key is 1.5; expected a whole number"),
    ],
)
def test_what_cannot_be_drawn_is_refused(made, said):
    with pytest.raises(CurateError, match=said):
        made()


def test_in_a_list_of_transforms(image):
    steps = v2.Compose([v2.CenterCrop(40), RandomDistortion("1,2", "4,5"), v2.ToDtype(torch.float32, scale=True)])
    out = steps(tv_tensors.Image(tensor_of(image)))
    assert type(out) is tv_tensors.Image
    assert (tuple(out.shape), out.dtype) == ((3, 40, 40), torch.float32)
    assert "RandomDistortion(2 types, seed=123, epoch=0)" in repr(steps)
    assert repr(RandomChain()) == "RandomChain(2 to 4 of 25 types, seed=123, epoch=0)"


@pytest.mark.parametrize("transform", BOTH, ids=["one", "chain"])
def test_a_pickled_transform_draws_the_same(transform, image):
    again = pickle.loads(pickle.dumps(transform))
    assert np.array_equal(again(image, key="a").image, transform(image, key="a").image)


@pytest.mark.parametrize("context", ["fork", pytest.param("spawn", marks=pytest.mark.slow)])
def test_workers_give_the_pictures_of_none(context):
    transforms = [RandomDistortion(FAST), RandomChain(FAST)]
    sets = [Pictures(transform, keyed=keyed) for transform in transforms for keyed in (True, False)]
    pictures, seen = ConcatDataset(sets), []
    for epoch in (0, 1):
        for transform in transforms:
            transform.set_epoch(epoch)
        alone, shared = (
            torch.cat(list(DataLoader(pictures, batch_size=4, num_workers=workers, multiprocessing_context=how)))
            for workers, how in ((0, None), (2, context))
        )
        assert torch.equal(alone, shared)
        seen.append(alone)
    assert not torch.equal(*seen)


def test_a_manifest_dataset_takes_it(tmp_path):
    photos = paint_cities(tmp_path / "photos", ["a", "b"], side=64)
    run_distort(photos, tmp_path / "out", types=(1,), levels=(1,), recipe_only=True)
    dataset = ManifestDataset(tmp_path / "out" / "manifest.parquet", RandomDistortion("2,11", return_chain=True))
    image, chain, _ = dataset[0].image
    assert np.array_equal(np.asarray(image), apply_chain(dataset.pixels(0), chain))


def test_with_a_references_id_the_picture_is_that_of_a_row(tmp_path):
    photos = paint_cities(tmp_path / "photos", ["a", "b"], side=64)
    run_distort(photos, tmp_path / "out", types=(3, 11, 102), levels=(2, 4), seed=9)
    transform = RandomDistortion([3, 11, "hand_shake"], [2, 4], seed=9, return_chain=True)
    found = set()
    for epoch in range(20):
        transform.set_epoch(epoch)
        for name in "ab":
            image, (step,), level = transform(decode_image(photos / f"{name}.png"), key=name)
            sample_id = f"{name}_{step.distortion_id:02d}_{int(level):02d}"
            found.add(sample_id)
            assert np.array_equal(image, decode_image(tmp_path / "out" / "images" / name / f"{sample_id}.png"))
    assert len(found) == 12


@pytest.mark.parametrize("stretch", ["step", "once"])
def test_with_a_references_id_the_epochs_give_the_chains_of_its_rows(stretch):
    wanted = ChainSettings(drawn=40, types=FAST, length=(2, 3), stretch=stretch)
    transform, drawn = RandomChain(FAST, length=(2, 3), stretch=stretch, seed=9), {}
    for epoch in range(60):
        transform.set_epoch(epoch)
        drawn[transform._draw("a")] = None
    assert list(drawn)[:40] == [chain.steps for chain in chains_of("a", wanted, 9)]
