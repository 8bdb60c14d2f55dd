# SPDX-License-Identifier: GPL-3.0-or-later
"""Menu item "Get ROI properties": area and shape of particles against time.

It is menu item 3 of the thesis (section 6.1).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from ORSModel import ROI

from hyperspy_hrtemnn.analysis import particle_properties
from hyperspy_hrtemnn.atomic import written_whole

from .dialogs import Cancelled, ask_number, ask_text, progress
from .movies import frame_count, frames, pixel_size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ORSModel import MultiROI

TITLE = "Get ROI properties"

_MOST_NAMES = 12  # names for which a legend has room

_UNITS = {
    "time": "s",
    "area": "nm^2",
    "x": "nm",
    "y": "nm",
    "equivalent_diameter": "nm",
    "perimeter": "nm",
    "orientation": "deg",
}


def ask_frame_time() -> float:
    """Return the time from frame to frame [s], 0 if it is not known."""
    return ask_number("Time from frame to frame (s), 0 if it is not known", TITLE, 0)


def ask_path() -> str | None:
    """Return the path of the table, None if it is not wanted."""
    default = Path.home() / "roi_properties.csv"
    try:
        answer = ask_text("Write the table to (Cancel: no table)", TITLE, str(default))
    except Cancelled:
        return None
    path = Path(answer).expanduser()
    if path.suffix.lower() != ".csv":
        raise ValueError(f"{path} has to end with .csv.")
    if not path.parent.is_dir():
        raise ValueError(f"There is no folder {path.parent}.")
    return str(path)


def tabulate(rois: Sequence[ROI | MultiROI], frame_time: float = 0) -> pd.DataFrame:
    """Return the properties of ROIs, and of each label of MultiROIs, in all frames.

    Parameters
    ----------
    rois
        ROIs with one particle each, and MultiROIs.
    frame_time
        Time from frame to frame [s]; 0 if it is not known.

    Returns
    -------
    A row for each particle in each frame in which it is: ``roi``, the title and, for a
    MultiROI, the label; ``frame``, from 0 on; ``time`` in s, if it is known; and the
    columns of `hyperspy_hrtemnn.analysis.particle_properties` except ``id``, with
    lengths in nm.

    Raises
    ------
    Cancelled
        If the user cancels.
    ValueError
        If frames lie along Z and T, all are empty, or the time is negative.
    """
    if not 0 <= frame_time < float("inf"):
        raise ValueError(f"The time from frame to frame cannot be {frame_time:g} s.")
    tables = []
    with progress(TITLE, sum(map(frame_count, rois))) as advance:
        for roi in rois:
            pixel = pixel_size(roi)
            for number, frame in enumerate(frames(roi)):
                labels = (frame != 0).astype(int) if isinstance(roi, ROI) else frame
                tables.append(
                    _table(roi, number, particle_properties(labels, sampling=pixel))
                )
                advance()
    table = pd.concat(tables, ignore_index=True)
    if not len(table):
        titles = ", ".join(repr(roi.getTitle()) for roi in rois)
        raise ValueError(f"There is nothing in any frame of {titles}.")
    if frame_time:
        table.insert(2, "time", table["frame"] * frame_time)
    return table


def _table(roi: ROI | MultiROI, number: int, rows: pd.DataFrame) -> pd.DataFrame:
    title = str(roi.getTitle())
    names = [title if isinstance(roi, ROI) else f"{title} {i}" for i in rows["id"]]
    rows = rows.drop(columns="id")
    rows.insert(0, "roi", names)
    rows.insert(1, "frame", number)
    return rows


def write_table(table: pd.DataFrame, path: str) -> None:
    """Write a table as CSV with units in its header, as a whole or not at all."""
    units = {name: f"{name} ({unit})" for name, unit in _UNITS.items()}
    with written_whole(Path(path)) as temporary:
        table.rename(columns=units).to_csv(temporary, index=False, encoding="utf-8")


def plot_areas(table: pd.DataFrame, frame_time: float = 0) -> Any:
    """Draw the area of each particle against time, with gaps where it is missing.

    Parameters
    ----------
    table
        Table from `tabulate`.
    frame_time
        Time from frame to frame [s]; 0 if it is not known.

    Returns
    -------
    The matplotlib figure.
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots()
    every = range(table["frame"].max() + 1)
    for name, rows in table.groupby("roi", sort=False):
        area = rows.set_index("frame")["area"].reindex(every)
        axes.plot(area.index * (frame_time or 1), area, ".-", label=name)
    axes.set_xlabel("time (s)" if frame_time else "frame")
    axes.set_ylabel("area (nm²)")
    axes.set_ylim(bottom=0)
    if len(axes.lines) <= _MOST_NAMES:
        axes.legend()
    return figure
