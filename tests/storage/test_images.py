"""One decoder: what it makes of every kind of file, and that a bad one is a reason, not a crash."""

import io
import struct
import warnings
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image
from syndr_curate.curate.errors import RowError
from syndr_curate.curate.storage.formats import IMAGE_FORMATS
from syndr_curate.curate.storage.images import UnreadableImageError, decode_image, encode_image, image_size

ORIENTATION = 0x0112


def encoded(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png_claiming(width, height):
    """A PNG whose header claims a size and which holds no pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in ((b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b""))
    )
    return b"\x89PNG\r\n\x1a\n" + chunks


@pytest.mark.parametrize("image_format", IMAGE_FORMATS)
@pytest.mark.parametrize("shape", [(12, 10, 3), (1, 1, 3), (1, 9, 3)])
def test_encoding_loses_nothing_and_repeats_its_bytes(image_format, shape):
    image = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    content = encode_image(image, image_format)
    assert np.array_equal(decode_image(content), image)
    assert encode_image(image, image_format) == content


def test_a_png_is_written_by_the_quick_way_each_row_as_differences_to_the_left():
    image = np.random.default_rng(1).integers(0, 256, (12, 10, 3), dtype=np.uint8)
    content = encode_image(image, "png")
    # The first IDAT chunk: after the signature, the header chunk of 25 bytes, and a length.
    data = content[content.index(b"IDAT") + 4 : -16]
    rows = np.frombuffer(zlib.decompress(data), np.uint8).reshape(12, 1 + 30)
    assert (rows[:, 0] == 1).all()  # the filter Sub
    assert np.array_equal(rows[:, 4:], image.reshape(12, 30)[:, 3:] - image.reshape(12, 30)[:, :-3])


def test_an_image_that_a_format_cannot_hold_is_refused():
    with pytest.raises(RowError, match=r"cannot encode an image of shape \(1, 20000, 3\) as webp"):
        encode_image(np.zeros((1, 20000, 3), np.uint8), "webp")


def test_a_file_and_its_content_give_the_same_pixels(picture, save_image):
    path = save_image("p.png", picture)
    assert np.array_equal(decode_image(path), picture)
    assert np.array_equal(decode_image(path.read_bytes()), picture)
    assert image_size(path) == (12, 10)


def test_gray_is_copied_to_three_channels():
    image = decode_image(encoded(Image.fromarray(np.array([[0, 128, 255]], np.uint8)), "PNG"))
    assert image.tolist() == [[[0] * 3, [128] * 3, [255] * 3]]


def test_16_bit_gray_is_scaled_by_257():
    gray = np.array([[0, 257, 128 * 257, 65535, 128, 129]], np.uint16)
    image = decode_image(encoded(Image.fromarray(gray), "PNG"))
    assert image[0, :, 0].tolist() == [0, 1, 128, 255, 0, 1]  # 128 / 257 = 0.498, 129 / 257 = 0.502
    assert (image == image[..., :1]).all()


def test_big_endian_16_bit_tiff_is_scaled_alike():
    gray = Image.frombytes("I;16B", (2, 1), struct.pack(">HH", 257, 65535))
    assert decode_image(encoded(gray, "TIFF"))[0, :, 0].tolist() == [1, 255]


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 3), (4, 5, 4)])
def test_8_bit_values_in_16_bits_are_refused_since_they_would_turn_black(suffix, shape, tmp_path):
    values = np.full(shape, 65535, np.uint16)
    values[..., :3] = 255
    if len(shape) == 2:
        values[:] = 255
    cv2.imwrite(str(tmp_path / f"dark{suffix}"), values)
    with pytest.raises(UnreadableImageError, match="none is above 255: 8-bit values in a 16-bit file"):
        decode_image(tmp_path / f"dark{suffix}")
    values[0, 0] = 256
    cv2.imwrite(str(tmp_path / f"gray{suffix}"), values)
    assert decode_image(tmp_path / f"gray{suffix}").max() == 1
    cv2.imwrite(str(tmp_path / f"black{suffix}"), values * 0)
    assert not decode_image(tmp_path / f"black{suffix}").any()


def test_one_bit_is_black_and_white():
    image = Image.new("1", (2, 1))
    image.putpixel((1, 0), 1)
    assert decode_image(encoded(image, "PNG"))[0, :, 0].tolist() == [0, 255]


def test_a_palette_is_expanded_and_transparency_dropped_without_a_warning():
    image = Image.new("P", (3, 1))
    image.putpalette([10, 20, 30, 200, 100, 50, 7, 7, 7])
    for place in range(3):
        image.putpixel((place, 0), place)
    content = encoded(image, "PNG", transparency=bytes([0, 128, 255]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert decode_image(content)[0].tolist() == [[10, 20, 30], [200, 100, 50], [7, 7, 7]]


def test_the_color_below_transparency_stays():
    rgba = np.array([[[10, 20, 30, 0], [1, 2, 3, 255]]], np.uint8)
    assert decode_image(encoded(Image.fromarray(rgba), "PNG")).tolist() == [[[10, 20, 30], [1, 2, 3]]]


def test_cmyk_becomes_rgb():
    cmyk = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    image = decode_image(encoded(cmyk, "TIFF"))
    assert image.shape == (8, 8, 3)
    assert image[0, 0].tolist() == [255, 0, 0]
    jpeg = decode_image(encoded(cmyk, "JPEG"))
    assert np.abs(jpeg[0, 0].astype(int) - [255, 0, 0]).max() <= 3


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "TIFF", "PNG"])
def test_an_animation_or_stack_is_refused(kind):
    frames = [Image.new("RGB", (4, 4), color) for color in ("red", "green", "blue")]
    content = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
    with pytest.raises(UnreadableImageError, match="an animation or stack of 3 frames"):
        decode_image(content)


def test_a_gif_of_one_frame_is_an_image():
    assert decode_image(encoded(Image.new("P", (4, 3)), "GIF")).shape == (3, 4, 3)


def test_of_a_phones_multi_picture_jpeg_the_first_picture_counts():
    content = encoded(
        Image.new("RGB", (8, 8), "red"), "MPO", save_all=True, append_images=[Image.new("RGB", (4, 4), "blue")]
    )
    image = decode_image(content)
    assert image.shape == (8, 8, 3)
    assert image[0, 0, 0] > 250
    assert image[0, 0, 2] < 5


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_exif_orientation_is_obeyed_only_when_asked_for(kind):
    exif = Image.Exif()
    exif[ORIENTATION] = 6  # turn by 90 degrees clockwise
    options = {"lossless": True} if kind == "WEBP" else {"quality": 95} if kind == "JPEG" else {}
    content = encoded(Image.new("RGB", (10, 4), "red"), kind, exif=exif, **options)
    assert decode_image(content).shape == (4, 10, 3)
    assert decode_image(content, exif_orient=True).shape == (10, 4, 3)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_tiff_is_turned_only_when_asked_for_though_pillow_turns_it_always(orientation, picture):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    as_tiff, as_png = (encoded(Image.fromarray(picture), kind, exif=exif) for kind in ("TIFF", "PNG"))
    assert np.array_equal(decode_image(as_tiff), picture)
    assert np.array_equal(decode_image(as_tiff, exif_orient=True), decode_image(as_png, exif_orient=True))


def test_exif_orientation_turns_16_bit_gray_too():
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    content = encoded(Image.fromarray(np.array([[0, 65535]], np.uint16)), "PNG", exif=exif)
    assert decode_image(content, exif_orient=True)[..., 0].tolist() == [[0], [255]]


def test_floating_point_and_32_bit_pixels_have_no_defined_range():
    with pytest.raises(UnreadableImageError, match="floating-point pixels have no defined 8-bit range"):
        decode_image(encoded(Image.new("F", (2, 2)), "TIFF"))
    for value in (70_000, 255):  # 0..255 looked like 16 bits, and came out nearly black
        with pytest.raises(UnreadableImageError, match="32-bit pixels have no defined 8-bit range; save"):
            decode_image(encoded(Image.new("I", (2, 2), value), "TIFF"))


def test_a_gray_pnm_of_16_bits_is_scaled_though_pillow_holds_it_in_32():
    assert decode_image(b"P5 2 1 65535 " + struct.pack(">HH", 257, 65535))[0, :, 0].tolist() == [1, 255]


# 128 / 257 = 0.498, 129 / 257 = 0.502; 65279 has the high byte 254 and is nearer to 254.
WIDE, ROUNDED = [0, 128, 129, 257, 65279, 65407, 65535], [0, 0, 1, 1, 254, 255, 255]


def png_of(samples, color_type):
    """A PNG of 16 bits a channel and one line; samples (W, C)."""
    line = b"\0" + np.asarray(samples, ">u2").tobytes()
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", len(samples), 1, 16, color_type, 0, 0, 0)),
        (b"IDAT", zlib.compress(line)),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


@pytest.mark.parametrize(("color_type", "channels"), [(0, 1), (2, 3), (4, 2), (6, 4)])
def test_16_bit_png_is_rounded_whatever_its_channels(color_type, channels):
    content = png_of([[value] * channels for value in WIDE], color_type)
    assert decode_image(content)[0].tolist() == [[value] * 3 for value in ROUNDED]


@pytest.mark.parametrize("byte_order", "<>")
def test_16_bit_color_tiff_is_rounded(byte_order):
    assert decode_image(tiff_of([[value] * 3 for value in WIDE], byte_order))[0, :, 1].tolist() == ROUNDED


def tiff_of(samples, byte_order):
    """An uncompressed TIFF of 16-bit RGB and one line."""
    data = np.asarray(samples, f"{byte_order}u2").tobytes()
    tags = [(256, 4, len(samples)), (257, 4, 1), (258, 3, 0), (259, 3, 1), (262, 3, 2), (273, 4, 0), (277, 3, 3)]
    tags += [(278, 4, 1), (279, 4, len(data))]
    after = 8 + 2 + 12 * len(tags) + 4
    entries = b""
    for tag, kind, value in tags:
        if tag == 258:
            entries += struct.pack(f"{byte_order}HHII", tag, 3, 3, after)
        elif kind == 3:
            entries += struct.pack(f"{byte_order}HHIHH", tag, 3, 1, value, 0)
        else:
            entries += struct.pack(f"{byte_order}HHII", tag, 4, 1, after + 6 if tag == 273 else value)
    head = (b"II" if byte_order == "<" else b"MM") + struct.pack(f"{byte_order}HI", 42, 8)
    directory = struct.pack(f"{byte_order}H", len(tags)) + entries + bytes(4)
    return head + directory + struct.pack(f"{byte_order}HHH", 16, 16, 16) + data


def test_bad_files_say_why_in_one_line(tmp_path, picture):
    jpeg = encoded(Image.fromarray(np.tile(picture, (9, 9, 1))), "JPEG")
    (tmp_path / "cut.jpg").write_bytes(jpeg[: len(jpeg) // 2])
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "text.png").write_text("not a picture")
    (tmp_path / "folder.png").mkdir()
    reasons = {
        "cut.jpg": "image file is truncated",
        "empty.png": "the file is empty",
        "text.png": "not an image in a format that is read here",
        "folder.png": "Is a directory",
        "absent.png": "No such file or directory",
    }
    for name, reason in reasons.items():
        with pytest.raises(UnreadableImageError, match=reason) as refused:
            decode_image(tmp_path / name)
        assert "\n" not in str(refused.value)
        assert image_size(tmp_path / name) is None or name == "cut.jpg"


def test_too_many_pixels_are_refused_before_decoding(picture):
    content = encoded(Image.fromarray(picture), "PNG")
    assert decode_image(content, max_pixels=120).shape == (12, 10, 3)
    with pytest.raises(UnreadableImageError, match=r"10x12 is more than 119 pixels \(allow it with --max-pixels\)"):
        decode_image(content, max_pixels=119)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [11_000, 60_000])
def test_a_header_that_claims_a_huge_image_costs_nothing(side):
    with pytest.raises(UnreadableImageError, match="allow it with --max-pixels"):
        decode_image(png_claiming(side, side))


def test_more_pixels_than_pillow_would_take_can_be_allowed(monkeypatch, picture):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 50)
    assert decode_image(encoded(Image.fromarray(picture), "PNG"), max_pixels=120).shape == (12, 10, 3)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "AVIF"])
def test_damage_makes_an_unreadable_image_never_a_crash(kind, picture):
    image = Image.fromarray(picture)
    exif = Image.Exif()
    exif[ORIENTATION] = 8
    try:
        content = encoded(image, kind, **({"exif": exif} if kind in ("PNG", "JPEG", "WEBP", "TIFF") else {}))
    except (KeyError, OSError):
        pytest.skip(f"this Pillow cannot write {kind}")
    rng = np.random.default_rng(7)
    for _ in range(150):
        damaged = np.frombuffer(content, np.uint8).copy()
        places = rng.integers(0, min(len(damaged), rng.choice([40, 200, 100_000])), rng.integers(1, 6))
        damaged[places] = rng.choice([0, 255, rng.integers(256)])
        try:
            decoded = decode_image(damaged.tobytes(), exif_orient=True, max_pixels=10**6)
        except UnreadableImageError:
            continue
        assert decoded.dtype == np.uint8
        assert decoded.shape[2] == 3


def test_a_torn_file_is_refused_though_another_library_told_pillow_otherwise(monkeypatch):
    from concurrent.futures import ThreadPoolExecutor

    from PIL import ImageFile

    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    whole = encode_image(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: torn(whole[: len(whole) // 2]), range(40)))
    assert found == ["image file is truncated"] * 40
    assert ImageFile.LOAD_TRUNCATED_IMAGES  # theirs again


def torn(content: bytes) -> str:
    try:
        decode_image(content)
    except UnreadableImageError as error:
        return str(error).partition(" (")[0]
    return "decoded"
