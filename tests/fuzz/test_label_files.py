"""Label files: what is read is what another reader of CSV finds in the file, or the file is refused."""

import csv
import io
import warnings

import numpy as np
from hypothesis import strategies as st
from syndr_curate import read_labels

from .driving import EFFORTS, ODD_TEXTS, damaged, drive, value_or_error

HEADER = ["dist_img", "ref_img", "dmos", "var"]
ROWS = [
    [f"I{r:02d}_{t:02d}_{level:02d}.png", f"I{r:02d}.png", f"{r + level / 4}", "0.5"]
    for r in (1, 2)
    for t, level in ((1, 1), (1, 5), (10, 3))
]


def as_csv(rows: list[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8", "surrogatepass")


@st.composite
def tables(draw: st.DrawFn) -> bytes:
    """A good label file in which a few cells are something else."""
    rows = [list(row) for row in [HEADER, *ROWS]]
    for _ in range(draw(st.integers(0, 3))):
        row = rows[draw(st.integers(0, len(rows) - 1))]
        if row:
            row[draw(st.integers(0, len(row) - 1))] = draw(ODD_TEXTS)
    for _ in range(draw(st.integers(0, 1))):
        row = rows[draw(st.integers(0, len(rows) - 1))]
        row.append(draw(ODD_TEXTS)) if draw(st.booleans()) else row.pop()
    return as_csv(rows)


def check_file(path, content):
    path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of scores that look upside down
        labels = value_or_error(lambda: read_labels(path))
    if labels is None:
        return
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))
    scores = np.array([float(row["dmos"]) for row in rows])
    assert list(labels.image_names) == [row["dist_img"] for row in rows]
    if "ref_img" in rows[0]:
        assert list(labels.reference_names) == [row["ref_img"] for row in rows]
    np.testing.assert_array_equal(labels.quality, 10 * ((scores - scores.min()) / (scores.max() - scores.min())))
    if "var" in rows[0]:
        spread = np.array([float(row["var"]) for row in rows])
        np.testing.assert_allclose(labels.standard_errors, spread / np.sqrt(30) * 10 / (scores.max() - scores.min()))
    assert np.isfinite(labels.quality).all()
    assert len(set(labels.sample_ids)) == len(rows)


@EFFORTS
def test_cells_that_are_something_else(inputs, tmp_path):
    drive(inputs, lambda content: check_file(tmp_path / "l.csv", content), content=tables())


@EFFORTS
def test_bytes_that_were_changed(inputs, tmp_path):
    whole = as_csv([HEADER, *ROWS])
    drive(inputs, lambda content: check_file(tmp_path / "l.csv", content), content=damaged(st.just(whole)))


@EFFORTS
def test_other_encodings_and_separators(inputs, tmp_path):
    text = as_csv([HEADER, *ROWS]).decode()

    def check(encoding, separator, ending, quoted):
        rows = text.replace(",", separator).replace("\n", ending)
        if quoted:
            rows = ending.join(
                '"' + line.replace(separator, f'"{separator}"') + '"' for line in rows.split(ending)[:-1]
            )
        check_file(tmp_path / "l.csv", rows.encode(encoding))

    drive(
        inputs,
        check,
        encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1"]),
        separator=st.sampled_from([",", ";", "\t", "|", ", ", " "]),
        ending=st.sampled_from(["\n", "\r\n", "\r", "\n\n"]),
        quoted=st.booleans(),
    )
