# SPDX-License-Identifier: GPL-3.0-or-later
"""Page of a report: one HTML file with its pictures in it, which a double click opens.

Names of files, units and warnings are texts of others: all that goes into the page is
escaped, and the page itself forbids the browser to run or to load anything.
"""

from __future__ import annotations

import math
from base64 import b64encode
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jinja2 import Environment, StrictUndefined

from hyperspy_hrtemnn import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from hyperspy_hrtemnn.signals._shared.output_files import Writing

_TEMPLATE = Path(__file__).with_name("page.html")

# A browser shows more rows, and nobody reads them.
_MOST_ROWS = 200


@dataclass(frozen=True)
class Shown:
    """A picture on the page.

    Parameters
    ----------
    path
        The PNG file.
    text
        What it shows.
    """

    path: Path
    text: str


@dataclass(frozen=True)
class Rows:
    """A table on the page, as texts.

    Parameters
    ----------
    header
        Names of the columns, with their units.
    cells
        The rows.
    links
        For each row, where its first cell leads to, relative to the page; by default
        nowhere.
    text
        What it shows.
    """

    header: Sequence[str]
    cells: Sequence[Sequence[str]]
    text: str
    links: Sequence[str] = ()


@dataclass(frozen=True)
class Step:
    """How to go on: a sentence, and what to type."""

    text: str
    code: str = ""


@dataclass(frozen=True)
class Page:
    """What is on the page.

    Parameters
    ----------
    title
        The title.
    facts
        What was run, on what, and what came out.
    options
        The options of the command.
    warnings
        The warnings that it printed.
    pictures, table, files, steps
        What was found; the files by name, with what is in them; and how to go on.
    """

    title: str
    facts: Mapping[str, str]
    options: Mapping[str, str]
    warnings: Sequence[str]
    table: Rows
    pictures: Sequence[Shown] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    steps: Sequence[Step] = ()


def write_page(page: Page, path: Path, *, writing: Writing) -> None:
    """Write a page into a file."""
    template = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    ).from_string(_TEMPLATE.read_text(encoding="utf-8"))
    html = template.render(page=page, embedded=_embedded, version=__version__)
    with writing(path) as temporary:
        # File names may hold bytes that are no letters.
        temporary.write_bytes(html.encode("utf-8", "replace"))


def rows_of(table: pd.DataFrame, text: str) -> Rows:
    """Return a table as texts, of not more rows than a page can show.

    Parameters
    ----------
    table
        The table, with the units of its columns as ``attrs["units"]``.
    text
        What it shows.
    """
    units = table.attrs.get("units", {})
    header = [
        f"{name.replace('_', ' ')} ({units[name]})"
        if units.get(name)
        else name.replace("_", " ")
        for name in map(str, table.columns)
    ]
    shown = table.head(_MOST_ROWS)
    if len(shown) < len(table):
        text += f" These are the first {len(shown)} of {len(table)} rows."
    cells = [[as_cell(value) for value in row] for row in shown.itertuples(index=False)]
    return Rows(header, cells, text)


def as_cell(value: Any) -> str:
    """Return a value as a text of a table, numbers with four digits.

    Examples
    --------
    >>> [as_cell(value) for value in (3.14159, 12345.6, 20, float("nan"), "Au")]
    ['3.142', '12346', '20', '–', 'Au']
    """
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if not isinstance(value, float | np.floating):
        return str(value)
    number = float(value)
    if math.isnan(number):
        return "–"
    return f"{number:.0f}" if 1e4 <= abs(number) < 1e9 else f"{number:.4g}"


def _embedded(path: Path) -> str:
    """Return a picture as the address that has its bytes."""
    return f"data:image/png;base64,{b64encode(path.read_bytes()).decode('ascii')}"
