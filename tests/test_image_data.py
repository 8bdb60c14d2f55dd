# SPDX-License-Identifier: GPL-3.0-or-later
"""What in an image is data: known faults on images of known noise."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from hyperspy_hrtemnn.bad_frames import BadFrameError
from hyperspy_hrtemnn.image_data import contrast_checked, image_data
from hyperspy_hrtemnn.image_data.dead_lines import dead_lines
from hyperspy_hrtemnn.networks import standardize

SHAPE = (190, 230)
Y, X = np.mgrid[: SHAPE[0], : SHAPE[1]]


@pytest.fixture
def expected(rng):
    """Return a lattice and a large dark particle, electrons a pixel, mean 20."""
    lattice = np.cos(2 * np.pi * X / 9) * np.cos(2 * np.pi * Y / 11)
    particle = (Y - 120) ** 2 + (X - 90) ** 2 < 40**2
    return 20 + 5 * lattice - 6 * particle


@pytest.fixture
def image(expected, rng):
    return rng.poisson(expected).astype("u2")


def masked(data):
    return ~data.valid


@pytest.mark.parametrize("electrons", [0.003, 0.02, 0.1, 0.12, 0.5, 1, 5, 300])
@pytest.mark.parametrize("gain", [1, 38])
def test_electrons_one_by_one_are_data(expected, rng, electrons, gain):
    counts = gain * rng.poisson(expected * electrons / 20)
    data = image_data(counts)
    assert (data.bad_pixels, data.no_data) == (0, 0)
    np.testing.assert_array_equal(data.counts()[0], counts)


@pytest.mark.parametrize("electrons", [0.008, 0.1, 2])
def test_electrons_on_the_noise_of_a_readout_are_data(expected, rng, electrons):
    counts = 38 * rng.poisson(expected * electrons / 20) + rng.normal(100, 1, SHAPE)
    assert image_data(counts).bad_pixels == 0


@pytest.mark.parametrize("width", [0.85, 1, 2])
def test_a_single_atom_is_data(rng, width):
    # As narrow as 2 pixels at half of its height, wherever it is between pixels.
    for shift in (0, 0.25, 0.5):
        spot = np.exp(-((Y - 70 - shift) ** 2 + (X - 80) ** 2) / 2 / width**2)
        data = image_data(100 + 200 * spot + rng.normal(0, 2, SHAPE))
        assert data.bad_pixels == 0


@pytest.mark.parametrize("height", [1e3, 1e4, 1e9, 1e30])
@pytest.mark.parametrize(
    "place",
    [
        (50, 60),
        (0, 0),
        (189, 100),
        np.s_[50:52, 60:62],
        np.s_[50:53, 60:63],
        np.s_[50],
        np.s_[:, 60],
    ],
)
def test_hot_and_dead_pixels_are_replaced(image, height, place):
    bad = 10.0 * image
    bad[place] = 200 + height
    data = image_data(bad)
    changed = np.zeros(SHAPE, bool)
    changed[place] = True
    assert data.no_data == 0
    # Noise of a line may come near to what it should be.
    assert 0.9 * changed.sum() <= data.bad_pixels <= changed.sum()
    np.testing.assert_array_equal(data.counts()[0][~changed], 10.0 * image[~changed])
    assert np.abs(data.counts()[0] - 200).max() < 300


def test_dead_pixels_are_replaced(rng):
    image = rng.poisson(1000 + 200 * np.cos(2 * np.pi * X / 9))
    image[60, 70] = image[100:102, 30] = 0
    assert image_data(image).bad_pixels == 3


def test_many_stuck_pixels_are_not_electrons(image, rng):
    bad = image.copy()
    bad[rng.integers(190, size=60), rng.integers(230, size=60)] = 65535
    assert image_data(bad).bad_pixels == np.count_nonzero(bad == 65535)


def test_a_row_that_is_not_read_out_is_replaced(expected, rng):
    image = rng.poisson(expected / 40)
    image[77] = 0
    data = image_data(image)
    assert data.bad_pixels == SHAPE[1]
    assert data.counts()[0][77].any()


def test_missing_pixels_and_lines_are_bad_and_larger_parts_no_data(image):
    holed = image.astype("f4")
    holed[5, 6] = np.nan
    holed[:, 40] = np.inf
    holed[100:120, 200:] = np.nan
    data = image_data(holed)
    assert data.bad_pixels == 1 + SHAPE[0]
    np.testing.assert_array_equal(masked(data)[101:119, 201:], True)
    assert data.no_data == 20 * 30
    assert np.isfinite(data.values).all()


FILLS = {"0": 0, "white": 255, "mean": 20, "NaN": np.nan}


@pytest.mark.parametrize("fill", FILLS.values(), ids=FILLS)
@pytest.mark.parametrize("electrons", [20, 0.5])
@pytest.mark.parametrize("shape", ["shifted", "one pixel", "turned", "aperture"])
def test_what_a_program_has_filled_is_no_data(expected, rng, fill, electrons, shape):
    image = rng.poisson(expected * electrons / 20).astype("f4")
    outside = {
        "shifted": (Y < 13) | (X >= 217),
        "one pixel": X < 1,
        "turned": (X + 4 * Y < 160) | (4 * X + 180 < Y) | (X + 4 * Y > 900),
        "aperture": np.hypot(Y - 95, X - 115) > 115,
    }[shape]
    image[outside] = fill
    data = image_data(image)
    if np.isnan(fill) and shape == "one pixel":
        assert data.bad_pixels == outside.sum()
        return
    assert not np.any(outside & ndimage.binary_erosion(outside) & data.valid)
    assert np.count_nonzero(outside & data.valid) <= 40
    # Pixels of the image that happen to have the value of a border continue it.
    reach = 9 if (fill, electrons) in {(0, 0.5), (20, 20)} else 1
    beside = ndimage.binary_dilation(outside, np.ones((3, 3)), iterations=reach)
    assert not np.any(masked(data) & ~beside)


def test_copies_of_the_last_row_are_no_data(image):
    shifted = np.pad(image, ((0, 14), (0, 0)), mode="edge")
    np.testing.assert_array_equal(masked(image_data(shifted))[191:], True)


def test_a_burnt_in_bar_and_its_digits_are_no_data(image):
    image = image.astype("u1")
    image[160:165, 20:90] = 255
    image[145:155, 40:43] = 255  # a digit
    image[145:148, 50:58] = 255
    outside = image == 255
    data = image_data(image)
    assert not np.any(outside & data.valid)
    assert data.no_data < 2 * outside.sum()


def test_a_bar_with_digits_in_it_is_no_data(image):
    image[150:185, 10:120] = 0
    image[160:170, 20:23] = 255
    image[175:179, 20:110] = 255
    outside = np.zeros(SHAPE, bool)
    outside[150:185, 10:120] = True
    data = image_data(image)
    assert not np.any(outside & data.valid)
    assert data.no_data <= outside.sum() + 2 * (35 + 110) + 4


@pytest.mark.parametrize("offset", [0, 100])
def test_the_noisy_shadow_of_an_aperture_is_no_data(expected, rng, offset):
    radius = np.hypot(Y - 95, X - 115)
    beam = 1 / (1 + np.exp(radius - 112))
    image = 10 * rng.poisson(expected * beam + 0.05) + rng.normal(offset, 3, SHAPE)
    data = image_data(image)
    assert np.mean(masked(data)[radius > 114]) > 0.97
    assert np.mean(data.valid[radius < 100]) == 1


def test_vacuum_that_grows_darker_towards_a_corner_is_data(rng):
    """Beside a lattice of coarse pixels vacuum has hardly any noise."""
    lattice = 1 + 0.1 * np.cos(2.1 * X) * np.cos(1.9 * Y)
    crystal = X + Y > 190
    expected = 6000 * np.where(crystal, lattice, 0.97)
    expected *= 1 - 0.12 * np.hypot(X - 210, Y - 170) ** 2 / np.hypot(210, 170) ** 2
    data = image_data(rng.poisson(expected))
    assert data.no_data == 0


def test_what_is_clipped_smooth_or_binary_is_data(expected, rng):
    clouds = ndimage.gaussian_filter(rng.normal(size=SHAPE), 12)
    clouds *= 100 / clouds.std()
    noisy = clouds + rng.normal(0, 10, SHAPE)
    images = [
        (128 + noisy).clip(0, 255).astype("u1"),  # both ends clipped
        (128 + clouds).clip(0, 255).astype("u1"),
        (expected < 15).astype("u1"),  # a mask
        np.where(Y > 100, 255, 0),
        (Y / 3).astype("u1"),
        expected,
    ]
    for image in images:
        data = image_data(image)
        assert data.no_data <= 0.005 * image.size
        assert data.bad_pixels == 0


SIZES = [
    (1e-300, 0),
    (1e-20, 0),
    (1e19, 0),
    (1e290, 0),
    (1, 2e5),
    (1, -3e8),
    (3, 1e12),
]


@pytest.mark.parametrize(("gain", "offset"), SIZES)
def test_standardization_does_not_see_gain_and_offset(image, gain, offset):
    data = image_data(image * gain + offset)
    again = standardize(data.values, 12)
    np.testing.assert_allclose(again, [standardize(image, 12)], atol=2e-3)
    np.testing.assert_allclose(data.counts()[0], image * gain + offset, rtol=1e-6)


@pytest.mark.parametrize("dtype", ["u2", "i4", "u4", "i8", "u8", "f4"])
def test_any_dtype_and_the_offset_it_holds(image, dtype):
    top = 2**24 if dtype == "f4" else np.iinfo(dtype).max
    shifted = image.astype(dtype) + np.array(top - 100, dtype)
    again = standardize(image_data(shifted).values, 12)
    np.testing.assert_allclose(again, [standardize(image, 12)], atol=2e-3)


def test_ordinary_images_are_as_they_were(image):
    np.testing.assert_array_equal(image_data(image).values, [image.astype("f4")])


@pytest.mark.parametrize("value", [0, np.nan, np.inf, 255, 1e12])
def test_frames_that_show_nothing_are_bad(value):
    data = image_data(np.full(SHAPE, value))
    with pytest.raises(BadFrameError, match=r"no data|constant"):
        contrast_checked(data)


def test_channels_share_gain_offset_and_what_is_no_data(image):
    series = np.stack([image, 2 * image, 3 * image]).astype("f4") + 3e5
    series[1, :, :20] = np.nan
    series[2, 60, 70] += 1e6
    data = image_data(series)
    assert data.values.shape == series.shape
    assert data.bad_pixels == 1
    np.testing.assert_array_equal(masked(data), X < 20)


def test_statistics_of_masked_images_are_those_of_the_data(image):
    valid = X < 150
    spoiled = np.where(valid, image, 1e4)
    masked_result = standardize(spoiled, 8, valid=valid)
    whole = standardize(image, 8)
    assert not masked_result[~valid].any()
    # The window ends at three of its widths.
    np.testing.assert_allclose(masked_result[:, :125], whole[:, :125], atol=1e-3)
    at_the_edge = masked_result[:, 130:150]
    assert abs(at_the_edge.mean()) < 0.05
    assert abs(at_the_edge.std() - 1) < 0.1


def test_a_box_that_touches_a_border_is_no_data(image):
    image = image.astype("u1")
    border = X + 6 * Y > 1200
    box = (Y >= 136) & (Y < 180) & (X >= 100) & (X < 200)
    image[border | box] = 0
    image[155:160, 115:190] = 255
    image[165:172, 140:143] = image[165:172, 150:160] = 255
    data = image_data(image)
    assert np.mean(data.valid[border | box]) < 0.01
    assert data.no_data < 1.1 * np.count_nonzero(border | box)


@pytest.mark.parametrize("width", [3, 5, 21])
def test_what_a_line_or_a_gap_of_a_camera_cuts_off_is_data(image, width):
    for value in (0, 255):
        gap = np.zeros(SHAPE, bool)
        gap[80 : 80 + width] = gap[:, 150 : 150 + width] = True
        bad = np.where(gap, value, image).astype("f4")
        data = image_data(bad)
        expected = (gap.sum(), 0) if width == 3 else (0, gap.sum())
        assert (data.bad_pixels, data.no_data) == expected
        np.testing.assert_array_equal(data.counts()[0][~gap], image[~gap])


def test_gaps_in_images_of_few_electrons_are_no_data(expected, rng):
    counts = rng.poisson(expected / 20)
    counts[:, 60:69] = 0
    np.testing.assert_array_equal(masked(image_data(counts)), (X >= 60) & (X < 69))


def test_vacuum_without_noise_between_particles_is_no_gap(rng):
    discs = (np.hypot(Y - 50, X - 60) < 30) | (np.hypot(Y - 140, X - 150) < 35)
    image = np.where(discs, rng.poisson(40, SHAPE), 20).astype("f4")
    assert not any(found.any() for found in dead_lines(image, np.ones(SHAPE, bool)))


@pytest.mark.parametrize("order", [1, 3, 5])
def test_a_hot_pixel_that_alignment_has_spread_is_replaced_as_a_whole(expected, order):
    # Without noise, so that what is left is of the hot pixel.
    clean = expected + np.random.default_rng(2).normal(0, 0.4, SHAPE)
    hot = clean.copy()
    hot[70, 90] = 3000
    clean, hot = (
        ndimage.shift(each, (0.4, 0.3), order=order, mode="mirror")
        for each in (clean, hot)
    )
    data = image_data(hot)
    left = np.abs(data.counts(no_data=20)[0] - clean)
    assert np.abs(hot - clean).max() > 1000
    assert left.max() < 15
    assert data.bad_pixels + data.no_data < 200


@pytest.mark.parametrize("sigma", [0.7, 1.1, 2])
def test_what_no_lens_makes_as_bright_is_replaced_or_no_data(image, sigma):
    hit = 9000 * np.exp(-(np.hypot(Y - 60, X - 80) ** 2) / 2 / sigma**2)
    bad = image + hit
    bad[120:126, 40:55] = 5000
    data = image_data(bad)
    left = np.abs(data.counts(no_data=20)[0] - image)
    assert left[hit < 1].max() <= 30
    assert left.max() < 60
    assert not data.valid[120:126, 40:55].any()
    assert data.no_data < 8 * 17 + 250


def test_bright_vacuum_and_dark_atoms_without_background_are_no_hits(rng):
    thick = rng.poisson(np.where(X < 12, 400, 20))
    atoms = np.exp(-((Y % 38 - 19) ** 2 + (X % 46 - 23) ** 2) / 6)
    for image in (thick, rng.normal(500 * atoms, 1)):
        data = image_data(image)
        assert (data.bad_pixels, data.no_data) == (0, 0)


def test_cleaning_twice_changes_no_more(image, rng):
    bad = image.astype("f4")
    bad[rng.integers(190, size=30), rng.integers(230, size=30)] = 4000
    bad = ndimage.shift(bad, (0.3, 0.4), order=1, mode="mirror")
    once = image_data(bad)
    twice = image_data(once.counts())
    assert once.bad_pixels > 30
    np.testing.assert_array_equal(twice.values, once.values)


@pytest.mark.parametrize(("dtype", "other"), [("i2", "uint16"), ("u2", "int16")])
def test_wrapped_integers_are_refused_with_the_remedy(image, dtype, other):
    middle = 2**15 if dtype == "i2" else 0
    wrapped = (150 * (image.astype(int) - 20) + middle).astype("u2").view(dtype)
    with pytest.raises(ValueError, match=rf"jump .* signal.data.view\('{other}'\)"):
        image_data(wrapped)
    for fine in (wrapped.view(other), np.where(image > 20, 65535, 0).astype("u2")):
        assert image_data(fine).no_data == 0


@pytest.mark.parametrize("quality", [75, 92])
@pytest.mark.parametrize("color", [0, 255])
def test_a_box_that_was_compressed_is_no_data(expected, rng, quality, color):
    image = np.clip(rng.poisson(4 * expected), 0, 255).astype("u1")
    assert image_data(image).no_data == 0
    image[115:173, 30:140] = color
    image[149:154, 50:118] = image[132:141, 70:73] = image[132:141, 80:86] = 255 - color
    file = BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    data = image_data(np.asarray(Image.open(file)))
    assert not data.valid[115:173, 30:140].any()
    assert data.no_data <= 64 * 116
