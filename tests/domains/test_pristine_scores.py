"""What a classifier says of pristine pictures: made from scores, and kept with the classifier."""

import numpy as np
import pytest
from syndr_curate import CurateError
from syndr_curate.curate.domains.classifier import LightClassifier
from syndr_curate.curate.domains.classifier_files import load_classifier, save_classifier
from syndr_curate.curate.domains.features import feature_count
from syndr_curate.curate.domains.mlp_ensemble import Ensemble
from syndr_curate.curate.domains.pristine_scores import PristineScores
from syndr_curate.curate.domains.resnet import ResNetClassifier
from syndr_curate.curate.domains.select import select_domains
from syndr_curate.curate.domains.selection_rule import CLASSES

BELIEFS = PristineScores(
    np.linspace(0.01, 0.07, CLASSES, dtype=np.float32), np.linspace(0.1, 0.9, CLASSES, dtype=np.float32)
)


def light(pristine=None):
    """A classifier without a hidden layer, which finds every class as likely."""
    count = feature_count()
    layer = (np.zeros((count, CLASSES), np.float32), np.zeros(CLASSES, np.float32))
    return LightClassifier(Ensemble(np.zeros(count, np.float32), np.ones(count, np.float32), ((layer,),)), pristine)


def resnet(pristine=None):
    import torch
    from torchvision.models import resnet50

    found = ResNetClassifier(resnet50(weights=None, num_classes=CLASSES), torch.device("cpu"))
    found.pristine = pristine
    return found


def one_type_of(values, kind=9):
    scores = np.zeros((len(values), CLASSES))
    scores[:, kind] = values
    scores[:, 0] = 1 - scores[:, kind]
    return scores


def test_one_in_a_hundred_pictures_is_above_the_limit():
    scores = one_type_of(np.random.Generator(np.random.PCG64(1)).permutation(1000) / 1000)
    beliefs = PristineScores.of_scores(scores)
    assert beliefs.means[9] == pytest.approx(0.4995)
    assert (scores[:, 9] > beliefs.limits[9]).mean() == pytest.approx(0.01, abs=0.0015)
    assert beliefs.means.dtype == beliefs.limits.dtype == np.float32


@pytest.mark.parametrize("values", [[0.25], [0.25, 0.0, 0.5], [0.0] * 99 + [0.5]])
def test_of_few_pictures_the_limit_is_the_largest_score(values):
    beliefs = PristineScores.of_scores(one_type_of(values))
    assert beliefs.limits[9] == max(values)
    assert beliefs.limits[8] == 0


def test_without_a_picture_nothing_is_known():
    assert PristineScores.of_scores(np.zeros((0, CLASSES))) is None
    assert PristineScores.from_arrays({"center": np.zeros(3, np.float32)}) is None


@pytest.mark.parametrize("kind", [light, resnet])
@pytest.mark.parametrize("beliefs", [BELIEFS, None])
def test_both_kinds_of_classifier_keep_it_in_their_file(tmp_path, kind, beliefs):
    save_classifier(kind(beliefs), {}, tmp_path / "c.safetensors")
    loaded, _ = load_classifier(tmp_path / "c.safetensors", device="cpu")
    if beliefs is None:
        assert loaded.pristine is None
    else:
        assert np.array_equal(loaded.pristine.means, beliefs.means)
        assert np.array_equal(loaded.pristine.limits, beliefs.limits)
    assert loaded.arrays().keys() == kind(beliefs).arrays().keys()


def test_a_file_without_it_serves_the_published_rule_alone(tmp_path, image_folder):
    path, photos = tmp_path / "c.safetensors", image_folder("p", 2)
    save_classifier(light(), {}, path)
    with pytest.raises(CurateError, match=r"the classifier does not say .*: fit it again, or give --rule published"):
        select_domains(photos, path)
    assert select_domains(photos, path, rule="published").selection.types == (1, 2, 3)  # all tie: the first classes
    save_classifier(light(BELIEFS), {}, path)
    assert select_domains(photos, path).selection.images == 2


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ({"pristine.limits": np.ones(25, np.float32)}, r"pristine\.limits .* shape \(25,\)"),
        ({"pristine.means": np.ones((2, 26), np.float32)}, r"pristine\.means .* shape \(2, 26\)"),
        ({"pristine.means": np.full(26, np.nan, np.float32)}, r"pristine\.means .* not finite"),
        ({"pristine.limits": np.full(26, np.inf, np.float32)}, r"pristine\.limits .* not finite"),
        ({"pristine.limits": None}, r"pristine\.means is there without pristine\.limits"),
        ({"pristine.means": None}, r"pristine\.limits is there without pristine\.means"),
    ],
)
def test_damaged_arrays_are_refused(damage, message):
    arrays = {name: array for name, array in (BELIEFS.arrays() | damage).items() if array is not None}
    with pytest.raises(ValueError, match=message):
        PristineScores.from_arrays(arrays)


def test_a_resnet_of_damaged_arrays_is_refused():
    with pytest.raises(ValueError, match=r"pristine\.means is there without pristine\.limits"):
        ResNetClassifier.from_arrays({"pristine.means": BELIEFS.means}, device="cpu")


def test_a_file_of_damaged_arrays_is_refused_by_name(tmp_path):
    path = tmp_path / "c.safetensors"

    class Damaged(LightClassifier):
        def arrays(self):
            return super().arrays() | {"pristine.limits": np.ones(3, np.float32)}

    save_classifier(Damaged(light()._ensemble, BELIEFS), {}, path)
    with pytest.raises(CurateError, match=r"c\.safetensors holds no domain classifier: pristine\.limits"):
        load_classifier(path)
