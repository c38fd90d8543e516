"""The notebook: its cells run and show what is stored, and the install brings all that they import."""

import ast
import json
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "examples" / "quickstart.ipynb"
INSTALLED = {"cv2", "numpy", "pandas", "PIL", "syndr_curate", "torch", "torchvision", "matplotlib"}
STANDARD = {"pathlib", "shlex", "shutil", "subprocess", "sys"}
LONGEST = 26  # lines of a cell


@pytest.fixture(scope="module")
def runner():
    spec = spec_from_file_location("run_notebook", ROOT / "scripts" / "run_notebook.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def stored():
    return json.loads(NOTEBOOK.read_text(encoding="utf-8"))


def sources(notebook, kind):
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == kind]


@pytest.mark.slow
def test_the_cells_run_and_show_what_is_stored(runner, stored, tmp_path):
    done = runner.run_notebook(stored, tmp_path)
    assert runner.kinds_of_outputs(done) == runner.kinds_of_outputs(stored)
    (line,) = [line for cell in done["cells"] for line in printed(cell) if line.startswith("SRCC after training")]
    after, before = (float(part.split()[-1]) for part in line.split(", "))
    assert after > 0.6 > before  # photographs that were held back; 0.70 as stored


def printed(cell):
    return [line for output in cell.get("outputs", []) for line in output.get("text", [])]


def test_the_stored_notebook_has_its_pictures(runner, stored):
    kinds = [kind for cell in runner.kinds_of_outputs(stored) for kind in cell]
    assert sum("image/png" in kind for kind in kinds) == 5
    assert NOTEBOOK.stat().st_size < 2_000_000


def test_the_install_that_it_names_brings_what_it_imports(stored):
    assert "from a clone: `pip install '.[plot]' jupyterlab`" in sources(stored, "markdown")[0]
    imported = set()
    for source in sources(stored, "code"):
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Import):
                imported |= {name.name.split(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(node.module.split(".")[0])
    assert imported <= INSTALLED | STANDARD


def test_every_cell_is_short(stored):
    assert max(source.count("\n") + 1 for source in sources(stored, "code")) <= LONGEST


def test_a_cell_keeps_what_it_prints_its_last_value_and_its_pictures(runner, tmp_path):
    cells = ["print('a')\n1 + 1", "x = 2", "x;", "import matplotlib.pyplot as plt\nplt.plot([1, 2]);", "# nothing"]
    done = runner.run_notebook({"cells": [{"cell_type": "code", "source": [cell]} for cell in cells]}, tmp_path)
    shown = [["stdout", "text/plain"], [], [], ["image/png+text/plain"], []]
    assert runner.kinds_of_outputs(done) == shown
    assert done["cells"][0]["outputs"][1]["data"] == {"text/plain": ["2"]}
