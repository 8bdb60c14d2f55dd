# SPDX-License-Identifier: GPL-3.0-or-later
"""Growing table: a .csv file that gets rows at its end while others read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hyperspy_hrtemnn.sealed import fingerprint
from hyperspy_hrtemnn.signals._shared.output_files import with_units, write_csv
from hyperspy_hrtemnn.user_warnings import warn_user

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from .own_files import OwnFiles


class GrowingTable:
    """A table with one row after the other, as `write_csv` writes tables.

    Where another program has the file open and locked, as spreadsheets do on Windows,
    rows wait for the next one. Where someone has changed it, it is left alone.

    Parameters
    ----------
    path
        The .csv file.
    own
        The list of what is ours.
    """

    def __init__(self, path: Path, own: OwnFiles) -> None:
        self._path, self._own = path, own
        self._content: str | None = None
        self._waiting = b""
        self._is_told = self._is_left = False

    @property
    def is_begun(self) -> bool:
        """Whether there are rows, to which others can be added."""
        return self._content is not None

    def begin(self, table: pd.DataFrame) -> None:
        """Write a table in place of what is there."""
        if self._is_left:
            return
        self._waiting = b""
        write_csv(table, self._path, writing=self._own.writing())
        self._content = fingerprint(self._path)

    def append(self, table: pd.DataFrame) -> None:
        """Write more rows of the same columns at the end."""
        if self._is_left or self._content is None:
            return
        named = with_units(table, table.attrs["units"])
        rows = named.to_csv(index=False, header=False)
        self._waiting += rows.encode("utf-8")
        try:
            self._content = self._own.append(self._path, self._waiting, self._content)
        except PermissionError as error:
            self._tell(f"{error}. Its rows wait until no program has it open.")
        except ValueError as error:
            self._is_left = True
            self._tell(f"{error} It gets no more rows; all are written at the end.")
        else:
            self._waiting = b""

    def _tell(self, text: str) -> None:
        if not self._is_told or self._is_left:
            warn_user(text)
        self._is_told = True
