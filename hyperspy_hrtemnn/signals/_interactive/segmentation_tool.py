# SPDX-License-Identifier: GPL-3.0-or-later
"""Segmentation tool: which network, and from which probability on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import traits.api as t

from hyperspy_hrtemnn.networks import available, load
from hyperspy_hrtemnn.plots.palette import id_color
from hyperspy_hrtemnn.signals._particles.instance_plots import draw_outlines
from hyperspy_hrtemnn.signals._prediction.predictions import load_for
from hyperspy_hrtemnn.signals._shared.frame_titles import frame_title
from hyperspy_hrtemnn.signals._shared.probabilities import BACKGROUND

from .preview_tool import PreviewTool
from .registration import shown_by

if TYPE_CHECKING:
    from pathlib import Path

    from hyperspy.signals import Signal2D
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.networks import Network


@shown_by("hyperspy_hrtemnn.HRTEM.segment", "segmentation_widgets")
class SegmentationTool(PreviewTool):
    """Network and threshold of `HRTEM.segment`, tried out on one frame.

    It comes from `HRTEM.segmentation_tool`. The traits ``model`` and ``probability``
    may be set in Python, too. The network sees a frame once, however often the
    threshold changes; another network brings its own threshold.

    ``figure`` and ``message`` are the preview, ``result`` is what `apply` has returned
    last, and ``close()`` leaves the navigator alone.
    """

    model = t.Enum(values="models", desc="name of the network")
    models = t.List(t.Str)
    probability = t.Range(
        0.0,
        1.0,
        0.5,
        exclude_low=True,
        desc="least probability of a pixel that is an object's",
    )

    def __init__(
        self, signal: Signal2D, model: str | Path | Network, device: str | None
    ) -> None:
        super().__init__(signal)
        self.signal, self.device = signal, device
        self._networks: dict[str, Network] = {}
        self._seen: tuple[Any, NDArray[np.floating]] | None = None
        network = load_for("segmentation", model, device, show_progressbar=False)
        self._networks[network.card.name] = network
        self.models = [*dict.fromkeys([network.card.name, *self._others()])]
        self.model = network.card.name
        self.probability = network.card.unbiased_threshold
        self.observe(self._take_its_threshold, "model")
        self._start("probability")
        self._options = ("model", *self._options)

    def _others(self) -> list[str]:
        """Names of the networks of the package that can see these images."""
        # For their cards alone no other device has to start.
        cards = {name: load(name, "cpu").card for name in available()}
        axes = self.signal.axes_manager.navigation_axes
        series = any(axis.name == "defocus" for axis in axes)
        return [
            name
            for name, card in cards.items()
            if card.task == "segmentation" and (series or card.channels == 1)
        ]

    def apply(self, **options: Any) -> Signal2D:
        """Return the segmentation of all frames by the chosen network.

        Its ``metadata.HRTEMNN.Segmentation.threshold`` is the chosen threshold, which
        the methods of `Segmentation` take by default.

        Parameters
        ----------
        **options
            Of `HRTEM.segment`.
        """
        self.result = self.signal.segment(self._network, **options)
        self.result.metadata.set_item(
            "HRTEMNN.Segmentation.threshold", self.probability
        )
        return self.result  # type: ignore[no-any-return]

    @property
    def _network(self) -> Network:
        if self.model not in self._networks:
            self._networks[self.model] = load(self.model, self.device)
        return self._networks[self.model]

    def _take_its_threshold(self, _: Any) -> None:
        threshold = self._network.card.unbiased_threshold
        if threshold == self.probability:
            self.refresh()
        else:
            self.probability = threshold  # which draws the preview

    def _draw(self, where: tuple[int, ...]) -> str:
        classes = self._network.card.classes
        labels = strongest(self._probabilities(where), classes, self.probability)
        ax = draw_outlines(
            np.asarray(self.signal.data[where]),
            labels,
            self.signal.axes_manager.signal_axes,
            self.figure.subplots(),
            show_ids=False,
        )
        ax.set_title(frame_title(self.signal, where))
        if len(classes) > 1:
            for number, name in enumerate(classes, start=1):
                if name != BACKGROUND:
                    ax.plot([], [], color=id_color(number), label=name)
            ax.legend(loc="upper right")
        return f"{np.mean(labels > 0):.1%} of the image"

    def _probabilities(self, where: tuple[int, ...]) -> NDArray[np.floating]:
        """Return the probabilities of a frame, shape (class, y, x)."""
        series = self._network.card.channels > 1
        names = [a.name for a in self.signal.axes_manager.navigation_axes]
        place = tuple(
            slice(None) if series and name == "defocus" else number
            for name, number in zip(names, where[::-1], strict=True)
        )
        key = (self.model, str(place))
        if self._seen is None or self._seen[0] != key:
            self.message = f"The network {self.model} is running."
            frame = self.signal.inav[place] if place else self.signal
            found = frame.segment(
                self._network, lazy_output=False, show_progressbar=False
            ).data
            self._seen = (key, found.reshape(-1, *found.shape[-2:]))
        return self._seen[1]


def strongest(
    probabilities: NDArray[np.floating], classes: tuple[str, ...], threshold: float
) -> NDArray[np.integer]:
    """Return the number of the strongest class of each pixel, 0 below the threshold.

    All classes together have to reach it, as in `Segmentation.find_columns`.
    """
    shown = [n for n, name in enumerate(classes) if name != BACKGROUND]
    known = np.nan_to_num(probabilities[shown])
    numbers = np.array(shown)[known.argmax(axis=0)] + 1
    return np.where(known.sum(axis=0) >= threshold, numbers, 0)
