from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from syndr_curate.distortions import distort, stretch_uint8
from syndr_curate.distortions.compression import jpeg2000_bytes, jpeg_bytes

RATIOS = (16, 32, 45, 120, 400)
QUALITIES = (43, 36, 24, 7, 4)
LUMINANCE_FIRST_ROW = (16, 11, 10, 16, 24, 40, 51, 61)  # ITU-T T.81, table K.1


@pytest.fixture(scope="module")
def textured():
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)
    image = np.asarray(Image.fromarray(coarse).resize((400, 320), Image.Resampling.BICUBIC)).astype(int)
    return np.clip(image + rng.integers(-12, 13, image.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("ratio", RATIOS)
def test_a_jpeg2000_file_meets_its_target_but_for_a_coding_pass(textured, ratio):
    target = textured.size / ratio
    assert len(jpeg2000_bytes(textured, ratio)) == pytest.approx(target, rel=0.02, abs=60)


def test_jpeg2000_is_lossy_one_tile_with_the_color_transform(textured):
    coded = jpeg2000_bytes(textured, 45)
    size = coded.index(b"\xff\x51")  # SIZ: image size at +6, tile size at +22
    assert coded[size + 6 : size + 14] == coded[size + 22 : size + 30]
    style = coded.index(b"\xff\x52")  # COD: layers at +6, component transform at +8, wavelet at +13
    assert int.from_bytes(coded[style + 6 : style + 8], "big") == 1
    assert coded[style + 8] == 1
    assert coded[style + 13] == 0  # 0 is the irreversible 9/7


@pytest.mark.parametrize("quality", QUALITIES)
def test_jpeg_tables_are_scaled_as_libjpeg_scales_them(textured, quality):
    opened = Image.open(BytesIO(jpeg_bytes(textured, quality)))
    scale = 5000 // quality
    expected = [min(max((entry * scale + 50) // 100, 1), 255) for entry in LUMINANCE_FIRST_ROW]
    assert list(opened.quantization[0])[:8] == expected


def test_jpeg_is_baseline_with_halved_color(textured):
    coded = jpeg_bytes(textured, 24)
    frame = coded.index(b"\xff\xc0")
    # Component 1 is sampled twice in both directions, the others once.
    assert [coded[frame + 11 + 3 * c] for c in range(3)] == [0x22, 0x11, 0x11]


@pytest.mark.parametrize(("kind", "coder", "parameters"), [(9, jpeg2000_bytes, RATIOS), (10, jpeg_bytes, QUALITIES)])
@pytest.mark.parametrize("level", [1, 3, 5])
def test_what_is_coded_is_the_stretched_picture(varied_picture, rendered, kind, coder, parameters, level):
    coded = coder(stretch_uint8(varied_picture), parameters[level - 1])
    decoded = np.asarray(Image.open(BytesIO(coded)).convert("RGB"))
    if np.ptp(decoded) == 0:
        np.testing.assert_array_equal(distort(varied_picture, kind, level), decoded)
    else:
        np.testing.assert_array_equal(distort(varied_picture, kind, level), rendered(decoded))


def test_nothing_is_left_on_disk(textured, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    distort(textured, 9, 1)
    distort(textured, 10, 1)
    assert list(tmp_path.iterdir()) == []
