"""The torch path, on torch's own cpu device: the code that runs on CUDA, products included."""

import numpy as np
import pytest
from syndr_curate.curate.errors import CurateError
from syndr_curate.curate.similarity import components, cuda, threshold_components

torch = pytest.importorskip("torch")


@pytest.fixture
def on_torch_cpu(monkeypatch):
    monkeypatch.setattr(components, "open_device", lambda _name: torch.device("cpu"))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("spread", [0.05, 0.3, 0.34, 2.0])
@pytest.mark.parametrize("most", [50, 10**9])
@pytest.mark.usefixtures("on_torch_cpu")
def test_torch_and_numpy_find_the_same_components(monkeypatch, dtype, spread, most):
    monkeypatch.setattr(cuda, "MOST_CANDIDATES", most)
    rng = np.random.default_rng(5)
    features = rng.standard_normal((40, 64))[rng.integers(0, 40, 500)] + spread * rng.standard_normal((500, 64))
    labels = rng.uniform(0, 10, 500).astype(np.float32)
    features = features.astype(dtype)
    for rating in (labels, None):
        ours = threshold_components(features, rating, device="cuda", tile_rows=128)
        assert ours.tolist() == threshold_components(features, rating).tolist()


@pytest.mark.usefixtures("on_torch_cpu")
def test_rows_that_do_not_fit_are_sent_tile_by_tile(monkeypatch):
    features = np.random.default_rng(1).standard_normal((300, 3)).astype(np.float32)
    monkeypatch.setattr(cuda.DeviceSearch, "_resident_rows", lambda _self: None)
    ours = threshold_components(features, None, device="cuda", tile_rows=64)
    assert ours.tolist() == threshold_components(features, None).tolist()


def test_products_are_float32_and_the_setting_is_put_back():
    torch.set_float32_matmul_precision("high")
    with cuda.float32_products():
        assert torch.get_float32_matmul_precision() == "highest"
    assert torch.get_float32_matmul_precision() == "high"
    torch.set_float32_matmul_precision("highest")


@pytest.mark.skipif(torch.cuda.is_available(), reason="a CUDA device is here")
def test_a_missing_device_is_said_so():
    with pytest.raises(CurateError, match="finds no CUDA device here; use cpu"):
        threshold_components(np.ones((2, 2)), None, device="cuda")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device is here")
def test_cuda_and_cpu_find_the_same_components():
    rng = np.random.default_rng(5)
    features = (rng.standard_normal((900, 512))[rng.integers(0, 900, 9000)]).astype(np.float32)
    features += 0.3 * rng.standard_normal(features.shape, dtype=np.float32)
    labels = rng.uniform(0, 10, 9000).astype(np.float32)
    assert (threshold_components(features, labels, device="cuda") == threshold_components(features, labels)).all()
