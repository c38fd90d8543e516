"""Equations for the docs site: `$...$` and `$$...$$` become MathML while it is built; a page needs no script."""

import re
from xml.etree import ElementTree

from latex2mathml.converter import convert
from markdown import Markdown
from markdown.blockprocessors import BlockProcessor
from markdown.extensions import Extension
from markdown.inlinepatterns import InlineProcessor

INLINE = r"(?<![\\$])\$(?![\s$])([^$\n]+?)(?<![\s\\])\$(?![\d$])"
DISPLAY = re.compile(r"\$\$(.+?)\$\$", re.DOTALL)
# Below code in backticks (190), above everything that might read an underscore as emphasis.
PRIORITY = 185


class InlineEquation(InlineProcessor):
    """An equation within a line."""

    def handleMatch(self, m: re.Match[str], data: str) -> tuple[str, int, int]:  # noqa: ARG002, N802
        """Replace the match by its MathML."""
        return self.md.htmlStash.store(convert(m[1])), m.start(0), m.end(0)


class DisplayEquation(BlockProcessor):
    """An equation of its own, a block that begins and ends with two dollars."""

    def test(self, parent: ElementTree.Element, block: str) -> bool:  # noqa: ARG002
        """Tell whether a block is one."""
        # An indented one belongs to a list item, whose own processor comes back with it.
        return DISPLAY.fullmatch(block.rstrip()) is not None

    def run(self, parent: ElementTree.Element, blocks: list[str]) -> None:
        """Put its MathML into a paragraph that may scroll."""
        match = DISPLAY.fullmatch(blocks.pop(0).strip())
        if match is not None:
            holder = ElementTree.SubElement(parent, "p", {"class": "equation"})
            holder.text = self.parser.md.htmlStash.store(convert(" ".join(match[1].split()), display="block"))


class Equations(Extension):
    """The Markdown extension."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802
        """Register both processors."""
        md.inlinePatterns.register(InlineEquation(INLINE, md), "inline-equation", PRIORITY)
        md.parser.blockprocessors.register(DisplayEquation(md.parser), "display-equation", PRIORITY)


def makeExtension(**settings: object) -> Equations:  # noqa: N802
    """Return the extension, as Python-Markdown asks for it."""
    return Equations(**settings)
