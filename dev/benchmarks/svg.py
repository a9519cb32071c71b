"""Charts as SVG: lines over a logarithmic axis, and horizontal ranges with points on them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from dev.benchmarks.report import LineChart, RangeChart

WIDTH = 760
LEFT, RIGHT, TOP, BOTTOM = 70, 30, 64, 50
LABEL_WIDTH = 250
PLOT_HEIGHT = 260
ROW_HEIGHT = 18
# Colour-blind readers can tell these apart, by colour and by shape.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
INK, FAINT, BAR = "#222222", "#dddddd", "#b8c4cf"
FEWEST_TICKS = 4


def line_chart(chart: LineChart) -> str:
    """Draws the chart as an SVG document."""
    xs = [x for line in chart.lines for x, _ in line.points]
    ys = [y for line in chart.lines for _, y in line.points]
    low, high = math.log10(min(xs)), math.log10(max(xs))
    ticks = nice_ticks(0.0, max(ys))
    height = TOP + PLOT_HEIGHT + BOTTOM

    def x_of(value: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (math.log10(value) - low) / ((high - low) or 1.0)

    def y_of(value: float) -> float:
        return TOP + PLOT_HEIGHT * (1 - value / ticks[-1])

    body = [_legend([line.name for line in chart.lines])]
    for tick in ticks:
        body.append(_rule(LEFT, y_of(tick), WIDTH - RIGHT, y_of(tick)))
        body.append(_text(LEFT - 8, y_of(tick) + 4, f"{tick:g}", "end"))
    # Labels that stand closer to each other would overlap.
    spaced = [x for x in sorted(set(xs)) if not any(0 < x - other < 0.1 * x for other in xs)]
    body += [_text(x_of(x), TOP + PLOT_HEIGHT + 18, f"{x:,.0f}", "middle") for x in spaced]
    for place, line in enumerate(chart.lines):
        colour = _colour(place)
        points = " ".join(f"{x_of(x):.1f},{y_of(y):.1f}" for x, y in line.points)
        body.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        body += [_mark(place, x_of(x), y_of(y)) for x, y in line.points]
    body.append(_text((LEFT + WIDTH - RIGHT) / 2, height - 10, f"{chart.x_label} (logarithmic)", "middle"))
    middle = TOP + PLOT_HEIGHT / 2
    body.append(
        f'<text transform="translate(18 {middle:.1f}) rotate(-90)" text-anchor="middle">{escape(chart.y_label)}</text>'
    )
    return _document(chart.title, height, body)


def range_chart(chart: RangeChart) -> str:
    """Draws the chart as an SVG document."""
    values = [v for row in chart.rows for v in (row.low, row.high, *row.marks.values())]
    ticks = nice_ticks(min(values), max(values))
    height = TOP + ROW_HEIGHT * len(chart.rows) + BOTTOM
    bottom = height - BOTTOM

    def x_of(value: float) -> float:
        share = (value - ticks[0]) / ((ticks[-1] - ticks[0]) or 1.0)
        return LABEL_WIDTH + (WIDTH - LABEL_WIDTH - RIGHT) * share

    names = list(dict.fromkeys(name for row in chart.rows for name in row.marks))
    body = [_legend(names, chart.bars)]
    for tick in ticks:
        body.append(_rule(x_of(tick), TOP, x_of(tick), bottom))
        body.append(_text(x_of(tick), bottom + 18, f"{tick:g}", "middle"))
    for place, row in enumerate(chart.rows):
        y = TOP + ROW_HEIGHT * (place + 0.5)
        body.append(_text(LABEL_WIDTH - 10, y + 4, row.label, "end"))
        width = max(1.0, x_of(row.high) - x_of(row.low))
        body.append(
            f'<rect x="{x_of(row.low):.1f}" y="{y - 5:.1f}" width="{width:.1f}" height="10" fill="{BAR}"/>'
        )
        body += [_mark(names.index(name), x_of(value), y) for name, value in row.marks.items()]
    body.append(_text((LABEL_WIDTH + WIDTH - RIGHT) / 2, height - 10, chart.x_label, "middle"))
    return _document(chart.title, height, body)


def nice_ticks(low: float, high: float) -> list[float]:
    """Returns round values at even steps, from `low` or a little below to `high` or a little above."""
    span = (high - low) or abs(high) or 1.0
    power = 10.0 ** math.floor(math.log10(span / FEWEST_TICKS))
    step = next(power * each for each in (10, 5, 2, 1) if span / (power * each) >= FEWEST_TICKS or each == 1)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(place * step, 10) for place in range(first, max(last, first + 1) + 1)]


def _document(title: str, height: float, body: Sequence[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="12" fill="{INK}" role="img">'
    )
    background = f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>'
    heading = f'<text x="14" y="22" font-size="15" font-weight="bold">{escape(title)}</text>'
    lines = [head, f"<title>{escape(title)}</title>", background, heading, *body, "</svg>"]
    return "\n".join(lines) + "\n"


def _legend(names: Sequence[str], bars: str | None = None) -> str:
    parts: list[str] = []
    x = 20.0
    if bars is not None:
        parts.append(f'<rect x="{x - 6:.1f}" y="38" width="16" height="10" fill="{BAR}"/>')
        parts.append(_text(x + 16, 47, bars, "start"))
        x += 40 + 6.5 * len(bars)
    for place, name in enumerate(names):
        parts += [_mark(place, x, 43), _text(x + 10, 47, name, "start")]
        x += 34 + 6.5 * len(name)
    return "\n".join(parts)


def _mark(place: int, x: float, y: float) -> str:
    colour = _colour(place)
    if place % 3 == 0:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>'
    corners = (
        ((-4, 0), (0, -5), (4, 0), (0, 5))
        if place % 3 == 1
        else ((-3.5, -3.5), (3.5, -3.5), (3.5, 3.5), (-3.5, 3.5))
    )
    points = " ".join(f"{x + dx:.1f},{y + dy:.1f}" for dx, dy in corners)
    return f'<polygon points="{points}" fill="{colour}"/>'


def _colour(place: int) -> str:
    return COLOURS[place % len(COLOURS)]


def _rule(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{FAINT}"/>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
