# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables on disk that grow with each series, so that a run that ended goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from hyperspy_hrtemnn.atomic import written_whole

if TYPE_CHECKING:
    from pathlib import Path

KEY = ["number", "asked"]
"""Columns that name a series: number, and the dose that was asked for, as a text."""


class GrowingTable:
    """A CSV file, each row of which belongs to a series.

    Parameters
    ----------
    path
        The file. A last line that was not written to its end is left out.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.rows = pd.DataFrame(columns=KEY)
        if path.exists():
            text = path.read_text(encoding="utf-8")
            if not text.endswith("\n"):
                path.write_text(text[: text.rfind("\n") + 1], encoding="utf-8")
            if text.count("\n"):
                self.rows = pd.read_csv(path, dtype={"asked": str})

    def keys(self) -> set[tuple[int, str]]:
        """Return the series that it has rows of."""
        return set(self.rows[KEY].itertuples(index=False, name=None))

    def keep(self, keys: set[tuple[int, str]]) -> None:
        """Leave out the rows of all other series."""
        kept = [key in keys for key in self.rows[KEY].itertuples(index=False)]
        if not all(kept):
            self.rows = self.rows[kept]
            self._write()

    def add(self, rows: pd.DataFrame) -> None:
        """Add rows, on disk at once."""
        if rows.empty:
            return
        before = self.rows
        known = not before.empty and set(rows.columns) <= set(before.columns)
        self.rows = rows if before.empty else pd.concat([before, rows])
        if not known:
            self._write()
            return
        ordered = rows.reindex(columns=before.columns)
        ordered.to_csv(self._path, mode="a", header=False, index=False)

    def _write(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(self._path) as temporary:
            self.rows.to_csv(temporary, index=False)
