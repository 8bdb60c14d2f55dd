# SPDX-License-Identifier: GPL-3.0-or-later
"""Tracking tool: how a segmented frame is separated into particles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import traits.api as t

from hyperspy_hrtemnn.options import TrackingOptions
from hyperspy_hrtemnn.signals._particles.instance_plots import draw_outlines
from hyperspy_hrtemnn.signals._shared.calibration import pixels
from hyperspy_hrtemnn.signals._shared.entrance import in_one_form
from hyperspy_hrtemnn.signals._shared.frame_titles import frame_title
from hyperspy_hrtemnn.signals._shared.probabilities import threshold_of
from hyperspy_hrtemnn.signals._shared.units import unit_of
from hyperspy_hrtemnn.signals._tracking.track import (
    check_one_movie,
    split_frame,
    splitting_in_pixels,
)

from .preview_tool import PreviewTool
from .registration import shown_by

if TYPE_CHECKING:
    from hyperspy.signals import Signal2D
    from numpy.typing import NDArray


@shown_by("hyperspy_hrtemnn.Segmentation.track_instances", "tracking_widgets")
class TrackingTool(PreviewTool):
    """Options of `Segmentation.track_instances` within a frame, tried out on one.

    It comes from `Segmentation.tracking_tool`. The traits ``probability``,
    ``min_separation``, in the unit of the signal axes, and ``min_area``, a text with a
    unit, may be set in Python, too. Ids are carried from frame to frame by `apply`
    only: those of the preview are of the frame.

    ``figure`` and ``message`` are the preview, ``result`` is what `apply` has returned
    last, and ``close()`` leaves the navigator alone.
    """

    probability = t.Range(
        0.0,
        1.0,
        0.5,
        exclude_low=True,
        desc="least probability of a pixel that is a particle's",
    )
    min_separation = t.Float(desc="smallest distance of the centers of two particles")
    min_area = t.Str(desc='smallest area, as "4 nm^2"; by default that of specks')

    def __init__(
        self,
        segmentation: Signal2D,
        image: Signal2D | None,
        min_separation: float | str,
    ) -> None:
        check_one_movie(segmentation)
        image = segmentation if image is None else in_one_form(image)
        if image.data.shape != segmentation.data.shape:
            raise ValueError(
                f"The image has the shape {image.data.shape}, the segmentation "
                f"{segmentation.data.shape}; they have to be the same."
            )
        super().__init__(image)
        self.segmentation, self.image = segmentation, image
        self._seen: tuple[Any, NDArray[np.floating]] | None = None
        axis = segmentation.axes_manager.signal_axes[0]
        self.unit = unit_of(axis)
        self.pixel_size = abs(float(axis.scale))
        self.min_separation = pixels(min_separation, segmentation) * self.pixel_size
        self.probability = threshold_of(segmentation, None)
        self._start("probability", "min_separation", "min_area")

    def apply(self, **options: Any) -> Signal2D:
        """Return the particles of all frames, separated as in the preview.

        Parameters
        ----------
        **options
            Others of `Segmentation.track_instances`, such as ``memory``.
        """
        shown = {
            "min_separation": self.min_separation,
            "probability": self.probability,
            "min_area": self.min_area or None,
        }
        self.result = self.segmentation.track_instances(**shown | options)
        return self.result  # type: ignore[no-any-return]

    def _draw(self, where: tuple[int, ...]) -> str:
        if self._seen is None or self._seen[0] != where:
            # Of a lazy segmentation the network runs here.
            self.message = "The frame is being computed."
            self._seen = (where, np.asarray(self.segmentation.data[where]))
        options = TrackingOptions(
            self.min_separation,
            probability=self.probability,
            min_area=self.min_area or None,
        )
        splitting = splitting_in_pixels(self.segmentation, options)
        labels, dropped = split_frame(self._seen[1], splitting)
        ax = draw_outlines(
            np.asarray(self.image.data[where]),
            labels,
            self.segmentation.axes_manager.signal_axes,
            self.figure.subplots(),
            show_ids=True,
        )
        ax.set_title(frame_title(self.image, where))
        return f"particles: {labels.max()}; dropped as too small: {dropped}"
