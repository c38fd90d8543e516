"""FIFOs, sockets and devices are refused by name at every door, and never opened: that would last for ever."""

import os
import socket
import subprocess
import sys

import numpy as np
import pytest
from syndr_curate import CurateError
from syndr_curate.curate.datasets.feature_files import load_features
from syndr_curate.curate.storage.images import UnreadableImageError, decode_image
from syndr_curate.curate.storage.paths.regular_files import refuse_special, special_kind
from syndr_curate.curate.storage.pixel_store import stored_pixels

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs on this system")

# What opens a file, and the suffix of one.
DOORS = {
    "manifest.manifest:read_manifest": ".parquet",
    "manifest.manifest:ManifestFile": ".parquet",
    "manifest.selection:read_selection": ".parquet",
    "manifest.provenance:digest_file": ".parquet",
    "checks.run_status:status_of": ".parquet",
    "storage.texts.utf8_text:read_utf8": ".txt",
    "storage.texts.csv_tables:read_csv": ".csv",
    "datasets.labels:read_labels": ".csv",
    "datasets.feature_files:load_features": ".parquet",
    "datasets.feature_parts:read_parts": "/part.parquet",
    "datasets.type_lists:parse_types": ".json",
    "datasets.image_folders:open_source": ".png",
    "report.mixes_and_domains:read_domains": ".json",
    "encoding.encoders:make_encoder": ".pth",
    "domains.classifier_files:load_classifier": ".safetensors",
    "manifest.splits:read_splits": ".csv",
    "terminal.config_file:read_settings": "/syndr-curate.toml",
}
# What the call is given besides the path, or instead of it.
ARGUMENTS = {
    "parse_types": "str(path)",
    "make_encoder": "'resnet50', weights=path",
    "read_splits": "path, {}",
    "read_parts": "path.parent",
    "read_settings": "path.parent, {}",
}
SCRIPT = """
import importlib, sys
from pathlib import Path
from syndr_curate.curate.errors import CurateError
for door, path, arguments in zip(sys.argv[1::3], map(Path, sys.argv[2::3]), sys.argv[3::3], strict=True):
    module, _, name = door.partition(":")
    call = getattr(importlib.import_module(f"syndr_curate.curate.{module}"), name)
    try: eval(f"call({arguments})")
    except CurateError as error: print(error)
"""


def test_every_door_refuses_a_fifo(tmp_path):
    """In a process of its own, which one open FIFO would hold for ever."""
    call, said = [], []
    for number, (door, suffix) in enumerate(DOORS.items()):
        path = tmp_path / (f"{number}{suffix}" if suffix.startswith(".") else f"{number}/{suffix[1:]}")
        path.parent.mkdir(exist_ok=True)
        os.mkfifo(path)
        if suffix == ".safetensors":
            os.mkfifo(path.with_suffix(".json"))
        call += [door, str(path), ARGUMENTS.get(door.partition(":")[2], "path")]
        opened = path.with_suffix(".json") if suffix == ".safetensors" else path
        said.append(f"{opened} is a FIFO; expected a regular file: copy the content into one")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *call], capture_output=True, text=True, timeout=100, check=True
    )
    assert done.stdout.splitlines() == said


def test_the_ids_beside_an_array_are_not_read_from_a_fifo(tmp_path):
    np.save(tmp_path / "f.npy", np.ones((2, 3), np.float32))
    os.mkfifo(tmp_path / "f.ids.txt")
    with pytest.raises(CurateError, match=r"f\.ids\.txt is a FIFO"):
        load_features(tmp_path / "f.npy")


def test_files_folders_and_missing_paths_are_not_special(tmp_path):
    (tmp_path / "a").write_bytes(b"")
    for path in (tmp_path / "a", tmp_path, tmp_path / "missing", tmp_path / "nul\0"):
        assert special_kind(path) is None
        refuse_special(path)


def test_a_link_is_what_it_leads_to(tmp_path):
    (tmp_path / "link").symlink_to(os.devnull)
    with pytest.raises(CurateError, match="link is a device"):
        refuse_special(tmp_path / "link")


def test_a_socket_among_images_is_named(tmp_path, monkeypatch):
    """The system says `No such device or address` of it."""
    monkeypatch.chdir(tmp_path)  # a socket's path may not be long
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("a.png")
        with pytest.raises(UnreadableImageError, match=r"^a socket, expected a regular file$"):
            decode_image(tmp_path / "a.png")


def test_a_rows_stored_pixels_are_never_read_from_a_fifo(tmp_path):
    """`export` reads the bytes of a file without decoding it."""
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(UnreadableImageError, match="a FIFO, expected a regular file"):
        stored_pixels(tmp_path / "a.png")


def test_a_fifo_named_like_an_archive_holds_nothing(tmp_path):
    os.mkfifo(tmp_path / "00000.tar")
    assert stored_pixels(tmp_path / "00000.tar" / "a.png") is None
