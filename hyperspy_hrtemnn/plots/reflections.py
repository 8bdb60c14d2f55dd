# SPDX-License-Identifier: GPL-3.0-or-later
"""Reflections plot: brightness and angle of a particle's reflections against time."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_hrtemnn.analysis.kinds_of_tables import reflections_of

from .class_colors import class_colors
from .palette import GRAY, palette
from .pauses import draw_pauses, find_pauses

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


_LINES = ("-", "--", ":", "-.")  # line styles of reflections of one family

_BRIGHTEST = 5  # number of reflections that are drawn by default


def plot_reflections(
    peaks: pd.DataFrame,
    id: int | None = None,  # noqa: A002 - the name of the column in tables
    reflections: Iterable[int] | None = None,
    axes: Sequence[Axes] | None = None,
) -> Figure:
    """Plot intensity and angle of a particle's reflections against time.

    The plots are those of figures 6.5 (b) and (c) of the thesis. Open circles are
    intensities where a reflection should be and was not found. Angles are only those of
    reflections that were found.

    Parameters
    ----------
    peaks
        Table from `LocalFFT.peak_table`.
    id
        Id of the particle; by default the only one.
    reflections
        Numbers of the reflections; by default the five brightest, only of those with a
        family if there are families.
    axes
        Two axes for the plots; by default those of a new figure.

    Returns
    -------
    The figure, with the intensity above and the change of the angle below.

    Raises
    ------
    ValueError
        If it is another table, there is no such particle or reflection, or `id` is
        needed.
    """
    import matplotlib.pyplot as plt

    peaks = reflections_of(peaks)
    rows = _of_one(peaks, id)
    wanted = _default(rows) if reflections is None else list(reflections)
    unknown = set(wanted) - set(rows["reflection"])
    if unknown:
        raise ValueError(
            f"There is no reflection {', '.join(map(str, sorted(unknown)))}; there are "
            f"{', '.join(map(str, sorted(rows['reflection'].unique())))}."
        )
    if axes is None:
        axes = plt.subplots(2, 1, sharex=True, layout="constrained")[1]
    above, below = axes
    against = "time" if "time" in rows else "frame"
    pauses = find_pauses(peaks) if against == "time" else []
    # Nothing is known of a particle where it was not found.
    frames = np.unique(rows["frame"])
    breaks = {*frames[:-1][np.diff(frames) > 1].tolist(), *(p.frame for p in pauses)}
    colors = reflection_colors(rows)
    drawn: Counter[str] = Counter()
    for number in wanted:
        row = rows[rows["reflection"] == number].sort_values("frame")
        color = colors[number]
        line = _LINES[drawn[color] % len(_LINES)]
        drawn[color] += 1
        label = reflection_label(row.iloc[0], number=True)
        style = {"ls": line, "color": color}
        _draw_line(row, against, "intensity", breaks, above, label=label, **style)
        for found, face in ((True, color), (False, "white")):
            some = row[row["found"] == found]
            x, y = some[against], some["intensity"]
            above.plot(x, y, "o", ms=4, mfc=face, mec=color)
        seen = row[row["found"]]
        angle = np.unwrap(seen["angle"], period=180)
        seen = seen.assign(rotation=angle - angle[:1])
        _draw_line(seen, against, "rotation", breaks, below, marker=".", **style)
    for panel in axes:
        draw_pauses(pauses, panel)
    unit = peaks.attrs.get("units", {}).get(against)
    above.set_ylabel("intensity (of the largest)")
    below.set_ylabel("rotation (°)")
    below.set_xlabel(f"{against} ({unit})" if unit else against)
    if wanted:
        above.legend(fontsize="small", loc="upper left", bbox_to_anchor=(1, 1))
    return above.figure  # type: ignore[return-value]


def _draw_line(
    rows: pd.DataFrame,
    against: str,
    name: str,
    breaks: set[int],
    ax: Axes,
    **style: Any,
) -> None:
    """Draw a column of the table as a line that breaks behind some frames."""
    rows = rows.set_index("frame", drop=False)
    rows = rows.reindex(sorted([*rows.index, *(frame + 0.5 for frame in breaks)]))
    ax.plot(rows[against], rows[name], **style)


def reflection_colors(peaks: pd.DataFrame) -> dict[int, str]:
    """Return a color for each reflection, that of its family if there are families.

    No two families have the same; reflections without a family are gray.
    """
    rows = peaks.drop_duplicates("reflection")
    if "family" not in rows:
        return class_colors(rows["reflection"])
    # The families with the largest spacings come first.
    names = rows.sort_values("spacing", ascending=False)["family"].drop_duplicates()
    known = [name for name in names if name]
    families = dict(zip(known, palette(len(known)), strict=True))
    return {
        row["reflection"]: families.get(row["family"], GRAY)
        for _, row in rows.iterrows()
    }


def reflection_label(row: pd.Series, *, number: bool = False) -> str:
    """Return the family of a reflection, and its lattice in a twin, or its number."""
    family = row.get("family", "")
    if not family:
        return str(row["reflection"])
    primed = family + {"2": "'", "1+2": "*"}.get(row["lattice"], "")
    return f"{row['reflection']}: {primed}" if number else primed


def _of_one(peaks: pd.DataFrame, number: int | None) -> pd.DataFrame:
    known = peaks["id"].unique().tolist()
    if number is None and len(known) > 1:
        raise ValueError(f"Give the id of a particle, one of {known}.")
    if number is not None and number not in known:
        raise ValueError(f"There is no particle {number}; there are {known}.")
    return peaks if number is None else peaks[peaks["id"] == number]


def _default(rows: pd.DataFrame) -> list[int]:
    if "family" in rows and (rows["family"] != "").any():
        rows = rows[rows["family"] != ""]
    return sorted(rows["reflection"].unique())[:_BRIGHTEST]
