# SPDX-License-Identifier: GPL-3.0-or-later
"""Report of particles: outlines, curves, a summary of each, and labels for ImageJ."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from hyperspy_hrtemnn.analysis import summarize_particles
from hyperspy_hrtemnn.plots import plot_particle_totals, plot_reflections
from hyperspy_hrtemnn.signals._particles.instance_files import write_tiff_frame_by_frame
from hyperspy_hrtemnn.signals._shared.output_files import write_csv

from .files import PAGE
from .page import Page, Shown, Step, rows_of, write_page
from .shown_frames import shown_frames

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pandas as pd
    from hyperspy.signals import Signal2D
    from matplotlib.axes import Axes

    from .files import ReportFiles

SUMMARY = "summary.csv"
LABELS = "particles.tif"

NAMES = (SUMMARY, LABELS)
"""Names of the files of a report of particles, besides the page and the pictures."""

_FILES = {
    SUMMARY: "one row for each particle",
    LABELS: "the particles for ImageJ: the value of a pixel is the id of its particle",
    "pictures": "the pictures of this page",
}

IN_IMAGEJ = Step(
    f"Open {LABELS} in ImageJ, and choose a look-up table such as glasbey, which gives "
    "neighbors different colors."
)
"""How to go on in ImageJ."""

# More lines than this cannot be told apart.
_MOST_LINES = 20

_MOST_SPECTRA = 3

# Places in the field are no curves to look at; the rest of a table is.
_NO_CURVES = frozenset(("x", "y", "touches_border"))

_CAPTIONS = {
    "x_corrected": "place along x, without the drift of the field,",
    "y_corrected": "place along y, without the drift of the field,",
}


@dataclass(frozen=True)
class FoundParticles:
    """What a job found in a movie.

    Parameters
    ----------
    labels
        The particles, in a file.
    images
        What they are drawn on, of the same axes.
    properties
        Table of their properties, in all frames.
    frames
        Table of the frames, with ``valid``.
    reflections
        Table of their reflections; None if nobody looked for any.
    """

    labels: Signal2D
    images: Signal2D
    properties: pd.DataFrame
    frames: pd.DataFrame
    reflections: pd.DataFrame | None = None


@dataclass(frozen=True)
class Said:
    """What a job says of itself on its page.

    Parameters
    ----------
    title
        Title of the page.
    facts, options
        What was run, on what, with which options.
    warnings
        The warnings that were printed.
    files
        Other files of the job by name, with what is in them.
    steps
        How to go on.
    """

    title: str
    facts: Mapping[str, str]
    options: Mapping[str, str]
    warnings: Sequence[str]
    files: Mapping[str, str] = field(default_factory=dict)
    steps: Sequence[Step] = ()


def report_particles(
    found: FoundParticles, said: Said, files: ReportFiles
) -> pd.DataFrame:
    """Write pictures, the summary, labels for ImageJ, and the page with all of them.

    Returns
    -------
    The summary.
    """
    files.remove_page()
    summary = summarize_particles(found.properties)
    write_csv(summary, files.folder / SUMMARY, writing=files.writing())
    write_tiff_frame_by_frame(
        found.labels,
        files.folder / LABELS,
        largest=int(summary["id"].max()) if len(summary) else 0,
        writing=files.writing(),
    )
    pictures = [
        *_overlays(found, files),
        *_curves(found, summary, files),
        *_reflections(found, files),
    ]
    files.remove_older()
    text = "One row for each particle, over all frames in which it was found."
    page = Page(
        title=said.title,
        facts={**said.facts, "particles": str(len(summary))},
        options=said.options,
        warnings=said.warnings,
        table=rows_of(summary, text if len(summary) else "No particle was found."),
        pictures=pictures,
        files={**said.files, **_FILES},
        steps=said.steps,
    )
    write_page(page, files.folder / PAGE, writing=files.writing())
    return summary


def _overlays(found: FoundParticles, files: ReportFiles) -> Iterator[Shown]:
    """Draw the outlines of the particles in a few frames."""
    known = found.frames.set_index("frame")["valid"]
    numbers = found.properties.groupby("frame").size()
    amount = numbers.reindex(known.index, fill_value=0).where(known)
    shape = found.labels.data.shape[:-2]
    for number, reason in shown_frames(amount).items():
        figure = picture_of_frame(found.labels)
        # As inav counts: the fastest axis first.
        place = tuple(map(int, np.unravel_index(number, shape)))[::-1] if shape else ()
        found.labels.plot_overlay(found.images, place, figure.add_subplot())
        path = files.draw(f"frame_{number:06d}", figure)
        count = int(amount[number])
        particles = f"{count} particle{'' if count == 1 else 's'}"
        yield Shown(path, f"Frame {number} ({reason}): {particles}.")


def picture_of_frame(signal: Signal2D) -> Figure:
    """Return an empty figure for an image, with its ratio of sides."""
    height, width = signal.data.shape[-2:]
    side = 6.0
    ratio = float(np.clip(height / width, 0.25, 4))
    size = (side, side * ratio) if ratio <= 1 else (side / ratio, side)
    return Figure(figsize=(size[0] + 0.8, size[1] + 0.6), layout="constrained")


def _curves(
    found: FoundParticles, summary: pd.DataFrame, files: ReportFiles
) -> Iterator[Shown]:
    """Draw what the tables have against time."""
    if len(found.frames) < 2:
        return
    figure = Figure(figsize=(6.4, 4.8), layout="constrained")
    axes = figure.subplots(2, 1, sharex=True)
    plot_particle_totals(found.properties, found.frames, axes)
    text = "Number of particles, and their area together."
    yield Shown(files.draw("curve_totals", figure), text)
    if summary.empty:
        return
    ids = _longest(summary)
    which = ""
    if len(ids) < len(summary):
        which = f"; {len(ids)} of {len(summary)}, those found in the most frames"
    table = found.properties
    for name in table.columns[table.columns.get_loc("area") :]:
        if name in _NO_CURVES or table[name].isna().all():
            continue
        figure = Figure(figsize=(6.4, 4.2), layout="constrained")
        ax = figure.add_subplot()
        found.labels.plot_properties(name, ids, ax, properties=table)
        _put_legend_beside(ax)
        text = _CAPTIONS.get(name, name.replace("_", " "))
        text = f"{text[0].upper()}{text[1:]} of each particle{which}."
        yield Shown(files.draw(f"curve_{name}", figure), text)


def _put_legend_beside(ax: Axes) -> None:
    """Put the ids beside the curves; as many as these would hide them."""
    if (legend := ax.get_legend()) is not None:
        legend.set_loc("upper left")
        legend.set_bbox_to_anchor((1, 1))


def _longest(summary: pd.DataFrame) -> list[int]:
    """Return the particles that are found in the most frames, the larger ones first."""
    order = summary.sort_values(["frames", "mean_area"], ascending=False, kind="stable")
    return sorted(order["id"].head(_MOST_LINES).tolist())


def _reflections(found: FoundParticles, files: ReportFiles) -> Iterator[Shown]:
    """Draw the reflections of the particles that have been seen best."""
    peaks: Any = found.reflections
    if peaks is None or peaks.empty or len(found.frames) < 2:
        return
    seen = (
        peaks.groupby("id")["found"].sum().sort_values(ascending=False, kind="stable")
    )
    for number in sorted(seen.index[:_MOST_SPECTRA].tolist()):
        figure = Figure(figsize=(7.6, 4.8), layout="constrained")
        plot_reflections(peaks, number, axes=figure.subplots(2, 1, sharex=True))
        text = (
            f"Intensity and rotation of the brightest reflections of particle {number}."
        )
        yield Shown(files.draw(f"reflections_{number}", figure), text)
