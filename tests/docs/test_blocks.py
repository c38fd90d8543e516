"""Every block of code in the README and the docs is run as printed, or says above itself what it would need.

`<!-- needs: photos; slow -->` above a block names what a test must lay out first, or what no test can have: then the
block is not run. Blocks of one page share a folder and run from top to bottom.
"""

import csv
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [
        ROOT / "README.md",
        ROOT / "manifests" / "README.md",
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("examples/*/README.md"),
    ]
)
RUN = ("console", "bash", "python")
LIBRARY = "library "  # one that the package does not bring
SHOWN = ("text", "json", "csv", "toml", "yaml")
SLOW = (
    *("slow", "the demo", "the demo as manifests", "rated images"),
    *("KADID-10k's labels and features", "photographs and scored pictures"),
)
LAID_OUT = (*SLOW, "photos", "more photographs", "an image", "features")
OUT_OF_REACH = (
    *("KADID-10k", "KADIS-700k", "LIVE Challenge", "KonIQ-10k", "BID", "ResNet-50's weights", "weights of timm"),
    *("a clone", "a network", "a Slurm cluster", "a Ray cluster", "FiftyOne"),
    *("inputs of your own", "photographs of your own", "labels of your own", "a training loop of your own"),
)
# Whatever else a page prints, a test starts nothing but these: no installer, no cluster, no download.
PROGRAMS = ("syndr-curate", "python examples/")
FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\S*)[^\n]*\n(?P<body>.*?)^(?P=indent)``` *$", re.MULTILINE | re.DOTALL
)
NEEDS = re.compile(r"<!-- needs: (?P<needs>[^>]*?) -->\s*\Z")


@dataclass(frozen=True)
class Block:
    """A fenced block: where it is, what it is, what it needs."""

    page: str
    line: int
    language: str
    body: str
    needs: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def missing(self) -> list[str]:
        return [need for need in self.needs if need in OUT_OF_REACH]

    @property
    def slow(self) -> bool:
        return any(need in SLOW for need in self.needs)


def blocks_of(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    found = []
    for match in FENCE.finditer(text):
        comment = NEEDS.search(text[: match.start()])
        needs = tuple(need.strip() for need in comment["needs"].split(";")) if comment else ()
        body = re.sub(f"^{match['indent']}", "", match["body"], flags=re.MULTILINE)
        line = text.count("\n", 0, match.start()) + 1
        found.append(Block(page.relative_to(ROOT).as_posix(), line, match["language"], body, needs))
    return found


BLOCKS = [block for page in PAGES for block in blocks_of(page)]


class Place(NamedTuple):
    """Where the blocks of a page run."""

    folder: Path
    variables: dict[str, Any]
    done: set[int]


@pytest.fixture(scope="module")
def workplaces(tmp_path_factory):
    """Each page's folder, the variables of its Python blocks, and the lines of the blocks that were run."""
    made = {}

    def of(page):
        if page not in made:
            folder = tmp_path_factory.mktemp(Path(page).stem)
            (folder / "examples").symlink_to(ROOT / "examples")
            made[page] = Place(folder, {"__name__": "__main__"}, set())
        return made[page]

    return of


@pytest.fixture
def lay_out(image_folder, request):
    """Put what a block needs into its page's folder, or among its variables."""

    def lay(need, folder, variables):
        if need == "photos" and not (folder / "photos").exists():
            shutil.copytree(image_folder("photo", 4, height=96, width=128), folder / "photos")
        elif need == "more photographs" and not (folder / "more-photos").exists():
            shutil.copytree(image_folder("more", 12, first_seed=50, height=96, width=128), folder / "more-photos")
        elif need in ("the demo", "the demo as manifests"):
            target = folder / "manifests" / ("demo" if need == "the demo" else "")
            made, _ = request.getfixturevalue("demo")
            shutil.copytree(made, target, dirs_exist_ok=True, copy_function=hard_link)
        elif need == "KADID-10k's labels and features":
            data = request.getfixturevalue("reference_data")
            names = {"dmos.csv": "kadid10k/dmos.csv", "kadid.npz": "refset/train_ref.npz"}
            for name, place in {**names, "kadis.npz": "refset/additional_ref.npz"}.items():
                (folder / name).unlink(missing_ok=True)
                (folder / name).symlink_to(data / place)
        elif need == "rated images" and not (folder / "rated").exists():
            lay_out_rated_images(folder, request.getfixturevalue("demo")[0])
        elif need == "photographs and scored pictures" and not (folder / "scored").exists():
            lay_out_scored_pictures(folder, request.getfixturevalue("reference_data"))
        elif need == "an image":
            variables["image"] = np.arange(64 * 80 * 3, dtype=np.uint32).reshape(64, 80, 3).astype(np.uint8)
        elif need == "features":
            variables["sample_ids"], variables["features"] = ["a", "b"], np.eye(2, dtype=np.float32)

    return lay


def lay_out_rated_images(folder, demo):
    """Photographs, new content, and distorted versions of the photographs with a score for each: all of the demo."""
    shutil.copytree(demo / "references", folder / "photos", dirs_exist_ok=True)
    shutil.copytree(demo / "candidates", folder / "more-photos", dirs_exist_ok=True)
    rows = [row for row in pq.read_table(demo / "train.parquet").to_pylist() if row["label_source"] == "proxy"]
    for row in rows:
        (folder / "rated" / row["image_path"]).parent.mkdir(parents=True, exist_ok=True)
        os.link(demo / "images" / row["image_path"], folder / "rated" / row["image_path"])
    scores = [(row["image_path"], row["reference_path"], row["label"]) for row in rows]
    write_csv(folder / "scores.csv", [("image", "reference", "mos"), *scores])


def lay_out_scored_pictures(folder, data):
    """Twelve good photographs, and real pictures that people have scored, at half size so that they take a minute."""
    for file in sorted((data / "images/kodak").glob("*.png"))[::2]:
        halve(file, folder / "photos" / file.name)
    with (data / "livec_dev/labels.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))[::5]
    scores = {Path(row["image"]).with_suffix(".png").name: row["mos"] for row in rows}
    for row, name in zip(rows, scores, strict=True):
        halve(data / "livec_dev/images" / row["image"], folder / "scored/images" / name)
    write_csv(folder / "scored/scores.csv", [("image", "score"), *scores.items()])


def halve(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.open(source).convert("RGB")
    picture.resize((picture.width // 2, picture.height // 2), Image.Resampling.BOX).save(target)


def write_csv(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


def hard_link(source, target):
    Path(target).unlink(missing_ok=True)
    os.link(source, target)


RUNNABLE = [block for block in BLOCKS if block.language in RUN and not block.missing]


@pytest.mark.parametrize(
    "block", [pytest.param(b, id=str(b), marks=[pytest.mark.slow] if b.slow else []) for b in RUNNABLE]
)
def test_a_block_runs_as_printed(block, workplaces, carry_out):
    done = workplaces(block.page).done
    before = [b for b in RUNNABLE if b.page == block.page and b.line < block.line and (block.slow or not b.slow)]
    # Later blocks use what earlier ones made, which another process may have run.
    for each in (*before, block):
        if each.line not in done:
            done.add(each.line)
            carry_out(each)


@pytest.fixture
def carry_out(workplaces, lay_out, monkeypatch):
    """Run a block in its page's folder, with what it needs, and compare what it prints."""

    def run_block(block):
        assert not programs_beside_ours(block), "say above the block what it needs"
        for need in block.needs:
            if need.startswith(LIBRARY):
                pytest.importorskip(need.removeprefix(LIBRARY))
        place = workplaces(block.page)
        for need in block.needs:
            lay_out(need, place.folder, place.variables)
        monkeypatch.chdir(place.folder)
        if block.language == "python":
            exec(compile(block.body, str(block), "exec"), place.variables)
        elif block.language == "bash":
            run(block.body, place.folder)
        else:
            for command, output in commands_of(block.body):
                compare(run(command, place.folder), output)

    return run_block


def programs_beside_ours(block):
    if block.language == "python":
        return []
    commands = [c for c, _ in commands_of(block.body)] if block.language == "console" else block.body.splitlines()
    lines = [line for line in commands if line.strip() and not line.startswith((" ", "#"))]
    return [line for line in lines if not line.startswith(PROGRAMS) or re.search(r"[;&|`]|\$\(", line)]


def commands_of(body):
    """Split a console block into commands and the output printed below each; a backslash goes on."""
    found = []
    for line in body.splitlines():
        if line.startswith("$ "):
            found.append([line[2:], []])
        elif found and found[-1][0].endswith("\\") and not found[-1][1]:
            found[-1][0] += "\n" + line
        elif line.strip() and found:
            found[-1][1].append(line)
        else:
            assert not line.strip(), f"{line!r} comes before any command"
    return found


def run(command, folder):
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def compare(printed, expected):
    """Hold what a command prints to what the page shows; a line `...` stands for any lines."""
    if not expected:
        return
    pattern = "\n".join(r"(?:.*\n)*?.*" if line.strip() == "..." else re.escape(line.rstrip()) for line in expected)
    actual = "\n".join(line.rstrip() for line in printed.splitlines() if line.strip())
    assert re.fullmatch(pattern, actual), f"the page shows\n{chr(10).join(expected)}\nbut it prints\n{actual}"


def test_most_blocks_of_the_site_are_run():
    on_the_site = [block for block in RUNNABLE if block.page != "README.md"]
    assert len(on_the_site) >= 50
    assert sum(not block.slow for block in on_the_site) >= 20
    libraries = [block for block in on_the_site if any(need.startswith(LIBRARY) for need in block.needs)]
    assert len(on_the_site) - len(libraries) >= 50, "enough run where no library beside ours is installed"


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_a_block_names_its_language_and_known_needs(block):
    assert block.language in (*RUN, *SHOWN), "name the language: console, bash or python is run, text is not"
    known = (*LAID_OUT, *OUT_OF_REACH)
    unknown = [need for need in block.needs if need not in known and not need.startswith(LIBRARY)]
    assert not unknown, f"{unknown} is not among the needs that the test knows"
    assert not (block.needs and block.language in SHOWN), "a block that is not run needs nothing"
    if block.language in RUN and not block.missing:
        assert not programs_beside_ours(block), "a test runs syndr-curate and the examples alone: say what it needs"


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.language == "text"], ids=str)
def test_no_command_hides_in_a_block_that_is_not_run(block):
    hidden = [line for line in block.body.splitlines() if re.match(r"\s*(\$ |syndr-curate |python |pip |make )", line)]
    assert not hidden


def test_the_convention_sees_commands_outputs_and_continued_lines():
    body = "$ echo a \\\n    b\na b\n\n$ true\n"
    assert commands_of(body) == [["echo a \\\n    b", ["a b"]], ["true", []]]
    compare("one\ntwo\nthree\n", ["one", "...", "three"])
    with pytest.raises(AssertionError, match="the page shows"):
        compare("one\ntwo\n", ["one", "three"])
