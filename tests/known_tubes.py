# SPDX-License-Identifier: GPL-3.0-or-later
"""Images of nanotubes whose indices, places and directions are known."""

from __future__ import annotations

import numpy as np
from scipy import fft

from hyperspy_hrtemnn.analysis import (
    BOND,
    Optics,
    image_intensity,
    tube_diameter,
    wavelength,
)

_FINE = 0.25  # pixel of the waves [Å]
ENERGY = 80.0  # [keV]


def tube_atoms(n, m, length, turn=0.0):
    """Atoms of a tube along x, its middle at 0, shape (atom, 3) [Å]."""
    lattice = np.sqrt(3) * BOND
    first, second = lattice * np.array([[1, 0], [0.5, np.sqrt(3) / 2]])
    around = n * first + m * second
    circumference = np.linalg.norm(around)
    reach = int((length + circumference) / lattice * 1.3) + 4
    i, j = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    sites = i[..., np.newaxis] * first + j[..., np.newaxis] * second
    sites = np.concatenate(
        [(sites + s).reshape(-1, 2) for s in (0, (first + second) / 3)]
    )
    unit = around / circumference
    u = sites @ unit
    along = sites @ np.array([-unit[1], unit[0]])
    once = (u >= -1e-6) & (u < circumference - 1e-6) & (abs(along) <= length / 2)
    angle = 2 * np.pi * u[once] / circumference + np.radians(turn)
    radius = tube_diameter(n, m) / 2
    return np.stack(
        [along[once], radius * np.cos(angle), radius * np.sin(angle)], axis=1
    )


def placed(atoms, center, direction, bend=0.0):
    """Atoms turned by a direction [degrees] about z and moved to (y, x) [Å].

    They are bent, `bend` x² / 2 [1/Å].
    """
    x, y, z = atoms.T
    y = y + bend * x**2 / 2
    c, s = np.cos(np.radians(direction)), np.sin(np.radians(direction))
    return np.stack([center[1] + c * x - s * y, center[0] + s * x + c * y, z], axis=1)


def tube_image(atoms, field, pixel, dose, *, defocus=-60.0, seed=0, energy=ENERGY):
    """Counts of a camera, shape (y, x), of atoms (x, y, z) in a square field [Å].

    The atoms are a weak phase object of carbons in a corrected lens.
    """
    n = 2 * round(field / _FINE / 2)
    edges = np.arange(n + 1) * field / n
    kept = atoms[
        (atoms[:, :2] > 2).all(axis=1) & (atoms[:, :2] < field - 2).all(axis=1)
    ]
    density = np.histogram2d(kept[:, 1], kept[:, 0], [edges, edges])[0]
    k = fft.fftfreq(n, field / n)
    squared = k[:, np.newaxis] ** 2 + k**2
    relativistic = 1 + energy / 511
    form = 2.46 * np.exp(-5 * squared) + 0.05
    phase = (
        relativistic * wavelength(energy) * form * fft.fft2(density) * (n / field) ** 2
    )
    wave = np.exp(1j * fft.ifft2(phase).real).astype(np.complex64)
    lens = Optics(energy=energy, defocus=defocus, Cs=-10_000.0, focal_spread=25.0)
    shape = (round(field / pixel),) * 2
    intensity = image_intensity(wave, (field, field), lens, shape)
    rng = np.random.default_rng(seed)
    return rng.poisson(intensity * dose * pixel**2).astype(np.float32)
