# SPDX-License-Identifier: GPL-3.0-or-later
"""Spread of a prediction over the orientations of the images, kept beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from hyperspy.signals import BaseSignal

from .beside import signal_beside

if TYPE_CHECKING:
    import dask.array as da
    from hyperspy.signals import Signal2D

    from hyperspy_hrtemnn.networks import Network


class KeepsSpread:
    """A signal that a network predicted, with the spread of the prediction if any.

    What is sliced from it, by ``inav`` or ``isig``, has the same part of the spread.
    All else that is made of it, a copy or a file too, has none, so that no spread is
    beside a signal that it is not of.
    """

    data: Any
    _spread: Signal2D | None = None
    _additional_slicing_targets: ClassVar[list[str]] = [
        *BaseSignal._additional_slicing_targets,
        "_spread",
    ]

    @property
    def spread(self) -> Signal2D:
        """Standard deviation of the predictions for the image's eight orientations.

        A signal with the same axes, there if the network was one of
        ``network.averaged(spread=True)``. Of `HRTEM.denoise` it is the standard
        deviation of the error, in the unit of the images. It is saved by itself.

        Raises
        ------
        AttributeError
            If there is none.
        """
        # The shape is another if the signal was cropped in place.
        if self._spread is None or self._spread.data.shape != self.data.shape:
            raise AttributeError(
                "There is no spread: it is beside what a network made with "
                "network.averaged(spread=True) predicts, what denoise returns, and "
                "what is sliced from these, but not in copies or files. Save it by "
                "itself."
            )
        return self._spread


def spread_signal(
    source: Signal2D,
    data: da.Array,
    axes: list[dict[str, Any]],
    network: Network,
    *,
    quantity: str,
) -> Signal2D:
    """Return a lazy signal of the spread.

    Parameters
    ----------
    source
        The images.
    data, axes
        The spread and its axes.
    network
        The network.
    quantity
        What spreads, for the color bar.
    """
    return signal_beside(
        source,
        data,
        axes,
        network,
        name="Spread",
        quantity=f"Spread of the {quantity}",
    )
