"""What `import syndr_curate` promises."""

import subprocess
import sys

import pytest
import syndr_curate


@pytest.mark.parametrize("name", syndr_curate.__all__)
def test_every_public_name_is_there_and_documented(name):
    found = getattr(syndr_curate, name)
    assert name == "__version__" or found.__doc__


def test_names_are_listed_in_order_and_each_once():
    assert syndr_curate.__all__ == sorted(set(syndr_curate.__all__))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'upsmaple'"):
        syndr_curate.upsmaple  # noqa: B018


def test_importing_loads_nothing_heavy():
    code = "import sys, syndr_curate; print(sorted({'torch', 'numpy', 'pandas', 'cv2', 'pyarrow'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
