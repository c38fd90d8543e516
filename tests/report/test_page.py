"""The page: texts from data stay texts, and nothing may be fetched."""

import base64
import hashlib
import json
import re

from hypothesis import given
from hypothesis import strategies as st
from syndr_curate.curate.report.page import build_page, inside_script, json_inside_script

SMALL = {"title": "t", "summary": "s", "samples": {"count": 3}, "references": {"ids": ["a"]}, "webgl_from": 3}


def policy_of(page):
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)[1].replace("&#x27;", "'")
    return dict(rule.split(" ", 1) for rule in policy.split("; "))


@given(st.text())
def test_json_can_never_end_its_script_element_and_reads_back(text):
    written = json_inside_script({"name": text})
    assert not set("<>&\u2028\u2029") & set(written)
    assert json.loads(written) == {"name": text}


def test_a_script_cannot_end_its_own_element():
    assert inside_script('x = "</script>"; y = "</SCRIPT>"') == 'x = "<\\/script>"; y = "<\\/SCRIPT>"'


def test_a_title_is_escaped_and_a_placeholder_in_it_stays_text():
    page = build_page({**SMALL, "title": "<b>{{plotly}}</b>", "summary": "& {{data}}"}, plotly="var Plotly = {};")
    assert "<title>&lt;b&gt;{{plotly}}&lt;/b&gt;" in page
    assert "& {{data}}" not in page
    assert "&amp; {{data}}" in page
    assert page.count("var Plotly") == 1


def test_the_policy_allows_exactly_the_two_scripts_and_no_network():
    page = build_page(SMALL, plotly="var a = 1;\r\nvar b;")
    scripts = re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)
    assert scripts[0] == "var a = 1;\nvar b;"
    digests = {f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in scripts}
    rules = policy_of(page)
    assert set(rules["script-src"].split()) == digests
    assert len(digests) == 2
    assert rules["default-src"] == "'none'"
    assert "connect-src" not in rules


def test_only_a_map_that_webgl_draws_lets_plotly_compile():
    cases = (({"count": 3}, "a", False), ({"count": 4}, "a", True), ({"count": 0}, "abcd", True))
    two_models = {"count": 2, "models": [{"name": "one"}, {"name": "two"}]}  # two panels of two marks
    for samples, ids, compiles in (*cases, (two_models, "a", True)):
        payload = {**SMALL, "samples": samples, "references": {"ids": list(ids)}}
        assert ("'unsafe-eval'" in policy_of(build_page(payload, plotly=""))["script-src"]) is compiles
