"""Draw the logo, a network of six neurons: `python docs/images/logo.py`.

It is written to docs/_static/logo.svg, or to the file that is named.
"""

import sys
from itertools import pairwise
from pathlib import Path

BLUE, ORANGE = "#0072B2", "#E69F00"  # Okabe & Ito
LAYERS = [(12, [20, 44]), (32, [12, 32, 52]), (52, [32])]  # x, and y of the neurons


def lines():
    """Yield the weights as lines, and then the neurons as circles on top of them."""
    for (x, above), (to_x, below) in pairwise(LAYERS):
        for i, y in enumerate(above):
            for j, to_y in enumerate(below):
                colour = ORANGE if (i + j) % 2 else BLUE
                yield (
                    f'<line x1="{x}" y1="{y}" x2="{to_x}" y2="{to_y}" '
                    f'stroke="{colour}" stroke-width="3"/>'
                )
    for k, (x, ys) in enumerate(LAYERS):
        for y in ys:
            colour = ORANGE if k == 1 else BLUE
            yield f'<circle cx="{x}" cy="{y}" r="8" fill="{colour}"/>'


if __name__ == "__main__":
    default = Path(__file__).parents[1] / "_static" / "logo.svg"
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    head = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">'
    path.write_text("\n".join([head, *lines(), "</svg>", ""]), encoding="utf-8")
