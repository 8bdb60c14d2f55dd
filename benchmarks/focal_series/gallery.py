# SPDX-License-Identifier: GPL-3.0-or-later
"""Gallery: one series as each method sees it, its wave, its columns and their errors.

Two rivals share what they give: iterations a wave, the matched filter columns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.lines import Line2D

from hyperspy_hrtemnn.plots.class_colors import class_colors

from .column_scores import column_scores, made_of, site_rows
from .columns import general_names
from .wave_scores import registered, wave_scores

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage
    from numpy.typing import NDArray

    from .answers import Answer
    from .cases import Case

WAVES = {
    "network": "network",
    "gerchberg-saxton": "Gerchberg–Saxton, lenses known",
    "refined": "refined",
}
"""Methods that give a wave, and how the picture calls them."""

COLUMNS = ("network", "matched filter", "refined")
"""Methods that give columns."""

_SIDE, _BAR = 32.0, 10.0  # of the square that is shown, and of the scale bar [Å]
_ERRORS = LogNorm(1e-3, 0.3)
_MARKERS = {"1X upper": "^", "1X lower": "v", "1X": "D", "C": "."}
_POINTS = {"C": 1.8, "1X": 3.0}  # sizes; of all others 4
_RING: dict[str, Any] = {
    "marker": "o",
    "ms": 10,
    "mfc": "none",
    "mec": "#ff3ec8",
    "mew": 1.6,
}


def write_gallery(path: Path, case: Case, answers: dict[str, Answer]) -> None:
    """Write the picture of a series.

    Parameters
    ----------
    path
        The picture.
    case
        The series.
    answers
        What each method of `WAVES` and `COLUMNS` says of it.
    """
    figure, axes = plt.subplots(3, 4, figsize=(11, 9.3), layout="constrained")
    waves, columns, errors = axes
    phase, image = _show_truth(axes[:, 0], case)
    error = None
    for method, above, below in zip(WAVES, waves[1:], errors[1:], strict=True):
        error = _show_wave(above, below, answers[method].wave, case) or error
        above.set_title(WAVES[method], fontsize="medium")
        for shown in above.images:
            shown.set(cmap="gray", clim=phase.get_clim())
    for method, ax in zip(COLUMNS, columns[1:], strict=True):
        _show(ax, image, case)
        rows = site_rows(answers[method], case)
        if len(rows):
            _draw_columns(ax, rows)
        ax.set_title(f"{method}:\n{_mistakes(rows)}", fontsize="small")
    for ax in (*waves, *errors):
        if ax.axison:
            _draw_bar(ax)
    figure.colorbar(phase, ax=list(waves), label="phase (rad)")
    if error is not None:
        figure.colorbar(error, ax=list(errors), label="off the true wave")
    figure.legend(handles=_legend(case), loc="outside lower center", ncols=7)
    figure.savefig(path, dpi=80)
    plt.close(figure)


def _show_truth(axes: NDArray[Any], case: Case) -> tuple[AxesImage, NDArray[Any]]:
    """Show the true phase, the true columns, and an image, which is returned, too."""
    wave, columns, counts = axes
    images = case.series.data
    image = images[len(images) // 2]
    phase = _show(wave, np.angle(case.wave), case)
    wave.set_title("true phase", fontsize="medium")
    _show(columns, image, case)
    truth = case.columns
    _draw_columns(columns, truth.assign(found=truth["class"], true=truth["class"]))
    columns.set_title("true columns,\non the image below", fontsize="small")
    _show(counts, image, case)
    shown, dose = len(images) // 2 + 1, case.detector.dose
    counts.set_title(
        f"image {shown} of {len(images)}, {dose:,.0f} e⁻/Å²", fontsize="medium"
    )
    return phase, image


def _show_wave(
    above: Axes, below: Axes, wave: NDArray[Any] | None, case: Case
) -> AxesImage | None:
    """Show a phase, and below how far the wave is from the true one."""
    if wave is None:
        for ax in (above, below):
            ax.set_axis_off()
        return None
    _show(above, np.angle(wave), case)
    off = np.abs(registered(wave, case.wave, case.pixel) - case.wave)
    scores = wave_scores(wave, case.wave, case.pixel, case.optics[0].energy)
    shown = _show(below, off, case)
    shown.set(cmap="magma", norm=_ERRORS)
    below.set_title(f"RMSE {scores['registered']:.4f}, registered", fontsize="medium")
    return shown


def _show(ax: Axes, image: NDArray[Any], case: Case) -> AxesImage:
    """Show the part of an image where the columns are."""
    edges = np.array([-0.5, image.shape[1] - 0.5, image.shape[0] - 0.5, -0.5])
    shown = ax.imshow(image, cmap="gray", extent=tuple(edges * case.pixel))
    middle = case.columns.loc[case.columns["class"] == "1M", ["x", "y"]].mean()
    low = np.clip(middle.to_numpy() - _SIDE / 2, 0, case.size - _SIDE)
    ax.set(xlim=(low[0], low[0] + _SIDE), ylim=(low[1] + _SIDE, low[1]))
    ax.set(xticks=[], yticks=[])
    inside = image[_pixels(low[1], case), _pixels(low[0], case)]
    shown.set_clim(*np.percentile(inside, [0.5, 99.8]))
    return shown


def _draw_bar(ax: Axes) -> None:
    """Draw a scale bar into the lower left corner."""
    x, y = ax.get_xlim()[0] + 0.06 * _SIDE, ax.get_ylim()[0] - 0.06 * _SIDE
    ax.plot([x, x + _BAR], [y, y], color="white", lw=4, solid_capstyle="butt")
    ax.text(x + _BAR / 2, y - 0.5, "1 nm", color="white", ha="center", va="bottom")


def _pixels(low: float, case: Case) -> slice:
    return slice(round(low / case.pixel), round((low + _SIDE) / case.pixel))


def _draw_columns(ax: Axes, rows: pd.DataFrame) -> None:
    """Draw columns by class, and rings around what is wrong, missing or extra."""
    here = rows[rows["found"] != "empty"]
    for name, group in here.groupby("found"):
        ax.plot(group["x"], group["y"], ls="", **_style(str(name)))
    wrong = made_of(rows["found"]) != made_of(rows["true"])
    wrong |= rows["found"].str.contains(" ") & (rows["found"] != rows["true"])
    ax.plot(rows.loc[wrong, "x"], rows.loc[wrong, "y"], ls="", **_RING)


def _style(name: str) -> dict[str, Any]:
    color = "#7cf2c8" if name == "C" else class_colors(["1M", "1X", "2X"])[name[:2]]
    marker = _MARKERS.get(name, "o")
    edge = {"mec": "black", "mew": 0.4} if name != "C" else {"mec": color}
    return {"marker": marker, "ms": _POINTS.get(name, 4.0), "mfc": color, **edge}


def _mistakes(rows: pd.DataFrame) -> str:
    """Return how many columns of the whole series are wrong."""
    scores = column_scores(rows)
    if not scores:
        return "no answer"
    told = [f"{scores[name]:g} {name}" for name in ("wrong", "missing", "extra")]
    sides, wrong = scores["sides"], scores["wrong_sides"]
    told_of_sides = f"\n{wrong:g} of {sides:g} sides wrong" if sides else ""
    return ", ".join(told) + told_of_sides


def _legend(case: Case) -> list[Line2D]:
    names = {general: name for name, general in general_names(case.formula).items()}
    shown = ["1M", "2X", "1X upper", "1X lower", "1X"]
    if (case.columns["class"] == "C").any():
        shown.append("C")
    entries = [(name, names[name], _style(name)) for name in shown]
    labels = {"1X": f"{names['1X']}, side not said", "C": "C, below"}
    return [
        *(Line2D([], [], ls="", label=labels.get(a, b), **c) for a, b, c in entries),
        Line2D([], [], ls="", label="not so", **{**_RING, "ms": 9}),
    ]
