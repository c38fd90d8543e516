"""The stages of a run in their order: pictures, renderings, types, arms, predictions; scores come last."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from syndr_curate.curate.encoding.encoders import make_encoder
from syndr_curate.curate.labeling.calibrated.model import require_scikit_learn
from syndr_curate.curate.storage.atomic import write_bytes
from syndr_curate.curate.storage.figures import require_matplotlib

from ..shared.work import Task, carry_out_all
from . import heads, labels, predictions, renderings, training_rows, type_selection
from .arms import write_arms
from .finetuning.tasks import pixels_left, trainings_left
from .finetuning.training import Training
from .pictures import CANDIDATES, LABELED, cut_frames, find_photographs, roles_of
from .report import as_markdown, figure
from .settings import Run
from .target import SECOND, TARGET, digest_of_pictures, pictures_of, target_tasks, write_pictures
from .thinning.heads import thinning_tasks

_SECONDS_BETWEEN_LINES = 10


@dataclass
class Clock:
    """Says when nothing is started any more, and how long a stage took.

    Attributes:
        workers: Processes.
        deadline: `time.monotonic()` after which nothing is started any more; None: no limit.
    """

    workers: int
    deadline: float | None = None

    def all_done(self, name: str, tasks: list[Task], *, workers: int | None = None) -> bool:
        """Carry out tasks; tell whether all are done."""
        if not tasks:
            return True
        started = shown = time.monotonic()
        done = 0

        def one_more() -> None:
            nonlocal done, shown
            done, now = done + 1, time.monotonic()
            if now - shown > _SECONDS_BETWEEN_LINES or done == len(tasks):
                shown, left = now, (now - started) / done * (len(tasks) - done)
                print(
                    f"{name}: {done} of {len(tasks)}, about {left / 60:.1f} minutes left", file=sys.stderr, flush=True
                )

        return carry_out_all(tasks, workers=workers or self.workers, deadline=self.deadline, progress=one_more)

    def done(self, name: str, function: Callable[[Run], object], run: Run) -> bool:
        """Call a function of this process that takes a while; tell whether there was time for it."""
        if self.deadline is not None and time.monotonic() > self.deadline:
            return False
        started = time.monotonic()
        function(run)
        print(f"{name}: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
        return True


def carry_on(
    run: Run, clock: Clock, training: Training | None = None, trials: tuple[str, ...] = ()
) -> dict[str, Any] | None:
    """Do what is left of a run, and report it.

    Args:
        run: The run.
        clock: How many processes, and until when.
        training: How a network is fine-tuned, too; None: it is not.
        trials: Names (`arm:way`) of what is fine-tuned; empty: all.

    Returns:
        The results; None where time was up before the predictions were there.

    Raises:
        CurateError: Something that the run needs is missing, or the folder holds another run.
    """
    require_everything(run)
    if not fix_arms(run, clock) or not clock.all_done("ridge", predictions.prediction_tasks(run)):
        return None
    complete = clock.all_done("heads", heads.head_tasks(run))
    complete = clock.all_done("thinning", thinning_tasks(run)) and complete
    if training is not None:
        complete = finetune(run, clock, training, trials) and complete
    return {**report(run, training), "complete": complete}


def finetune(run: Run, clock: Clock, training: Training, trials: tuple[str, ...] = ()) -> bool:
    """Fine-tune what is left; tell whether all is done.

    Args:
        run: Its arms are fixed.
        clock: How many processes (one with a GPU), and until when.
        training: How.
        trials: Names of those that are wanted; empty: all.
    """
    workers = clock.workers if training.device == "cpu" else 1
    stages = (
        ("pixels", pixels_left(run, training, trials), clock.workers),
        ("fine-tuning", trainings_left(run, training, trials, controls=False), workers),
    )
    if not all(clock.all_done(name, tasks, workers=number) for name, tasks, number in stages):
        return False
    return clock.all_done("its controls", trainings_left(run, training, trials, controls=True), workers=workers)


def require_everything(run: Run) -> None:
    """Refuse to begin where an optional library is missing, in one line that says which.

    Raises:
        CurateError: It names the extra to install.
    """
    require_matplotlib("report.png")
    require_scikit_learn("calibrated labels")
    make_encoder(run.size.encoder, pool=run.size.pool, device="cpu")


def fix_arms(run: Run, clock: Clock) -> bool:
    """Fix types, rows, labels and weights of every arm, and write them down. No score is read.

    Returns:
        Whether there was time for all of it.
    """
    found = find_photographs(run.inputs.pristine, run.inputs.candidates)
    roles = roles_of(run, found)
    sets = {TARGET: run.inputs.target} | ({} if run.inputs.second is None else {SECOND: run.inputs.second})
    tables = {name: pictures_of(run, manifest) for name, manifest in sets.items()}
    run.keep_plan({**found.digests, SECOND: "", **{name: digest_of_pictures(t) for name, t in tables.items()}})
    for role, files in ((LABELED, roles.labeled), (CANDIDATES, roles.candidates)):
        cut_frames(run, role, files)
    for name, table in tables.items():
        write_pictures(run, name, table)
    renderings.lay_out(run)
    left = [task for name in tables for task in target_tasks(run, name)]
    if not clock.all_done("rendering, encoding and measuring", [*left, *renderings.tasks(run)]):
        return False
    steps = (
        ("classifier of types", type_selection.fit_classifier),
        ("types of the target", type_selection.choose_types),
        ("selected candidates", training_rows.keep_candidates),
        ("labels", labels.make_labels),
        ("arms", write_arms),
        ("rows of the arms", training_rows.write_rows),
    )
    return all(clock.done(name, function, run) for name, function in steps)


def report(run: Run, training: Training | None = None) -> dict[str, Any]:
    """Read the scores, and write the table, the numbers and the figure."""
    from .results import collect_results

    results = collect_results(run, training)
    write_bytes(run.path("report.md"), f"{as_markdown(results)}\n".encode())
    write_bytes(run.path("report.json"), json.dumps(results, indent=1).encode())
    write_bytes(run.path("report.png"), figure(results))
    return results
