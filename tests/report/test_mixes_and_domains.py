"""Mixed images and chosen types, as a report takes them."""

import json

import pyarrow as pa
import pytest
from syndr_curate.curate.errors import CurateError
from syndr_curate.curate.manifest.schema import build_table
from syndr_curate.curate.report.mixes_and_domains import mix_figures, read_domains

SOFT = pa.list_(pa.struct([("distortion_id", pa.int16()), ("level", pa.int8()), ("confidence", pa.float32())]))


def mixed(*rows):
    ids = [f"m{i}" for i in range(len(rows))]
    table = build_table({"sample_id": ids, "image_path": ids, "split": "train", "status": "ok"}, len(rows))
    labels = [[{"distortion_id": d, "level": 1, "confidence": c} for d, c in row] for row in rows]
    return table.append_column("soft_labels", pa.array(labels, SOFT))


def test_pairs_are_counted_whichever_lies_inside_and_the_weaker_half_is_laid_out():
    figures = mix_figures(
        mixed([(9, 0.75), (1, 0.25)], [(1, 0.5), (9, 0.5)], [(3, 1.0), (9, 0.0)], [(3, 1.0)]), "mix.parquet"
    )
    assert figures["pairs"] == [[1, 9, 2], [3, 9, 1]]
    assert figures["types"] == {"1": "gaussian_blur", "3": "motion_blur", "9": "jpeg2000"}
    assert figures["others"] == 1
    assert {bin: count for bin, count in enumerate(figures["confidence"]) if count} == {0: 1, 5: 1, 10: 1}


def test_types_of_cameras_have_their_names():
    figures = mix_figures(mixed([(102, 0.75), (1, 0.25)]), "mix.parquet")
    assert figures["types"] == {"1": "gaussian_blur", "102": "hand_shake"}


def test_soft_labels_of_another_shape_are_refused():
    table = build_table({"sample_id": ["m"], "image_path": ["m"], "split": "train", "status": "ok"}, 1)
    with pytest.raises(CurateError, match="soft_labels is"):
        mix_figures(table.append_column("soft_labels", pa.array([["blur"]])), "mix.parquet")


def test_shares_are_read_by_id_or_name(tmp_path):
    content = {
        "name": "mine",
        "types": [9, "gaussian_blur"],
        "shares": {"9": 0.5, "gaussian_blur": 0.25},
        "top1_shares": {"pristine": 0.1},
    }
    (tmp_path / "p.json").write_text(json.dumps(content))
    domains = read_domains(tmp_path / "p.json")
    assert (domains["name"], domains["types"]) == ("mine", [1, 9])
    assert domains["shares"] == [(1, 0.25), (9, 0.5)]
    assert domains["top1_shares"] == [(0, 0.1)]


@pytest.mark.parametrize(("rule", "of"), [("excess", "images"), ("published", "places"), (None, "places")])
def test_what_shares_are_of_depends_on_the_rule(tmp_path, rule, of):
    content = {"types": [9], "shares": {"9": 0.9}} | ({} if rule is None else {"rule": rule})
    (tmp_path / "p.json").write_text(json.dumps(content))
    assert read_domains(tmp_path / "p.json")["shares_of"] == of


def test_a_shipped_preset_has_types_and_no_shares(tmp_path):
    (tmp_path / "bid.json").write_text('{"types": [1, 3]}')
    assert read_domains(tmp_path / "bid.json")["shares"] == []


@pytest.mark.parametrize("content", ["[1]", '{"types": [99]}', '{"types": [1], "shares": [0.5]}', "no json"])
def test_what_is_no_preset_is_refused_by_name(tmp_path, content):
    (tmp_path / "p.json").write_text(content)
    with pytest.raises(CurateError, match=r"p\.json"):
        read_domains(tmp_path / "p.json")
