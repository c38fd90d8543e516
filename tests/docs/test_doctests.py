"""The examples in docstrings are right."""

import doctest
import importlib
from pathlib import Path

import pytest
import syndr_curate

PACKAGE = Path(syndr_curate.__file__).parent
WITH_EXAMPLES = sorted(
    file
    for folder in ("curate", "distortions")
    for file in (PACKAGE / folder).rglob("*.py")
    if ">>> " in file.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("file", WITH_EXAMPLES, ids=lambda file: file.stem)
def test_examples_of_a_module_print_what_they_say(file):
    name = ".".join(["syndr_curate", *file.relative_to(PACKAGE).with_suffix("").parts])
    result = doctest.testmod(importlib.import_module(name), verbose=False)
    assert result.attempted > 0
    assert result.failed == 0


def test_there_are_examples():
    assert len(WITH_EXAMPLES) >= 5
