# SPDX-License-Identifier: GPL-3.0-or-later
"""Images of gold lattices without electrons, and their spectra."""

from __future__ import annotations

import numpy as np

from hyperspy_hrtemnn.analysis import local_spectrum

GOLD = 0.408  # nm

# Rectangles with a column at the corners and in the middle, width and height in
# lattice constants: [110] and [001] of a face-centered cubic crystal.
_CELLS = {"[110]": (1, np.sqrt(0.5)), "[001]": (np.sqrt(0.5), np.sqrt(0.5))}


def columns_of(zone, size, rotation=0.0, a=GOLD):
    """Return places (x, y) of columns in a disc, in nm from its middle.

    Of [110], the planes (200) are normal to x before the rotation by degrees from x
    towards y.
    """
    width, height = (a * n for n in _CELLS[zone])
    i, j = np.mgrid[-20:21, -20:21].reshape(2, -1)
    half = np.array([width, height]) / 2
    corners = 2 * half * np.stack([i, j], axis=1)
    places = np.concatenate([corners, corners + half])
    places = places[np.hypot(*(places / (np.array(size) / 2)).T) < 1]
    return places @ turn(rotation).T


def turn(angle):
    """Return the matrix of a rotation by degrees, x towards y."""
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    return np.array([[cos, -sin], [sin, cos]])


def twin(size, rotation=0.0, a=GOLD):
    """Return the columns of [110] on both sides of a (111) plane through the middle."""
    places = columns_of("[110]", size, 0, a)
    # The normal of (111) is where (200) and (022) add up.
    normal = np.array([1, np.sqrt(2)]) / np.sqrt(3)
    upper = places[places @ normal > -1e-6]
    mirrored = upper - 2 * np.outer(upper @ normal, normal)
    mirrored = mirrored[mirrored @ normal < -1e-6]
    return np.concatenate([upper, mirrored]) @ turn(rotation).T


def picture(places, shape, pixel, width=0.05, contrast=0.8):
    """Return an image of 1 with dark columns around its middle, shape (y, x)."""
    row, column = np.indices(shape)
    x = (column - shape[1] / 2) * pixel
    y = (row - shape[0] / 2) * pixel
    image = np.zeros(shape)
    for center in places:
        image += np.exp(-((x - center[0]) ** 2 + (y - center[1]) ** 2) / 2 / width**2)
    return 1 - contrast * image / image.max()


def spectrum_of(image, pixel, mask=None, crop=None):
    """Return the spectrum of an image and the step of its pixels in 1/nm."""
    size = image.shape if crop is None else (crop, crop)
    spectrum = local_spectrum(image, mask, size=size, apodization=4)
    return spectrum, tuple(1 / (n * pixel) for n in size)
