"""A CSV that is not read says what is the matter with it."""

import pytest
from syndr_curate import CurateError
from syndr_curate.curate.storage.texts.csv_tables import read_csv

TEXT = "dist_img,dmos\nI01_01_01.png,3.2\n"


def test_columns_without_a_name_and_without_content_are_passed_over(tmp_path):
    (tmp_path / "l.csv").write_text("Image Name,MOS,,\na.jpg,0.5,,\nb.jpg,1,,\n")
    assert read_csv(tmp_path / "l.csv").to_dict("list") == {"Image Name": ["a.jpg", "b.jpg"], "MOS": ["0.5", "1"]}


def test_nameless_columns_that_hold_something_stay_or_are_refused(tmp_path):
    (tmp_path / "l.csv").write_text(",MOS\na.jpg,0.5\n")
    assert list(read_csv(tmp_path / "l.csv").columns) == ["", "MOS"]
    (tmp_path / "l.csv").write_text("MOS,,\n1,a,b\n")
    with pytest.raises(CurateError, match="its header repeats ''"):
        read_csv(tmp_path / "l.csv")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf16_is_named(tmp_path, encoding):
    (tmp_path / "l.csv").write_bytes(TEXT.encode(encoding))
    with pytest.raises(CurateError, match="is text in UTF-16, as spreadsheets save it; expected UTF-8"):
        read_csv(tmp_path / "l.csv")


def test_another_encoding_is_named(tmp_path):
    (tmp_path / "l.csv").write_bytes("dist_img,dmos\ncafé.png,1\n".encode("latin-1"))
    with pytest.raises(CurateError, match=r"is not UTF-8 text .*: save it again as UTF-8"):
        read_csv(tmp_path / "l.csv")


@pytest.mark.parametrize(
    ("separator", "name"), [(";", "l.csv"), ("\t", "l.csv"), ("|", "l.csv"), (";", "l.tsv"), (",", "l.tsv")]
)
def test_another_separator_is_named(tmp_path, separator, name):
    (tmp_path / name).write_text(TEXT.replace(",", separator))
    with pytest.raises(CurateError, match=r"its header .* is separated by .*, expected .*: save it with commas"):
        read_csv(tmp_path / name)


def test_a_padded_header_is_named(tmp_path):
    (tmp_path / "l.csv").write_text("dist_img, dmos \nI01_01_01.png, 3.2\n")
    with pytest.raises(CurateError, match="its header has blanks around ' dmos '; expected names and values without"):
        read_csv(tmp_path / "l.csv")


def test_a_single_column_and_a_byte_order_mark_are_fine(tmp_path):
    (tmp_path / "l.csv").write_text("sample_id\na;b\n", encoding="utf-8-sig")
    assert read_csv(tmp_path / "l.csv")["sample_id"].tolist() == ["a;b"]
    (tmp_path / "l.tsv").write_text(TEXT.replace(",", "\t"))
    assert read_csv(tmp_path / "l.tsv").columns.tolist() == ["dist_img", "dmos"]
