"""What came out: one table with its controls in markdown, and a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from syndr_curate.curate.storage.figures import COLORS, DIAGONAL, figure_png

from .arms import BASELINE, SELECTED
from .cells import plus_minus, table
from .settings import PARTS
from .thinning_report import finetuned_table, thinning_tables

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LINE, _AROUND = 26, 110  # heights in pixels: of an arm, and of what lies above and below all
_HEADS = {"all": "all types", "bid": "preset bid", "selected": "domains select"}


def as_markdown(results: dict[str, Any]) -> str:
    """Return the tables."""
    return "\n\n".join(
        part
        for part in (
            _arms(results),
            _beaten(results),
            _heads(results),
            thinning_tables(results),
            finetuned_table(results),
            _notes(results),
        )
        if part
    )


def figure(results: dict[str, Any]) -> bytes:
    """Draw the SRCC of every arm and its difference from the baseline with its 95 % interval, as PNG."""
    return figure_png(
        lambda drawing: _draw(drawing, results), width=1100, height=_AROUND + _LINE * len(results["arms"])
    )


def _arms(results: dict[str, Any]) -> str:
    counts = results["pictures"]
    header = (
        "training set",
        "rows",
        *(f"SRCC {name} ({counts[part]})" for name, part in zip(("all", "half A", "half B"), PARTS, strict=True)),
        "PLCC all",
        "- all types (95 % over pictures)",
        "half A",
        "half B",
        "over references (mean; above 0)",
        "",
    )
    lines = [_arm_line(line) for line in results["arms"]]
    lines += [_control_line(results["random"])]
    lines += [(line["title"], "", *_three(line["srcc"]), *[""] * 6) for line in results["real_scores"]]
    return table(header, lines)


def _arm_line(line: dict[str, Any]) -> tuple[str, ...]:
    types = f" ({', '.join(map(str, line['types']))})" if line["key"] == SELECTED else ""
    start = (f"{line['title']}{types}", str(line["rows"]), *_three(line["srcc"]), f"{line['plcc']['all']:.3f}")
    if line["key"] == BASELINE:
        return (*start, "", "", "", "", "")
    found = line["by_references"]
    return (
        *start,
        *(_interval(line["difference"][part]) for part in PARTS),
        f"{found['mean']:+.3f}; {found['positive']} of {found['of']}",
        line["verdict"],
    )


def _control_line(found: dict[str, Any]) -> tuple[str, ...]:
    parts = [found["parts"][part] for part in PARTS]
    shown = [f"{part['mean']:.3f} ± {part['sd']:.3f}, best {part['best']:.3f}" for part in parts]
    return (f"{parts[0]['shown']} random sets of {found['types']} types", "", *shown, *[""] * 6)


def _beaten(results: dict[str, Any]) -> str:
    found = results["random"]
    keys = list(found["parts"]["all"]["beaten"])
    titles = {line["key"]: line["title"] for line in results["arms"]}
    header = (f"beats so many of {found['sets']} random sets of {found['types']} types", "all", "half A", "half B")
    lines = [(titles[key], *(f"{found['parts'][part]['beaten'][key]:.1%}" for part in PARTS)) for key in keys]
    return table(header, lines)


def _heads(results: dict[str, Any]) -> str:
    if not results["heads"]:
        return ""
    header = (f"small head, {results['head_steps']} steps", "seeds", "SRCC all", "half A", "half B")
    lines = [
        (_HEADS[line["key"]], str(line["seeds"]), *(plus_minus(line["srcc"][part]) for part in PARTS))
        for line in results["heads"]
    ]
    return table(header, lines)


def _notes(results: dict[str, Any]) -> str:
    steps = "" if results["head_steps"] is None else f"; steps of the heads {results['head_steps']}"
    nothing = (
        ""
        if results["selected"]
        else " `domains select` selects no type for this target: it has no rows here, and the random sets are as "
        "large as the preset bid."
    )
    return (
        f"Chosen on half A: penalty {results['penalty']}{steps}. {results['comparisons']} comparisons, none corrected "
        f"for. Half B was looked at with {results['looks_at_half_b']} sets of results in this folder. "
        "*better*, *worse*: the interval over pictures leaves out zero on both halves, and at least nine of ten "
        f"resamples of the references agree.{nothing}"
    )


def _draw(drawing: Figure, results: dict[str, Any]) -> None:
    lines = results["arms"]
    left, right = drawing.subplots(1, 2, sharey=True)
    left.set_yticks(range(len(lines)), [line["title"] for line in lines], fontsize=8)
    left.set(
        ylim=(len(lines) - 0.5, -0.5),
        xlabel="SRCC on the target; band: random sets",
        title="circle all, left half A, right half B",
    )
    right.axvline(0, color=DIAGONAL)
    right.set(xlabel="difference in SRCC", title="from all types, 95 % over pictures")
    control = results["random"]["parts"]["all"]
    left.axvspan(control["mean"] - control["sd"], control["mean"] + control["sd"], color=COLORS[4], alpha=0.25, lw=0)
    left.axvline(control["mean"], color=COLORS[4], lw=1)
    for number, line in enumerate(lines):
        for part, mark, color in (("a", "<", COLORS[5]), ("b", ">", COLORS[2]), ("all", "o", COLORS[0])):
            left.plot(line["srcc"][part], number, mark, color=color, markersize=5)
        if line["key"] != BASELINE:
            found = line["difference"]["all"]
            right.plot((found["low"], found["high"]), (number, number), color=COLORS[1], lw=2)
            right.plot(found["mean"], number, "o", color=COLORS[1], markersize=5)


def _three(scores: dict[str, float]) -> tuple[str, ...]:
    return tuple(f"{scores[part]:.3f}" for part in PARTS)


def _interval(found: dict[str, float]) -> str:
    return f"{found['mean']:+.3f} ({found['low']:+.3f} to {found['high']:+.3f})"
