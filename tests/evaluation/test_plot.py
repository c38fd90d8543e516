"""The figure of an evaluation."""

import numpy as np
import pyarrow as pa
from matplotlib.figure import Figure
from syndr_curate import evaluate
from syndr_curate.curate.evaluation.plot import WIDTH, draw_evaluation, write_evaluation_figure
from syndr_curate.curate.storage.images import decode_image

from ..making import training_rows


def evaluated(**asked):
    labels = np.linspace(0, 10, 30)
    table = training_rows([f"p{n}" for n in range(30)], labels, split="test", level=[n % 3 + 1 for n in range(30)])
    rng = np.random.default_rng(0)
    models = {
        name: pa.table({"id": table["sample_id"], "score": labels + rng.normal(size=30) * noise})
        for name, noise in {"a": 0.5, "b": 1.0, "base": 3.0}.items()
    }
    runs = {name: models[name] for name in "ab"}
    return evaluate(runs, table, by=["level"], baseline=models["base"], bootstrap=0, **asked)


def panels(found):
    figure = Figure()
    draw_evaluation(figure, found)
    return {axes.get_title(): axes for axes in figure.axes}


def test_the_first_runs_scores_are_beside_the_labels():
    found = evaluated()
    axes = panels(found)["a: 30 images"]
    points, curve = axes.lines
    assert points.get_xdata().tolist() == found.scored["a"]["score"].to_pylist()
    assert points.get_ydata().tolist() == found.scored["a"]["label"].to_pylist()
    assert curve.get_label() == "4-parameter logistic"
    assert axes.texts[0].get_text().startswith(f"SRCC {found.overall.runs['a'].srcc:.3f}\nPLCC ")


def test_every_group_has_a_row_with_its_runs_and_baselines():
    found = evaluated()
    axes = panels(found)["SRCC of each run (x: its baseline)"]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["overall", "level: 1", "level: 2", "level: 3"]
    drawn = [sorted(line.get_xdata()) for line in axes.lines if line.get_marker() == "o"]
    assert drawn[0] == sorted(run.srcc for run in found.overall.runs.values())
    assert drawn[3] == sorted(run.srcc for run in found.groups[2].runs.values())


def test_the_file_is_a_png_of_its_size(tmp_path):
    write_evaluation_figure(tmp_path / "scores.png", evaluated())
    assert decode_image(tmp_path / "scores.png").shape[1] == WIDTH
