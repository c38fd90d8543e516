"""Reproduce tables and figures of the SynDR-IQA paper, each with one command, beside the paper's own numbers.

`python examples/reproduce/reproduce.py table1 --paths paths.toml`; a run that is done is not done again. README.md
beside this file says what has to be downloaded.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from experiments import Experiments, Scores
from figures import make_figure
from paper import FIGURES, TABLES, Method, Table, Target
from places import read_places
from results import Cell, Cells, write_results
from syndr_curate import CurateError

FIRST_SEED = 123


def cells_of(table: Table, experiments: Experiments, seeds: int) -> Cells:
    """Carry out every run of a table and return its cells."""
    split_files = experiments.manifests.splits(table.splits) if table.splits else [None]
    found: dict[tuple[str, str], Cell] = {}
    for method in table.methods:
        for targets in _trained_together(table.targets):
            runs = [
                experiments.scores(method, targets, seed=seed, split_file=split_file)
                for split_file in split_files
                for seed in range(FIRST_SEED, FIRST_SEED + seeds)
            ]
            found |= {_key(method, target): _cell(runs, target) for target in targets}
    return found


def _trained_together(targets: tuple[Target, ...]) -> list[tuple[Target, ...]]:
    """Group the columns that one model serves: those with the same distortion types."""
    groups: dict[str, tuple[Target, ...]] = {}
    for target in targets:
        groups[target.types] = (*groups.get(target.types, ()), target)
    return list(groups.values())


def _key(method: Method, target: Target) -> tuple[str, str]:
    return method.name, target.name


def _cell(runs: Sequence[Scores], target: Target) -> Cell:
    return Cell(*(tuple(run[target.name][metric] for run in runs) for metric in ("srcc", "plcc")))


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = (*TABLES, *FIGURES)
    add = parser.add_argument
    add("names", nargs="+", choices=(*names, "all"), metavar="NAME", help=f"{', '.join(names)}, or all")
    add("--paths", type=Path, metavar="FILE", help="TOML or JSON: where data and weights lie, and flags of train.py")
    add("--data", action="append", default=[], metavar="NAME=FOLDER", help="folder of a data set; repeatable")
    add("--train", action="append", default=[], metavar="FLAG=VALUE", help="of train.py, without dashes; repeatable")
    add("--seeds", type=int, default=1, metavar="N", help=f"runs per cell, seeds {FIRST_SEED} and on")
    add("--out", type=Path, default=Path("reproduction"), help="folder of manifests, runs and results")
    found = parser.parse_args(arguments)
    if found.seeds < 1:
        parser.error(f"--seeds {found.seeds}; expected 1 or more")
    return found


def main(arguments: list[str] | None = None) -> None:
    asked = parse_arguments(arguments)
    names = [*TABLES, *FIGURES] if "all" in asked.names else list(dict.fromkeys(asked.names))
    try:
        experiments = Experiments(read_places(asked.paths, asked.data, asked.train), asked.out.resolve())
        results = asked.out / "results"
        for name in names:
            if name in TABLES:
                cells = cells_of(TABLES[name], experiments, asked.seeds)
                print(write_results(name, TABLES[name], cells, results), flush=True)
            else:
                page = make_figure(name, FIGURES[name], experiments, seed=FIRST_SEED, folder=results)
                print(page, flush=True)
    except CurateError as error:
        # From a worker process the message comes at the end of its traceback.
        print("error:", str(error).splitlines()[-1].rpartition("CurateError: ")[2], file=sys.stderr)
        raise SystemExit(2) from error


if __name__ == "__main__":
    main()
