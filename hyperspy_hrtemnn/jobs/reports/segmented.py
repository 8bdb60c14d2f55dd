# SPDX-License-Identifier: GPL-3.0-or-later
"""Report of `hrtemnn segment`: what was found in a few frames, and how much in all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hyperspy_hrtemnn.plots.palette import id_color
from hyperspy_hrtemnn.plots.pauses import draw_pauses, find_pauses, with_gaps
from hyperspy_hrtemnn.signals._particles.instance_plots import draw_outlines
from hyperspy_hrtemnn.signals._shared.output_files import write_csv
from hyperspy_hrtemnn.terminal import as_line

from .areas import AREAS, MASK, Segmented, write_mask
from .facts import facts_of_movie, facts_of_network
from .files import PAGE
from .page import Page, Shown, Step, rows_of, write_page
from .particles import picture_of_frame
from .shown_frames import shown_frames

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from .files import ReportFiles

NAMES = (AREAS, MASK)
"""Names of the files of a report of a segmentation, besides page and pictures."""

_FILES = {
    AREAS: "the area of each class in each frame",
    MASK: "the mask for ImageJ: 255 where the probability is at least the threshold",
    "pictures": "the pictures of this page",
}


def report_segmented(
    found: Segmented,
    *,
    options: Mapping[str, str],
    told: Sequence[str],
    files: ReportFiles,
) -> None:
    """Write pictures, the areas, the mask for ImageJ, and the page with all of them.

    Parameters
    ----------
    found
        What was made.
    options, told
        The options of the command, and the warnings that it printed.
    files
        The files of the report.
    """
    files.remove_page()
    areas = write_mask(found, files)
    write_csv(areas, files.folder / AREAS, writing=files.writing())
    pictures = [*_overlays(found, areas, files), *_curve(found, areas, files)]
    files.remove_older()
    facts = {
        "command": "hrtemnn segment",
        **facts_of_movie("movie", found.movie, found.images, found.bad),
        **facts_of_network(found.network),
        "probabilities": as_line(found.path),
        "threshold": f"{found.threshold:g}, above which the pictures show an outline",
    }
    page = Page(
        title=f"Segmentation of {as_line(found.movie.name)}",
        facts=facts,
        options=options,
        warnings=told,
        table=_summary(areas),
        pictures=pictures,
        files=_FILES,
        steps=_steps(found),
    )
    write_page(page, files.folder / PAGE, writing=files.writing())


def _overlays(
    found: Segmented, areas: pd.DataFrame, files: ReportFiles
) -> Iterator[Shown]:
    """Draw the outlines of what was found in a few frames."""
    names = list(found.network.card.classes)
    amount = areas.groupby("frame")["area"].sum(min_count=1)
    for number, reason in shown_frames(amount).items():
        place = np.unravel_index(number, found.shape) if found.shape else ()
        index = tuple(int(i) for i in place)
        figure = picture_of_frame(found.segmentation)
        ax = draw_outlines(
            _image(found, index),
            _labels(found, index),
            found.images.axes_manager.signal_axes,
            figure.add_subplot(),
            show_ids=False,
        )
        if len(names) > 1:
            lines = [
                Line2D([], [], color=id_color(i)) for i in range(1, len(names) + 1)
            ]
            ax.legend(lines, names, loc="upper right")
        path = files.draw(f"frame_{number:06d}", figure)
        share = areas.loc[areas["frame"] == number, "share"].sum()
        yield Shown(path, f"Frame {number} ({reason}): {share:.1%} of the image.")


def _labels(found: Segmented, index: tuple[int, ...]) -> NDArray[np.int32]:
    """Return the number of the class at each pixel of a frame, from 1 on."""
    probability = np.asarray(found.segmentation.data[index])
    of_classes = probability.reshape(-1, *probability.shape[-2:])
    best = np.nan_to_num(of_classes).argmax(axis=0)
    above = (of_classes >= found.threshold).any(axis=0)
    return np.where(above, best + 1, 0).astype(np.int32)


def _image(found: Segmented, index: tuple[int, ...]) -> NDArray[Any]:
    """Return the image of a frame, the middle one of a focal series."""
    left = list(index)
    place = []
    for axis in found.images.axes_manager.navigation_axes[::-1]:
        in_series = axis.name == "defocus" and found.network.card.channels > 1
        place.append(axis.size // 2 if in_series else left.pop(0))
    return np.asarray(found.images.data[tuple(place)])


def _curve(
    found: Segmented, areas: pd.DataFrame, files: ReportFiles
) -> Iterator[Shown]:
    """Draw the area of each class against time."""
    if areas["frame"].nunique() < 2:
        return
    in_time = "time" in areas and areas["time"].is_monotonic_increasing
    against = "time" if in_time else "frame"
    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    ax = figure.add_subplot()
    pauses = find_pauses(areas) if in_time else []
    draw_pauses(pauses, ax)
    for number, name in enumerate(found.network.card.classes, 1):
        rows = areas[areas["class"] == name].set_index("frame", drop=False)
        rows = rows.reindex(with_gaps(rows.index, pauses))
        color = id_color(number)
        ax.plot(rows[against], rows["area"], marker=".", color=color, label=name)
    ax.set_ylim(bottom=0)
    units = areas.attrs["units"]
    ax.set_ylabel(f"area ({units['area']})")
    ax.set_xlabel(f"{against} ({units[against]})" if against in units else against)
    ax.legend()
    path = files.draw("curve_area", figure)
    yield Shown(path, f"Area where the probability is {found.threshold:g} or more.")


def _summary(areas: pd.DataFrame) -> Any:
    of_class = areas.groupby("class", sort=False)
    table = of_class["area"].agg(["mean", "std", "min", "max"])
    table["mean_share"] = of_class["share"].mean()
    table = table.add_suffix("_area").rename(columns={"mean_share_area": "mean_share"})
    table = table.reset_index()
    unit = areas.attrs["units"]["area"]
    table.attrs["units"] = {name: unit for name in table if str(name).endswith("area")}
    return rows_of(table, "Each class over all frames.")


def _steps(found: Segmented) -> list[Step]:
    name = as_line(found.path)
    python = (
        f"import hyperspy.api as hs\n\nsegmentation = hs.load({name!r}, lazy=True)\n"
    )
    if len(found.network.card.classes) > 1:
        code = f"{python}columns = segmentation.find_columns()"
        return [Step("Find the columns of each class in Python:", code)]
    shell = f'hrtemnn track "{name}" --out particles.hspy --min-separation "2 nm"'
    return [
        Step("Give each particle one id through all frames:", shell),
        Step("Or look at the probabilities in Python:", f"{python}segmentation.plot()"),
    ]
