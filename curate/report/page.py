"""The page of a report: one HTML file that needs nothing else and may fetch nothing."""

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping
from importlib import resources
from typing import Any

from ..errors import CurateError

_TEMPLATE = "template"
WEBGL_FROM = 3_000  # marks on one map; SVG draws as many in about a second
# In this order: each may use what those before it define.
SCRIPTS = (
    *("core.js", "filters.js", "charts.js", "inspector.js", "maps.js"),
    *("gallery.js", "predictions.js", "extras.js", "start.js"),
)
_PLACEHOLDER = re.compile(r"\{\{([a-z_]+)\}\}")


def plotly_script() -> str:
    """Return plotly.js as the installed plotly ships it.

    Raises:
        CurateError: plotly is not installed.
    """
    try:
        from plotly.offline import get_plotlyjs
    except ImportError as error:
        raise CurateError("report needs plotly: pip install 'syndr-curate[report]'") from error
    script: str = get_plotlyjs()
    return script


def needs_webgl(payload: Mapping[str, Any]) -> bool:
    """Return whether a map has more marks than SVG draws swiftly; each model has a panel of all samples."""
    panels = len(payload["samples"].get("models", (None,)))
    most = max(panels * payload["samples"]["count"], len(payload["references"]["ids"]))
    return bool(most > payload["webgl_from"])


def build_page(payload: Mapping[str, Any], *, plotly: str) -> str:
    """Put the page together.

    Args:
        payload: JSON values; `title` and `summary` are also written into the page itself.
        plotly: plotly.js.

    Returns:
        HTML. A Content-Security-Policy allows the page's own two scripts, by their digests, and pictures inside the
        file: no other script runs, not even one that hides in a file name, and nothing is fetched. Where a map is so
        large that WebGL draws it, plotly may also compile the functions it makes for that.
    """
    plotly = inside_script(plotly)
    application = inside_script("\n".join(_part(name) for name in SCRIPTS))
    parts = {
        "policy": html.escape(content_policy(plotly, application, compiling=needs_webgl(payload))),
        "title": html.escape(str(payload["title"])),
        "summary": html.escape(str(payload["summary"])),
        "style": _part("page.css"),
        "data": json_inside_script(payload),
        "plotly": plotly,
        "application": application,
    }
    # One pass: a placeholder that stands in a file name stays text.
    return _PLACEHOLDER.sub(lambda match: parts[match[1]], _part("page.html"))


def json_inside_script(value: Any) -> str:
    """Write JSON that cannot end the script element it stands in, whatever texts it holds."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def inside_script(script: str) -> str:
    """Keep a script from ending its own element: `</script` can only stand in a string or a regular expression."""
    # A browser reads every line end as \n, and takes its digest from that.
    script = script.replace("\r\n", "\n").replace("\r", "\n")
    return re.sub(r"</(script)", r"<\\/\1", script, flags=re.IGNORECASE)


def content_policy(*scripts: str, compiling: bool) -> str:
    """Return a Content-Security-Policy that allows exactly these inline scripts, and no network.

    Args:
        *scripts: What stands in the page's script elements.
        compiling: Whether these scripts may make functions from text, as plotly's WebGL maps do.
    """
    allowed = [f"'sha256-{_digest(script)}'" for script in scripts]
    if compiling:
        allowed.append("'unsafe-eval'")
    return (
        f"default-src 'none'; script-src {' '.join(allowed)}; style-src 'unsafe-inline'; img-src data: blob:; "
        "font-src data:; base-uri 'none'; form-action 'none'"
    )


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _part(name: str) -> str:
    return (resources.files(__package__ or "") / _TEMPLATE / name).read_text("utf-8")
