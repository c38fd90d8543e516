"""The page: texts from data stay texts, and nothing may be fetched."""

import base64
import hashlib
import json
import re

from hypothesis import given
from hypothesis import strategies as st
from syndr_curate.curate.publish.report_page import build_page, inside_script, json_inside_script


@given(st.text())
def test_json_can_never_end_its_script_element_and_reads_back(text):
    written = json_inside_script({"name": text})
    assert not set("<>&\u2028\u2029") & set(written)
    assert json.loads(written) == {"name": text}


def test_a_script_cannot_end_its_own_element():
    assert inside_script('x = "</script>"; y = "</SCRIPT>"') == 'x = "<\\/script>"; y = "<\\/SCRIPT>"'


def test_a_title_is_escaped_and_a_placeholder_in_it_stays_text():
    page = build_page({"title": "<b>{{plotly}}</b>", "summary": "& {{data}}"}, plotly="var Plotly = {};")
    assert "<title>&lt;b&gt;{{plotly}}&lt;/b&gt;" in page
    assert "& {{data}}" not in page
    assert "&amp; {{data}}" in page
    assert page.count("var Plotly") == 1


def test_the_policy_allows_exactly_the_two_scripts_and_no_network():
    page = build_page({"title": "t", "summary": "s"}, plotly="var a = 1;\r\nvar b;")
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)[1].replace("&#x27;", "'")
    scripts = re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)
    assert scripts[0] == "var a = 1;\nvar b;"
    digests = {f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in scripts}
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert set(rules["script-src"].split()) == digests
    assert len(digests) == 2
    assert rules["default-src"] == "'none'"
    assert "connect-src" not in rules
