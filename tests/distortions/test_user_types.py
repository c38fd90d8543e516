"""Types that users register: what they are given, what they may return, and how they travel."""

import pickle
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from syndr_curate.distortions import DistortionError, distort, draw
from syndr_curate.distortions.catalog import all_types, get
from syndr_curate.distortions.chains import ChainStep, apply_chain, parse_chain
from syndr_curate.distortions.errors import AbsentTypeError
from syndr_curate.distortions.registry import user_types as registry
from syndr_curate.distortions.registry.carried_types import CarriedTypes, carrying_types
from syndr_curate.distortions.registry.user_types import loading_plugin, register_distortion, user_types

FIVE = (1, 2, 3, 4, 5)


@pytest.fixture(autouse=True)
def _forget_types(monkeypatch):
    monkeypatch.setattr(registry, "_REGISTERED", {})


def darker(image, amount):
    image //= 2
    image[0, 0] = (amount, amount, 255)
    return image


def halved(image, _amount):
    return image // 2


def noisy(image, amount, rng):
    return np.clip(image + rng.integers(0, 10 * amount, image.shape), 0, 255).astype(np.uint8)


def failing(_image, amount):
    raise KeyError(f"no {amount}")


def too_small(image, _amount):
    return image[1:]


def floating(image, _amount):
    return image / 255


def ramp():
    """Codes 0 to 255, once each."""
    return np.arange(256, dtype=np.uint8)[:, None, None].repeat(3, axis=2).reshape(16, 16, 3).copy()


def test_a_registered_type_is_found_by_id_and_name():
    register_distortion(200, "darker", darker, FIVE)
    assert get("darker") is get(200) is get("200")
    assert all_types()[-1] is get(200)
    assert get(200).parameter_at(2.5) == 2.5


def test_the_function_gets_the_stretched_picture_and_the_parameter():
    register_distortion(200, "darker", darker, FIVE)
    # 0..127 times 2, stretched to 0..255 on entry; halved by the function, with one pixel at 255; nothing on exit.
    image = (ramp() // 2).astype(np.uint8)
    before = image.copy()
    expected = np.floor(image / 127 * 255 + 0.5).astype(np.uint8) // 2
    expected[0, 0] = (3, 3, 255)
    assert np.array_equal(distort(image, 200, 3), expected)
    assert np.array_equal(image, before)


def test_the_result_is_stretched_unless_it_is_left_out():
    register_distortion(200, "halved", halved, FIVE)
    assert distort(ramp(), 200, 1).max() == 255
    assert distort(ramp(), 200, 1, stretch=False).max() == 127


def test_a_seed_an_rng_and_draws_give_one_picture():
    register_distortion(201, "noisy", noisy, FIVE, random=True)
    by_seed = distort(ramp(), 201, 3, seed=5)
    assert np.array_equal(by_seed, distort(ramp(), 201, 3, rng=np.random.Generator(np.random.PCG64(5))))
    numbers = draw(201, 3, (16, 16), np.random.Generator(np.random.PCG64(5)))
    assert np.array_equal(by_seed, distort(ramp(), 201, 3, draws=numbers))
    assert not np.array_equal(by_seed, distort(ramp(), 201, 3, seed=6))


def test_a_chain_may_have_it():
    register_distortion(200, "darker", darker, FIVE)
    chain = parse_chain("darker:2.5+jpeg:1")
    assert apply_chain(ramp(), chain).shape == (16, 16, 3)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (failing, r"type 200 \(mine\) raised KeyError: 'no 1'"),
        (
            too_small,
            r"returned uint8 of shape \(15, 16, 3\); expected a uint8 array of the image's shape",
        ),
        (floating, r"returned float64 of shape \(16, 16, 3\)"),
    ],
)
def test_what_the_function_does_wrong_is_said_with_its_name(function, said):
    register_distortion(200, "mine", function, FIVE)
    with pytest.raises(DistortionError, match=said):
        distort(ramp(), 200, 1)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"id": 25}, "the id 25 cannot be registered: give a whole number from 200 to 999"),
        ({"id": 1000}, "the id 1000 cannot be registered"),
        ({"id": True}, "the id True cannot be registered"),
        ({"id": "200"}, "the id '200' cannot be registered"),
        ({"name": "Oil paint"}, "the name 'Oil paint' cannot be registered"),
        ({"name": "jpeg"}, "the name 'jpeg' has a meaning already"),
        ({"name": "all"}, "the name 'all' has a meaning already"),
        ({"function": lambda image, _amount: image}, "cannot be found by worker processes"),
        ({"function": np.sort}, "expected a function that is defined with `def`"),
        ({"parameters": (1, 2, 3)}, r"the parameters of 'mine' are \(1, 2, 3\); expected five finite numbers"),
        ({"parameters": (1, 2, 3, 4, float("nan"))}, "expected five finite numbers"),
        ({"parameters": (1, 2, 3, 4, "5")}, "expected five finite numbers"),
        ({"parameters": 3}, "expected five finite numbers"),
        ({"minimum_size": 0}, "minimum_size of 'mine' is 0"),
        ({"version": " "}, "the version of 'mine' is ' '"),
    ],
)
def test_what_cannot_be_registered_is_refused(changed, said):
    arguments = {"id": 200, "name": "mine", "function": darker, "parameters": FIVE, **changed}
    with pytest.raises(DistortionError, match=said):
        register_distortion(**arguments)
    assert user_types() == ()


def test_the_same_type_is_replaced_and_another_is_refused():
    register_distortion(200, "darker", darker, FIVE)
    register_distortion(200, "darker", darker, FIVE, version="2")
    assert [entry.version for entry in user_types()] == ["2"]
    for number, name in ((200, "noisy"), (201, "darker")):
        with pytest.raises(DistortionError, match=r"type 200 \(darker, .*:darker\) is; give it another id"):
            register_distortion(number, name, noisy, FIVE, random=True)


def test_a_type_that_is_not_registered_says_how_to_register_it():
    with pytest.raises(AbsentTypeError, match=r"give the plug-in that registers it \(--plugin module:function\)"):
        get(200)
    with pytest.raises(AbsentTypeError):
        apply_chain(ramp(), (ChainStep(10, 1.0), ChainStep(200, 1.0)))


def test_a_plugin_is_named_by_the_types_that_it_registers():
    with loading_plugin("mine:register") as registered:
        register_distortion(200, "darker", darker, FIVE)
    register_distortion(201, "noisy", noisy, FIVE, random=True)
    assert [entry.id for entry in registered] == [200]
    assert [entry.plugin for entry in user_types()] == ["mine:register", None]


@pytest.fixture
def mine(tmp_path, monkeypatch) -> Iterator[ModuleType]:
    """A module of a user's in a folder where nobody searches for modules, and its type."""
    file = tmp_path / "module_of_mine.py"
    file.write_text("def same(image, amount):\n    return image\n")
    monkeypatch.syspath_prepend(tmp_path)
    import module_of_mine

    register_distortion(200, "same", module_of_mine.same, FIVE, version="3")
    monkeypatch.setattr(sys, "path", [place for place in sys.path if place != str(tmp_path)])
    yield module_of_mine
    sys.modules.pop("module_of_mine", None)


@pytest.mark.usefixtures("mine")
def test_what_is_pickled_with_the_types_registers_them_where_it_arrives():
    content = pickle.dumps(carrying_types(abs))
    registry._REGISTERED.clear()
    del sys.modules["module_of_mine"]
    assert pickle.loads(content)(-3) == 3
    assert (get("same").version, get(200).id) == ("3", 200)
    assert np.array_equal(distort(ramp(), "same", 1), ramp())


def test_another_source_where_it_arrives_is_refused(mine):
    content = pickle.dumps(CarriedTypes())
    registry._REGISTERED.clear()
    del sys.modules["module_of_mine"]
    Path(mine.__file__).write_text("def same(image, amount):\n    return image[::-1]\n")
    with pytest.raises(DistortionError, match=r"type 200 \(same\) has another source in a worker"):
        pickle.loads(content)


def test_a_module_that_is_gone_is_named(mine):
    content = pickle.dumps(CarriedTypes())
    registry._REGISTERED.clear()
    del sys.modules["module_of_mine"]
    Path(mine.__file__).unlink()
    with pytest.raises(DistortionError, match=r"module_of_mine:same of .* is not found"):
        pickle.loads(content)


def test_without_types_a_function_travels_as_it_is():
    assert carrying_types(abs) is abs
