import pytest
from syndr_curate.curate.storage.safe_paths import is_safe_path


@pytest.mark.parametrize("path", ["/etc/passwd", "../up.png", "a/../../up.png", "a\\b.png", "", "nul\0.png"], ids=repr)
def test_a_path_that_leaves_its_root_is_not_safe(path):
    assert not is_safe_path(path)


@pytest.mark.parametrize("path", ["a.png", "a/b/c.png", "..a/b..png", "a b/ü'\".png", "./a.png"])
def test_a_path_inside_its_root_is_fine(path):
    assert is_safe_path(path)
