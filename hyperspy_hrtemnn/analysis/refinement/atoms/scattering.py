# SPDX-License-Identifier: GPL-3.0-or-later
"""Scattering: by how much an atom turns the phase of electrons."""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np
from scipy.constants import c, e, m_e

from hyperspy_hrtemnn.analysis.microscope.optics import wavelength

if TYPE_CHECKING:
    from numpy.typing import NDArray


def atom_phase(
    element: str, squared: NDArray[np.floating], energy: float, vibration: float
) -> NDArray[np.float64]:
    r"""Return the Fourier transform of the phase that an atom gives to electrons.

    The phase is :math:`\sigma V`, with V the potential of a neutral atom projected
    along the beam and smeared by vibrations.

    Parameters
    ----------
    element
        Symbol of the element, H to Lr.
    squared
        Squares of the frequencies [1/Å²].
    energy
        Beam energy [keV].
    vibration
        Mean square displacement along one direction [Å²].

    Returns
    -------
    The transform [Å²], of the shape of `squared`: :math:`\lambda m / m_0` times the
    scattering factor in Kirkland, Advanced Computing in Electron Microscopy (2010),
    equation C.15, times the Debye-Waller factor.

    Raises
    ------
    ValueError
        If there is no such element.
    """
    parameters = _parameters()
    if element not in parameters:
        raise ValueError(
            f"{element!r} is not the symbol of an element whose scattering is known, "
            "H to Lr."
        )
    a, b, width, d = parameters[element].T[..., np.newaxis]
    k2 = np.asarray(squared, np.float64)
    flat = k2.ravel()
    factor = (a / (flat + b) + width * np.exp(-d * flat)).sum(axis=0).reshape(k2.shape)
    mass = 1 + energy * 1e3 * e / (m_e * c**2)
    damping = np.exp(-2 * np.pi**2 * vibration * k2)
    return np.asarray(wavelength(energy) * mass * factor * damping)


@cache
def _parameters() -> dict[str, NDArray[np.float64]]:
    """Return a1 b1 c1 d1 to a3 ... d3 of each element, shape (3, 4) [Å]."""
    text = files(__package__).joinpath("kirkland.csv").read_text(encoding="ascii")
    rows = list(csv.reader(text.splitlines()))[1:]
    return {row[0]: np.array(row[1:], np.float64).reshape(3, 4) for row in rows}
