"""The directive `drawing`, which puts a figure of `drawings.py` into a page.

The file is beside the page. The figure becomes part of the page, as SVG, so that its
lines and letters take the colour of the text, in a light theme and in a dark one.
"""

import html
import io
import re
import runpy
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.nodes import Node
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

STYLE = "drawing"  # the class of the element


def as_svg(figure: Any, ink: str, name: str) -> str:
    """Return a figure of matplotlib as an element to put into a page.

    Parameters
    ----------
    figure : Figure
        What to draw.
    ink : str
        The colour that stands for that of the text.
    name : str
        What the names of the parts begin with, which are unique on a page.
    """
    from matplotlib import rc_context

    file = io.StringIO()
    with rc_context({"svg.hashsalt": STYLE}):  # the same text for the same figure
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    svg = file.getvalue()
    svg = svg[svg.index("<svg") :].replace(ink, "currentColor")
    used = set(re.findall(r'["(]#([^")]+)', svg))
    svg = re.sub(r' id="([^"]+)"', lambda id: id[0] if id[1] in used else "", svg)
    svg = re.sub(r'( id="|["(]#)', rf"\1{name}-", svg)
    svg = re.sub(r"<metadata>.*?</metadata>\s*|<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    # As wide as the page, but not too small to read: on a phone it scrolls.
    size = r'(<svg [^>]*?)width="[\d.]+pt" height="[\d.]+pt"'
    return re.sub(size, r'\1style="min-width: 30rem"', svg)


class Drawing(SphinxDirective):
    """The figure that a function of `drawings.py` returns, with a caption."""

    required_arguments = 1
    has_content = True
    option_spec = {"alt": directives.unchanged_required}  # noqa: RUF012

    def run(self) -> list[Node]:
        page = Path(self.env.doc2path(self.env.docname))
        path = page.with_name("drawings.py")
        self.env.note_dependency(str(path))
        module = runpy.run_path(str(path))
        figure = module[self.arguments[0]]()
        width = figure.get_size_inches()[0]
        svg = as_svg(figure, module["INK"], self.arguments[0])
        label = html.escape(self.options["alt"])
        style = f"margin: auto; max-width: {width:g}in; overflow-x: auto"
        attributes = f'class="{STYLE}" role="img" aria-label="{label}" style="{style}"'
        image = nodes.raw("", f"<div {attributes}>{svg}</div>", format="html")
        node = nodes.figure("", image, align="center")
        if self.content:
            (text,) = self.parse_content_to_nodes()
            caption = nodes.caption("", "", *text.children)
            node += caption
        return [node]


def setup(app: Any) -> dict[str, bool]:
    """Make the directive known to Sphinx."""
    app.add_directive("drawing", Drawing)
    return {"parallel_read_safe": True}
