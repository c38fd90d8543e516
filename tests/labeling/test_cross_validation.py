import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syndr_curate.curate.datasets.feature_files import load_features
from syndr_curate.curate.datasets.features import Features
from syndr_curate.curate.datasets.labels import Labels, LabelScale, read_labels
from syndr_curate.curate.errors import CurateError
from syndr_curate.curate.labeling.correlation.coefficients import rank_correlation
from syndr_curate.curate.labeling.cross_validation import compare, comparison_text, cross_validate
from syndr_curate.curate.labeling.label_matrix import complete_label_matrix
from syndr_curate.curate.labeling.make_labeler import make_labeler
from syndr_curate.curate.labeling.scores import coverage_of, scores_of
from syndr_curate.curate.labeling.settings import NeighborSettings

LABELERS = ("knn", "nearest", "condition", "gp")


def random_set(seed: int, references: int = 7, noise: float = 0.2) -> tuple[Labels, Features]:
    rng = np.random.Generator(np.random.PCG64(seed))
    ids = tuple(f"r{i}" for i in range(references))
    cells = [(i, kind, level) for i in ids for kind in (1, 2) for level in (1, 3)]
    samples = tuple(f"{i}_{kind:02d}_{level:02d}" for i, kind, level in cells)
    labels = Labels(
        sample_ids=samples,
        image_names=samples,
        reference_ids=tuple(i for i, _, _ in cells),
        reference_names=tuple(i for i, _, _ in cells),
        distortion_ids=np.array([kind for _, kind, _ in cells], np.int16),
        levels=np.array([level for _, _, level in cells], np.int8),
        quality=rng.uniform(0, 10, len(cells)),
        standard_errors=np.full(len(cells), noise),
        scale=LabelScale(0.0, 10.0),
    )
    return labels, Features(rng.normal(size=(references, 6)), ids, ids, "the features", {})


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10_000), st.integers(0, 6), st.sampled_from(LABELERS))
def test_labels_of_the_left_out_reference_do_not_reach_its_prediction(seed, row, labeler):
    labels, features = random_set(seed)
    own = np.array(labels.reference_ids) == f"r{row}"
    rng = np.random.Generator(np.random.PCG64(seed + 1))
    other = replace(
        labels,
        quality=np.where(own, rng.uniform(0, 10, len(own)), labels.quality),
        standard_errors=np.where(own, rng.uniform(0, 3, len(own)), labels.standard_errors),
    )
    before, after = (cross_validate(these, features, make_labeler(labeler)) for these in (labels, other))
    assert before.truth[row].tobytes() != after.truth[row].tobytes()
    assert before.predicted[row].tobytes() == after.predicted[row].tobytes()
    assert before.spread[row].tobytes() == after.spread[row].tobytes()


@pytest.mark.parametrize("labeler", LABELERS)
def test_the_order_of_the_files_does_not_matter(labeler):
    labels, features = random_set(3)
    order = np.random.Generator(np.random.PCG64(0)).permutation(len(labels.sample_ids))
    shuffled = replace(
        labels,
        sample_ids=tuple(labels.sample_ids[i] for i in order),
        reference_ids=tuple(labels.reference_ids[i] for i in order),
        distortion_ids=labels.distortion_ids[order],
        levels=labels.levels[order],
        quality=labels.quality[order],
    )
    turned = replace(features, matrix=features.matrix[::-1], ids=features.ids[::-1])
    chosen = make_labeler(labeler)
    before, after = cross_validate(labels, features, chosen), cross_validate(shuffled, turned, chosen)
    assert before.reference_ids == after.reference_ids
    assert before.predicted.tobytes() == after.predicted.tobytes()


def test_the_mean_is_that_of_the_others(at_angles, labeled):
    labels = labeled({("a", 1, 1): 1.0, ("b", 1, 1): 4.0, ("c", 1, 1): 7.0})
    result = cross_validate(labels, at_angles(a=0, b=10, c=30), make_labeler("condition"))
    assert result.predicted[:, 0].tolist() == [5.5, 4.0, 2.5]
    assert result.scores().mae == pytest.approx((4.5 + 0 + 4.5) / 3)


def test_the_nearest_of_the_others_gives_the_label(at_angles, labeled):
    labels = labeled({("a", 1, 1): 1.0, ("b", 1, 1): 4.0, ("c", 1, 1): 7.0})
    result = cross_validate(labels, at_angles(a=0, b=10, c=30), make_labeler("nearest"))
    assert result.predicted[:, 0].tolist() == [4.0, 1.0, 4.0]
    assert np.isnan(result.spread).all()
    assert result.scores().coverage is None


def test_scores_of_a_hand_made_case():
    truth, predicted = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 4.0, 3.0, 8.0])
    scores = scores_of(truth, predicted, np.array([0.5, 1.0, np.nan, 5.0]))
    assert scores.mae == 1.5  # errors 0, 2, 0, 4
    assert scores.rmse == pytest.approx(np.sqrt(5))
    assert scores.srcc == pytest.approx(0.8)  # ranks 1 3 2 4 against 1 2 3 4
    assert scores.with_spread == 0.75
    assert scores.coverage == pytest.approx(2 / 3)  # 0 <= 0.5 and 4 <= 5, but 2 > 1
    assert scores.spread_srcc == pytest.approx(1.0)
    # Errors 0, 2, 4 in spreads 0, 2, 0.8: an interval that claims 50 % reaches 0.674 spreads, 68 % 0.994, 80 % 1.28.
    assert [round(3 * each.covered) for each in scores.intervals] == [1, 2, 2, 2, 2]
    assert [(b.labels, b.spread, b.rmse, b.coverage) for b in scores.reliability] == [
        (1, 0.5, 0.0, 1.0),
        (1, 1.0, 2.0, 0.0),
        (1, 5.0, 4.0, 1.0),
    ]


def test_a_constant_side_has_no_correlation():
    scores = scores_of(np.array([1.0, 2.0]), np.array([3.0, 3.0]), np.full(2, np.nan))
    assert (scores.srcc, scores.plcc) == (None, None)
    assert scores.intervals == ()


def test_intervals_of_normal_errors_cover_what_they_claim():
    rng = np.random.Generator(np.random.PCG64(3))
    spread = rng.uniform(0.2, 2.0, 40_000)
    found = coverage_of(np.abs(rng.normal(0, spread)), spread, (0.5, 0.9))
    assert [each.covered for each in found] == pytest.approx([0.5, 0.9], abs=0.01)


def test_equal_values_share_their_rank():
    # Ranks 1.5 1.5 3 against 1 2 3: (0.25 + 0.25 + 1) / sqrt(1.5 * 2) = 0.866
    assert rank_correlation(np.array([1.0, 1.0, 2.0]), np.array([5.0, 6.0, 7.0])) == pytest.approx(0.75**0.5)


def test_types_and_levels_are_scored_apart(at_angles, labeled):
    cells = {("a", 1, 1): 1.0, ("a", 2, 3): 2.0, ("b", 1, 1): 4.0, ("b", 2, 3): 9.0}
    result = cross_validate(labeled(cells), at_angles(a=0, b=10), make_labeler("nearest"))
    assert {kind: scores.mae for kind, scores in result.by_type().items()} == {1: 3.0, 2: 7.0}
    assert {level: scores.mae for level, scores in result.by_level().items()} == {1: 3.0, 3: 7.0}


def test_the_summary_is_json_with_the_promised_keys():
    labels, features = random_set(0)
    summary = json.loads(json.dumps(cross_validate(labels, features, make_labeler("gp")).as_json(), allow_nan=False))
    assert {"labeler", "mae", "rmse", "srcc", "plcc", "coverage", "by"} <= set(summary)
    assert (summary["references"], summary["labels"]) == (7, 28)
    assert list(summary["by"]["type"]) == ["1", "2"]
    assert list(summary["by"]["level"]) == ["1", "3"]
    assert summary["by"]["type"]["1"]["mae"] > 0


def test_the_text_has_a_line_per_type_and_level():
    labels, features = random_set(0)
    lines = cross_validate(labels, features, make_labeler("condition")).as_text().splitlines()
    assert [line.split("  ")[0].strip() for line in lines] == [
        "",
        "condition",
        "level 1",
        "level 3",
        "type 1",
        "type 2",
    ]


def test_comparing_shows_its_progress_over_all_labelers():
    labels, features = random_set(0)
    seen: list[tuple[int, int]] = []
    chosen = [make_labeler("condition"), make_labeler("nearest")]
    results = compare(labels, features, chosen, progress=lambda done, count: seen.append((done, count)))
    assert seen == [(number, 14) for number in range(1, 15)]
    assert [result.labeler for result in results] == ["condition", "nearest only"]
    assert len(comparison_text(results).splitlines()) == 3


def test_a_missing_cell_is_named(at_angles, labeled):
    labels = labeled({("a", 1, 1): 1.0, ("a", 1, 3): 2.0, ("b", 1, 1): 4.0})
    with pytest.raises(CurateError, match="1 labels are missing: 'b_01_03'"):
        complete_label_matrix(labels, at_angles(a=0, b=10))


def test_a_cell_given_twice_is_named(at_angles, labeled):
    labels = labeled({("a", 1, 1): 1.0, ("b", 1, 1): 4.0, ("b", 1, 3): 2.0})
    twice = replace(labels, levels=np.array([1, 1, 1], np.int8))
    with pytest.raises(CurateError, match="1 labels are given more than once: 'b_01_01'"):
        complete_label_matrix(twice, at_angles(a=0, b=10))


def test_a_labeled_reference_without_features_is_named(at_angles, labeled):
    labels = labeled({("a", 1, 1): 1.0, ("b", 1, 1): 4.0})
    with pytest.raises(CurateError, match="no features for 1 of the labeled references: 'b'"):
        complete_label_matrix(labels, at_angles(a=0))


@pytest.mark.parametrize(("labeler", "needed"), [("condition", 2), ("gp", 5)])
def test_too_few_references_are_refused(labeler, needed):
    labels, features = random_set(0, references=needed - 1)
    with pytest.raises(CurateError, match=f"at least {needed} labeled references; there are {needed - 1}"):
        cross_validate(labels, features, make_labeler(labeler))


def test_an_unknown_labeler_is_refused():
    with pytest.raises(CurateError, match="labeler is 'best'; expected knn, nearest, condition or gp"):
        make_labeler("best")


@pytest.fixture
def kadid(reference_data):
    references = load_features(reference_data / "refset" / "train_ref.npz")
    return read_labels(reference_data / "kadid10k" / "dmos.csv"), references


def test_kadid_figures_of_the_plain_labelers(kadid):
    chosen = [("knn", None), ("condition", None), ("knn", NeighborSettings(20, 9.0))]
    maes = [cross_validate(*kadid, make_labeler(name, neighbors)).scores().mae for name, neighbors in chosen]
    assert maes == pytest.approx([0.717, 0.689, 0.644], abs=1e-3)


@pytest.mark.slow
def test_kadid_figures_of_the_gp_labeler(kadid):
    scores = cross_validate(*kadid, make_labeler("gp")).scores()
    assert scores.mae <= 0.605
    assert scores.srcc is not None
    assert scores.srcc > 0.95
    assert scores.coverage is not None
    assert 0.63 <= scores.coverage <= 0.73
