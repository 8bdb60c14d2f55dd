# SPDX-License-Identifier: GPL-3.0-or-later
"""Pauses of a movie, such as those in which the beam was off, in plots against time."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd
    from matplotlib.axes import Axes

# A step longer than this many usual ones is a pause: one missing frame is not a pause.
_PAUSE = 2.5


class Pause(NamedTuple):
    """The last frame before a pause, its time, and that of the next frame."""

    frame: int
    start: float
    end: float


def find_pauses(table: pd.DataFrame) -> list[Pause]:
    """Find the pauses of a movie.

    Parameters
    ----------
    table
        Table with ``frame`` and ``time`` in any unit; frames may be missing from it.
    """
    frames = table.drop_duplicates("frame").sort_values("frame")
    number = frames["frame"].to_numpy()
    time = frames["time"].to_numpy(float)
    steps = np.diff(time) / np.diff(number)
    usual = np.median(steps) if len(steps) else 0.0
    return [
        Pause(int(number[i]), float(time[i]), float(time[i + 1]))
        for i in np.flatnonzero(steps > _PAUSE * usual)
    ]


def with_gaps(frames: Iterable[int], pauses: list[Pause]) -> list[float]:
    """Return the frames, with an additional one in each pause that breaks a line.

    Parameters
    ----------
    frames
        Frames for `pandas.DataFrame.reindex`, which has no values for additional ones.
    pauses
        Pauses from `find_pauses`.
    """
    return sorted([*frames, *(pause.frame + 0.5 for pause in pauses)])


def draw_pauses(pauses: list[Pause], ax: Axes) -> None:
    """Shade the pauses of a movie, each only once in a plot."""
    drawn = {patch.get_gid() for patch in ax.patches}
    for pause in pauses:
        if str(pause) not in drawn:
            ax.axvspan(
                pause.start, pause.end, color="0.9", lw=0, zorder=0, gid=str(pause)
            )
