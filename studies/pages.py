# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages of the documentation: their folders, their marked parts and their tables.

Not a script: all studies write their pages with this.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PICTURES = DOCS / "pictures"
RECIPES = ROOT / "training" / "recipes"


def replace_part(page: Path, part: str, body: str) -> None:
    """Put a text between the markers of a part of a page."""
    begin, end = f"<!-- from the {part} -->", f"<!-- end of the {part} -->"
    before, rest = page.read_text(encoding="utf-8").split(begin)
    _, after = rest.split(end)
    text = f"{before}{begin}\n\n{body}\n\n{end}{after}"
    page.write_text(text, encoding="utf-8")


def table(columns: Sequence[str], rows: Iterable[Sequence[str | float | None]]) -> str:
    """Return a table in Markdown.

    Parameters
    ----------
    columns
        Title of each column.
    rows
        Cells of each row: texts, numbers, which get three digits, or None, which
        becomes a dash.
    """
    lines = [_line(columns), "|---" * len(columns) + "|"]
    return "\n".join([*lines, *(_line([_cell(cell) for cell in row]) for row in rows)])


def _line(cells: Sequence[str]) -> str:
    return "".join(["|", *(f" {cell} |" if cell else " |" for cell in cells)])


def _cell(cell: str | float | None) -> str:
    if cell is None:
        return "–"
    if isinstance(cell, str):
        return cell
    # Scores below 0.1 are errors, of which three digits behind the point are too few.
    return f"{cell:.3f}" if abs(cell) >= 0.1 else f"{cell:.4f}"
