# SPDX-License-Identifier: Apache-2.0
"""Plots as SVG, written by hand: groups of bars, and lines over a logarithmic axis."""

import math
from xml.sax.saxutils import escape

COLOURS = ("#1b6ca8", "#2e9e5b", "#d9822b", "#8e44ad", "#c0392b", "#7f8c8d", "#b7950b", "#222222")
WIDTH, HEIGHT = 1080, 420
LEFT, RIGHT, TOP, BOTTOM = 60, 20, 70, 90
FONT = 'font-family="sans-serif" font-size="12" fill="#222"'


def write(path, svg):
    """Writes a plot."""
    with open(path, "w") as file:
        file.write(svg)


def text(x, y, words, anchor="start", more=""):
    """One line of text."""
    return f'<text x="{x:.1f}" y="{y:.1f}" {FONT} text-anchor="{anchor}" {more}>{escape(str(words))}</text>'


def line(x1, y1, x2, y2, colour="#ccc", width=1):
    """A straight line."""
    return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" '
            f'stroke-width="{width}"/>')


def page(title, parts):
    """The whole picture."""
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">\n'
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>\n')
    return head + "\n".join([text(LEFT, 24, title, more='font-weight="bold"'), *parts]) + "\n</svg>\n"


def legend(names):
    """The names with their colours, below the title."""
    parts, x = [], LEFT
    for number, name in enumerate(names):
        parts += [f'<rect x="{x}" y="38" width="12" height="12" fill="{colour(number)}"/>', text(x + 17, 48, name)]
        x += 40 + 7 * len(name)
    return parts


def colour(number):
    """The colour of the peer with this number."""
    return COLOURS[number % len(COLOURS)]


def nice_step(highest, steps=5):
    """A step of 1, 2 or 5 times a power of ten, of which about `steps` reach `highest`."""
    raw = highest / steps
    power = 10 ** math.floor(math.log10(raw))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw)


def vertical_axis(highest):
    """Lines and numbers of the vertical axis, and the function from value to y."""
    step = nice_step(highest or 1)
    top = step * math.ceil((highest or 1) / step)

    def y_of(value):
        return HEIGHT - BOTTOM - value / top * (HEIGHT - BOTTOM - TOP)

    parts = []
    for count in range(round(top / step) + 1):
        y = y_of(count * step)
        parts += [line(LEFT, y, WIDTH - RIGHT, y), text(LEFT - 6, y + 4, f"{count * step:g}", "end")]
    return parts, y_of


def bars(title, groups, names, line_at=None, highest=None):
    """A group of bars for each of `groups` ({group: {name: value}}), coloured by name, with a line at a value. Values
    above `highest` are cut there and keep their number."""
    values = [value for group in groups.values() for value in group.values() if value is not None]
    limit = highest or min(max(values), 3 * sorted(values)[len(values) // 2])
    parts, y_of = vertical_axis(limit)
    room = (WIDTH - LEFT - RIGHT) / len(groups)
    width = room * 0.85 / max(1, len(names))
    for place, (group, row) in enumerate(groups.items()):
        x = LEFT + place * room + room * 0.075
        for number, name in enumerate(names):
            if row.get(name) is not None:
                parts += bar(x + number * width, width, row[name], limit, y_of, colour(number))
        middle = LEFT + (place + 0.5) * room
        parts.append(text(middle, HEIGHT - BOTTOM + 16, group, "end",
                          f'transform="rotate(-30 {middle:.1f} {HEIGHT - BOTTOM + 16})"'))
    if line_at is not None:
        parts.append(line(LEFT, y_of(line_at), WIDTH - RIGHT, y_of(line_at), "#222", 1.5))
    return page(title, [*legend(names), *parts])


def bar(x, width, value, limit, y_of, fill):
    """One bar; its value is its tooltip, and stands above it when it is cut."""
    y = y_of(min(value, limit))
    parts = [f'<rect x="{x:.1f}" y="{y:.1f}" width="{width * 0.92:.1f}" height="{y_of(0) - y:.1f}" fill="{fill}">'
             f"<title>{value:.2f}</title></rect>"]
    if value > limit:
        parts.append(text(x + width / 2, y - 3, f"{value:.1f}", "middle", 'style="font-size:9px"'))
    return parts


def lines(title, series):
    """A line for each of `series` ({name: {size: value}}) over a logarithmic axis of sizes."""
    sizes = sorted({size for points in series.values() for size in points})
    highest = max((value for points in series.values() for value in points.values()), default=1)
    parts, y_of = vertical_axis(highest)
    low, high = math.log(sizes[0]), math.log(sizes[-1])

    def x_of(size):
        share = 0.5 if high == low else (math.log(size) - low) / (high - low)
        return LEFT + 20 + share * (WIDTH - LEFT - RIGHT - 40)

    parts += [text(x_of(size), HEIGHT - BOTTOM + 18, f"{size:,}", "middle") for size in sizes]
    for number, points in enumerate(series.values()):
        ordered = sorted(points.items())
        path = " ".join(f"{x_of(size):.1f},{y_of(value):.1f}" for size, value in ordered)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour(number)}" stroke-width="2"/>')
        parts += [f'<circle cx="{x_of(size):.1f}" cy="{y_of(value):.1f}" r="3" fill="{colour(number)}">'
                  f"<title>{value:.2f}</title></circle>" for size, value in ordered]
    return page(title, [*legend(list(series)), *parts])
