"""The drawings in these pages, made when the site is built.

Each function with the decorator `drawn` returns a figure of matplotlib. INK stands for
the colour of the text of the page, which differs between light and dark themes.
"""

from functools import wraps

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle

from skffnn import ACTIVATIONS, SGD

INK = "#010203"
BLUE, ORANGE, GREEN = "#3b82c4", "#e07b28", "#2a9d6f"  # legible on white and on black
STYLE = {
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 11,
    "font.size": 11,
    "legend.edgecolor": "none",
    "legend.facecolor": "none",
    "legend.labelcolor": INK,
    "lines.linewidth": 2,
    "mathtext.fontset": "cm",
    "svg.fonttype": "path",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}


def drawn(draw):
    """Call the function with an empty figure, in the style of these drawings."""

    @wraps(draw)
    def make():
        with rc_context(STYLE):
            figure = Figure(layout="constrained")
            draw(figure)
            figure.draw_without_rendering()
        return figure

    return make


def empty_axes(figure, width, height):
    """Return axes without a frame that cover the figure, in units of inches."""
    figure.set_layout_engine("none")
    figure.set_size_inches(width, height)
    ax = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(0, height))
    ax.set_axis_off()
    return ax


def arrow(ax, start, end, **style):
    """Draw an arrow between two points."""
    options = {"arrowstyle": "-|>", "color": INK, "shrinkA": 0, "shrinkB": 0, "lw": 1.3}
    ax.annotate("", end, start, arrowprops=options | style)


@drawn
def network(figure):
    """Draw a network with two hidden layers, and the letters of its parts."""
    ax = empty_axes(figure, 7, 4.1)
    sizes, names = [3, 4, 4, 2], ["input", "hidden", "hidden", "output"]
    x = [0.8, 2.6, 4.4, 6.2]
    y = [2.3 + 0.62 * (np.arange(n)[::-1] - (n - 1) / 2) for n in sizes]
    for k in range(3):
        for i, below in enumerate(y[k]):
            for j, above in enumerate(y[k + 1]):
                own = k == 0 and j == 1
                style = {"color": ORANGE, "lw": 1.8} if own else {"color": INK, "lw": 1}
                ends = (x[k], x[k + 1]), (below, above)
                ax.plot(*ends, alpha=1 if own else 0.3, zorder=1, **style)
                if own and i == 0:
                    middle = x[0] + 0.75, below + 0.17
                    ax.text(*middle, "$W^{(1)}_{12}$", color=ORANGE, ha="center")
        middle = (x[k] + x[k + 1]) / 2
        label = f"$W^{{({k + 1})}}, \\; b^{{({k + 1})}}$"
        ax.text(middle, 3.8, label, ha="center", va="center", fontsize=13)
        arrow(ax, (middle - 0.45, 3.57), (middle + 0.45, 3.57))
    below = ["$h^{(0)} = x$"]
    below += [f"$a^{{({k})}}$\n$h^{{({k})}} = g(a^{{({k})}})$" for k in (1, 2)]
    below += ["$a^{(3)}$\n$f(x) = o(a^{(3)})$"]
    for k, size in enumerate(sizes):
        colour = GREEN if k == 0 else BLUE if k < 3 else ORANGE
        for j, height in enumerate(y[k]):
            own = k == 1 and j == 1
            ring = {"ec": ORANGE, "lw": 2.5} if own else {"ec": INK, "lw": 1}
            ax.add_patch(Circle((x[k], height), 0.19, fc=colour, zorder=2, **ring))
        ax.text(x[k], 3.8, f"layer {k}\n{names[k]}", ha="center", va="center")
        text = f"$D^{{({k})}} = {size}$"
        ax.text(x[k], 1.0, text, ha="center", va="center", fontsize=12)
        style = {"ha": "center", "va": "top", "fontsize": 13, "linespacing": 1.5}
        ax.text(x[k], 0.75, below[k], **style)


@drawn
def backward(figure):
    """Draw the forward pass, the errors on the way back, and the gradients."""
    ax = empty_axes(figure, 7.2, 3.7)
    x = [0.35, 1.85, 3.1, 4.6, 5.75, 6.85]
    top, middle, low = 3.2, 1.95, 0.6

    def text(x, y, words, size=15, **style):
        ax.text(x, y, words, ha="center", va="center", fontsize=size, **style)

    forward = ["$x$", "$a^{(1)}$", "$h^{(1)}$", "$a^{(2)}$", "$f$", r"$\ell$"]
    for place, letter in zip(x, forward, strict=True):
        text(place, top, letter)
    steps = ["$W^{(1)}, b^{(1)}$", "$g$", "$W^{(2)}, b^{(2)}$", "$o$", "$y$"]
    for start, end, step in zip(x[:-1], x[1:], steps, strict=True):
        arrow(ax, (start + 0.28, top), (end - 0.28, top))
        text((start + end) / 2, top + 0.24, step, 12)

    style = {"color": ORANGE}
    text(x[1], low, r"$\delta^{(1)}$", **style)
    text(x[2], low, r"$\frac{\partial \ell}{\partial h^{(1)}}$", 18, **style)
    text(x[3], low, r"$\delta^{(2)} = f - y$", **style)
    ax.plot([x[5], x[5]], [top - 0.28, low], lw=1.3, **style)
    arrow(ax, (x[5], low), (x[3] + 0.65, low), **style)
    arrow(ax, (x[3] - 0.65, low), (x[2] + 0.3, low), **style)
    arrow(ax, (x[2] - 0.3, low), (x[1] + 0.3, low), **style)
    factors = r"\frac{\partial \ell}{\partial f} \frac{\partial f}{\partial a^{(2)}}"
    text(x[4] + 0.4, low - 0.36, f"${factors}$", 16, **style)
    text((x[2] + x[3]) / 2 - 0.15, low - 0.3, r"$(W^{(2)})^\top$", 12, **style)
    text((x[1] + x[2]) / 2, low - 0.3, r"$\odot \, g'(a^{(1)})$", 12, **style)

    for k, h in (1, r"x^\top"), (2, r"(h^{(1)})^\top"):
        below, above = x[2 * k - 2], x[2 * k - 1]
        centre = (below + above) / 2
        of_W, of_b = (
            rf"\frac{{\partial \ell}}{{\partial {p}^{{({k})}}}}" for p in ("W", "b")
        )
        text(centre, middle + 0.2, rf"${of_W} = {h} \, \delta^{{({k})}}$", color=GREEN)
        text(centre, middle - 0.25, rf"${of_b} = \delta^{{({k})}}$", color=GREEN)
        arrow(ax, (below, top - 0.25), (centre - 0.3, middle + 0.5), color=GREEN)
        arrow(ax, (above, low + 0.25), (centre + 0.3, middle - 0.5), color=GREEN)


@drawn
def shapes(figure):
    """Draw the products of a layer as rectangles, rows down and neurons across."""
    ax = empty_axes(figure, 7.4, 6.5)
    B, lower, upper = 0.95, 0.62, 0.42  # rows, neurons below and neurons of the layer
    one = 0.13
    names = {B: "$B$", lower: "$D^{(k-1)}$", upper: "$D^{(k)}$", one: "$1$"}
    room = {B: 0.3, lower: 0.68, upper: 0.52, one: 0.25}  # for the name of a height

    def matrix(left, middle, height, width, name, colour):
        box = Rectangle((left, middle - height / 2), width, height, ec=INK, fc=colour)
        ax.add_patch(box)
        x, y = left + width / 2, height / 2 + 0.07
        ax.text(x, middle + y, names[width], ha="center", fontsize=10)
        side = {"ha": "right", "va": "center", "fontsize": 10}
        ax.text(left - 0.07, middle, names[height], **side)
        ax.text(x, middle - y, f"${name}$", ha="center", va="top", fontsize=12)

    def line(middle, title, *parts):
        ax.text(0, middle, title, va="center", fontsize=11)
        left = 1.25
        for part in parts:
            if isinstance(part, str):
                centred = {"ha": "center", "va": "center", "fontsize": 14}
                ax.text(left + 0.18, middle, part, **centred)
                left += 0.3
            else:
                height, width, _, _ = part
                matrix(left + room[height], middle, *part)
                left += room[height] + width

    h, delta = (B, lower, "h^{(k-1)}", GREEN), (B, upper, r"\delta^{(k)}", BLUE)
    line(
        5.75,
        "forward",
        (B, upper, "a^{(k)}", BLUE),
        "$=$",
        h,
        (lower, upper, "W^{(k)}", ORANGE),
        "$+$",
        (B, one, r"\mathbf{1}", "0.6"),
        (one, upper, "b^{(k)}", ORANGE),
    )
    line(
        4.05,
        "gradient of\nthe weights",
        (lower, upper, r"\nabla_{W^{(k)}}", ORANGE),
        "$=$",
        (lower, B, r"(h^{(k-1)})^\top", GREEN),
        delta,
    )
    line(
        2.4,
        "gradient of\nthe biases",
        (one, upper, r"\nabla_{b^{(k)}}", ORANGE),
        "$=$",
        (one, B, r"\mathbf{1}^\top", "0.6"),
        delta,
    )
    line(
        0.85,
        "error of the\nlayer below",
        (B, lower, r"\delta^{(k-1)}", GREEN),
        "$=$",
        delta,
        (upper, lower, r"(W^{(k)})^\top", ORANGE),
        r"$\odot$",
        (B, lower, "g'(a^{(k-1)})", GREEN),
    )


@drawn
def loss_against_logit(figure):
    """Draw the loss of a label against its logit, and its slope, f - y."""
    figure.set_size_inches(6.8, 3.7)
    left, right = figure.subplots(1, 2)
    a = np.linspace(-6, 6, 241)
    f = 1 / (1 + np.exp(-a))
    cases = [(1, BLUE, "-", "$y = 1$"), (0, ORANGE, "-", "$y = 0$")]
    cases += [(0.9, BLUE, "--", r"$y = 1$, smoothed, $\varepsilon = 0.2$")]
    for y, colour, style, label in cases:
        left.plot(a, np.logaddexp(0, a) - y * a, style, color=colour, label=label)
        right.plot(a, f - y, style, color=colour)
    left.set(title=r"loss $\ell$", xlabel="logit $a$", ylim=(-0.1, 5))
    right.set(title=r"slope $\partial \ell / \partial a = f - y$", xlabel="logit $a$")
    figure.legend(loc="outside lower center", ncols=3)
    for ax in (left, right):
        ax.axvline(0, color=INK, lw=0.6, alpha=0.5)
        ax.axhline(0, color=INK, lw=0.6, alpha=0.5)


@drawn
def landscape(figure):
    """Draw forty steps down a narrow valley, without momentum and with it."""
    figure.set_size_inches(6.8, 4.6)
    axes = figure.subplots(2, 1, sharex=True, sharey=True)
    steep = np.array([1.0, 40.0])
    x, y = np.meshgrid(np.linspace(-0.65, 1.1, 200), np.linspace(-0.45, 0.45, 200))
    J = (steep[0] * x**2 + steep[1] * y**2) / 2
    forms = {
        "without momentum": (SGD(momentum=0), ORANGE),
        "momentum 0.8": (SGD(momentum=0.8, nesterovs_momentum=False), BLUE),
    }
    for ax, (name, (optimizer, colour)) in zip(axes, forms.items(), strict=True):
        lines = {"colors": INK, "linewidths": 0.7, "alpha": 0.4}
        ax.contour(x, y, J, [0.01, 0.1, 0.3, 0.7, 1.3, 2.2, 3.4], **lines)
        theta = np.array([1.0, -0.3])
        state, path = optimizer.init(theta), [theta.copy()]
        for _ in range(40):
            theta += optimizer.update(steep * theta, state, 0.045)
            path.append(theta.copy())
        ax.plot(*np.transpose(path), "o-", color=colour, markersize=4, lw=1.2)
        ax.plot(0, 0, "+", color=INK, markersize=14, mew=1.5)
        reached = steep @ theta**2 / 2
        ax.set(title=f"{name}: after 40 steps $J$ = {reached:.5f}")
        ax.set_ylabel(r"$\theta_2$")
    axes[-1].set_xlabel(r"$\theta_1$")


@drawn
def activations(figure):
    """Draw the activation functions and their derivatives."""
    figure.set_size_inches(7, 5.6)
    axes = figure.subplots(3, 4, sharex=True, sharey=True).ravel()
    a = np.linspace(-4, 4, 401)
    for ax, (name, kind) in zip(axes, ACTIVATIONS.items(), strict=False):
        h, d = np.empty_like(a), np.empty_like(a)
        kind().forward(a.copy(), h, d)
        d[1:][np.abs(np.diff(d)) > 0.3] = np.nan  # a jump is not a line
        ax.axhline(0, color=INK, lw=0.5, alpha=0.5)
        ax.axvline(0, color=INK, lw=0.5, alpha=0.5)
        ax.plot(a, h, color=BLUE, label="$g(a)$")
        ax.plot(a, d, color=ORANGE, lw=1.5, label="$g'(a)$")
        ax.set(title=name, ylim=(-2, 3))
    for ax in axes[len(ACTIVATIONS) :]:
        ax.remove()
    figure.legend(*axes[0].get_legend_handles_labels(), loc=(0.62, 0.12))
