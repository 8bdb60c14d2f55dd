# SPDX-License-Identifier: GPL-3.0-or-later
"""Fits of atoms to regions of real images, and figures of merit of them.

Not a script: `real_graphene.py` makes the fits and draws them.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import binary_dilation, gaussian_filter
from scipy.spatial import cKDTree

from hyperspy_hrtemnn.analysis import (
    FittedOptics,
    Measured,
    RefinedAtoms,
    refine_atoms,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graphene_frames import Region

ENERGY = 80.0
CS = -1.3e5  # of several guesses that with the least χ² [Å]

# What stands out of the residuals: an atom's width in standard deviations [Å, 1], and
# how far around it is hidden [Å].
ATOM, OUT, AROUND = 0.3, 6.0, 2.5


@dataclass(frozen=True)
class Fit:
    """Regions of the images of a series, and the atoms that explain them."""

    name: str
    regions: Sequence[Region]
    atoms: RefinedAtoms

    @property
    def pixel(self) -> float:
        """Size of a pixel [Å]."""
        return self.regions[0].detector.sampling

    @property
    def positions(self) -> np.ndarray:
        """Positions (y, x) of the columns [Å], shape (column, 2)."""
        return self.atoms.columns[["y", "x"]].to_numpy()

    @property
    def sigma(self) -> np.ndarray:
        """Standard errors (y, x) of the positions [Å]."""
        return self.atoms.columns[["sigma_y", "sigma_x"]].to_numpy()

    def bonds(self) -> np.ndarray:
        """Return the lengths of the three bonds of atoms off the edge [Å]."""
        size = np.array(self.regions[0].image.shape) * self.pixel
        inside = np.all((self.positions > 2) & (self.positions < size - 2), axis=1)
        lengths = cKDTree(self.positions).query(self.positions, k=4)[0][:, 1:]
        return np.asarray(lengths[inside & (lengths[:, 2] < 1.8)].ravel())

    def row(self) -> list[str]:
        """Return the cells of a table."""
        optics, bonds = self.atoms.optics, self.bonds()
        return [
            self.name,
            f"{optics.chi2:.3f} ± {optics.chi2_error:.3f}",
            f"{optics.unexplained:.1%}",
            str(optics.defocus),
            f"{optics.Cs.value / 1e4:.1f} ± {optics.Cs.error / 1e4:.1f}",
            str(optics.C23),
            ", ".join(f"{each:.2f}" for each in optics.contrast.value),
            f"{bonds.mean():.3f}, {bonds.std():.3f}",
            f"{np.sqrt(np.mean(self.sigma**2)):.3f}",
        ]


COLUMNS = [
    "images, defocus guessed [Å]",
    "χ²",
    "unexplained",
    "defocus [Å]",
    "Cs [µm]",
    "C23 [Å]",
    "contrast",
    "bonds: mean, scatter [Å]",
    "σ of a position [Å]",
]


def fit(
    name: str,
    regions: Sequence[Region],
    defocus: Sequence[float],
    Cs: float = CS,
    optics: FittedOptics | None = None,
) -> Fit:
    """Fit lenses and atoms to regions of the images of a series.

    The guess of the defocus and Cs, or of all lenses, is where the fit begins [Å].
    """
    first = regions[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the page says what the noise is
        atoms = refine_atoms(
            np.array([each.image for each in regions]),
            first.detector,
            ENERGY,
            defocus,
            first.columns,
            Cs=Cs,
            optics=optics,
            valid=np.all([each.valid for each in regions], axis=0),
            any_contrast=True,
        )
    guessed = ", ".join(f"{each:+.0f}" for each in defocus)
    found = Fit(f"{name}, {guessed}", regions, atoms)
    print(*found.row(), sep=" | ", flush=True)
    return found


def standing_out(found: Fit) -> np.ndarray:
    """Return the pixels around what the atoms do not explain."""
    width = ATOM / found.pixel
    smooth = gaussian_filter(found.atoms.residuals[0], width)
    out = np.abs(smooth) * 2 * np.sqrt(np.pi) * width > OUT
    y, x = np.ogrid[-30:31, -30:31]
    return np.asarray(binary_dilation(out, np.hypot(y, x) * found.pixel < AROUND))


def of_image(optics: FittedOptics, image: int) -> FittedOptics:
    """Return the lenses of one image of a series, where it is."""

    def own(measured: Measured) -> Measured:
        return Measured(measured.value[[image]], measured.error[[image]])

    nowhere = Measured(np.zeros(2), np.zeros(2))
    drift = Measured(np.zeros((1, 2)), np.zeros((1, 2)))
    return replace(
        optics,
        defocus=own(optics.defocus),
        dose=own(optics.dose),
        contrast=own(optics.contrast),
        shift=nowhere,
        drift=drift,
    )


def repeated(one: Fit, other: Fit) -> tuple[np.ndarray, np.ndarray]:
    """Return by how much positions in two images differ, and its standard errors [Å].

    A shift, a turn and a strain of the whole are taken out.
    """
    tree, moved = cKDTree(one.positions), other.positions
    steps = np.stack(np.meshgrid(*2 * [np.arange(-1.5, 1.6, 0.1)]), axis=-1)
    near = partial(tree.query, distance_upper_bound=0.4)
    moved = moved + max(
        steps.reshape(-1, 2), key=lambda step: np.isfinite(near(moved + step)[0]).sum()
    )
    for _ in range(4):
        distance, number = near(moved)
        pairs = np.isfinite(distance)
        terms = np.column_stack([moved, np.ones(len(moved))])
        there = one.positions[number[pairs]]
        moved = terms @ np.linalg.lstsq(terms[pairs], there, rcond=None)[0]
    sigma = np.hypot(other.sigma[pairs], one.sigma[number[pairs]])
    return moved[pairs] - there, sigma


def ring_power(found: Fit, image: int) -> np.ndarray:
    """Return frequencies [1/Å] of rings and the power of residuals there."""
    edge = round(3 / found.pixel)
    residual = found.atoms.residuals[image][edge:-edge, edge:-edge]
    window = np.outer(*(np.hanning(n) for n in residual.shape))
    power = np.abs(np.fft.fft2(residual * window)) ** 2 / np.sum(window**2)
    ky, kx = (np.fft.fftfreq(n, found.pixel) for n in residual.shape)
    ring = (np.hypot(ky[:, np.newaxis], kx) / 0.05).astype(int).ravel()
    mean = np.bincount(ring, power.ravel()) / np.bincount(ring)
    # Power is that of all pixels, and of noise only the band has any.
    band = min(np.pi / 4, np.pi * (2 * found.pixel) ** 2)
    last = int(0.475 / found.pixel / 0.05)
    return np.array([0.05 * (np.arange(len(mean)) + 0.5), mean * band])[:, :last]
