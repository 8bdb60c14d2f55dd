# SPDX-License-Identifier: GPL-3.0-or-later
"""Spectra: local Fourier transforms as input of a network, in training and in use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ._layer_lines import layer_lines
from ._relative_spectrum import relative_spectrum

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from ._network import Network

# What a network sees of a spectrum, by the task of its card.
_VIEWS = {"zone axis": relative_spectrum, "chirality": layer_lines}


def predict_spectra(
    network: Network, spectra: Iterable[NDArray[np.floating]], step: tuple[float, float]
) -> NDArray[np.float32]:
    """Run a network on amplitude spectra.

    Parameters
    ----------
    network
        Network that takes spectra.
    spectra, step
        Spectra and their steps; see `relative_spectrum`, or `layer_lines` where the
        network is of nanotubes.

    Returns
    -------
    Predictions, shape (spectrum, class).

    Raises
    ------
    ValueError
        If the network takes images, or the spectra end at too low frequencies.
    """
    card = network.card
    if card.spectrum_side is None:
        raise ValueError(f"The network {card.name!r} takes images, not spectra.")
    view = _VIEWS[card.task]
    seen = [
        view(spectrum, step, card.sampling, card.spectrum_side) for spectrum in spectra
    ]
    return network.predict(np.stack(seen)[:, np.newaxis])
