# SPDX-License-Identifier: GPL-3.0-or-later
"""Rings of a known lens lie where its phase says, and a fit to them finds the lens."""

from __future__ import annotations

import numpy as np
import pytest
from weak_object import ENERGY, lens, weak_image

from hyperspy_hrtemnn.analysis import (
    fit_thon_rings,
    ring_coordinates,
    ring_directions,
    ring_spectrum,
    wavelength,
)

PIXEL = 0.25


def rings_of(optics, **options):
    return ring_spectrum(weak_image(optics), PIXEL, ENERGY, **options)


def test_rings_are_where_the_sine_of_the_phase_is_large() -> None:
    rings = rings_of(lens(600))
    assert rings.power.shape == rings.third_moment.shape == (32, 96)
    power = np.log(rings.power.mean(axis=0))
    squared = np.sin(np.pi * 600 * ring_coordinates()) ** 2
    assert np.corrcoef(power[8:], squared[8:])[0, 1] > 0.85


def test_energies_change_the_frequencies_and_not_the_rings() -> None:
    rings = rings_of(lens(600))
    assert rings.wavelength == wavelength(200)
    assert rings.known.all()
    coarse = ring_spectrum(weak_image(lens(600))[::4, ::4], 4 * PIXEL, ENERGY)
    highest = wavelength(200) * (0.95 / (2 * 4 * PIXEL)) ** 2
    assert coarse.known.tolist() == (ring_coordinates() < highest).tolist()


def test_astigmatism_is_along_its_angle() -> None:
    power = np.log(rings_of(lens(400, 150, 30)).power)
    u, angles = ring_coordinates(), ring_directions()[:, np.newaxis]
    local = 400 - 150 * np.cos(2 * (angles - np.deg2rad(30)))
    right = np.corrcoef(
        power[:, 8:].ravel(), (np.sin(np.pi * u * local) ** 2)[:, 8:].ravel()
    )
    local = 400 - 150 * np.cos(2 * (angles + np.deg2rad(30)))
    wrong = np.corrcoef(
        power[:, 8:].ravel(), (np.sin(np.pi * u * local) ** 2)[:, 8:].ravel()
    )
    assert right[0, 1] > 0.6 > 2 * wrong[0, 1]


def test_the_third_moment_has_the_sign_of_the_contrast() -> None:
    image = weak_image(lens(300))
    image = image + 2 * (image - image.mean()) ** 2  # bright more than dark
    bright, dark = (
        ring_spectrum(each, PIXEL, ENERGY).third_moment for each in (image, 2 - image)
    )
    np.testing.assert_allclose(bright, -dark, atol=0.02)
    assert bright[:, 8:40].mean() > 0.02


def test_the_gain_changes_nothing_but_the_power() -> None:
    image = weak_image(lens(300))
    one, other = (ring_spectrum(each, PIXEL, ENERGY) for each in (image, 40 * image))
    np.testing.assert_allclose(one.power, other.power, rtol=1e-3)


def test_parts_without_data_are_left_out() -> None:
    image = weak_image(lens(600))
    whole = ring_spectrum(image, PIXEL, ENERGY)
    valid = np.ones(image.shape, bool)
    valid[:230] = False
    spoiled = np.where(valid, image, np.nan)
    part = ring_spectrum(spoiled, PIXEL, ENERGY, valid=valid)
    assert part.windows < whole.windows
    assert np.isfinite(part.power).all()
    with pytest.raises(ValueError, match="No part of the image of 64 Å has data"):
        ring_spectrum(image, PIXEL, ENERGY, valid=np.zeros_like(valid))


def test_small_images_and_large_pixels_are_refused() -> None:
    image = weak_image(lens(600))
    with pytest.raises(ValueError, match="50 x 120 Å"):
        ring_spectrum(image[:200], PIXEL, ENERGY)
    with pytest.raises(ValueError, match="pixels of 2 Å are too large"):
        ring_spectrum(image, 2.0, ENERGY)


@pytest.mark.parametrize("Cs", [0.0, 1.0e7])
def test_a_fit_finds_the_lens(Cs) -> None:
    true = np.array([700.0, 80 * np.cos(np.pi / 2), 80 * np.sin(np.pi / 2)])
    found = fit_thon_rings(rings_of(lens(700, 80, 45, Cs)), Cs=Cs)
    np.testing.assert_allclose(found[:3], true, atol=12)
    assert found.correlation > 0.4


def test_with_spherical_aberration_a_fit_finds_overfocus() -> None:
    found = fit_thon_rings(rings_of(lens(-500, Cs=1.0e7)), Cs=1.0e7)
    assert found.defocus == pytest.approx(-500, abs=12)
