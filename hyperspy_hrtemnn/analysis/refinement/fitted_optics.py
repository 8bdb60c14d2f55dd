# SPDX-License-Identifier: GPL-3.0-or-later
"""Fitted optics: the lenses of a focal series with their standard errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from hyperspy_hrtemnn.analysis.microscope.optics import Aberration, Optics

_UNITS = {
    "defocus": "Å",
    "Cs": "Å",
    "C12": "Å",
    "phi12": "rad",
    "C21": "Å",
    "phi21": "rad",
    "C23": "Å",
    "phi23": "rad",
    "focal_spread": "Å",
    "blur": "Å",
    "shift": "Å",
    "drift": "Å",
    "dose": "e-/Å²",
    "contrast": "",
}

_AXES = ("y", "x")


@dataclass(frozen=True)
class Measured:
    """A number, or an array of numbers, with standard errors.

    Parameters
    ----------
    value
        The number or the array.
    error
        Its standard error, of the same shape.
    """

    value: Any
    error: Any

    def __str__(self) -> str:
        """Return value and error to two digits of the error, rows in brackets."""
        if np.ndim(self.value) > 1:
            rows = zip(self.value, self.error, strict=True)
            return ", ".join(f"({Measured(*row)})" for row in rows)
        pairs = zip(np.ravel(self.value), np.ravel(self.error), strict=True)
        return ", ".join(_rounded(float(a), float(b)) for a, b in pairs)


@dataclass(frozen=True)
class FittedOptics:
    """Lenses of a focal series, from the images and a wave.

    Everything is relative to the wave: a defocus is the distance to its plane, a shift
    is from its place. Lengths are in Å, positive defocus is underfocus, and angles are
    from x towards y, as of `hyperspy_hrtemnn.analysis.Aberration`.

    Parameters
    ----------
    energy
        Beam energy [keV].
    defocus
        Defocus of each image [Å], shape (image,).
    Cs
        Spherical aberration [Å].
    C12, phi12
        Twofold astigmatism [Å] and its azimuth [rad].
    C21, phi21
        Axial coma [Å] and its azimuth [rad].
    C23, phi23
        Threefold astigmatism [Å] and its azimuth [rad].
    focal_spread
        Half width at 1/e of the distribution of focus, 1.41 standard deviations [Å].
    blur
        Standard deviation of the Gaussian that blurs the image, in real space [Å].
    shift
        Shift (y, x) of the first image from the wave, which coma and a tilt of the beam
        make, too [Å], shape (2,).
    drift
        Drift (y, x) of the sample in each image, relative to the first [Å], shape
        (image, 2).
    dose
        Dose of each image in vacuum, where the wave is 1 [e-/Å²], shape (image,).
    contrast
        Factor by which the contrast of each image is stronger than that of electrons,
        shape (image,): less with a background, more where one was taken away or images
        were stretched; 1 unless it was fitted. Of images whose noise was not that of
        their dose, after `refine_atoms` stretched them until it was.
    chi2
        Sum of the squared differences between the images and those of the wave, in
        units of their noise, over the degrees of freedom: 1 if only noise is left.
    chi2_error
        Standard deviation that noise alone gives it.
    unexplained
        Share of the contrast, the power that the images have above their noise, that
        the images of the wave do not have. It is that of the errors of the wave, about
        0.01 for waves of networks and 0.05 on graphene, if the lenses are right, and
        0.06 to 1 in a wrong minimum.
    noise
        Power of the noise beyond what the lenses pass, over that of the detector at
        this dose: 1 if dose, gain and detector are right; NaN where the pixels are too
        large to tell.
    """

    energy: float
    defocus: Measured
    Cs: Measured
    C12: Measured
    phi12: Measured
    C21: Measured
    phi21: Measured
    C23: Measured
    phi23: Measured
    focal_spread: Measured
    blur: Measured
    shift: Measured
    drift: Measured
    dose: Measured
    contrast: Measured
    chi2: float
    chi2_error: float
    unexplained: float
    noise: Measured

    @property
    def aberrations(self) -> tuple[Aberration, ...]:
        """Astigmatism, coma and threefold astigmatism."""
        found = (
            (1, 2, self.C12, self.phi12),
            (2, 1, self.C21, self.phi21),
            (2, 3, self.C23, self.phi23),
        )
        return tuple(
            Aberration(n, m, float(size.value), float(angle.value))
            for n, m, size, angle in found
        )

    @property
    def optics(self) -> tuple[Optics, ...]:
        """Lenses of each image, for functions of `hyperspy_hrtemnn.analysis`."""
        return tuple(
            Optics(
                self.energy,
                float(defocus),
                float(self.Cs.value),
                float(self.focal_spread.value),
                float(self.blur.value),
                self.aberrations,
            )
            for defocus in self.defocus.value
        )

    def lenses(self) -> dict[str, Any]:
        """Return the lenses as options of methods of signals.

        They are ``energy``, ``Cs``, ``focal_spread``, ``blur`` and ``aberrations`` of
        `ExitWave.simulate_images` and `HRTEM.reconstruct_exitwave`, lengths as texts
        with their unit.
        """
        lengths = {
            name: f"{float(getattr(self, name).value):.6g} angstrom"
            for name in ("Cs", "focal_spread", "blur")
        }
        return {"energy": self.energy, **lengths, "aberrations": self.aberrations}

    def to_table(self) -> pd.DataFrame:
        """Return all values, one row each.

        Returns
        -------
        ``parameter``, the name, with ``_y`` or ``_x`` for a direction; ``image``, the
        number of the image, -1 for what is of all; ``value``, ``error``, the standard
        error, and ``unit``.
        """
        rows = []
        for name, unit in _UNITS.items():
            measured: Measured = getattr(self, name)
            for place, value in np.ndenumerate(np.asarray(measured.value, float)):
                directed = name in ("shift", "drift")
                images = place[:-1] if directed else place
                rows.append(
                    {
                        "parameter": f"{name}_{_AXES[place[-1]]}" if directed else name,
                        "image": images[0] if images else -1,
                        "value": float(value),
                        "error": float(np.asarray(measured.error)[place]),
                        "unit": unit,
                    }
                )
        return pd.DataFrame(rows)

    def __repr__(self) -> str:
        """Return all values with their errors, a line each."""
        values = [
            f"  {name:<13} {getattr(self, name)} {unit}"
            for name, unit in _UNITS.items()
        ]
        head = (
            f"FittedOptics at {self.energy:g} keV, chi² {self.chi2:.3f} (noise alone: "
            f"1 ± {self.chi2_error:.2g}), {max(self.unexplained, 0):.1%} of the "
            "contrast unexplained"
        )
        return "\n".join([head, *values])


def _rounded(value: float, error: float) -> str:
    if not (np.isfinite(error) and error > 0):
        return f"{value:.4g} ± {error:g}"
    digits = max(1 - int(np.floor(np.log10(error))), 0)
    return f"{value:.{digits}f} ± {error:.{digits}f}"
