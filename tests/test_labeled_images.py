# SPDX-License-Identifier: GPL-3.0-or-later
"""Images with labels from two folders, as users have them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image

from hyperspy_hrtemnn.jobs.labeled_images import pair_files, read_labeled_image
from hyperspy_hrtemnn.signals import HRTEM, Instances

Y, X = 31, 43


@pytest.fixture
def folders(tmp_path):
    images, labels = tmp_path / "images", tmp_path / "labels"
    images.mkdir()
    labels.mkdir()
    return images, labels


@pytest.fixture
def mask():
    drawn = np.zeros((Y, X), bool)
    drawn[5:12, 20:34] = True
    return drawn


def save(path, rng, *, frames=(), scale=0.012, unit="nm", offset=0.0):
    """Write an image with a calibration, and return its pixels."""
    data = rng.normal(100, 10, (*frames, Y, X)).astype(np.float32)
    signal = HRTEM(data)
    for axis in signal.axes_manager.signal_axes:
        axis.scale, axis.units, axis.offset = scale, unit, offset
    signal.save(path)
    return data


def test_files_of_the_same_stem_are_pairs(folders):
    images, labels = folders
    for name in ("b.tif", "a.dm4", "c.png", ".DS_Store"):
        (images / name).touch()
    for name in ("a.png", "b.zip", "d.csv"):
        (labels / name).touch()
    pairs = [(image.name, label.name) for image, label in pair_files(*folders)]
    assert pairs == [("a.dm4", "a.png"), ("b.tif", "b.zip")]


def test_folders_without_pairs_are_refused(folders):
    images, labels = folders
    (images / "image_0.png").touch()
    (labels / "label_0.png").touch()
    with pytest.raises(ValueError, match=r"images image_0 and labels label_0\. Name"):
        pair_files(images, labels)
    (labels / "image_0.png").touch()
    (labels / "image_0.csv").touch()
    with pytest.raises(ValueError, match="have the same name but for the ending"):
        pair_files(images, labels)
    with pytest.raises(ValueError, match=r"--labels is .*none, which is not a folder"):
        pair_files(images, images / "none")
    with pytest.raises(ValueError, match="a folder of their own"):
        pair_files(images, images)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("value", [1, 255, 7])
def test_a_mask_is_what_is_not_zero(folders, mask, rng, suffix, value):
    images, labels = folders
    data = save(images / "a.hspy", rng)
    drawn = mask.astype(np.uint8) * value
    path = labels / f"a{suffix}"
    if suffix == ".tif":
        tifffile.imwrite(path, drawn)
    else:
        Image.fromarray(drawn).convert("RGBA").save(path)
    found = read_labeled_image(images / "a.hspy", path)
    np.testing.assert_array_equal(found.mask, mask)
    np.testing.assert_array_equal(found.counts[0], data)
    assert found.sampling == pytest.approx(0.12)
    assert found.points is None


def test_outlines_of_imagej_are_a_mask(folders, mask, rng):
    pytest.importorskip("roifile")
    images, labels = folders
    save(images / "a.hspy", rng)
    particles = Instances(mask.astype(np.int32))
    particles.to_imagej_rois(labels / "a.zip")
    found = read_labeled_image(images / "a.hspy", labels / "a.zip")
    np.testing.assert_array_equal(found.mask, mask)


@pytest.mark.parametrize(
    ("places", "shift"), [([[30, 4], [2, 17]], 0), ([[30.5, 4.25], [2.0, 17.0]], 0.5)]
)
def test_points_of_imagej_are_points(folders, rng, places, shift):
    roifile = pytest.importorskip("roifile")
    images, labels = folders
    save(images / "a.hspy", rng)
    dtype = np.int32 if shift == 0 else np.float32
    roi = roifile.ImagejRoi.frompoints(np.array(places, dtype))
    roi.roitype = roifile.ROI_TYPE.POINT
    roi.tofile(labels / "a.roi")
    found = read_labeled_image(images / "a.hspy", labels / "a.roi")
    expected = np.array(places, float)[:, ::-1] - shift
    np.testing.assert_allclose(found.points.positions, expected)
    assert found.points.classes is None
    assert found.mask is None


def test_points_are_in_the_unit_of_the_image(folders, rng):
    images, labels = folders
    save(images / "a.hspy", rng, offset=3.0)
    pixels = np.array([[4.0, 30.25], [17.5, 2.0]])  # row, column
    places = pixels * 0.012 + 3.0
    table = pd.DataFrame({"X": places[:, 1], "Y": places[:, 0], "class": ["Mo", "S "]})
    table.to_csv(labels / "a.csv")
    found = read_labeled_image(images / "a.hspy", labels / "a.csv")
    np.testing.assert_allclose(found.points.positions, pixels)
    assert found.points.classes == ("Mo", "S")
    assert found.mask is None
    # Whatever size of pixels is said in place of the file's.
    other = read_labeled_image(images / "a.hspy", labels / "a.csv", sampling=0.3)
    np.testing.assert_allclose(other.points.positions, pixels)
    assert other.sampling == pytest.approx(0.3)


def test_points_are_in_pixels_where_the_image_has_no_unit(folders, rng):
    images, labels = folders
    save(images / "a.hspy", rng, scale=1.0, unit="")
    pd.DataFrame({"x": [30.25], "y": [4.0]}).to_csv(labels / "a.csv")
    with pytest.raises(ValueError, match=r"is not calibrated: .* --sampling"):
        read_labeled_image(images / "a.hspy", labels / "a.csv")
    found = read_labeled_image(images / "a.hspy", labels / "a.csv", sampling="0.02 nm")
    np.testing.assert_allclose(found.points.positions, [[4.0, 30.25]])
    assert found.points.classes is None
    assert found.sampling == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", "no columns x and y, only a, b"),
        ("x,y\n0.1,0.1\n0.1,high\n", "Row 2 of .* is no number"),
        ("x,y\n0.1,0.1\n40,12\n", "1 of 2 points .* unit of its axes, nm"),
        ("", "is not a table"),
    ],
)
def test_tables_that_are_not_points_are_refused(folders, rng, text, message):
    images, labels = folders
    save(images / "a.hspy", rng)
    (labels / "a.csv").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        read_labeled_image(images / "a.hspy", labels / "a.csv")


def test_labels_that_do_not_fit_are_refused(folders, mask, rng):
    images, labels = folders
    save(images / "a.hspy", rng)

    def refusal(drawn):
        tifffile.imwrite(labels / "a.tif", drawn)
        with pytest.raises(ValueError) as error:  # noqa: PT011
            read_labeled_image(images / "a.hspy", labels / "a.tif")
        return str(error.value)

    assert "they have to be the same" in refusal(mask.T.astype(np.uint8))
    assert "every pixel" in refusal(np.full((Y, X), 255, np.uint8))
    assert "is not a label: There is a label 0.5" in refusal(
        np.where(mask, np.float32(0.5), 0)
    )


def test_a_focal_series_has_one_label(folders, mask, rng):
    images, labels = folders
    data = save(images / "a.hspy", rng, frames=(3,))
    tifffile.imwrite(labels / "a.tif", mask.astype(np.uint8))
    found = read_labeled_image(images / "a.hspy", labels / "a.tif")
    np.testing.assert_array_equal(found.counts, data)
    np.testing.assert_array_equal(found.mask, mask)
