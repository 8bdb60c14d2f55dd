# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of a report: a page, tables, and a folder of pictures, which are ours alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hyperspy_hrtemnn.full_disk import told_when_full
from hyperspy_hrtemnn.jobs.own_files import OwnFiles

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from matplotlib.figure import Figure

    from hyperspy_hrtemnn.signals._shared.output_files import Writing

PAGE = "report.html"
"""Name of the page."""

_PICTURES = "pictures"

# What pictures of reports are named; what has another name is somebody else's.
_PICTURE = re.compile(r"(frame|curve|reflections)_\w+\.png")

_DOTS_PER_INCH = 120


class ReportFiles:
    """The files of one report.

    Parameters
    ----------
    folder
        The folder of the report, which also keeps the list of what was written.
    own
        That list, if the job has it already.

    Raises
    ------
    ValueError
        If there is another file in place of the list.
    """

    def __init__(self, folder: Path, own: OwnFiles | None = None) -> None:
        self.folder = folder
        self._own = OwnFiles(folder) if own is None else own
        self._pictures: set[str] = set()

    @classmethod
    def beside(cls, out: Path) -> ReportFiles:
        """Return those of a job that writes one file: in a folder beside it."""
        return cls(out.with_name(f"{out.stem}_report"))

    def check(self, names: Iterable[str]) -> None:
        """Raise a ValueError if a report would replace what it did not write.

        Parameters
        ----------
        names
            The names of its files, besides the page and the pictures.
        """
        pictures = self.folder / _PICTURES
        for folder in (self.folder, pictures):
            if folder.exists() and not folder.is_dir():
                raise ValueError(
                    f"{folder} is not a folder, and the report needs one of this name. "
                    "Move it away, or give another --out."
                )
        there = pictures.iterdir() if pictures.is_dir() else ()
        mine = [path for path in there if _PICTURE.fullmatch(path.name)]
        self._own.check([*(self.folder / name for name in (PAGE, *names)), *mine])

    def writing(self) -> Writing:
        """Return what to write a file of the report with."""
        self._make(self.folder)
        return self._own.writing()

    def draw(self, name: str, figure: Figure) -> Path:
        """Write a picture, and return where it is."""
        path = self.folder / _PICTURES / f"{name}.png"
        if not _PICTURE.fullmatch(path.name):
            raise ValueError(f"{path.name} is not the name of a picture of a report")
        self._make(path.parent)
        with self._own.writing()(path) as temporary:
            figure.savefig(temporary, format="png", dpi=_DOTS_PER_INCH)
        self._pictures.add(path.name)
        return path

    def remove_page(self) -> None:
        """Delete the page of an earlier run, before what it shows becomes another."""
        self._own.remove(self.folder / PAGE)

    def remove(self, names: Iterable[str]) -> None:
        """Delete the report of an earlier run; `names` as in `check`."""
        self.remove_page()
        for name in names:
            self._own.remove(self.folder / name)
        self.remove_older()

    def remove_older(self) -> None:
        """Delete pictures of an earlier run, of which this one has drawn others."""
        for path in self._own.listed():
            of_a_report = path.parent.name == _PICTURES and _PICTURE.fullmatch(
                path.name
            )
            if of_a_report and path.name not in self._pictures:
                self._own.remove(path)

    @staticmethod
    def _make(folder: Path) -> None:
        with told_when_full(folder):
            folder.mkdir(parents=True, exist_ok=True)
