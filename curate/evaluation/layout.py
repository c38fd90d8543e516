"""Scores as rows of a table: for a terminal, for a paper, for a spreadsheet."""

import csv
import io
from typing import TypeAlias

from .evaluation import Evaluation, GroupScores
from .settings import METRICS

Cells: TypeAlias = tuple[str, ...]
HEADER: Cells = ("by", "group", "rows", "statistic", *METRICS)
SCORE, NOTHING = "score", "-"
_DECIMALS = 4


def rows_of(evaluation: Evaluation, *, exact: bool = False) -> list[Cells]:
    """Return the rows below `HEADER`: a group's score, or its median, mean and sd over runs, and its differences.

    Args:
        evaluation: The scores.
        exact: Whether numbers are written in full; four decimals otherwise.

    Returns:
        Rows of text, an undefined number as `-`, or as nothing where numbers are written in full.
    """
    return [row for group in (evaluation.overall, *evaluation.groups) for row in _rows_of_group(group, exact=exact)]


def as_csv(evaluation: Evaluation) -> str:
    """Format scores as CSV, numbers in full."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(rows_of(evaluation, exact=True))
    return text.getvalue().rstrip("\n")


def as_markdown(evaluation: Evaluation) -> str:
    """Format scores as a table in Markdown."""
    head, *lines = (
        f"| {' | '.join(cell.replace('|', '&#124;') for cell in row)} |" for row in (HEADER, *rows_of(evaluation))
    )
    return "\n".join([head, f"|{' --- |' * len(HEADER)}", *lines])


def _rows_of_group(group: GroupScores, *, exact: bool) -> list[Cells]:
    statistics = [group.statistics(metric) for metric in METRICS]
    lines: dict[str, list[float | None]] = {}
    if len(group.runs) == 1:
        lines[SCORE] = [each.median if each else None for each in statistics]
    else:
        lines["median"] = [each.median if each else None for each in statistics]
        lines["mean"] = [each.mean if each else None for each in statistics]
        lines["sd"] = [each.sd if each else None for each in statistics]
    if group.baseline:
        differences = [group.difference(metric) for metric in METRICS]
        lines["mean difference"] = [each.mean if each else None for each in differences]
        if group.intervals:
            lines["95 % from"] = [each.low if each else None for each in differences]
            lines["95 % to"] = [each.high if each else None for each in differences]
    low, high = group.rows()
    head = (group.by, group.group, str(low) if low == high else f"{low}-{high}")
    return [(*head, name, *(_text(value, exact=exact) for value in values)) for name, values in lines.items()]


def _text(value: float | None, *, exact: bool) -> str:
    if value is None:
        return "" if exact else NOTHING
    return repr(value) if exact else f"{value:.{_DECIMALS}f}"
