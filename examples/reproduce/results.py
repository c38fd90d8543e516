"""A table of the paper beside ours: Markdown, CSV and a picture."""

import csv
import statistics
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from paper import Table

# Colors that people with the common color deficiencies can tell apart (Okabe and Ito 2008).
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#5A5A5A")
HEADER = ("table", "row", "column", "metric", "ours", "spread", "runs", "paper")


@dataclass(frozen=True)
class Cell:
    """What runs scored for one row and column.

    Attributes:
        srcc: SRCC of each run.
        plcc: PLCC of each run.
    """

    srcc: tuple[float, ...]
    plcc: tuple[float, ...]


Cells = Mapping[tuple[str, str], Cell]


def middle_and_spread(values: tuple[float, ...], *, median: bool) -> tuple[float, float | None]:
    """Return the mean of some runs, or their median, and their sample standard deviation; None for one run."""
    middle = statistics.median(values) if median else statistics.fmean(values)
    return middle, statistics.stdev(values) if len(values) > 1 else None


def write_results(name: str, table: Table, cells: Cells, folder: Path) -> Path:
    """Write a table as NAME.md, NAME.csv and, where matplotlib is installed, NAME.png; return the first."""
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / f"{name}.md"
    page.write_text(markdown(name, table, cells), encoding="utf-8")
    with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([HEADER, *csv_rows(name, table, cells)])
    if find_spec("matplotlib") is None:
        print(f"no picture of {name}: pip install 'syndr-curate[plot]'", file=sys.stderr)
    else:
        draw(table, cells, folder / f"{name}.png")
    return page


def markdown(name: str, table: Table, cells: Cells) -> str:
    """Return the table as Markdown: for each column the paper's SRCC, our SRCC and our PLCC."""
    columns = [f"{target.name}: {what}" for target in table.targets for what in ("paper SRCC", "SRCC", "PLCC")]
    lines = [
        f"# {name.capitalize().replace('Table', 'Table ')}: {table.title}",
        "",
        f"| | {' | '.join(columns)} |",
        f"| --- |{' ---: |' * len(columns)}",
    ]
    for method in table.methods:
        shown = []
        for target in table.targets:
            key = (method.name, target.name)
            paper = table.paper.get(key)
            shown.append("" if paper is None else f"{paper:.3f}")
            shown += [_shown(values, median=bool(table.splits)) for values in (cells[key].srcc, cells[key].plcc)]
        lines.append(f"| {method.name} | {' | '.join(shown)} |")
    middle = f"median over {table.splits} splits" if table.splits else "mean over seeds"
    runs = sorted({len(cell.srcc) for cell in cells.values()})
    lines += [
        "",
        f"Ours: {middle} ± standard deviation; {' or '.join(map(str, runs))} run(s) per cell. The paper's cells are "
        "those whose numbers this project has; an empty one says nothing.",
    ]
    return "\n".join(lines) + "\n"


def csv_rows(name: str, table: Table, cells: Cells) -> list[tuple[object, ...]]:
    """Return one row per cell and metric; a number that there is none of is empty."""
    rows: list[tuple[object, ...]] = []
    for method in table.methods:
        for target in table.targets:
            key = (method.name, target.name)
            for metric, values in (("srcc", cells[key].srcc), ("plcc", cells[key].plcc)):
                middle, spread = middle_and_spread(values, median=bool(table.splits))
                paper = table.paper.get(key) if metric == "srcc" else None
                spread_text = "" if spread is None else f"{spread:.4f}"
                paper_text = "" if paper is None else f"{paper:.3f}"
                row = (name, method.name, target.name, metric, f"{middle:.4f}", spread_text, len(values), paper_text)
                rows.append(row)
    return rows


def draw(table: Table, cells: Cells, file: Path) -> None:
    """Draw our SRCC with its spread as dots, the paper's as diamonds: a panel per column, a line per row."""
    from matplotlib import style
    from matplotlib.figure import Figure

    rows = len(table.methods)
    with style.context(["default", {"axes.grid": True, "axes.axisbelow": True, "grid.color": "#E1E1E1"}]):
        size = (2.2 + 2.3 * len(table.targets), 1.6 + 0.36 * rows)
        figure = Figure(figsize=size, dpi=100, layout="constrained")
        panels = figure.subplots(1, len(table.targets), sharey=True, squeeze=False)[0]
        for panel, target in zip(panels, table.targets, strict=True):
            for place, method in enumerate(table.methods):
                key = (method.name, target.name)
                middle, spread = middle_and_spread(cells[key].srcc, median=bool(table.splits))
                panel.errorbar(middle, place, xerr=spread, fmt="o", color=COLORS[0], capsize=3, label="ours")
                if key in table.paper:
                    panel.plot(table.paper[key], place, "D", color=COLORS[1], mfc="none", label="paper")
            panel.set_title(target.name, fontsize=9)
            panel.set_xlabel("SRCC")
            panel.set_yticks(range(rows), [method.name for method in table.methods])
            panel.set_ylim(rows - 0.5, -0.5)
        found = {
            label: line for panel in panels for line, label in zip(*panel.get_legend_handles_labels(), strict=True)
        }
        figure.legend(found.values(), found.keys(), loc="outside lower center", ncols=2, frameon=False)
        figure.savefig(file, metadata={"Software": None})


def _shown(values: tuple[float, ...], *, median: bool) -> str:
    middle, spread = middle_and_spread(values, median=median)
    return f"{middle:.3f}" if spread is None else f"{middle:.3f} ± {spread:.3f}"
