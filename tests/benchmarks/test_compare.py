"""The comparison of two commits: both run, by turns, each with its own code."""

import subprocess
import sys

import pytest

from benchmarks import compare
from benchmarks.compare import Cost, lines, main


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository of two commits whose package says which it is."""
    root = tmp_path / "repository"
    root.mkdir()

    def git(*arguments):
        settings = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        subprocess.run(["git", *settings, *arguments], cwd=root, check=True, capture_output=True)

    git("init", "-q")
    for name in ("first", "second"):
        (root / "__init__.py").write_text(f"NAME = {name!r}\n")
        git("add", ".")
        git("commit", "-q", "-m", name)
    monkeypatch.setattr(compare, "ROOT", root)
    return root


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["compare.py", *arguments])
    return main()


def test_both_commits_run_by_turns_each_with_its_own_package(repository, tmp_path, monkeypatch, capsys):
    log = tmp_path / "log"
    code = (
        "import sys, syndr_curate\n"
        f"open({str(log)!r}, 'a').write(syndr_curate.NAME + ' ')\n"
        "open(sys.argv[1] + '/x', 'x')  # fails where the folder is not empty"
    )
    assert run(monkeypatch, "HEAD~1", "--runs", "2", "--", sys.executable, "-c", code, "{out}") == 0
    names = log.read_text().split()
    assert names[2:] == ["second", "first", "first", "second"]
    assert sorted(names[:2]) == ["first", "second"]  # not counted
    said = capsys.readouterr().out
    assert "2 pairs" in said
    assert said.count("median ratio") == 3
    trees = subprocess.run(["git", "worktree", "list"], cwd=repository, capture_output=True, text=True, check=True)
    assert len(trees.stdout.splitlines()) == 1  # nothing is left behind


@pytest.mark.usefixtures("repository")
def test_a_command_that_fails_ends_the_comparison_with_what_it_said(monkeypatch):
    with pytest.raises(SystemExit, match=r"exit status 3 in (this|other)(.|\n)*no luck"):
        run(monkeypatch, "HEAD~1", "--", sys.executable, "-c", "import sys; print('no luck'); sys.exit(3)")


@pytest.mark.usefixtures("repository")
def test_an_unknown_commit_is_refused_by_name(monkeypatch):
    with pytest.raises(SystemExit, match="no commit 'nowhere'"):
        run(monkeypatch, "nowhere", "--", "true")


def test_the_ratio_is_the_median_of_pairs_and_not_that_of_medians():
    this, other = ([Cost(value, value, value) for value in values] for values in ((1.0, 4.0, 9.0), (2.0, 4.0, 3.0)))
    found = list(lines({"this": this, "other": other}, {"this": "a" * 40, "other": "b" * 40}))
    assert found[1] == "seconds: median ratio 1.000 (0.500 to 3.000); 4.00 and 3.00 s"
