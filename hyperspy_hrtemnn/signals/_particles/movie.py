# SPDX-License-Identifier: GPL-3.0-or-later
"""Movie of particles as others can watch it: what `Instances.to_movie` does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from hyperspy_hrtemnn.analysis import particle_outlines
from hyperspy_hrtemnn.atomic import written_whole
from hyperspy_hrtemnn.bad_frames import is_without_data
from hyperspy_hrtemnn.image_data.scaling import one_number_a_pixel
from hyperspy_hrtemnn.plots.palette import id_color
from hyperspy_hrtemnn.signals._shared.deferred import (
    deferred_blocks,
    lenient_blocks,
    whole_frames,
)
from hyperspy_hrtemnn.signals._shared.frame_titles import frame_title
from hyperspy_hrtemnn.signals._shared.image_plots import contrast_limits, draw_image
from hyperspy_hrtemnn.signals._shared.runner import each_frame
from hyperspy_hrtemnn.signals._shared.skipping import FrameRule
from hyperspy_hrtemnn.signals._shared.tables import insert_coordinates
from hyperspy_hrtemnn.signals._tracking.linking import Runs

from .instance_plots import draw_lines
from .label_colors import LabelNorm, label_colors
from .markers import in_axes
from .movie_files import write_movie
from .properties import curve_against
from .written_ids import write_ids

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hyperspy.signals import Signal2D
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

# Height and dots per inch of a picture, and width of the curve [inches].
_HEIGHT, _DPI, _CURVE = 5.4, 100, 5.6

_MARGIN = 0.3  # around the image, for what is written above it [inches]


def make_movie(
    instances: Signal2D,
    path: Path,
    image: Signal2D | None,
    *,
    curve: str | None,
    properties: pd.DataFrame | None,
    frames_per_second: float,
    show_progressbar: bool | None,
    num_workers: int | None,
) -> None:
    """Write a movie of particles; see `Instances.to_movie`.

    Parameters
    ----------
    instances, path, image, curve, frames_per_second, show_progressbar, num_workers
        See there.
    properties
        The table of `Instances.properties`, where there is a curve.
    """
    packed = each_frame(
        instances,
        _packed,
        label="labels",
        show_progressbar=show_progressbar,
        num_workers=num_workers,
    )
    labels = [runs for runs in packed if runs is not None]
    rule = FrameRule(by_hand=True).over(instances.data.shape[:-2])
    drawn = None if properties is None or curve is None else (properties, curve)
    picture = _Picture(instances, drawn, with_image=image is not None)
    images = None if image is None else _images(image, rule)
    pictures = _pictures(picture, labels, images, rule)
    with (
        written_whole(path) as temporary,
        rule.bar.shown("movie", len(labels), show_progressbar),
    ):
        write_movie(temporary, pictures, frames_per_second)
        rule.skipped.tell()


def _packed(frame: NDArray[np.integer[Any]]) -> Runs:
    return Runs.of(frame[0].astype(np.int32, copy=False))


def _images(image: Signal2D, rule: FrameRule) -> Iterator[NDArray[Any]]:
    """Yield the images in order, a block of them in memory; NaN if it is skipped."""
    for block in lenient_blocks(deferred_blocks(whole_frames(image)), rule):
        yield from block.load()


def _pictures(
    picture: _Picture,
    labels: list[Runs],
    images: Iterator[NDArray[Any]] | None,
    rule: FrameRule,
) -> Iterator[NDArray[np.uint8]]:
    for number, runs in enumerate(labels):
        index = rule.index(number)
        frame = runs.labels()
        shown = frame if images is None else next(images)
        yield picture.of_frame(index, number, frame, shown)
        rule.bar.done(index)


class _Picture:
    """A figure that shows one frame after the other.

    Parameters
    ----------
    instances
        Particles whose axes are those of the frames.
    curve
        The table of properties and its column that is drawn against time, if any.
    with_image
        Whether outlines are drawn on images; otherwise labels are shown in colors.
    """

    def __init__(
        self,
        instances: Signal2D,
        curve: tuple[pd.DataFrame, str] | None,
        *,
        with_image: bool,
    ) -> None:
        # Not of pyplot: whoever writes a movie opens no window.
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        self.instances, self.with_image = instances, with_image
        self.signal_axes = instances.axes_manager.signal_axes
        height, width = instances.data.shape[-2:]
        # Very long images are smaller in a picture that is still one.
        widths = [_HEIGHT * float(np.clip(width / height, 0.4, 2.5))]
        if curve is not None:
            widths.append(_CURVE)
        size = (sum(widths) + _MARGIN, _HEIGHT + _MARGIN)
        self.figure = Figure(figsize=size, dpi=_DPI, layout="constrained")
        self.canvas = FigureCanvasAgg(self.figure)
        panels = self.figure.subplots(
            1, len(widths), squeeze=False, width_ratios=widths
        )[0]
        self.ax: Axes = panels[0]
        draw_image(np.zeros((height, width)), self.signal_axes, self.ax)
        (self.image,) = self.ax.images
        if not with_image:
            self.image.set(cmap=label_colors(), norm=LabelNorm())
            self.image.set_interpolation("nearest")
        self.ax.set_facecolor("black")
        self.drawn: list[Any] = []
        self.now: Any = None
        self.times: NDArray[np.float64] | None = None
        if curve is not None:
            self._draw_curve(*curve, panels[1])

    def _draw_curve(self, table: pd.DataFrame, name: str, ax: Axes) -> None:
        """Draw a property against time, with a line at the frame that is shown."""
        against = curve_against(table, name)
        draw_lines(table, name, against, None, ax)
        axes = self.instances.axes_manager.navigation_axes
        number = int(np.prod([axis.size for axis in axes]))
        frames = pd.DataFrame({"frame": np.arange(number)})
        insert_coordinates(frames, axes, 1)
        self.times = frames[against].to_numpy(float)
        self.now = ax.axvline(self.times[0], color="0.4", lw=1)

    def of_frame(
        self,
        index: tuple[int, ...],
        number: int,
        labels: NDArray[np.int32],
        shown: NDArray[Any],
    ) -> NDArray[np.uint8]:
        """Return a picture of a frame, shape (y, x, RGB), y and x even.

        Parameters
        ----------
        index, number
            Index of the frame, in the order of the data, and its number.
        labels
            Its particles, shape (y, x).
        shown
            Its image, or the particles themselves.
        """
        self._show(shown)
        for artist in self.drawn:
            artist.remove()
        self.drawn = []
        outlines = particle_outlines(labels)
        for outline in outlines if self.with_image else ():
            for contour in outline.contours:
                x, y = in_axes(contour, self.signal_axes).T
                self.drawn += self.ax.plot(x, y, color=id_color(outline.id), lw=1.8)
        self.drawn += write_ids(outlines, self.signal_axes, self.ax)
        title = frame_title(self.instances, index)
        self.ax.set_title(f"{title}, no data" if is_without_data(shown) else title)
        if self.now is not None and self.times is not None:
            self.now.set_xdata([self.times[number]] * 2)
        self.canvas.draw()  # type: ignore[no-untyped-call]
        # Once all is in its place nothing moves any more.
        self.figure.set_layout_engine("none")
        pixels = np.asarray(self.canvas.buffer_rgba())  # type: ignore[no-untyped-call]
        height, width = (side // 2 * 2 for side in pixels.shape[:2])
        return np.ascontiguousarray(pixels[:height, :width, :3])

    def _show(self, shown: NDArray[Any]) -> None:
        shown = one_number_a_pixel(shown) if self.with_image else shown
        self.image.set_data(shown)
        if self.with_image:
            self.image.set_clim(*contrast_limits(shown))
