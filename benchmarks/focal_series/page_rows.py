# SPDX-License-Identifier: GPL-3.0-or-later
"""Page rows: what ``docs/atoms.md`` says of all methods, a row for each group of doses.

Rows are of the series that were refined. Rivals that are slow and far off may have seen
fewer of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .report import column_table, wave_table
from .tables import KEY

if TYPE_CHECKING:
    import pandas as pd

_WAVES = ("network", "gerchberg-saxton", "refined")
_COLUMNS = ("network", "matched filter", "refined")

_HEAD = (
    "| recipe, dose [e⁻/Å²] | series "
    "| wave, RMSE: network | Gerchberg–Saxton | refined "
    "| all classes right: network | matched filter | refined "
    "| positions [pm]: network | matched filter | refined |"
)

_DOSES = {
    "below 1e3": "below 10^3",
    "1e3 to 1e4": "10^3 to 10^4",
    "from 1e4 on": "from 10^4 on",
    "all": "all",
}


def page_rows(recipe: str, methods: dict[str, pd.DataFrame]) -> str:
    """Return a table in Markdown.

    Parameters
    ----------
    recipe
        Name of the recipe.
    methods
        Rows of the series that each method has seen.
    """
    rows = _of_refined_series(methods)
    waves, columns = wave_table(rows), column_table(rows)
    parts = [
        (values.to_dict(), known, text)
        for values, known, text in (
            (waves["registered"], _WAVES, "{:.4f}"),
            (columns["all right"], _COLUMNS, "{:.0%}"),
            (columns["pm registered"], _COLUMNS, "{:.1f}"),
        )
    ]
    lines = [_HEAD, "|---" * _HEAD.count(" | ") + "|---|"]
    for dose, shown in _DOSES.items():
        if (dose, "refined") not in waves.index:
            continue
        cells = [
            text.format(values[dose, method]) if (dose, method) in values else "–"
            for values, known, text in parts
            for method in known
        ]
        series = f"{waves['series'][dose, 'refined']:.0f}"
        line = " | ".join([f"`{recipe}`, {shown}", series, *cells])
        lines.append(f"| {line} |")
    return "\n".join(lines)


def _of_refined_series(methods: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Return the rows of the series that were refined."""
    keys = {
        method: [*rows[KEY].itertuples(index=False, name=None)]
        for method, rows in methods.items()
    }
    refined = set(keys.get("refined", []))
    return {
        method: rows[[each in refined for each in keys[method]]]
        for method, rows in methods.items()
    }
