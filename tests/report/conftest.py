"""A small set to report on, and a headless Chromium that tests speak to over its own pipe: no driver, no port."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from syndr_curate.curate.datasets.feature_files import save_features
from syndr_curate.curate.downsampling.downsample_files import run_downsample
from syndr_curate.curate.downsampling.settings import DownsampleSettings
from syndr_curate.curate.manifest.manifest import write_manifest
from syndr_curate.curate.manifest.provenance import attach, make_provenance
from syndr_curate.curate.manifest.recipes import RecipeGrid, Reference, recipe_rows
from syndr_curate.curate.manifest.schema import NEIGHBORS
from syndr_curate.curate.manifest.selection import SELECTION_SCHEMA, write_selection
from syndr_curate.curate.storage.atomic import write_bytes
from syndr_curate.curate.storage.images import encode_image

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
SECONDS = 60.0
_ON_3_AND_4 = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.dup2(int(sys.argv[2]), 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


class Page:
    """A page in a headless browser, and everything it complained about or asked for."""

    def __init__(self, executable: str, profile: Path) -> None:
        self._number = 0
        self._buffer = b""
        self.complaints: list[str] = []
        self.requests: list[str] = []
        ours_in, theirs_out = os.pipe()
        theirs_in, ours_out = os.pipe()
        # The browser reads commands from descriptor 3 and answers on 4; high numbers so that neither is overwritten.
        high_in, high_out = (fcntl.fcntl(end, fcntl.F_DUPFD, 20) for end in (theirs_in, theirs_out))
        flags = [
            *("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--remote-debugging-pipe", "--no-first-run"),
            *("--enable-unsafe-swiftshader", "--hide-scrollbars", f"--user-data-dir={profile}", "about:blank"),
        ]
        self._process = subprocess.Popen(
            [sys.executable, "-c", _ON_3_AND_4, str(high_in), str(high_out), executable, *flags],
            pass_fds=(high_in, high_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for end in (theirs_in, theirs_out, high_in, high_out):
            os.close(end)
        self._in, self._out = ours_in, ours_out
        target = self._send("Target.createTarget", {"url": "about:blank"}, session=None)["targetId"]
        attached = self._send("Target.attachToTarget", {"targetId": target, "flatten": True}, session=None)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._send(f"{domain}.enable")

    def open(self, file: Path, *, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        """Load a file and wait until its figures are there."""
        self.complaints.clear()
        self.requests.clear()
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self._send("Emulation.setEmulatedMedia", {"features": scheme})
        self.resize(width, height)
        self._send("Page.navigate", {"url": file.resolve().as_uri()})
        self.wait_for("document.documentElement?.dataset.ready === 'yes'")

    def without_webgl(self) -> str:
        """Let pages that are opened from now on find no WebGL; `undo` takes what this returns."""
        script = """
            const get = HTMLCanvasElement.prototype.getContext;
            HTMLCanvasElement.prototype.getContext = function (kind, ...more) {
                return kind.includes("webgl") ? null : get.call(this, kind, ...more);
            };
        """
        identifier: str = self._send("Page.addScriptToEvaluateOnNewDocument", {"source": script})["identifier"]
        return identifier

    def undo(self, identifier: str) -> None:
        """Take back what was arranged for new pages."""
        self._send("Page.removeScriptToEvaluateOnNewDocument", {"identifier": identifier})

    def resize(self, width: int, height: int) -> None:
        """Give the page another size, in CSS pixels; below 600 it is a phone."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self._send("Emulation.setDeviceMetricsOverride", metrics)

    def ask(self, expression: str) -> Any:
        """Evaluate JavaScript and return its value."""
        # As the page's own script would, under its own policy.
        manner = {"returnByValue": True, "awaitPromise": True, "allowUnsafeEvalBlockedByCSP": False}
        answer = self._send("Runtime.evaluate", {"expression": expression, **manner})
        if "exceptionDetails" in answer:
            raise AssertionError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def wait_for(self, condition: str) -> None:
        """Wait until JavaScript says yes."""
        end = time.monotonic() + SECONDS
        while not self.ask(condition):
            if time.monotonic() > end:
                raise AssertionError(f"never true: {condition}; complaints: {self.complaints}")
            time.sleep(0.05)

    def press(self, key: str) -> None:
        """Press a key."""
        for kind in ("keyDown", "keyUp"):
            self._send("Input.dispatchKeyEvent", {"type": kind, "key": key, "code": key})

    def move_to(self, x: float, y: float) -> None:
        """Move the pointer, in CSS pixels of the viewport."""
        self._send("Input.dispatchMouseEvent", {"type": "mouseMoved", "x": x, "y": y})

    def screenshot(self, file: Path, *, whole: bool = False) -> None:
        """Take a picture of what is shown, or of the whole page."""
        import base64

        answer = self._send("Page.captureScreenshot", {"captureBeyondViewport": whole})
        file.write_bytes(base64.b64decode(answer["data"]))

    def close(self) -> None:
        """End the browser."""
        try:
            self._send("Browser.close", session=None)
            self._process.wait(10)
        except (OSError, AssertionError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        os.close(self._in)
        os.close(self._out)

    def _send(self, method: str, parameters: dict[str, Any] | None = None, session: str | None = "page") -> Any:
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters or {}}
        if session is not None:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise AssertionError(f"{method}: {answer['error']}")
                return answer["result"]
            self._note(answer)

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            part = os.read(self._in, 1 << 16)
            if not part:
                raise AssertionError("the browser ended")
            self._buffer += part
        message, _, self._buffer = self._buffer.partition(b"\0")
        value: dict[str, Any] = json.loads(message)
        return value

    def _note(self, event: dict[str, Any]) -> None:
        method, facts = event.get("method"), event.get("params", {})
        if method == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(facts["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled" and facts["type"] in ("error", "warning", "assert"):
            self.complaints.append(json.dumps([part.get("value") for part in facts["args"]]))
        elif method == "Log.entryAdded" and facts["entry"]["level"] in ("error", "warning"):
            self.complaints.append(facts["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.requests.append(facts["request"]["url"])
        elif method == "Page.javascriptDialogOpening":
            self.complaints.append(f"a dialog: {facts['message']}")


@pytest.fixture(scope="session")
def browser() -> Iterator[Page]:
    executable = next((path for path in map(shutil.which, NAMES) if path), None)
    if executable is None:
        pytest.skip(f"needs a browser: none of {', '.join(NAMES)} is installed (Debian: apt-get install chromium)")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        page = Page(executable, Path(profile))
        yield page
        page.close()


@dataclass(frozen=True)
class ReportFiles:
    """A small set before and after thinning, with everything that a report can take."""

    folder: Path

    def flags(self) -> list[str]:
        """Return the arguments of a full report, by principal components."""
        given = {
            "--features": "epoch3.npz",
            "--selection": "selection.parquet",
            "--reference-features": "references.npz",
            "--candidate-features": "candidates.npz",
        }
        files = [part for flag, name in given.items() for part in (flag, str(self.folder / name))]
        manifests = [str(self.folder / name) for name in ("train.parquet", "epoch3.parquet")]
        return [*manifests, *files, "--projection", "pca", "--workers", "1"]


HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="session")
def report_files(tmp_path_factory: pytest.TempPathFactory, photograph: Callable[..., NDArray[np.uint8]]) -> ReportFiles:
    """Four labeled references, one of them named like an attack, and two candidates, one of them kept.

    Types 1 and 9 at levels 1 and 5: 16 labeled rows and 4 pseudo-labeled ones. All rows of one reference have one
    feature vector, so its rows of one level are one cluster; at most one row of a cluster is kept.
    """
    folder = tmp_path_factory.mktemp("report")
    names = ["a", "b", "c", HOSTILE]
    for seed, name in enumerate(names):
        write_bytes(folder / "references" / f"{name}.png", encode_image(photograph(seed)))
    for seed, name in enumerate(["near", "new"]):
        write_bytes(folder / "candidates" / f"{name}.png", encode_image(photograph(9 + seed)))
    table = pa.concat_tables(
        [
            _rows(names, "references", "proxy"),
            _rows(["new"], "candidates", "pseudo"),
        ]
    )
    facts = make_provenance("upsample", {"types": [1, 9]}, {}, roots={n: n for n in ("references", "candidates")})
    write_manifest(attach(table, facts), folder / "train.parquet", training=True)
    angles = {"a": 0, "b": 40, "c": 80, HOSTILE: 120, "new": 200, "near": 1}
    vectors = {name: (np.cos(np.radians(angle)), np.sin(np.radians(angle)), 0.1) for name, angle in angles.items()}
    rows = [vectors[name] for name in table["reference_id"].to_pylist()]
    save_features(folder / "epoch3.npz", table["sample_id"].to_pylist(), np.array(rows))
    save_features(folder / "references.npz", names, np.array([vectors[name] for name in names]))
    save_features(folder / "candidates.npz", ["near", "new"], np.array([vectors[name] for name in ("near", "new")]))
    thinning = DownsampleSettings(keep_min=1, keep_fraction=0.0)
    run_downsample(
        folder / "epoch3.npz", folder / "train.parquet", dropped=folder / "dropped.parquet", settings=thinning
    )
    judged = {
        "candidate_id": ["near", "new"],
        "candidate_path": ["near.png", "new.png"],
        "status": pa.array(["too_close", "kept"]).dictionary_encode(),
        "nearest_reference": ["a", "b"],
        "nearest_distance": [0.0002, 0.0603],
        "farthest_distance": [1.49, 0.5],
    }
    selection = pa.table(judged, schema=SELECTION_SCHEMA)
    bounds = {"near": 0.05, "far": 1.4}
    write_selection(attach(selection, make_provenance("select", {}, {}, bounds=bounds)), folder / "selection.parquet")
    return ReportFiles(folder)


def _rows(names: Sequence[str], root: str, labeled_by: str) -> pa.Table:
    references = [Reference(name, f"{name}.png") for name in names]
    grid = RecipeGrid(
        types=(1, 9), levels=(1, 5), seed=123, reference_root=root, image_root="images", suffix=".png", dataset=root
    )
    table = recipe_rows(references, grid)
    labels = [9.0 if level == 1 else 2.0 for level in table["level"].to_pylist()]
    neighbors = [
        {"reference_id": "b", "distance": 0.06, "weight": 0.6},
        {"reference_id": "c", "distance": 0.06, "weight": 0.4},
    ]
    columns = {
        "label": pa.array(labels, pa.float32()),
        "label_source": pa.array([labeled_by] * len(table)).dictionary_encode(),
        "neighbors": pa.array([neighbors if labeled_by == "pseudo" else None] * len(table), NEIGHBORS),
    }
    for name, values in columns.items():
        table = table.set_column(table.schema.get_field_index(name), table.schema.field(name), values)
    return table
