# SPDX-License-Identifier: GPL-3.0-or-later
"""One image twice in a series is told of, by its noise."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import sheets

from hyperspy_hrtemnn.analysis import fit_optics, refine_atoms
from hyperspy_hrtemnn.analysis.refinement.copied_images import (
    check_copies,
    warn_of_shared_noise,
)

FIELD = (22.5, 24.0)
ALL = np.ones((150, 160), bool)


def counted(rng, count=3):
    """Return images of one thing with noise of their own."""
    y, x = np.mgrid[:150, :160]
    thing = 300 * (1 + 0.2 * np.sin(x / 3) * np.cos(y / 4))
    return rng.poisson(thing, (count, 150, 160)).astype(np.float32)


def noise(rng, count=3):
    return rng.normal(size=(count, 150, 160)).astype(np.float32)


@pytest.mark.parametrize(("gain", "zero"), [(1, 0), (38, 0), (0.01, 5)])
def test_an_image_that_is_there_twice_is_refused(rng, gain, zero):
    images = counted(rng)
    images[2] = gain * images[0] + zero
    with pytest.raises(ValueError, match="Images 0 and 2 of the series are the same"):
        check_copies(images, ALL)


def test_what_is_not_data_does_not_hide_a_copy(rng):
    images, valid = counted(rng), ALL.copy()
    images[1] = images[0]
    images[:, :10] = noise(rng)[:, :10]
    valid[:10] = False
    with pytest.raises(ValueError, match="Images 0 and 1"):
        check_copies(images, valid)


def test_images_with_noise_of_their_own_are_taken(rng):
    check_copies(counted(rng), ALL)
    check_copies(np.zeros((3, 150, 160)), ALL)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_shared_noise(noise(rng), FIELD)
        warn_of_shared_noise(noise(rng)[:, :24, :22], (3.6, 3.3))
        warn_of_shared_noise(noise(rng, 1), FIELD)


def test_a_copy_that_was_moved_is_told_with_its_number(rng):
    left = noise(rng)
    left[2] = 1.2 * np.roll(left[1], (7, -4), (0, 1))
    with pytest.warns(UserWarning, match=r"Images 1 and 2 .* correlation of 1\.00"):
        warn_of_shared_noise(left, FIELD)


def test_a_copy_between_the_pixels_is_told(rng):
    left = noise(rng, 2)
    k = np.fft.fftfreq(160) * 2j * np.pi
    left[1] = np.fft.ifft(np.fft.fft(left[0]) * np.exp(0.5 * k)).real
    with pytest.warns(UserWarning, match="Images 0 and 1"):
        warn_of_shared_noise(left, FIELD)


def test_averages_over_the_same_exposures_are_told(rng):
    one, two, three = noise(rng)
    with pytest.warns(UserWarning, match=r"correlation of 0\.[45]"):
        warn_of_shared_noise([one + two, two + three], FIELD)


FLAKE = sheets.mos2(radius=5)


@pytest.fixture(scope="module")
def series():
    images = sheets.images(sheets.exit_wave(FLAKE), 1e4, sheets.OPTICS[:2])
    moved = np.roll(images[1], (3, -2), (0, 1))
    return np.stack([*images, moved])


def refined(images):
    columns, defocus = sheets.guessed(FLAKE), [25, 75, 75][: len(images)]
    detector = sheets.detector(1e4)
    return refine_atoms(images, detector, sheets.ENERGY, defocus, columns, Cs=-7e4)


def test_no_atoms_are_refined_in_copies(series):
    with pytest.raises(ValueError, match="Images 0 and 1 of the series are the same"):
        refined(series[[1, 1]])


def test_atoms_of_a_moved_copy_are_told_to_be_too_certain(series):
    with pytest.warns(UserWarning, match="Images 1 and 2 .* noise in common"):
        refined(series)


def lenses(images):
    wave = sheets.smoothed(sheets.exit_wave(FLAKE))
    defocus = [25, 75, 75][: len(images)]
    detector = sheets.detector(1e4)
    return fit_optics(wave, images, detector, sheets.ENERGY, defocus, Cs=-7e4)


def test_no_lenses_are_fitted_to_copies(series):
    with pytest.raises(ValueError, match="Images 0 and 1 of the series are the same"):
        lenses(series[[1, 1]])


def test_lenses_of_a_moved_copy_are_told_to_be_too_certain(series):
    with pytest.warns(UserWarning, match="Images 1 and 2 .* noise in common"):
        lenses(series)
