"""The text of a summary, as a person reads it."""

from syndr_curate.curate.terminal.console import describe


def test_counts_are_listed_with_their_names():
    assert describe({"candidates": {"kept": 2, "too_close": 1500}}) == "candidates  2 kept, 1,500 too_close"


def test_an_empty_entry_says_none():
    assert describe({"candidates": {}, "missing": []}).split("\n") == ["candidates  none", "missing     none"]
