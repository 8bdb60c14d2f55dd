# SPDX-License-Identifier: GPL-3.0-or-later
"""Local FFT tool: which particle, in which crop, with which soft edge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np
import traits.api as t

from hyperspy_hrtemnn.analysis import crop_sizes
from hyperspy_hrtemnn.signals._fourier.local_fft import soft_edge
from hyperspy_hrtemnn.signals._fourier.reflection_plots import draw_spectrum
from hyperspy_hrtemnn.signals._particles.instance_plots import draw_outlines
from hyperspy_hrtemnn.signals._shared.calibration import sampling
from hyperspy_hrtemnn.signals._shared.entrance import in_one_form, in_same_form
from hyperspy_hrtemnn.signals._shared.frame_titles import frame_title
from hyperspy_hrtemnn.signals._shared.units import unit_of

from .preview_tool import PreviewTool
from .registration import shown_by

if TYPE_CHECKING:
    from hyperspy.signals import Signal2D
    from numpy.typing import NDArray


@shown_by("hyperspy_hrtemnn.HRTEM.local_fft", "local_fft_widgets")
class LocalFFTTool(PreviewTool):
    """Particle, crop and soft edge of `HRTEM.local_fft`, tried out on one frame.

    It comes from `HRTEM.local_fft_tool`. The traits ``id``, 0 for the whole image, and
    ``size`` and ``apodization``, in the unit of the signal axes, may be set in Python,
    too; ``ids`` are those of the frame that is shown.

    ``figure`` and ``message`` are the preview, ``result`` is what `apply` has returned
    last, and ``close()`` leaves the navigator alone.
    """

    id = t.Int(desc="the particle, 0 for the whole image")
    ids = t.List(t.Int)
    size = t.Float(desc="height and width of the crop")
    apodization = t.Float(desc="standard deviation of the soft edge")

    def __init__(
        self, signal: Signal2D, instances: Signal2D | None, apodization: float | str
    ) -> None:
        if instances is not None:
            instances = in_one_form(instances)
            in_same_form(instances, signal)
        super().__init__(signal, panels=2)
        self.signal, self.instances = signal, instances
        sampling(signal)  # which raises if the pixels have no size
        axis = signal.axes_manager.signal_axes[0]
        self.unit = unit_of(axis)
        self.pixel_size = abs(float(axis.scale))
        soft = soft_edge(signal, apodization)
        self.apodization = soft * self.pixel_size
        self._seen: tuple[Any, NDArray[np.integer]] | None = None
        index = self.navigated.axes_manager.indices[::-1]
        labels = self._labels(tuple(index))
        here = np.unique(labels[labels > 0]).tolist()
        areas = [int((labels == number).sum()) for number in here]
        self.id = here[int(np.argmax(areas))] if here else 0
        fitting = crop_sizes([labels], here, soft).values()
        self.size = max(fitting, default=min(labels.shape)) * self.pixel_size
        self._start("id", "size", "apodization")

    def apply(self, **options: Any) -> Signal2D:
        """Return the spectra of the chosen particle in all frames.

        Parameters
        ----------
        **options
            Of `HRTEM.local_fft`.
        """
        self.result = self._transformed(self.signal, self.instances, **options)
        return self.result  # type: ignore[no-any-return]

    def _transformed(
        self, signal: Signal2D, instances: Signal2D | None, **options: Any
    ) -> Any:
        of_particle: dict[str, Any] = {}
        if self.id:
            of_particle = {"instances": instances, "id": self.id, "size": self.size}
        given = {"apodization": self.apodization} | of_particle | options
        return signal.local_fft(**given)

    def _labels(self, where: tuple[int, ...]) -> NDArray[np.integer]:
        """Return the labels of a frame, 0 everywhere where there are no particles."""
        if self._seen is None or self._seen[0] != where:
            shape = self.signal.data.shape[-2:]
            labels = np.zeros(shape, np.int32)
            if self.instances is not None:
                labels = np.asarray(self.instances.data[where])
            self._seen = (where, labels)
        return self._seen[1]

    def _draw(self, where: tuple[int, ...]) -> str:
        labels = self._labels(where)
        here = np.unique(labels[labels > 0]).tolist()
        self.ids = sorted({0, self.id, *here})
        left, right = self.figure.subplots(1, 2)
        draw_outlines(
            np.asarray(self.signal.data[where]),
            labels,
            self.signal.axes_manager.signal_axes,
            left,
            show_ids=True,
            selected=self.id,
        )
        left.set_title(frame_title(self.signal, where))
        right.set_axis_off()
        if self.id and self.id not in here:
            return f"Particle {self.id} is not in this frame."
        spectrum = self._spectrum(where, labels)
        peaks = spectrum.peak_table(show_progressbar=False)
        right.set_axis_on()
        draw_spectrum(
            spectrum.data,
            spectrum.axes_manager.signal_axes,
            self.id,
            peaks,
            right,
            title=f"particle {self.id}" if self.id else "whole image",
        )
        return f"reflections: {peaks['reflection'].nunique()}"

    def _spectrum(self, where: tuple[int, ...], labels: NDArray[np.integer]) -> Any:
        """Return the spectrum of one frame, as `apply` makes it of all."""
        place, instances = where[::-1], self.instances
        image = self.signal.inav[place] if place else self.signal
        if instances is not None:
            instances = instances.inav[place] if place else instances.deepcopy()
            # Those of a lazy signal have been computed already.
            lazy = instances._lazy
            instances.data = da.from_array(labels, name=False) if lazy else labels
        return self._transformed(
            image, instances, lazy_output=False, show_progressbar=False
        )
