"""The API reference for the docs site: while it is built, a line `::: syndr_curate` becomes every public name.

Signatures and texts come from the code and its docstrings, so the page cannot be out of date.
"""

import inspect
import re

import syndr_curate
from markdown import Markdown
from markdown.extensions import Extension
from markdown.preprocessors import Preprocessor

MARKER = "::: syndr_curate"
PRIORITY = 40  # before fenced code (25), since signatures are fenced
MODULES = re.compile(r"\b(?:[a-z_]\w*\.)+(?=[A-Za-z_])")
ARRAY = re.compile(r"ndarray\[tuple\[Any, \.\.\.\], dtype\[(\w+(?:\[Any\])?)\]\]")
SECTION = re.compile(r"(Args|Attributes|Returns|Yields|Raises|Source):\s*(.*)")
ENTRY = re.compile(r"    (\*{0,2}\w+): (.*)")


def reference() -> str:
    """Return the page: each public function and class with its signature and docstring, as Markdown."""
    names = [name for name in syndr_curate.__all__ if name != "__version__"]
    functions = [name for name in names if not inspect.isclass(getattr(syndr_curate, name))]
    classes = [name for name in names if inspect.isclass(getattr(syndr_curate, name))]
    parts = ["## Functions", *map(entry, functions), "## Classes", *map(entry, classes)]
    return "\n\n".join(parts)


def entry(name: str) -> str:
    """Return the section of one public name."""
    found = getattr(syndr_curate, name)
    parts = [f"### {name}", signature(found, name), text(inspect.getdoc(found) or "")]
    if inspect.isclass(found):
        for method, value in vars(found).items():
            if inspect.isfunction(value) and not method.startswith("_") and value.__doc__:
                parts += [f"#### {name}.{method}", signature(value, method), text(inspect.getdoc(value) or "")]
    return "\n\n".join(part for part in parts if part)


def signature(found: object, name: str) -> str:
    """Return the call as a fenced block, one parameter per line; nothing for what is only raised or returned."""
    try:
        call = inspect.signature(found)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return ""
    parameters = [p for p in call.parameters.values() if p.name != "self"]
    lines, starred = [], False
    for each in parameters:
        starred = starred or each.kind is inspect.Parameter.VAR_POSITIONAL
        if each.kind is inspect.Parameter.KEYWORD_ONLY and not starred:
            lines.append("    *,")
            starred = True
        lines.append(f"    {parameter(each)},")
    result = (
        ""
        if call.return_annotation in (inspect.Signature.empty, None, "None")
        else f" -> {kind(call.return_annotation)}"
    )
    body = "\n".join(["```python", f"{name}(", *lines, f"){result}", "```"])
    return body if lines else f"```python\n{name}(){result}\n```"


def parameter(each: inspect.Parameter) -> str:
    """Return a parameter as in the code; a default that is an object of the package becomes `...`."""
    stars = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}.get(each.kind, "")
    shown = f"{stars}{each.name}"
    if each.annotation is not inspect.Parameter.empty:
        shown += f": {kind(each.annotation)}"
    if each.default is not inspect.Parameter.empty:
        default = repr(each.default)
        shown += f" = {'...' if default.startswith('<') else default}"
    return shown


def kind(annotation: object) -> str:
    """Return a type without the modules that its parts come from."""
    name = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    return ARRAY.sub(r"NDArray[\1]", MODULES.sub("", name))


def text(docstring: str) -> str:
    """Turn a Google docstring into Markdown: sections in bold, their entries as lists."""
    lines: list[str] = []
    in_section = False
    for line in docstring.splitlines():
        head, item = SECTION.fullmatch(line), ENTRY.fullmatch(line)
        if head:
            in_section = True
            lines += ["", f"**{head[1]}.** {head[2]}".rstrip(), ""]
        elif in_section and item:
            lines.append(f"- `{item[1]}`: {item[2]}")
        else:
            in_list = bool(lines) and lines[-1].startswith(("- ", "  "))
            lines.append("  " * in_list + line.strip() if in_section else line)
    return "\n".join(lines).strip()


class Names(Preprocessor):
    """Replaces the marker."""

    def run(self, lines: list[str]) -> list[str]:
        """Put the reference in the place of the marker."""
        return [new for line in lines for new in (reference().splitlines() if line == MARKER else [line])]


class ApiReference(Extension):
    """The Markdown extension."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802
        """Register the preprocessor."""
        md.preprocessors.register(Names(md), "api-reference", PRIORITY)


def makeExtension(**settings: object) -> ApiReference:  # noqa: N802
    """Return the extension, as Python-Markdown asks for it."""
    return ApiReference(**settings)
