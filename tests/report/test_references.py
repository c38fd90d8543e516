"""References of a report: what became of each candidate, and where pseudo-labels come from."""

import numpy as np
import pyarrow as pa
import pytest
from syndr_curate.curate.datasets.features import Features
from syndr_curate.curate.errors import CurateError
from syndr_curate.curate.manifest.schema import NEIGHBORS, build_table
from syndr_curate.curate.manifest.selection import SELECTION_SCHEMA
from syndr_curate.curate.report.references import (
    ReferencePoint,
    candidate_points,
    limited,
    neighbor_cards,
    reference_matrix,
)


def features(**rows):
    matrix = np.array(list(rows.values()), np.float32)
    return Features(matrix, tuple(rows), tuple(f"{name}.png" for name in rows), "the features", {})


def test_a_selection_says_why_and_those_not_drawn_are_left_out():
    judged = {
        "candidate_id": ["p", "q", "r"],
        "candidate_path": ["p.png", "q.png", "r.png"],
        "status": pa.array(["kept", "too_far", "not_drawn"]).dictionary_encode(),
        "nearest_reference": ["a", "b", None],
        "nearest_distance": [0.31234567, 0.5, None],
        "farthest_distance": [0.6, 0.9, None],
    }
    selection = pa.table(judged, schema=SELECTION_SCHEMA)
    points = candidate_points(selection, None, set())
    assert [(point.id, point.role) for point in points] == [("p", "kept"), ("q", "too_far")]
    assert points[0].nearest_distance == 0.3123


def test_without_a_selection_the_manifest_tells_the_kept_and_no_reason_is_made_up():
    points = candidate_points(None, features(p=[1, 0], q=[0, 1]), {"p"})
    assert [(point.id, point.role) for point in points] == [("p", "kept"), ("q", "dropped")]


def test_a_reference_and_a_candidate_of_one_id_keep_their_own_features():
    points = [ReferencePoint("x", "original"), ReferencePoint("x", "kept"), ReferencePoint("gone", "kept")]
    located, matrix = reference_matrix(points, features(x=[1, 0]), features(x=[0, 1]))
    assert located == points[:2]
    assert matrix.tolist() == [[1, 0], [0, 1]]


def test_features_of_other_candidates_are_refused_with_the_reason():
    points = [ReferencePoint("x", "original"), ReferencePoint("P", "kept"), ReferencePoint("q", "too_far")]
    with pytest.raises(
        CurateError, match="none of the selection's candidates; 1 would match but for upper and lower case"
    ):
        reference_matrix(points, features(x=[1, 0]), features(p=[1, 0]))


def test_two_encoders_are_refused():
    with pytest.raises(CurateError, match="2 and 3 numbers per row"):
        reference_matrix([ReferencePoint("x", "original")], features(x=[1, 0]), features(y=[1, 0, 0]))


def test_originals_and_kept_ones_are_on_the_map_before_the_others():
    points = [ReferencePoint(f"d{i}", "too_far") for i in range(5)] + [
        ReferencePoint("a", "original"),
        ReferencePoint("k", "kept"),
    ]
    chosen = limited(points, 3, seed=1)
    assert [point.id for point in chosen][1:] == ["a", "k"]
    assert len(chosen) == 3
    assert limited(points, 7, seed=1) == points


def test_a_card_holds_the_neighbors_nearest_first_and_the_span_of_labels():
    far, near = ({"reference_id": n, "distance": d, "weight": w} for n, d, w in (("f", 0.4, 0.51), ("n", 0.35, 0.49)))
    table = build_table(
        {
            "sample_id": ["r_01_01", "r_01_05", "a_01_01"],
            "image_path": ["1", "2", "3"],
            "reference_id": ["r", "r", "a"],
            "distortion_id": pa.array([1, 1, 1], pa.int16()),
            "level": pa.array([1, 5, 1], pa.int8()),
            "label": pa.array([8.0, 2.0, 9.0], pa.float32()),
            "label_source": ["pseudo", "pseudo", "mos"],
            "neighbors": pa.array([[far, near], [far, near], None], NEIGHBORS),
            "split": "train",
            "status": "ok",
        },
        3,
    )
    cards, total = neighbor_cards(table)
    assert total == 1
    assert cards == [
        {
            "reference": "r",
            "rows": 2,
            "label_min": 2.0,
            "label_max": 8.0,
            "labels": [[1, 1, 8.0], [1, 5, 2.0]],
            "neighbors": [
                {"reference": "n", "distance": 0.35, "weight": 0.49},
                {"reference": "f", "distance": 0.4, "weight": 0.51},
            ],
        }
    ]
