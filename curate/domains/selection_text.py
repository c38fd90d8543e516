"""What `domains select` prints: a line per class, the selected ones marked."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..manifest.recipes import distortion_name
from ..printable import printable_lines

_LEGEND = {
    "excess": (
        "excess: mean score beyond that of pristine photographs",
        "shown by: images whose score is above what 1 % of pristine photographs exceed",
        "certain: resamples of the images that select the type",
        "top-1: images whose best class it is; published: share by DGQA's rule",
    ),
    "published": ("share: of three places per image, selected from 3.5 %; top-1: images whose best class it is",),
}


def describe_selection(summary: Mapping[str, Any]) -> str:
    """Format a summary as text: the largest excess (by the published rule: share) first.

    Args:
        summary: What `summarize` gave, and where the preset is (`out`).
    """
    by_excess = summary["rule"] == "excess"
    shares, published, top1 = (
        {int(kind): share for kind, share in found.items()}
        for found in (summary["shares"], summary["published"]["shares"], summary["top1_shares"])
    )
    excess = {int(kind): value for kind, value in summary["excess"].items()} if by_excess else shares
    ordered = [0, *sorted(shares, key=lambda kind: (-excess[kind], -shares[kind], kind))]
    names = ("excess", "shown by", "certain", "top-1", "published") if by_excess else ("share", "top-1")
    lines = [f"{'':2}{'id':>3}  {'type':<24}" + "".join(f"{name:>11}" for name in names)]
    chosen = set(summary["types"])
    for kind in ordered:
        best, share = f"{100 * top1[kind]:.1f} %", f"{100 * shares[kind]:.1f} %" if kind else ""
        cells = [share, best]
        if by_excess:
            cells = ["", "", "", best]
            if kind:
                certain = f"{100 * summary['certainty'][str(kind)]:.0f} %"
                cells = [f"{100 * excess[kind]:+.1f} %", share, certain, best, f"{100 * published[kind]:.1f} %"]
        line = f"{'* ' if kind in chosen else '  '}{kind:>3}  {distortion_name(kind):<24}"
        lines.append((line + "".join(f"{cell:>11}" for cell in cells)).rstrip())
    lines += _LEGEND[summary["rule"]]
    lines.append(f"selected (*): {_listed(summary['types'])}, from {summary['images']:,} images")
    if summary["published"]["types"] != summary["types"]:
        lines.append(f"the published rule (--rule published) selects: {_listed(summary['published']['types'])}")
    if summary["unusable"]:
        lines.append(f"not counted: {len(summary['unusable'])} images that could not be used, named in the preset")
    if "note" in summary:
        lines.append(f"note: {summary['note']}")
    if summary["types"]:
        lines.append(f"use it: --types {summary['out']}")
    return printable_lines(lines)


def _listed(types: Sequence[int]) -> str:
    return ",".join(map(str, types)) or "no type"
