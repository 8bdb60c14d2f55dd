# SPDX-License-Identifier: GPL-3.0-or-later
"""Lens parameters: the numbers that a fit changes, and what each does to the wave.

All of them act linearly on the logarithm of the transfer function, so that its
derivative with respect to each is itself times a fixed map: astigmatism and coma as
Cartesian components, focal spread and blur as squares. What the focal spread does
beside this, by which it damps the linear image, is in `focal_shells`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from hyperspy_hrtemnn.analysis.microscope.optics import wavelength

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .working_grid import WorkingGrid

SHARED = (
    "Cs",
    "C12_x",
    "C12_y",
    "C21_x",
    "C21_y",
    "C23_x",
    "C23_y",
    "focal_spread_squared",
    "blur_squared",
)
"""Parameters of all images alike [Å, squares Å²]."""

OWN = ("defocus", "shift_y", "shift_x", "log_electrons", "log_contrast")
"""Parameters of each image [Å]; logarithms of electrons a pixel and of the factor by
which the contrast is stronger than that of electrons, 1 unless it is fitted."""

# Typical errors of a first guess, which make all parameters comparable.
_STEPS = {
    "Cs": 1e4,
    "C12_x": 10.0,
    "C12_y": 10.0,
    "C21_x": 300.0,
    "C21_y": 300.0,
    "C23_x": 300.0,
    "C23_y": 300.0,
    "focal_spread_squared": 100.0,
    "blur_squared": 0.02,
    "defocus": 10.0,
    "shift_y": 0.2,
    "shift_x": 0.2,
    "log_electrons": 0.1,
    "log_contrast": 0.1,
}


@dataclass(frozen=True)
class ParameterList:
    """Names of all parameters of a series, and where each is in the vector.

    Parameters
    ----------
    images
        Number of images.
    any_contrast
        Whether the contrast of the images is fitted.
    """

    images: int
    any_contrast: bool = False

    def __len__(self) -> int:
        return len(SHARED) + len(OWN) * self.images

    def place(self, name: str, image: int | None = None) -> int:
        """Return where a parameter is, that of an image or one of all alike."""
        if image is None:
            return SHARED.index(name)
        return len(SHARED) + len(OWN) * image + OWN.index(name)

    def places(self, name: str) -> list[int]:
        """Return where a parameter of each image is."""
        return [self.place(name, image) for image in range(self.images)]

    @cached_property
    def steps(self) -> NDArray[np.float64]:
        """Typical change of each, 0 of one that is held, shape (parameter,)."""
        own = [_STEPS[name] for name in OWN]
        steps = np.array([_STEPS[name] for name in SHARED] + own * self.images)
        if not self.any_contrast:
            steps[self.places("log_contrast")] = 0.0
        return steps


def parameter_maps(grid: WorkingGrid, energy: float) -> dict[str, NDArray[np.inexact]]:
    """Return by what each parameter lowers the logarithm of the transfer function.

    Parameters
    ----------
    grid
        Frequencies.
    energy
        Beam energy [keV].

    Returns
    -------
    A map for each name but the logarithms, shape (y, x): imaginary of what turns the
    phase, real of what damps. Equations 1.9 to 1.23 of the thesis, as
    `hyperspy_hrtemnn.analysis.transfer_function`.
    """
    lam = wavelength(energy)
    ky, kx = (np.asarray(k, np.float64) for k in grid.frequencies)
    k2 = ky**2 + kx**2
    # In powers of kx + i ky, as the angle of an aberration is from x towards y.
    k = kx + 1j * ky
    second, third = k**2, k**3
    turn = 2 * np.pi / lam
    phases = {
        "defocus": -np.pi * lam * k2,
        "Cs": turn / 4 * lam**4 * k2**2,
        "C12_x": turn / 2 * lam**2 * second.real,
        "C12_y": turn / 2 * lam**2 * second.imag,
        "C21_x": turn / 3 * lam**3 * k2 * k.real,
        "C21_y": turn / 3 * lam**3 * k2 * k.imag,
        "C23_x": turn / 3 * lam**3 * third.real,
        "C23_y": turn / 3 * lam**3 * third.imag,
        "shift_y": 2 * np.pi * np.broadcast_to(ky, k2.shape),
        "shift_x": 2 * np.pi * np.broadcast_to(kx, k2.shape),
    }
    damping = {
        "focal_spread_squared": (np.pi * lam / 2 * k2) ** 2,
        "blur_squared": 2 * np.pi**2 * k2,
    }
    imaginary = {
        name: (1j * phase).astype(np.complex64) for name, phase in phases.items()
    }
    return imaginary | {name: each.astype(np.float32) for name, each in damping.items()}
