"""What the rule selects for target sets of known make, by the default classifier of photographs of other cameras."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from syndr_curate.curate.domains.classifier import DomainClassifier
from syndr_curate.curate.domains.fitting.fit import fit_domains
from syndr_curate.curate.domains.fitting.training_pictures import save_as_jpeg
from syndr_curate.curate.domains.select import select_domains
from syndr_curate.curate.domains.target_images import TargetImage
from syndr_curate.curate.manifest.seeds import stream_seed
from syndr_curate.curate.rendering.render import render
from syndr_curate.curate.storage.images import decode_image

SEED = 123


@pytest.fixture(scope="module")
def classifier(reference_data: Path) -> DomainClassifier:
    """Fitted on the 81 photographs of cid22 by the default settings; takes minutes."""
    return fit_domains(reference_data / "images" / "cid22").classifier


@pytest.fixture(scope="module")
def kodak(reference_data: Path) -> list[Path]:
    return sorted((reference_data / "images" / "kodak").glob("*.png"))


def target(paths: Sequence[Path], types: Sequence[int]) -> list[TargetImage]:
    """Every photograph by every type at all five levels, as rendered."""

    def spoil(path: Path, kind: int, level: int) -> NDArray[np.uint8]:
        return render(decode_image(path), kind, level, stream_seed(SEED, path.stem, kind, level))

    cells = [(kind, level) for kind in types for level in range(1, 6)]
    return [
        TargetImage(f"{path.stem}_{kind}_{level}", path.name, partial(spoil, path, kind, level))
        for path in paths
        for kind, level in cells
    ]


@pytest.mark.slow
@pytest.mark.parametrize("types", [(1, 9, 11), (10, 13, 22)])
def test_a_set_of_three_types_selects_these_and_one_more_at_most(
    classifier: DomainClassifier, kodak: list[Path], types: tuple[int, ...]
):
    images = target(kodak, types)
    assert len(images) == 24 * 3 * 5
    selected = select_domains(images, classifier).selection.types
    assert set(types) <= set(selected)
    assert len(selected) <= 4


@pytest.mark.slow
@pytest.mark.parametrize("saved", [False, True])
def test_pristine_photographs_select_nothing_as_they_are_and_saved_as_jpeg(
    classifier: DomainClassifier, kodak: list[Path], saved: bool
):
    def load(path: Path) -> NDArray[np.uint8]:
        return save_as_jpeg(decode_image(path), 90) if saved else decode_image(path)

    images = [TargetImage(path.stem, path.name, partial(load, path)) for path in kodak]
    selection = select_domains(images, classifier).selection
    assert selection.images == 24
    assert selection.types == ()
