"""Charts as SVG: text that a page takes in as it is. Colours are classes, so that the page's style
decides them for light and dark.

SPDX-License-Identifier: MIT
"""
import html
import math

COLOURS = 10  # style.css has so many


def colour(names, name):
    """The class of an allocator: the system's is grey, acre's stands out, others follow."""
    return f"c{min(names.index(name), COLOURS - 1)}"


def text(x, y, words, anchor="start", kind="label"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{kind}">'
            f"{html.escape(words)}</text>")


def line(x1, y1, x2, y2, kind="grid"):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def svg(width, height, parts, title):
    return (f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
            f'aria-label="{html.escape(title)}">' + "".join(parts) + "</svg>")


def steps(low, high, wanted=5):
    """Round numbers from at most `low` to at least `high`."""
    rough = max(high - low, 1e-9) / wanted
    power = 10 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [i * step for i in range(first, last + 1)]


LABEL_WIDTH, LABEL_HEIGHT = 64, 12


def apart(places, has_points):
    """Heights for labels at these places (x, y): each clear of the others, and of their points."""
    heights, taken = [0.0] * len(places), []

    def is_free(i, y):
        x = places[i][0]
        is_clear = all(abs(x - other_x) >= LABEL_WIDTH or abs(y - other_y) >= LABEL_HEIGHT
                       for other_x, other_y in taken)
        hidden = [j for j, (other_x, other_y) in enumerate(places)
                  if has_points and j != i and 0 < other_x - x < LABEL_WIDTH
                  and abs(other_y - y) < LABEL_HEIGHT - 2]
        return is_clear and not hidden

    for i in sorted(range(len(places)), key=lambda i: places[i][1]):
        x, y = places[i]
        moves = [step * sign for step in range(0, 200, 3) for sign in (1, -1)]
        heights[i] = y + next((move for move in moves if is_free(i, y + move)), 0)
        taken.append((x, heights[i]))
    return heights


def scatter(points, names, title):
    """Time against memory, a point for each allocator: (name, memory ratio, time ratio)."""
    width, height, left, right, top, bottom = 384, 310, 46, 84, 14, 40
    xs, ys = [p[1] for p in points] + [1.0], [p[2] for p in points] + [1.0]
    x_steps, y_steps = steps(min(xs) - .05, max(xs) + .05), steps(min(ys) - .05, max(ys) + .05)

    def at_x(value):
        return left + (value - x_steps[0]) / (x_steps[-1] - x_steps[0]) * (width - left - right)

    def at_y(value):
        return height - bottom - ((value - y_steps[0]) / (y_steps[-1] - y_steps[0]) *
                                  (height - top - bottom))

    parts = []
    for value in x_steps:
        parts += [line(at_x(value), top, at_x(value), height - bottom),
                  text(at_x(value), height - bottom + 15, f"{value:.3g}", "middle", "tick")]
    for value in y_steps:
        parts += [line(left, at_y(value), width - right, at_y(value)),
                  text(left - 6, at_y(value) + 4, f"{value:.3g}", "end", "tick")]
    parts += [line(at_x(1), top, at_x(1), height - bottom, "one"),
              line(left, at_y(1), width - right, at_y(1), "one"),
              text((left + width - right) / 2, height - 6, "memory", "middle"),
              f'<g transform="rotate(-90 12 {(top + height - bottom) / 2:.0f})">' +
              text(12, (top + height - bottom) / 2, "time", "middle") + "</g>"]
    label_heights = apart([(at_x(p[1]), at_y(p[2]) + 4) for p in points], True)
    for (name, x, y), label_y in zip(points, label_heights):
        kind = colour(names, name)
        parts += [f'<circle cx="{at_x(x):.1f}" cy="{at_y(y):.1f}" r="5.5" class="{kind}">'
                  f"<title>{html.escape(name)}: time {y:.2f}, memory {x:.2f}</title></circle>"]
        if abs(label_y - at_y(y) - 4) > 8:
            parts.append(line(at_x(x) + 6, at_y(y), at_x(x) + 10, label_y - 4, "lead"))
        parts.append(text(at_x(x) + 11, label_y, name, kind=f"label {'own' * (kind == 'c1')}"))
    return svg(width, height, parts, title)


ROW, BAR_TOP = 15, 30


def bar_column(parts, x, width, title, values, names):
    """Bars to the right of x: (name, ratio or None); a line stands at 1."""
    known = [value for _, value in values if value]
    shown = max([1.25, *(min(value, 4.0) for value in known)])
    scale = (width - 42) / shown
    bottom = BAR_TOP + ROW * len(values)
    parts += [text(x, 16, title, kind="tick"),
              line(x + scale, BAR_TOP - 6, x + scale, bottom, "one")]
    for i, (name, value) in enumerate(values):
        y = BAR_TOP + ROW * i
        if value is None:
            parts.append(text(x + 3, y + 9, "failed", kind="tick"))
            continue
        length = min(value, shown) * scale
        parts += [f'<rect x="{x}" y="{y}" width="{length:.1f}" height="{ROW - 4}" rx="2" '
                  f'class="{colour(names, name)}"/>',
                  text(x + length + 4, y + 9, f"{value:.2f}{'→' * (value > shown)}", kind="tick")]


def bars(columns, names, title):
    """A card for one test: the allocators' names, and a column of bars for each kind of number."""
    label_width, column_width = 74, 138
    width = label_width + column_width * len(columns)
    rows = columns[0][1]
    parts = [text(label_width - 6, BAR_TOP + ROW * i + 9, name, "end",
                  f"tick {'own' * (colour(names, name) == 'c1')}")
             for i, (name, _) in enumerate(rows)]
    for i, (heading, values) in enumerate(columns):
        bar_column(parts, label_width + column_width * i, column_width, heading, values, names)
    return svg(width, BAR_TOP + ROW * len(rows) + 4, parts, title)


def over_time(curves, names, title):
    """Resident memory in the course of a run: name -> [(ms, KiB), ...]."""
    width, height, left, right, top, bottom = 560, 280, 46, 96, 14, 40
    last_ms = max(points[-1][0] for points in curves.values())
    high = max(kib for points in curves.values() for _, kib in points) / 1024
    x_steps, y_steps = steps(0, last_ms / 1000), steps(0, high)

    def at_x(ms):
        return left + ms / 1000 / x_steps[-1] * (width - left - right)

    def at_y(kib):
        return height - bottom - kib / 1024 / y_steps[-1] * (height - top - bottom)

    parts = []
    for value in x_steps:
        parts += [line(at_x(value * 1000), top, at_x(value * 1000), height - bottom),
                  text(at_x(value * 1000), height - bottom + 15, f"{value:.3g}", "middle", "tick")]
    for value in y_steps:
        parts += [line(left, at_y(value * 1024), width - right, at_y(value * 1024)),
                  text(left - 6, at_y(value * 1024) + 4, f"{value:.0f}", "end", "tick")]
    parts += [text((left + width - right) / 2, height - 6, "seconds", "middle"),
              f'<g transform="rotate(-90 12 {(top + height - bottom) / 2:.0f})">' +
              text(12, (top + height - bottom) / 2, "MiB", "middle") + "</g>"]
    order = sorted(curves)
    ends = [(0, at_y(curves[name][-1][1]) + 4) for name in order]
    label_heights = apart(ends, False)
    for name, label_y in zip(order, label_heights):
        points = " ".join(f"{at_x(ms):.1f},{at_y(kib):.1f}" for ms, kib in curves[name])
        kind = colour(names, name)
        end_ms, end_kib = curves[name][-1]
        parts += [f'<polyline points="{points}" class="curve {kind}"/>',
                  line(at_x(end_ms) + 2, at_y(end_kib), at_x(end_ms) + 10,
                       label_y - 4, "lead"),
                  text(at_x(end_ms) + 12, label_y, name,
                       kind=f"label {'own' * (kind == 'c1')}")]
    return svg(width, height, parts, title)
