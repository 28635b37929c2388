"""Tables and small charts as HTML and SVG, which load nothing."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from typing import Any

# Blue for the model that the page is about, grey for all others.
OURS, OTHERS = "#2563a8", "#9aa3ad"
WIDTH, ROW, NAMES = 640, 26, 150

STYLE = """
body{font:15px/1.5 system-ui,sans-serif;color:#1d2329}
body{max-width:52rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2.2rem}
table{border-collapse:collapse;width:100%}th,td{padding:.25rem .6rem;text-align:right}
th:first-child,td:first-child,.text{text-align:left}thead th{border-bottom:1px solid #c5ccd3}
.ours{font-weight:600}.note{color:#5b6570;font-size:.9rem}td.cell{text-align:center}
svg text{font:12px system-ui,sans-serif;fill:#1d2329}
h1,p,td{unicode-bidi:isolate}
"""


def escape(value: Any) -> str:
    return html.escape(str(value))


def percent(share: float | None) -> str:
    return "–" if share is None else f"{share * 100:.1f}"


def signed(share: float) -> str:
    return f"{'−' if share < 0 else '+'}{abs(share) * 100:.1f}"


def table(
    head: Sequence[str], rows: Iterable[Sequence[Any]], marked: int | None = None, text: int = 0
) -> str:
    """`marked` is the row of our model, `text` the number of columns with words."""
    cells = "".join(
        f"<tr{' class=ours' if index == marked else ''}>"
        + "".join(
            f"<td{' class=text' if column < text else ''}>{escape(cell)}</td>"
            for column, cell in enumerate(row)
        )
        + "</tr>"
        for index, row in enumerate(rows)
    )
    names = "".join(
        f"<th{' class=text' if column < text else ''}>{escape(name)}</th>"
        for column, name in enumerate(head)
    )
    return f"<table><thead><tr>{names}</tr></thead><tbody>{cells}</tbody></table>"


def intervals(systems: Sequence[tuple[str, float, float, float]]) -> str:
    """A dot with its interval for each system (name, value, low, high). The first is ours."""
    low = min(system[2] for system in systems)
    high = max(system[3] for system in systems)
    margin = max(0.02, (high - low) * 0.05)
    low, high = max(0.0, low - margin), min(1.0, high + margin)

    def x(share: float) -> float:
        return NAMES + (share - low) / (high - low) * (WIDTH - NAMES - 60)

    marks = []
    for index, (name, value, start, end) in enumerate(systems):
        y, color = ROW * index + ROW / 2, OURS if index == 0 else OTHERS
        marks.append(
            f'<text x="0" y="{y + 4}">{escape(name)}</text>'
            f'<line x1="{x(start):.1f}" x2="{x(end):.1f}" y1="{y}" y2="{y}" stroke="{color}" '
            f'stroke-width="3"/><circle cx="{x(value):.1f}" cy="{y}" r="5" fill="{color}"/>'
            f'<text x="{x(end) + 8:.1f}" y="{y + 4}">{percent(value)}</text>'
        )
    return _svg(ROW * len(systems), "".join(marks), "Macro recall of each system, with interval")


def reliability(bins: Sequence[dict[str, Any]]) -> str:
    """Accuracy by confidence. A model on the diagonal is calibrated."""
    size = 260

    def at(x: float, y: float) -> tuple[float, float]:
        return 40 + x * size, 10 + (1 - y) * size

    (x0, y0), (x1, y1) = at(0, 0), at(1, 1)
    marks = [
        f'<line x1="{x0}" y1="{y0}" x2="{x1}" y2="{y1}" stroke="{OTHERS}" stroke-dasharray="4"/>',
        f'<rect x="{x0}" y="{y1}" width="{size}" height="{size}" fill="none" stroke="{OTHERS}"/>',
    ]
    rows = sum(one["rows"] for one in bins)
    for one in bins:
        x, y = at(one["confidence"], one["accuracy"])
        radius = 3 + 9 * (one["rows"] / rows) ** 0.5
        marks.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{OURS}"/>')
    for share in (0, 0.5, 1):
        x, y = at(share, share)
        marks.append(f'<text x="{x - 8}" y="{y0 + 16}">{share * 100:.0f}</text>')
        marks.append(f'<text x="8" y="{y + 4}">{share * 100:.0f}</text>')
    return _svg(size + 40, "".join(marks), "Accuracy by confidence, both in percent")


def _svg(height: float, content: str, label: str) -> str:
    return (
        f'<svg role="img" aria-label="{escape(label)}" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}">{content}</svg>'
    )
