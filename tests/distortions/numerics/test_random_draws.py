import math
from statistics import NormalDist

import numpy as np
import pytest
from scipy import stats
from syndr_curate.distortions.numerics.cubic_tables import BLOCK, evaluate, tabulate
from syndr_curate.distortions.numerics.random_draws import DRAWN_AT_ONCE, standard_normals


class Uniforms:
    """Stands in for a generator whose uniforms are known."""

    def __init__(self, values):
        self.values = np.array(values, dtype=np.float64)

    def random(self, out):
        out[:], self.values = self.values[: out.size], self.values[out.size :]


def evaluate_all(x, pieces, out):
    out[:] = x
    for start in range(0, out.size, BLOCK):
        evaluate(out[start : start + BLOCK], pieces, np.empty(BLOCK, np.uint64))


def test_a_normal_is_the_quantile_of_one_uniform():
    rng = np.random.default_rng(0)
    uniforms = np.concatenate([rng.random(2000), 10.0 ** -rng.uniform(0, 15, 500), [0.25, 2.0**-53, 1 - 2.0**-53]])
    expected = [NormalDist().inv_cdf(u) for u in uniforms]
    np.testing.assert_allclose(standard_normals(Uniforms(uniforms), uniforms.shape), expected, atol=1e-8)


def test_normals_are_those_of_one_long_draw_of_uniforms_however_many_are_drawn_at_once():
    count = 2 * DRAWN_AT_ONCE + 1001
    uniforms = np.random.default_rng(7).random(count)
    expected = [NormalDist().inv_cdf(u) for u in uniforms]
    np.testing.assert_allclose(standard_normals(np.random.default_rng(7), (count,)), expected, atol=1e-8)


def test_the_middle_and_the_ends_are_numbers_too():
    middle, zero = standard_normals(Uniforms([0.5, 0.0]), (2,))
    assert abs(middle) < 1e-15
    assert zero == pytest.approx(NormalDist().inv_cdf(2.0**-54))


def test_a_million_normals_look_normal():
    numbers = standard_normals(np.random.default_rng(5), (1000, 1000))
    assert numbers.mean() == pytest.approx(0, abs=4e-3)
    assert numbers.var() == pytest.approx(1, abs=6e-3)
    assert (numbers**4).mean() == pytest.approx(3, abs=0.04)
    assert stats.kstest(numbers.ravel(), "norm").pvalue > 0.001
    # Beyond four standard deviations lie 63 in a million.
    assert 30 <= (np.abs(numbers) > 4).sum() <= 100


def test_one_uniform_is_used_per_normal():
    one, other = np.random.default_rng(1), np.random.default_rng(1)
    standard_normals(one, (7, 3))
    other.random(21)
    assert one.random() == other.random()


def test_a_tabulated_function_is_exact_at_its_nodes_and_close_between():
    pieces = tabulate(math.sqrt, lambda x: 0.5 / math.sqrt(x), -3, 2)
    x = np.append(np.random.default_rng(0).uniform(0.125, 4, 5000), [0.125, 1.0, 1 + 1 / 64, 2.0])
    out = np.empty_like(x)
    evaluate_all(x, pieces, out)
    np.testing.assert_allclose(out, np.sqrt(x), rtol=1e-9)
    np.testing.assert_allclose(out[-4:], np.sqrt(x[-4:]), rtol=1e-15)
