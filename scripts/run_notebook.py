"""Carry out a notebook's cells in order, without Jupyter, and keep their outputs in it.

`python scripts/run_notebook.py examples/quickstart.ipynb`. The cells work in a temporary folder. Of each are kept: what
it prints, the pictures that matplotlib has open at its end, and the value of its last line.
"""

import argparse
import ast
import base64
import contextlib
import io
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

Output = dict[str, Any]


def run_notebook(notebook: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return a copy of a notebook with the outputs of its cells.

    Args:
        notebook: The JSON of an `.ipynb` file.
        folder: Where the cells work.

    Raises:
        Exception: Whatever a cell raises.
    """
    import matplotlib as mpl

    mpl.use("agg")
    variables: dict[str, Any] = {"__name__": "__main__"}
    cells, count = [], 0
    before = Path.cwd()
    os.chdir(folder)
    try:
        for cell in notebook["cells"]:
            if cell["cell_type"] != "code":
                cells.append(cell)
                continue
            count += 1
            outputs = _run_cell("".join(cell["source"]), variables, count)
            cells.append({**cell, "execution_count": count, "outputs": outputs})
    finally:
        os.chdir(before)
    return {**notebook, "cells": cells}


def kinds_of_outputs(notebook: dict[str, Any]) -> list[list[str]]:
    """Name the kinds of each code cell's outputs: `stdout`, or the types of what is shown."""
    cells = [cell["outputs"] for cell in notebook["cells"] if cell["cell_type"] == "code"]
    return [[output.get("name") or "+".join(output["data"]) for output in outputs] for outputs in cells]


def _run_cell(source: str, variables: dict[str, Any], count: int) -> list[Output]:
    import matplotlib.pyplot as plt

    body = ast.parse(source, filename=f"cell {count}").body
    last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
    value, printed = None, io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(ast.Module(body, []), f"cell {count}", "exec"), variables)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), f"cell {count}", "eval"), variables)
    outputs: list[Output] = []
    if printed.getvalue():
        outputs.append({"output_type": "stream", "name": "stdout", "text": _lines(printed.getvalue())})
    if value is not None and not source.rstrip().endswith(";"):
        shown = {"output_type": "execute_result", "execution_count": count, "metadata": {}, "data": _shown(value)}
        outputs.append(shown)
    for number in plt.get_fignums():
        content = io.BytesIO()
        plt.figure(number).savefig(content, format="png", dpi=80, bbox_inches="tight", metadata={"Software": None})
        data = {"image/png": _base64(content.getvalue()), "text/plain": ["<Figure>"]}
        outputs.append({"output_type": "display_data", "metadata": {}, "data": data})
    plt.close("all")
    return outputs


def _shown(value: Any) -> dict[str, Any]:
    picture = getattr(value, "_repr_png_", None)
    page = getattr(value, "_repr_html_", None)
    data: dict[str, Any] = {}
    if picture is not None:
        data["image/png"] = _base64(picture())
    if page is not None:
        data["text/html"] = _lines(page())
    return {**data, "text/plain": _lines("<picture>" if picture is not None else repr(value))}


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def main() -> None:
    """Run the notebook that the command line names, and write it back."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebook", type=Path)
    path = parser.parse_args().notebook
    with tempfile.TemporaryDirectory() as folder:
        done = run_notebook(json.loads(path.read_text(encoding="utf-8")), Path(folder))
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(done, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(temporary, path)
    print(f"{len(kinds_of_outputs(done))} cells", file=sys.stderr)


if __name__ == "__main__":
    main()
