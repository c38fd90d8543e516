"""What is opened as an image: regular files alone, by the decoders of one list, whatever a file is called."""

import io
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from syndr_curate.curate.datasets.image_folders import open_source
from syndr_curate.curate.storage.decoding.open_picture import FORMATS, open_picture
from syndr_curate.curate.storage.images import (
    UnreadableImageError,
    decode_image,
    image_facts,
    image_problem,
    image_size,
)

EPS = b"""%!PS-Adobe-3.0 EPSF-3.0
%%BoundingBox: 0 0 32 32
%%EndComments
(touched) (w) file closefile showpage
%%EOF
"""


def saved(image_format):
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((40, 48, 3), np.uint8)).save(buffer, image_format)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (EPS, r"PostScript \(EPS\)"),
        (b"%PDF-1.4\n", "PDF"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00", "HEIC, which needs the extra `heif`"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"),
    ],
)
def test_another_kind_of_file_is_named_whatever_it_is_called(tmp_path, content, kind, monkeypatch):
    def started(*_, **__):
        raise AssertionError("a program was started")

    monkeypatch.setattr(subprocess, "Popen", started)
    path = tmp_path / "holiday.png"
    path.write_bytes(content)
    said = rf"not an image in a format that is read here: PNG, .*\(it is {kind}"
    with pytest.raises(UnreadableImageError, match=said):
        decode_image(path)
    with pytest.raises(UnreadableImageError, match=said):
        decode_image(content)
    assert kind.replace("\\", "") in (image_problem(path) or "")
    assert image_size(path) is None


@pytest.mark.parametrize("image_format", ["EPS", "PDF", "ICO", "SGI", "DDS", "XBM", "MSP", "PCX", "IM"])
def test_formats_besides_the_list_are_not_decoded(image_format):
    try:
        content = saved(image_format)
    except OSError:
        buffer = io.BytesIO()
        Image.new("1", (40, 48)).save(buffer, image_format)
        content = buffer.getvalue()
    with pytest.raises(UnreadableImageError):
        decode_image(content)


@pytest.mark.parametrize("image_format", [name for name in FORMATS if name not in ("AVIF", "JPEG2000")])
def test_formats_of_the_list_are(image_format):
    assert decode_image(saved(image_format)).shape == (40, 48, 3)
    with open_picture(io.BytesIO(saved(image_format))) as image:
        assert image.size == (48, 40)


def test_a_phones_picture_is_read_with_the_extra():
    pillow_heif = pytest.importorskip("pillow_heif", reason="the extra heif is not installed")
    pillow_heif.register_heif_opener()
    assert decode_image(saved("HEIF")).shape == (40, 48, 3)


@pytest.mark.parametrize(
    "name", ["a.jfif", "a.jpe", "a.avif", "a.heic", "a.HEIF", "a.pbm", "a.pnm", "a.j2k", "a.tga", "a.ppm"]
)
def test_these_suffixes_are_an_images(tmp_path, name):
    (tmp_path / name).write_bytes(saved("JPEG"))
    (entry,) = open_source(tmp_path).entries
    assert (entry.id, entry.path) == ("a", name)
    assert decode_image(tmp_path / name).shape == (40, 48, 3)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs on this system")
@pytest.mark.parametrize("use", ["decode_image", "image_problem", "image_size", "image_facts"])
def test_a_fifo_is_not_waited_for(tmp_path, use):
    os.mkfifo(tmp_path / "a.png")
    program = (
        "import sys; from pathlib import Path; from syndr_curate.curate.storage import images\n"
        f"try:\n    print(images.{use}(Path(sys.argv[1])))\n"
        "except images.UnreadableImageError as error:\n    print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "a.png")], capture_output=True, text=True, timeout=60, check=True
    )
    if use in ("decode_image", "image_problem"):
        assert done.stdout == "a FIFO, expected a regular file\n"


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no such sockets on this system")
def test_a_socket_is_no_image(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a socket's path may not be long
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("a.png")
        with pytest.raises(UnreadableImageError):
            decode_image(tmp_path / "a.png")


def test_a_device_is_no_image_and_a_folder_neither(tmp_path):
    for path, said in ((os.devnull, "a device, expected a regular file"), (tmp_path, "Is a directory")):
        with pytest.raises(UnreadableImageError, match=said):
            decode_image(Path(path))
        assert said in (image_problem(Path(path)) or "")
        assert image_facts(Path(path)) == image_facts(tmp_path / "absent")


def test_of_a_huge_file_that_is_no_image_only_the_head_is_read(tmp_path):
    path = tmp_path / "huge.png"
    with path.open("wb") as file:
        file.truncate(1 << 36)  # 64 GiB, sparse
    with pytest.raises(UnreadableImageError, match="not an image"):
        decode_image(path)
