import numpy as np
from syndr_curate.curate.labeling.cross_validation import CrossValidation
from syndr_curate.curate.labeling.plots.chart import COLORS, PAPER
from syndr_curate.curate.labeling.plots.plot import HEIGHT, WIDTH, label_picture, write_label_picture
from syndr_curate.curate.storage.images import decode_image

CONDITIONS = ((1, 1), (1, 3), (10, 1), (10, 3))


def result(error: float, spread: float, name: str = "gp") -> CrossValidation:
    truth = np.linspace(1, 9, 24).reshape(6, 4)
    return CrossValidation(
        name,
        tuple(f"r{row}" for row in range(6)),
        CONDITIONS,
        truth,
        truth + error,
        np.full_like(truth, spread),
    )


def shades(picture: np.ndarray) -> int:
    """Count the pixels of the scatter's cells: pale to dark blue, left and above."""
    part = picture[60:450, 80:470].astype(int)
    return int(((part[..., 2] - part[..., 0] > 15) & (part[..., 2] > 150)).sum())


def test_a_picture_has_the_size_it_says_and_shows_every_predicted_label():
    picture = label_picture(result(0.5, 1.0))
    assert picture.shape == (HEIGHT, WIDTH, 3)
    # 24 labels a third of a unit apart in cells of 0.2 units, 7.8 pixels a side.
    assert 0.8 * 24 * 7.8**2 < shades(picture) < 1.3 * 24 * 7.8**2


def test_labels_without_a_spread_are_drawn_too():
    picture = label_picture(result(0.5, np.nan, "nearest only"))
    assert shades(picture) > 0


def test_each_labeller_compared_has_its_colour():
    compared = [result(0.1 * number, 1.0, f"labeller {number}") for number in range(1, 4)]
    picture = label_picture(compared[0], compared)
    by_type = picture[60:710, 730:1150].reshape(-1, 3).astype(int)
    for color in COLORS[:3]:
        assert (np.abs(by_type - color).max(axis=1) < 6).sum() > 20
    assert (np.abs(by_type - COLORS[3]).max(axis=1) < 6).sum() == 0
    assert (picture[:, 0] == PAPER).all()


def test_the_same_figures_give_the_same_file(tmp_path):
    for name in ("a.png", "b.png"):
        write_label_picture(tmp_path / name, result(0.5, 1.0))
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert decode_image(tmp_path / "a.png").shape == (HEIGHT, WIDTH, 3)
