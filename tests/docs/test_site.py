"""The docs site: complete, current, built without warnings, and without anything from a network."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import syndr_curate
import yaml

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
NAMES = [page.relative_to(DOCS).as_posix() for page in PAGES]
EXAMPLES = [page.relative_to(ROOT).as_posix() for page in ROOT.glob("examples/*/README.md")]
LINK = re.compile(r"(?<!!)\]\((?!https?:)(?P<target>[^)#\s]*)(?P<anchor>#[^)\s]*)?\)")


def load_script(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_command_reference_is_what_the_commands_say():
    page = load_script("make_command_reference").reference()
    assert (DOCS / "commands.md").read_text() == page, "run python scripts/make_command_reference.py"


def test_the_command_reference_has_every_command_and_flag_once(syndr_curate):
    page = load_script("make_command_reference").reference()
    assert page.count("\n## downsample\n") == 1
    for flag in re.findall(r"^ +(?:-\w, )?(--[a-z-]+)", syndr_curate("downsample", "--help").stdout, re.MULTILINE):
        section = page.split("\n## downsample\n")[1].split("\n## ")[0]
        assert section.count(f"| `{flag}`") == (flag != "--help"), flag


def test_every_page_is_in_the_navigation():
    settings = yaml.safe_load((ROOT / "mkdocs.yml").read_text())

    def pages(entries):
        for entry in entries:
            for value in entry.values():
                yield from ([value] if isinstance(value, str) else pages(value))

    assert sorted(pages(settings["nav"])) == sorted(NAMES)


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_links_of_a_page_stay_in_the_site(page):
    for match in LINK.finditer(re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)):
        target = match["target"]
        assert not target or (page.parent / target).is_file(), (
            f"{page.name} links to {target}, which the site does not have"
        )


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    pytest.importorskip("zensical")
    folder = tmp_path_factory.mktemp("site")
    for name in ("docs", "manifests/README.md", *EXAMPLES, "mkdocs.yml"):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, target)
    program = Path(sys.executable).with_name("zensical")
    done = subprocess.run(
        [str(program), "build", "--strict"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT / "scripts")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "build" / "site"


def test_the_site_builds_with_warnings_as_errors(site):
    built = {file.relative_to(site).with_suffix(".md").as_posix() for file in site.rglob("*.html")}
    assert set(NAMES) <= built


def test_a_page_fetches_nothing_from_a_network(site):
    for file in [*site.rglob("*.html"), *site.rglob("*.css")]:
        text = file.read_text()
        fetched = re.findall(r"""(?:src=|<link[^>]*href=|url\(|@import )["']?(https?:)?//""", text)
        assert not fetched, file.name


def test_the_api_page_has_every_public_name_with_its_arguments(site):
    page = (site / "api.html").read_text()
    for name in syndr_curate.__all__:
        assert name == "__version__" or f'id="{name.lower()}"' in page, name
    assert "keep_fraction" in page
    assert ":::" not in page


def test_equations_are_in_the_page_as_mathml(site):
    page = (site / "algorithms.html").read_text()
    assert page.count("<math") > 20
    assert "$$" not in page
    assert '<ol start="2"' not in page  # an equation within a list does not end it


@pytest.mark.parametrize(
    ("text", "equations"),
    [
        ("so $a_i < b_i$ and $c_i$.", 2),
        ("it costs $5, or $6 there", 0),
        (r"an escaped \$x\$", 0),
        ("`$x$` is code", 0),
        ("$$\n\\frac{a}{b}\n$$", 1),
        ("1. one\n\n    $$x$$\n\n2. two", 1),
    ],
)
def test_dollars_are_equations_only_where_they_look_like_it(text, equations):
    pytest.importorskip("latex2mathml")
    import markdown

    html = markdown.markdown(text, extensions=[load_script("docs_math").makeExtension()])
    assert html.count("<math") == equations
    assert html.count("<ol>") == ("1. " in text)
