"""`split`: by reference, by seed, and the same on every machine."""

import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from syndr_curate import CurateError, label, read_labels, split
from syndr_curate.curate.datasets.features import Features
from syndr_curate.curate.datasets.settings import SplitSettings
from syndr_curate.curate.datasets.splitting.draw import draw_split, split_sizes
from syndr_curate.curate.datasets.splitting.split_files import run_split
from syndr_curate.curate.datasets.splitting.split_rows import label_file_rows
from syndr_curate.curate.manifest.ids import stem_id
from syndr_curate.curate.manifest.manifest import write_manifest
from syndr_curate.curate.manifest.provenance import attach
from syndr_curate.curate.manifest.schema import SOURCE_TYPE
from syndr_curate.curate.manifest.splits import read_splits

from ..making import Notes, recipe_table, training_rows

NEW = tuple(f"new{number}" for number in range(81))
TEN = [f"I{number:02d}" for number in range(10)]


@pytest.mark.parametrize(
    ("fractions", "count", "sizes"),
    [
        ((0.8, 0.2), 81, {"train": 65, "test": 16}),
        ((0.8, 0.1, 0.1), 10, {"train": 8, "val": 1, "test": 1}),
        ((0.5, 0.5), 3, {"train": 2, "test": 1}),  # 1.5 is rounded up
        ((0.333333, 0.333333, 0.333333), 9, {"train": 3, "val": 3, "test": 3}),
        ((0.7, 0.2, 0.1), 10, {"train": 7, "val": 2, "test": 1}),  # 0.7 + 0.2 is below 0.9 in float64
    ],
)
def test_sizes_are_the_fractions_rounded(fractions, count, sizes):
    assert split_sizes(fractions, count) == sizes


@pytest.mark.parametrize(
    ("fractions", "said"),
    [
        ((0.8, 0.3), "fractions are 0.8, 0.3, which add up to 1.1; expected shares above 0 that add up to 1"),
        ((1.0,), "fractions are 1.0; expected"),
        ((1.0, 0.0), "fractions are 1.0, 0.0; expected shares above 0"),
        ("0.8", "fractions are 0, ., 8; expected"),
        (("0.8", "0.2"), "fractions are 0.8, 0.2; expected"),
        ((float("nan"), 0.2), "fractions are nan, 0.2; expected"),
        ((0.25, 0.25, 0.25, 0.25), "fractions are 0.25, 0.25, 0.25, 0.25; expected"),
        ((0.99, 0.01), "of 10 references leave none for test; expected more references or other fractions"),
    ],
)
def test_fractions_that_make_no_split_are_refused(fractions, said):
    with pytest.raises(CurateError, match=said):
        split_sizes(fractions, 10)


def test_a_draw_stays_what_it_is_from_release_to_release():
    held_out = [name for name, part in draw_split(TEN, (0.7, 0.3), seed=123).items() if part == "test"]
    assert held_out == ["I04", "I08", "I09"]


@given(order=st.permutations(TEN), seed=st.integers(0, 2**53))
def test_neither_the_order_nor_more_parts_change_a_draw(order, seed):
    drawn = draw_split(TEN, (0.6, 0.4), seed)
    assert draw_split(order, (0.6, 0.4), seed) == drawn
    three = draw_split(TEN, (0.6, 0.2, 0.2), seed)
    assert {name for name in TEN if three[name] == "train"} == {name for name in TEN if drawn[name] == "train"}


def test_every_reference_is_held_out_as_often_as_any_other():
    times = dict.fromkeys(TEN, 0)
    for seed in range(1000):
        for name, part in draw_split(TEN, (0.7, 0.3), seed).items():
            times[name] += part == "test"
    # 300 each, give or take five binomial standard deviations of 14.5.
    assert all(abs(count - 300) < 73 for count in times.values())


def test_ten_splits_of_the_shared_label_file_share_no_reference(reference_data, tmp_path):
    file = reference_data / "kadid10k" / "dmos.csv"
    summary = run_split(label_file_rows(file), file, tmp_path / "splits", SplitSettings())
    assert summary == {
        **{"split_by": "reference", "references": 81, "train": 65, "val": 0, "test": 16},
        **{"splits": 10, "official": False, "out": str(tmp_path / "splits")},
    }
    labels = read_labels(file)
    found = [read_splits(path, labels.reference_of()) for path in sorted((tmp_path / "splits").iterdir())]
    assert len({tuple(sorted(splits.items())) for splits in found}) == 10
    for splits in found:
        of_split = {"train": set(), "test": set()}
        for image in labels.sample_ids:  # the reference by the image's own name, not by the file's column
            of_split[splits[image[:3]]].add(image[:3])
        assert not of_split["train"] & of_split["test"]
        assert (len(of_split["train"]), len(of_split["test"])) == (65, 16)


@pytest.mark.parametrize("labeler", ["knn", pytest.param("gp", marks=pytest.mark.slow)])
def test_pseudo_labels_under_a_split_use_train_labels_only(reference_data, tmp_path, labeler):
    """Test labels are replaced at random, ten times under ten splits: with a fixed range nothing changes."""
    lines = (reference_data / "kadid10k" / "dmos.csv").read_text().splitlines()
    rows = [line for line in lines[1:] if line[3:9] == "_09_03"]  # I01_09_03.png: one image of every reference
    (tmp_path / "labels.csv").write_text("\n".join([lines[0], *rows]))
    with np.load(reference_data / "refset" / "train_ref.npz", allow_pickle=False) as file:
        names, matrix = [stem_id(name) for name in file["names"].tolist()], file["features"]
    references = Features(matrix, tuple(names), tuple(names), "references", {})
    candidates = Features(matrix + 0.1, NEW, NEW, "candidates", {})
    new = attach(recipe_table(NEW, types=(9,), levels=(3,)), {"stage": "distort"})
    for seed, splits in enumerate(split(tmp_path / "labels.csv", seeds=10).values()):
        rng = np.random.Generator(np.random.PCG64(seed))
        changed = [
            ",".join([*line.split(",")[:2], f"{rng.uniform(1, 5):.2f}", "0.5"])
            if splits[line.split(",")[1].removesuffix(".png")] == "test"
            else line
            for line in rows
        ]
        assert sum(a != b for a, b in zip(rows, changed, strict=True)) == 16
        (tmp_path / "changed.csv").write_text("\n".join([lines[0], *changed]))
        before, after = (read_labels(tmp_path / name, label_range=(1, 5)) for name in ("labels.csv", "changed.csv"))
        asked = {"manifest": new, "splits": splits, "labeler": labeler}
        kept = label(before, references, candidates, **asked)
        assert kept.equals(label(after, references, candidates, **asked))
        if seed < 2:  # the other setting would show that labels were changed
            asked["neighbors_from"] = "all"
            assert label(before, references, candidates, **asked) != label(after, references, candidates, **asked)


def test_photographs_are_drawn_by_themselves(write_text):
    rows = "\n".join(f"{number}.jpg,{number}" for number in range(10))
    (splits,) = split(write_text("mos.csv", "image,mos", rows), id_column="image", seeds=1).values()
    assert list(splits) == [str(number) for number in range(10)]
    assert list(splits.values()).count("test") == 2


def test_ids_that_differ_in_case_or_unicode_form_alone_stay_together(write_text):
    names = ["I25.png", "i25.png", "caf\u00e9.png", "cafe\u0301.png", *(f"{name}.png" for name in TEN)]
    path = write_text("s.csv", "dist_img,ref_img", *(f"{n}_x.png,{name}" for n, name in enumerate(names)))
    for splits in split(path, seeds=20).values():
        assert splits["I25"] == splits["i25"]
        assert splits["caf\u00e9"] == splits["cafe\u0301"]


def test_rows_with_and_without_a_reference_are_named_one_by_one(tmp_path):
    table = training_rows(["a_1", "a_2", "b", "c"], [1, 2, 3, 4], reference_id=["a", "a", None, None])
    table = attach(table, {"stage": "test"})
    write_manifest(table, tmp_path / "m.parquet")
    for splits in split(tmp_path / "m.parquet", fractions=(0.5, 0.5), seeds=5).values():
        assert list(splits) == ["a_1", "a_2", "b", "c"]
        assert splits["a_1"] == splits["a_2"]
    assert split(table, fractions=(0.5, 0.5), seeds=5) == split(tmp_path / "m.parquet", fractions=(0.5, 0.5), seeds=5)


def test_a_manifest_with_a_split_of_its_own_is_read():
    table = training_rows(["a", "b", "c"], [1, 2, 3], split=["train", "val", "test"])
    assert split(table) == {"official": {"a": "train", "b": "val", "c": "test"}}
    assert list(split(table, redraw=True, fractions=(0.5, 0.5), seeds=2, seed=7)) == ["seed_7", "seed_8"]


def test_mixes_are_refused_since_each_shows_two_references():
    """A mix of a and b beside one of b and c: any split of the two would have b on both sides."""
    table = training_rows(["mix_1", "mix_2", "c_1", "d_1"], [1, 2, 3, 4], reference_id=[None, None, "c", "d"])
    sources = [{"sample_id": "b_1", "reference_id": "b"}, {"sample_id": "b_2", "reference_id": "b"}, None, None]
    table = table.append_column("source_a", pa.array(sources, SOURCE_TYPE))
    with pytest.raises(CurateError, match=r"2 rows are mixes of two pictures.*'mix_1', 'mix_2'; expected"):
        split(table)
    (splits,) = split(table.slice(2), fractions=(0.5, 0.5), seeds=1).values()
    assert sorted(splits) == ["c", "d"]


def test_an_official_split_file_is_read_in_its_own_words(write_text):
    path = write_text("sets.csv", "image_name,set", "1.jpg,training", "2.jpg,validation", "3.jpg,Test")
    found = split(path, id_column="image_name", split_column="set")
    assert found == {"official": {"1": "train", "2": "val", "3": "test"}}


def test_an_official_split_that_tears_a_reference_is_refused():
    table = training_rows(["a_1", "a_2"], [1, 2], reference_id=["a", "a"], split=["train", "test"])
    with pytest.raises(CurateError, match="1 rows are in another split than other rows of their reference: 'a_2'"):
        split(table)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["image,mos", "a.png,1"], "has no column 'dist_img'; it has image, mos"),
        (["dist_img,ref_img"], "has a header and no rows"),
        (["dist_img,dmos", ",1"], "1 rows have nothing in column 'dist_img'"),
        (["dist_img", "x/a.png", "y/a.jpg"], "`testset csv --ids path` writes it.* 1 ids occur more than once: 'a'"),
        (["dist_img,split", "a.png,Tset"], "column 'split' holds 'Tset'; expected train, training, val"),
    ],
)
def test_label_files_that_cannot_be_split_are_refused(write_text, lines, said):
    with pytest.raises(CurateError, match=said):
        split(write_text("s.csv", *lines))


def test_ids_that_only_look_like_distorted_images_have_a_way_out(write_text):
    path = write_text("s.csv", "photo,mos", *(f"DSC_{n:02d}_01.jpg,1" for n in range(10)))
    with pytest.raises(CurateError, match=r"of 1 references leave none for test; .* column of the images as --ref"):
        split(path, id_column="photo")
    (splits,) = split(path, id_column="photo", reference_column="photo", seeds=1).values()
    assert len(splits) == 10


@pytest.mark.parametrize("wrong", [{"seeds": 0}, {"seeds": True}, {"seed": 1.0}, {"seed": -1}])
def test_numbers_that_are_not_whole_are_refused(wrong):
    with pytest.raises(CurateError, match="expected a whole number"):
        split(training_rows(["a", "b"], [1, 2]), fractions=(0.5, 0.5), **wrong)


def test_the_command_writes_files_that_split_file_takes(syndr_curate, write_text, tmp_path):
    path = write_text("s.csv", "dist_img,ref_img,dmos", *(f"{n}_01_01.png,{n}.png,{i}" for i, n in enumerate(TEN)))
    done = syndr_curate("split", path, "--seeds", 2, "--out", "parts", "--json", cwd=tmp_path)
    assert json.loads(done.stdout)["test"] == 2
    assert sorted(file.name for file in (tmp_path / "parts").iterdir()) == ["seed_123.csv", "seed_124.csv"]
    expected = split(path, seeds=2)["seed_124"]
    assert read_splits(tmp_path / "parts" / "seed_124.csv", {f"{n}_01_01": n for n in TEN}) == expected


def test_other_split_files_in_the_folder_are_named(write_text, tmp_path):
    path = write_text("s.csv", "dist_img", *(f"{n}.png" for n in "abcde"))
    notes, rows = Notes(), label_file_rows(path)
    run_split(rows, path, tmp_path / "parts", SplitSettings(seeds=3), reporter=notes)
    assert notes.told == []
    run_split(rows, path, tmp_path / "parts", SplitSettings(seeds=2), reporter=notes)
    assert notes.told == [f"warning: {tmp_path / 'parts'} holds 1 other CSV files, e.g. seed_125.csv: they stay"]


def test_flags_without_effect_are_refused(syndr_curate, write_text, tmp_path):
    path = write_text("sets.csv", "dist_img,split", "1.jpg,train", "2.jpg,test")
    refused = syndr_curate("split", path, "--seeds", 3, cwd=tmp_path, check=False)
    assert refused.returncode == 2
    assert "--seeds has no effect on a set with a split of its own (--redraw draws others)" in refused.stderr
    taken = syndr_curate("split", path, cwd=tmp_path)
    assert "it is written as it is" in taken.stderr
    assert (tmp_path / "splits" / "official.csv").read_text() == "id,split\n1,train\n2,test\n"


def test_a_split_does_not_replace_the_file_that_it_splits(write_text, tmp_path):
    path = write_text("seed_123.csv", "dist_img", *(f"{n}.png" for n in "abcde"))
    with pytest.raises(CurateError, match="would overwrite"):
        run_split(label_file_rows(path), path, tmp_path, SplitSettings())
