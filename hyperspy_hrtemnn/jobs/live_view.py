# SPDX-License-Identifier: GPL-3.0-or-later
"""Live view: a picture and a page of a movie that is being watched.

The last frame with the outlines of its particles, and their number and mean diameter
against time.
"""

from __future__ import annotations

import time
from base64 import b64encode
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from hyperspy_hrtemnn.signals._particles.instance_plots import draw_outlines
from hyperspy_hrtemnn.signals._shared.units import unit_of
from hyperspy_hrtemnn.terminal import as_line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hyperspy_hrtemnn.signals._one_pass.live_movie import LiveFrame

    from .own_files import OwnFiles

PICTURE = "live.png"
PAGE = "live.html"

_DOTS_PER_INCH = 100

# The page is loaded again every second, and a picture takes some tenths of one.
_SECONDS = 1

_TEXT = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
{refresh}<meta http-equiv="Content-Security-Policy" \
content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
body {{ font-family: system-ui, sans-serif; color: #1a1a1a; margin: 1rem 1.5rem; }}
h1 {{ font-size: 1.2rem; margin: 0 0 0.3rem; overflow-wrap: anywhere; }}
p {{ margin: 0 0 0.6rem; font-variant-numeric: tabular-nums; }}
img {{ max-width: 100%; height: auto; }}
</style>
</head>
<body>
<h1>{title}</h1>
<p>{state}</p>
<img alt="Last frame with its particles, and curves" src="data:image/png;base64,{png}">
</body>
</html>
"""


@dataclass
class Curves:
    """What is drawn against time, a value for each frame.

    Attributes
    ----------
    particles
        Number of particles, NaN of frames that could not be used.
    diameter
        Mean of their equivalent diameters, NaN where there is none.
    """

    particles: list[float] = field(default_factory=list)
    diameter: list[float] = field(default_factory=list)

    def add(self, frame: LiveFrame) -> None:
        """Add the values of the next frame."""
        number = diameter = np.nan
        if frame.properties is not None:
            number = len(frame.properties)
            diameter = frame.properties["equivalent_diameter"].mean()
        self.particles.append(number)
        self.diameter.append(diameter)


class LiveView:
    """The files of the view in the folder of a job.

    Parameters
    ----------
    folder
        The folder.
    own
        The list of what is ours there.
    title
        Name of the movie.
    """

    def __init__(self, folder: Path, own: OwnFiles, title: str) -> None:
        self._folder, self._own, self._title = folder, own, as_line(title)
        self.drawn_at = -np.inf

    def draw(
        self,
        frame: LiveFrame,
        curves: Curves,
        navigation_axis: Any,
        signal_axes: Sequence[Any],
        *,
        ended: bool,
    ) -> None:
        """Write the picture and the page.

        Parameters
        ----------
        frame
            The last frame that could be used, with its image.
        curves
            Number and diameters in all frames so far.
        navigation_axis, signal_axes
            The axis of these frames, and of others that are in work, and the axes of
            the images (x, y).
        ended
            Whether this is the last picture, and the page is not loaded again.
        """
        figure = draw_live(frame, curves, navigation_axis, signal_axes)
        writing = self._own.writing()
        with writing(self._folder / PICTURE) as temporary:
            figure.savefig(temporary, format="png", dpi=_DOTS_PER_INCH)
            png = b64encode(temporary.read_bytes()).decode("ascii")
        unusable = int(np.isnan(curves.particles).sum())
        state = (
            f"{len(curves.particles)} frames, {unusable} of them not used. "
            f"{'The watch has ended' if ended else 'Last frame'} at "
            f"{time.strftime('%H:%M:%S')}."
        )
        refresh = f'<meta http-equiv="refresh" content="{_SECONDS}">\n'
        text = _TEXT.format(
            refresh="" if ended else refresh,
            title=escape(self._title),
            state=state,
            png=png,
        )
        with writing(self._folder / PAGE) as temporary:
            temporary.write_text(text, encoding="utf-8")
        self.drawn_at = time.monotonic()

    def is_due(self) -> bool:
        """Return whether the last picture is older than the page needs a new one."""
        return time.monotonic() - self.drawn_at >= _SECONDS


def draw_live(
    frame: LiveFrame, curves: Curves, navigation_axis: Any, signal_axes: Sequence[Any]
) -> Figure:
    """Return the picture of `LiveView.draw`."""
    figure = Figure(figsize=(11, 5.2), layout="constrained")
    grid = figure.add_gridspec(2, 2, width_ratios=(1, 1.05))
    left = figure.add_subplot(grid[:, 0])
    if frame.image is not None and frame.particles is not None:
        labels = frame.particles.labels()
        draw_outlines(frame.image, labels, signal_axes, left, show_ids=True)
    left.set_title(f"frame {frame.number}")
    above = figure.add_subplot(grid[0, 1])
    below = figure.add_subplot(grid[1, 1], sharex=above)
    unit = unit_of(navigation_axis)
    x = np.asarray(navigation_axis.axis) if unit else np.arange(navigation_axis.size)
    # Frames that have come may still be in work.
    x = x[: len(curves.particles)]
    above.plot(x, curves.particles, marker=".", drawstyle="steps-mid")
    below.plot(x, curves.diameter, marker=".")
    above.set_ylabel("particles")
    above.yaxis.set_major_locator(MaxNLocator(integer=True))
    above.tick_params(labelbottom=False)
    below.set_ylabel(f"mean diameter ({unit_of(signal_axes[0])})")
    below.set_xlabel(f"time ({unit})" if unit else "frame")
    for ax, values in ((above, curves.particles), (below, curves.diameter)):
        top = np.nanmax(np.asarray(values, float), initial=0)
        # A line at the upper edge would look like a frame.
        ax.set_ylim(0, 1.1 * top if top else 1)
    return figure
