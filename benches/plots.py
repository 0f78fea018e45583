"""Draws plots as SVG: bars and lines, readable on light and dark pages, without a library.

Lines are short, so that a change of figures is a small change of the file.
"""

import math
from html import escape

WIDTH = 720
LEFT = 275  # of the bars: room for their labels
RIGHT = 110  # room for the figures
ROW = 30
STYLE = """\
text { font: 13px system-ui, sans-serif; fill: #333 }
.title { font-weight: bold }
.note { fill: #777 }
.grid { stroke: #ccc }
.own { fill: #1f77b4 } .other { fill: #b0b0b0 } .floor { fill: #777 }
.line { fill: none; stroke-width: 2 }
.c0 { stroke: #1f77b4 } .c1 { stroke: #d95f02 } .c2 { stroke: #1b9e77 }
.d0 { fill: #1f77b4 } .d1 { fill: #d95f02 } .d2 { fill: #1b9e77 }
@media (prefers-color-scheme: dark) {
text { fill: #ddd } .note { fill: #999 } .grid { stroke: #444 }
.own { fill: #4fa3e0 } .other { fill: #666 } .floor { fill: #999 }
.c0 { stroke: #4fa3e0 } .c1 { stroke: #ff9248 } .c2 { stroke: #4fc9a0 }
.d0 { fill: #4fa3e0 } .d1 { fill: #ff9248 } .d2 { fill: #4fc9a0 }
}"""


def text(x, y, content, kind="", anchor="start"):
    return f'<text class="{kind}" x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}">' + (
        f"{escape(content)}</text>"
    )


def document(height, title, parts):
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height:.0f}"',
        f'viewBox="0 0 {WIDTH} {height:.0f}" role="img">',
        "<!-- Generated: make bench-page -->",
        f"<title>{escape(title)}</title>",
        f"<style>\n{STYLE}\n</style>",
        text(0, 16, title, "title"),
    ]
    return "\n".join([*head, *parts, "</svg>"]) + "\n"


def bars(title, rows, logarithmic=False, note=""):
    """Returns a plot of horizontal bars; each row is (label, number, what it says, class)."""
    largest = max(number for _, number, _, _ in rows)
    # A logarithmic scale begins below the smallest bar.
    low = min(number for _, number, _, _ in rows) / 3

    def length(number):
        share = number / largest
        if logarithmic:
            share = math.log(number / low) / math.log(largest / low)
        return share * (WIDTH - LEFT - RIGHT)

    parts = []
    y = 36
    for label, number, shown, kind in rows:
        parts.append(text(LEFT - 10, y + 15, label, anchor="end"))
        parts.append(
            f'<rect class="{kind}" x="{LEFT}" y="{y}" width="{length(number):.0f}" height="20"/>'
        )
        parts.append(text(LEFT + length(number) + 8, y + 15, shown))
        y += ROW
    parts.append(text(LEFT, y + 10, note, "note"))
    return document(y + 20, title, parts)


def lines(title, x_label, ticks, series, unit):
    """Returns a plot of lines on a logarithmic scale of powers of ten.

    `ticks` are the labels of the points along x; each of the series is (label, numbers), of which
    some may be missing at the end.
    """
    left, right, top, bottom = 80, 130, 40, 290
    numbers = [number for _, values in series for number in values]
    low = math.floor(math.log10(min(numbers)))
    high = max(math.ceil(math.log10(max(numbers))), low + 1)

    def x(at):
        return left + at * (WIDTH - left - right) / (len(ticks) - 1)

    def y(number):
        return bottom - (math.log10(number) - low) / (high - low) * (bottom - top)

    parts = []
    for exponent in range(low, high + 1):
        at = y(10.0**exponent)
        parts.append(f'<path class="grid" d="M {left} {at:.0f} H {WIDTH - right}"/>')
        parts.append(text(left - 8, at + 4, unit(10.0**exponent), anchor="end"))
    for at, label in enumerate(ticks):
        parts.append(text(x(at), bottom + 20, label, anchor="middle"))
    parts.append(text((left + WIDTH - right) / 2, bottom + 42, x_label, "note", "middle"))
    for color, (label, values) in enumerate(series):
        points = " L ".join(f"{x(at):.0f} {y(value):.1f}" for at, value in enumerate(values))
        parts.append(f'<path class="line c{color}" d="M {points}"/>'.replace(" L ", "\nL "))
        for at, value in enumerate(values):
            dot = f'cx="{x(at):.0f}" cy="{y(value):.1f}" r="3"'
            parts.append(f'<circle class="d{color}" {dot}/>')
        last = len(values) - 1
        parts.append(text(x(last) + 10, y(values[last]) + 4, label))
    return document(bottom + 55, title, parts)
