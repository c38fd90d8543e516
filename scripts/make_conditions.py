"""Write manifests/conditions/kadid10k.json from KADID-10k's label file: the mean human label of each type and level."""

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

import pandas as pd
from syndr_curate.curate.datasets.labels import read_labels

TABLE = Path(__file__).resolve().parents[1] / "manifests" / "conditions" / "kadid10k.json"
SOURCE = (
    "KADID-10k, dmos.csv (Lin, Hosu and Saupe: KADID-10k: A Large-scale Artificially Distorted IQA Database, "
    "QoMEX 2019)"
)
COMPUTED = (
    "per distortion type and level, the mean and the sample standard deviation (n - 1) of the column dmos over all "
    "references, on the scale of the file, whose ends are its smallest and largest dmos; by scripts/make_conditions.py"
)


def condition_facts(label_file: Path) -> dict[str, Any]:
    """Return what the table says.

    Args:
        label_file: KADID-10k's dmos.csv.
    """
    labels = read_labels(label_file)
    scores = pd.read_csv(label_file)["dmos"]
    cells = scores.groupby([labels.distortion_ids, labels.levels])
    return {
        "name": TABLE.stem,
        "source": SOURCE,
        "computed": COMPUTED,
        "labels_sha256": hashlib.sha256(label_file.read_bytes()).hexdigest(),
        "references": len(labels.references()),
        "label_scale": labels.scale.as_json(),
        "conditions": [
            {
                "distortion_id": int(kind),
                "level": int(level),
                "mean": float(cell.mean()),
                "standard_deviation": float(cell.std(ddof=1)),
            }
            for (kind, level), cell in cells
        ],
    }


def as_text(facts: dict[str, Any]) -> str:
    """Write the table as JSON, a condition per line."""
    rows = ",\n    ".join(json.dumps(cell) for cell in facts["conditions"])
    head = json.dumps({**facts, "conditions": []}, indent=2)
    return head.replace('"conditions": []', f'"conditions": [\n    {rows}\n  ]') + "\n"


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("labels", type=Path, help="KADID-10k's dmos.csv")
    parser.add_argument("--out", type=Path, default=TABLE, help="file to write")
    given = parser.parse_args()
    given.out.write_text(as_text(condition_facts(given.labels)), encoding="utf-8")


if __name__ == "__main__":
    main()
