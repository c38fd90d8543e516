"""JSON is read as what can be written again, or refused."""

import pytest
from syndr_curate.curate.storage.texts.json_text import DEEPEST, parse_json


@pytest.mark.parametrize("text", ['{"a": [1, 2.5, null, true, "é"]}', b"[]", "3", f"{'[' * DEEPEST}{']' * DEEPEST}"])
def test_ordinary_json_is_read(text):
    parse_json(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "Expecting property name"),
        (b"\xff", "utf-8"),
        (f"{'[' * (DEEPEST + 1)}{']' * (DEEPEST + 1)}", "nested too deeply"),
        ("[" * 100_000 + "]" * 100_000, "nested too deeply"),
        ("[NaN]", "NaN"),
        ("[-Infinity]", "-Infinity"),
        ("[1e999]", "beyond the largest double"),
        ("9" * 5000, "integer"),
        (r'{"a": "\ud800"}', "half of a character"),
        (r'{"\udc00": 1}', "half of a character"),
        ('{"a": 1, "a": 2}', "'a' twice"),
    ],
)
def test_what_could_not_be_written_again_is_refused_with_its_reason(text, reason):
    with pytest.raises(ValueError, match=reason):
        parse_json(text)
