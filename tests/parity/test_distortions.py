"""Every type against outputs of the published generator, with the generator's own random draws."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from syndr_curate.distortions import CATALOG, distort, get, stretch_uint8
from syndr_curate.distortions.compression import jpeg2000_bytes
from syndr_curate.distortions.noise import white_noise
from syndr_curate.distortions.numerics.min_max import entry

REFERENCE_DATA = Path(os.environ.get("SYNDR_REFERENCE_DATA", Path(__file__).parents[2] / ".." / "shared" / "data"))
GOLDEN = REFERENCE_DATA / "golden"

if not GOLDEN.is_dir():  # tests/distortions/test_pinned_outputs.py holds the pixels there
    pytest.skip(
        f"no reference outputs in {GOLDEN}: set SYNDR_REFERENCE_DATA to the reference data", allow_module_level=True
    )

LEVELS_OF = {"I03": (1, 3, 5), "X03": (1, 2, 3, 4, 5)}
FIELDS = {11: "11_randn", 12: "12_randn", 13: "13_rand", 14: "14_rand"}
JITTER, COLOR_SHIFT, QUANTIZATION, DENOISE = 19, 5, 22, 15

# Share of samples that may be off by one code: exact ties between two codes, and the digits of the Lab constants.
ONE_CODE_OFF = {2: 0.0005, 7: 0.005, 4: 0.01, 8: 0.01, 16: 0.01, 24: 0.01}
EXACT = (1, 3, 5, 10, 11, 12, 13, 14, 17, 18, 19, 20, 21, 23, 25)


def cells(kinds):
    return [
        pytest.param(name, kind, level, id=f"{name}-{get(kind).name}-{level}")
        for kind in kinds
        for name, levels in LEVELS_OF.items()
        for level in levels
        if not (name == "I03" and (kind in FIELDS or kind in (JITTER, DENOISE)))  # fields exist for X03 only
    ]


def read(path):
    return np.asarray(Image.open(path).convert("RGB"))


def source(name):
    return read(GOLDEN / name / f"{name}.png")


def golden(name, kind, level):
    return read(GOLDEN / name / f"{name}_{kind:02d}_{level:02d}.png")


def psnr(one, other):
    return -10 * np.log10(np.mean((one / 255 - other / 255) ** 2))


@pytest.fixture(scope="module")
def fields():
    with np.load(GOLDEN / "fields" / "X03.npz", allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


@pytest.fixture(scope="module")
def small_draws():
    csv.field_size_limit(10_000_000)
    with (GOLDEN / "draws.csv").open(newline="") as stream:
        return {
            (row["img"], int(row["type"]), int(row["level"])): [float(number) for number in row["draws"].split()]
            for row in csv.DictReader(stream)
        }


@pytest.fixture
def draws_of(fields, small_draws):
    def find(name, kind, level):
        if not get(kind).random:
            return None
        if kind in FIELDS:
            return fields[FIELDS[kind]]
        if kind == JITTER:
            return np.stack([fields[f"19_randn_iter{warp}"] for warp in range(1, 6)])
        numbers = small_draws[name, kind, level]
        return numbers[:2] if kind == COLOR_SHIFT else numbers  # the shift worked out from them follows

    return find


def test_every_type_is_compared():
    other = {6, 9, QUANTIZATION, DENOISE}
    assert {*EXACT, *ONE_CODE_OFF, *other} == {entry.id for entry in CATALOG}


@pytest.mark.parametrize(("name", "kind", "level"), cells(EXACT))
def test_every_sample_is_exact(draws_of, name, kind, level):
    out = distort(source(name), kind, level, draws=draws_of(name, kind, level))
    np.testing.assert_array_equal(out, golden(name, kind, level))


@pytest.mark.parametrize(("name", "kind", "level"), cells(ONE_CODE_OFF))
def test_a_sample_is_one_code_off_at_most(name, kind, level):
    difference = np.abs(distort(source(name), kind, level).astype(int) - golden(name, kind, level))
    assert difference.max() <= 1
    assert (difference > 0).mean() <= ONE_CODE_OFF[kind]


@pytest.mark.parametrize(("name", "kind", "level"), cells([QUANTIZATION]))
def test_quantization_finds_the_reference_thresholds(name, kind, level):
    np.testing.assert_array_equal(distort(source(name), kind, level), golden(name, kind, level))


@pytest.mark.parametrize(("name", "kind", "level"), cells([6]))
def test_color_quantization_is_as_close_as_the_reference(name, kind, level):
    reference = stretch_uint8(source(name))
    out = distort(source(name), kind, level)
    assert len(np.unique(out.reshape(-1, 3), axis=0)) <= get(kind).parameters[level - 1]
    assert abs(psnr(out, reference) - psnr(golden(name, kind, level), reference)) <= 0.7


@pytest.mark.parametrize(("name", "kind", "level"), cells([9]))
def test_jpeg2000_is_as_close_as_the_reference(name, kind, level):
    reference = stretch_uint8(source(name))
    out = distort(source(name), kind, level)
    assert abs(psnr(out, reference) - psnr(golden(name, kind, level), reference)) <= 0.5


@pytest.mark.parametrize("level", LEVELS_OF["I03"])
def test_jpeg2000_meets_its_target_size(level):
    reference = stretch_uint8(source("I03"))
    ratio = get(9).parameters[level - 1]
    assert len(jpeg2000_bytes(reference, ratio)) == pytest.approx(reference.size / ratio, rel=0.01)


@pytest.mark.parametrize("level", [1, 2, 3, 4, 5])
def test_the_noise_before_denoising_is_exact(fields, level):
    image = source("X03")
    variance = get(DENOISE).parameters[level - 1]
    noisy = white_noise(entry(image, stretch=True), variance, fields["15_randn"].copy())
    # The generator's own arithmetic, in its order; the picture spans 0 to 255.
    expected = np.clip(image / 255 + np.sqrt(variance) * fields["15_randn"], 0, 1)
    np.testing.assert_array_equal(noisy, expected)
