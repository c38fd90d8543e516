"""Tables of thinning and of fine-tuning."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from .cells import difference, plus_minus, table
from .finetuning.tasks import PLAIN, RANDOM
from .settings import PARTS
from .thinning.variants import VARIANTS


def thinning_tables(results: dict[str, Any]) -> str:
    """Return a table of ways of thinning per arm, small heads on frozen features; empty where nothing was trained."""
    parts = [_thinning(list(lines)) for _, lines in groupby(results["thinning"], key=lambda line: line["arm"])]
    return "\n\n".join(parts)


def finetuned_table(results: dict[str, Any]) -> str:
    """Return the table of fine-tuned networks; empty where nothing was trained."""
    lines = results["finetuned"]
    if not lines:
        return ""
    header = (
        "fine-tuned end to end, equal steps",
        "Table 4",
        "thinning",
        "seeds",
        "rows kept",
        "largest cluster",
        "SRCC all",
        "half A",
        "half B",
        "- row a",
        "- no thinning",
        "half A",
        "half B",
        "- at random",
        "- fewer steps",
        "",
    )
    return table(header, [_finetuned(line) for line in lines])


def _thinning(lines: list[dict[str, Any]]) -> str:
    header = (
        f"{lines[0]['title']}: thinning, {lines[0]['seeds']} seeds of the head",
        "rows kept",
        "bound",
        "largest cluster",
        "SRCC all",
        "- all rows",
        "half A",
        "half B",
        "- at random",
        "paper's schedule: SRCC",
        "- all rows",
        "- fewer steps",
        "",
    )
    return table(header, [_thinned(line) for line in lines])


def _thinned(line: dict[str, Any]) -> tuple[str, ...]:
    own = plus_minus(line["srcc"]["all"])
    published = plus_minus(line["published"]["srcc"]["all"])
    if line["way"] == PLAIN:
        return (line["words"], "100.0%", "", "", own, "", "", "", "", published, "", "", "")
    return (
        line["words"],
        f"{line['kept']:.1%}",
        f"{line['bound']:.3f}",
        f"{line['largest']:.1%}",
        own,
        *(difference(line["difference"][part]) for part in PARTS),
        difference(line.get("difference_to_random")),
        published,
        difference(line["published_difference"]),
        difference(line["published_to_fewer_steps"]),
        line["verdict"],
    )


def _finetuned(line: dict[str, Any]) -> tuple[str, ...]:
    found = line.get("difference")
    return (
        line["title"],
        line["row"],
        _way(line["way"]),
        str(line["seeds"]),
        f"{line['kept']:.1%}",
        f"{line['largest']:.1%}" if "largest" in line else "",
        *(plus_minus(line["srcc"][part]) for part in PARTS),
        difference(line["to_baseline"]["all"] if "to_baseline" in line else None),
        *(difference(None if found is None else found[part]) for part in PARTS),
        difference(line.get("difference_to_random")),
        difference(line.get("difference_to_fewer_steps")),
        line.get("verdict", ""),
    )


def _way(key: str) -> str:
    if key == PLAIN:
        return "none"
    titles = {variant.key: variant.title for variant in VARIANTS}
    name = titles[key.removesuffix(RANDOM)]
    return f"as many at random as at the {name}" if key.endswith(RANDOM) else name
