# SPDX-License-Identifier: GPL-3.0-or-later
"""Polygons around masks, and masks made of polygons."""

from __future__ import annotations

import numpy as np
import pytest

from hyperspy_hrtemnn.analysis.particles.polygons import fill_polygons, mask_polygons


@pytest.mark.parametrize("side", [1, 2, 3])
def test_any_mask_comes_back_with_equal_pixels(rng, side):
    # Holes, islands in holes, parts that touch at a corner, and borders of the image.
    for share in np.linspace(0, 1, 25):
        mask = np.kron(rng.random((13, 17)) < share, np.ones((side, side), bool))
        np.testing.assert_array_equal(
            fill_polygons(mask_polygons(mask), mask.shape), mask
        )


def test_outlines_pass_between_pixels_from_the_corner_of_the_image():
    mask = np.zeros((5, 9), bool)
    mask[1:4, 2:8] = True
    (polygon,) = mask_polygons(mask)
    assert polygon.min(0).tolist() == [2, 1]
    assert polygon.max(0).tolist() == [8, 4]
    assert len(polygon) == 8  # corners alone, each cut


def test_no_middle_of_a_pixel_is_near_to_an_outline(rng):
    """Programs that round to tenths of a pixel find the same pixels."""
    mask = rng.random((21, 34)) < 0.5
    polygons = mask_polygons(mask)
    for shift in ((0.2, 0.2), (-0.2, 0.2), (0.2, -0.2)):
        moved = fill_polygons([each + shift for each in polygons], mask.shape)
        np.testing.assert_array_equal(moved, mask)


def test_an_outline_of_corners_is_filled_as_in_imagej():
    # A pixel is inside if its middle is.
    triangle = [(0, 0), (6, 0), (0, 4)]
    expected = np.array(
        [[1, 1, 1, 1, 1, 0], [1, 1, 1, 1, 0, 0], [1, 1, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0]]
    )
    y, x = np.mgrid[:4, :6] + 0.5
    np.testing.assert_array_equal(expected, x / 6 + y / 4 < 1)
    np.testing.assert_array_equal(fill_polygons([triangle], (4, 6)), expected)


def test_neighbors_with_a_common_edge_share_all_pixels_and_none_twice():
    # The edge goes through middles of pixels.
    left, right = [(0, 0), (6, 6), (0, 6)], [(0, 0), (6, 0), (6, 6)]
    total = sum(fill_polygons([each], (6, 6)).astype(int) for each in (left, right))
    np.testing.assert_array_equal(total, 1)


def test_what_is_beyond_the_image_is_left_out():
    around = [(-5.0, -3.0), (4.0, -3.0), (4.0, 9.0), (-5.0, 9.0)]
    filled = fill_polygons([around], (3, 7))
    np.testing.assert_array_equal(filled, np.arange(7) < np.full((3, 1), 4))
    assert not fill_polygons([np.add(around, (20, 0))], (3, 7)).any()
    assert not fill_polygons([], (3, 7)).any()
