"""200 inputs of which 20 are broken or odd, each in its way: every row comes out and says what it is."""

import io
import struct
import subprocess
import zlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from syndr_curate import read_manifest, write_manifest
from syndr_curate.curate.demo.scenes import paint_scene
from syndr_curate.curate.manifest.provenance import attach, make_provenance
from syndr_curate.curate.storage.images import encode_image

from ..conftest import SCRIPT
from ..making import recipe_table

SIDE = 40
UNREADABLE = {
    "torn_jpeg": "truncated",
    "empty": "the file is empty",
    "text": "not an image in a format that is read here",
    "animated_webp": "an animation or stack of 3 frames",
    "animated_png": "an animation or stack of 3 frames",
    "huge_header": "(allow it with --max-pixels)",
    "float_tiff": "floating-point pixels have no defined 8-bit range",
    "forbidden": "Permission denied",
    "torn_png": "truncated",
    "folder": "Is a directory",
}
ODD = ("cmyk", "gray16", "palette", "palette_transparent", "one_pixel", "gray", "bilevel", "rgba", "progressive", "bmp")


def saved(image: Image.Image, kind: str, **settings: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **settings)
    return buffer.getvalue()


def png_of_zeros(width: int, height: int) -> bytes:
    """A small file that claims to be a huge picture."""
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(bytes(1000)))]
    content = b"\x89PNG\r\n\x1a\n"
    for name, body in [*chunks, (b"IEND", b"")]:
        content += struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
    return content


@pytest.fixture(scope="module")
def mixed(tmp_path_factory) -> Path:
    """180 good photographs, 10 that cannot be used, and 10 that are only unusual."""
    folder = tmp_path_factory.mktemp("mixed") / "photos"
    folder.mkdir()
    for number in range(180):
        (folder / f"good{number:03d}.png").write_bytes(encode_image(paint_scene("bubbles", number, side=SIDE)))
    picture = Image.fromarray(paint_scene("city", 1, side=SIDE))
    frames = [Image.fromarray(paint_scene("sky", k, side=SIDE)) for k in (1, 2)]
    wide = Image.fromarray((np.arange(SIDE * SIDE, dtype=np.uint16) * 40).reshape(SIDE, SIDE))
    jpeg, png = saved(picture, "JPEG", quality=90), saved(picture, "PNG")
    files = {
        "torn_jpeg.jpg": jpeg[: len(jpeg) // 2],
        "empty.png": b"",
        "text.png": b"this is a letter, not a picture",
        "animated_webp.webp": saved(picture, "WEBP", save_all=True, append_images=frames),
        "animated_png.png": saved(picture, "PNG", save_all=True, append_images=frames),
        "huge_header.png": png_of_zeros(60000, 60000),
        "float_tiff.tif": saved(Image.fromarray(np.zeros((SIDE, SIDE), np.float32)), "TIFF"),
        "forbidden.png": png,
        "torn_png.png": png[: len(png) // 2],
        "cmyk.jpg": saved(picture.convert("CMYK"), "JPEG"),
        "gray16.png": saved(wide, "PNG"),
        "palette.png": saved(picture.quantize(64), "PNG"),
        "palette_transparent.png": saved(picture.quantize(64), "PNG", transparency=3),
        "one_pixel.png": saved(picture.crop((0, 0, 1, 1)), "PNG"),
        "gray.png": saved(picture.convert("L"), "PNG"),
        "bilevel.png": saved(picture.convert("1"), "PNG"),
        "rgba.png": saved(picture.convert("RGBA"), "PNG"),
        "progressive.jpg": saved(picture, "JPEG", progressive=True),
        "bmp.bmp": saved(picture, "BMP"),
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / "forbidden.png").chmod(0o000)
    (folder / "folder.png").mkdir()
    return folder


@pytest.fixture(scope="module")
def labeled(mixed, tmp_path_factory) -> Path:
    """A manifest with one labeled recipe row per input, broken or not."""
    names = sorted(path.name for path in mixed.iterdir())
    rows = recipe_table(
        {name.rpartition(".")[0]: name for name in names}, types=(1,), levels=(3,), references="references"
    )
    labels = pa.array(np.linspace(0, 10, len(rows)).astype(np.float32))
    rows = rows.set_column(rows.schema.get_field_index("label"), "label", labels)
    source = pa.array(["pseudo"] * len(rows)).dictionary_encode()
    rows = rows.set_column(rows.schema.get_field_index("label_source"), "label_source", source)
    out = tmp_path_factory.mktemp("labelled") / "train.parquet"
    facts = make_provenance("upsample", {}, {}, roots={"references": str(mixed), "images": None})
    write_manifest(attach(rows, facts), out)
    return out


def go(arguments: list[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=300)


def test_200_inputs_give_200_rows_with_their_reasons_and_labels(labeled, tmp_path, unprivileged):
    done = go([*unprivileged, str(SCRIPT), "distort", str(labeled), "--out", str(tmp_path / "out"), "--quiet"])
    assert done.returncode == 0, done.stderr
    before, after = read_manifest(labeled), read_manifest(tmp_path / "out" / "manifest.parquet")
    assert len(after) == 200
    for untouched in ("sample_id", "label", "label_source", "reference_id", "seed", "image_path"):
        assert after[untouched].to_pylist() == before[untouched].to_pylist()
    rows = {row["reference_id"]: row for row in after.to_pylist()}
    for name, reason in UNREADABLE.items():
        assert rows[name]["status"] == "unreadable"
        assert reason.lower() in rows[name]["error"].lower()
    good = [row for name, row in rows.items() if name not in UNREADABLE]
    assert len(good) == 190
    assert {row["status"] for row in good} == {"ok"}
    assert all((tmp_path / "out" / "images" / row["image_path"]).is_file() for row in good)
    strict = go([*unprivileged, str(SCRIPT), "distort", str(labeled), "--out", str(tmp_path / "out"), "--strict"])
    assert strict.returncode == 3
    assert "10 rows are not ok: --retry-failed does them again" in strict.stderr


def test_encoding_them_keeps_every_row_too(mixed, tmp_path, unprivileged):
    out = tmp_path / "features.parquet"
    flags = ["--encoder", "gist", "--out", str(out), "--quiet"]
    done = go([*unprivileged, str(SCRIPT), "encode", str(mixed), *flags])
    assert done.returncode == 0, done.stderr
    rows = {row["id"]: row for row in pq.read_table(out).to_pylist()}
    files = [path for path in mixed.iterdir() if path.is_file()]
    assert len(rows) == len(files) == 199  # a folder with an image's name is a folder
    bad = {name: row for name, row in rows.items() if row["status"] != "ok"}
    assert set(bad) - {"one_pixel"} == set(UNREADABLE) - {"folder"}
    assert all(UNREADABLE[name].lower() in row["error"].lower() for name, row in bad.items() if name in UNREADABLE)
    assert all(np.isfinite(row["features"]).all() == (row["status"] == "ok") for row in rows.values())


def test_the_odd_ones_have_their_picture(labeled, mixed, tmp_path, unprivileged):
    assert {path.stem for path in mixed.iterdir() if not path.name.startswith("good")} == {*UNREADABLE, *ODD}
    go([*unprivileged, str(SCRIPT), "distort", str(labeled), "--out", str(tmp_path / "out"), "--quiet"])
    images = tmp_path / "out" / "images"
    with Image.open(images / "one_pixel" / "one_pixel_01_03.png") as image:
        assert image.size == (1, 1)
    with Image.open(images / "gray" / "gray_01_03.png") as image:
        assert image.size == (SIDE, SIDE)
