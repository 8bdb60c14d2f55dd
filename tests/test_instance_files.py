# SPDX-License-Identifier: GPL-3.0-or-later
"""Labelled particles in files of HyperSpy, ImageJ and spreadsheets."""

from __future__ import annotations

import os
import time
import zlib
from contextlib import contextmanager
from pathlib import Path

import hyperspy.api as hs
import numpy as np
import pandas as pd
import pytest
import tifffile
from windows_rules import rules_of_linux

from hyperspy_hrtemnn import atomic
from hyperspy_hrtemnn.signals import Instances, LazyInstances
from hyperspy_hrtemnn.signals._particles.instance_files import (
    write_tiff_frame_by_frame,
)
from hyperspy_hrtemnn.signals._shared import hspy_file
from hyperspy_hrtemnn.signals._shared.tiff_file import PagesOf, write_pages

FRAMES, Y, X = 4, 31, 47


@pytest.fixture
def particles():
    labels = np.zeros((FRAMES, Y, X), np.int32)
    for frame in range(FRAMES):
        labels[frame, 3:11, 5 + frame : 17 + frame] = 4
    labels[3, 20:26, 30:36] = 65535
    signal = Instances(labels)
    for axis in signal.axes_manager.signal_axes:
        axis.scale, axis.units = 0.5, "Å"
    time = signal.axes_manager.navigation_axes[0]
    time.name, time.scale, time.units = "time", 0.2, "s"
    signal.metadata.General.title = "particles"
    return signal


@pytest.fixture(params=["in memory", "lazy"])
def both(request, particles):
    return particles if request.param == "in memory" else particles.as_lazy()


def test_csv(both, tmp_path):
    image = hs.signals.Signal2D(both.data * 2.0)
    image = image.as_lazy() if both._lazy else image
    both.to_csv(tmp_path / "table.csv", image, show_progressbar=False)
    text = (tmp_path / "table.csv").read_bytes()
    header = text.splitlines()[0].decode("ascii").split(",")
    assert header[:6] == [
        "id",
        "frame",
        "time (s)",
        "area (angstrom^2)",
        "x (angstrom)",
        "y (angstrom)",
    ]
    assert header[-5:] == [
        "orientation (deg)",
        "touches_border",
        "mean_intensity",
        "x_corrected (angstrom)",
        "y_corrected (angstrom)",
    ]
    table = pd.read_csv(tmp_path / "table.csv")
    np.testing.assert_array_equal(table["id"], [4, 4, 4, 4, 65535])
    np.testing.assert_allclose(table["area (angstrom^2)"], [24, 24, 24, 24, 9])
    np.testing.assert_allclose(table["time (s)"], [0, 0.2, 0.4, 0.6, 0.6])


def test_hspy(both, tmp_path):
    path = tmp_path / "particles.hspy"
    both.to_hspy(path, show_progressbar=False, num_workers=1)
    loaded = hs.load(path)
    assert type(loaded) is Instances
    np.testing.assert_array_equal(loaded.data, both.data)
    assert loaded.axes_manager[0].scale == 0.2
    # The signal is as it was.
    assert "filename" not in both.tmp_parameters
    assert isinstance(both, LazyInstances) == both._lazy


@pytest.mark.skipif(os.name == "nt", reason="a file that is open stays there")
def test_a_file_takes_the_place_of_the_one_it_is_made_from(particles, tmp_path):
    path = tmp_path / "particles.hspy"
    particles.to_hspy(path)
    loaded = hs.load(path, lazy=True)
    with rules_of_linux():
        (loaded.inav[1:]).to_hspy(path, overwrite=True, show_progressbar=False)
    np.testing.assert_array_equal(hs.load(path).data, particles.data[1:])


def test_on_windows_it_is_refused_before_the_work(particles, tmp_path, monkeypatch):
    path = tmp_path / "particles.hspy"
    particles.to_hspy(path)
    monkeypatch.setattr(atomic, "_WINDOWS", True)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    loaded = hs.load(path, lazy=True)
    computed = []
    lazy = loaded.inav[1:]
    lazy.data = lazy.data.map_blocks(lambda block: computed.append(1) or block)
    computed.clear()  # what dask tries on an empty block
    with pytest.raises(PermissionError, match=r"particles\.hspy cannot .*close_file"):
        lazy.to_hspy(path, overwrite=True, show_progressbar=False)
    assert not computed
    lazy.to_hspy(tmp_path / "other.hspy", show_progressbar=False)
    assert computed
    loaded.close_file()
    particles.to_hspy(path, overwrite=True)


def test_tiff_is_a_hyperstack_of_16_bit(both, tmp_path):
    path = tmp_path / "labels.tif"
    both.to_tiff(path, show_progressbar=False)
    with tifffile.TiffFile(path) as file:
        (series,) = file.series
        assert (series.axes, series.shape) == ("TYX", (FRAMES, Y, X))
        assert series.dtype == np.uint16
        np.testing.assert_array_equal(file.asarray(), both.data)
        metadata = file.imagej_metadata
        assert metadata["frames"] == FRAMES
        assert metadata["unit"] == "nm"
        assert metadata["finterval"] == 0.2
        assert metadata["tunit"] == "s"
        assert len(file.pages) == FRAMES
        numerator, denominator = file.pages.first.tags["XResolution"].value
        assert numerator / denominator == pytest.approx(1 / 0.05)
    assert path.stat().st_size < both.data.nbytes / 10


def test_tiff_comes_back_to_hyperspy(particles, tmp_path):
    particles.to_tiff(tmp_path / "labels.tiff")
    loaded = hs.load(tmp_path / "labels.tiff")
    np.testing.assert_array_equal(loaded.data, particles.data)
    x, y = loaded.axes_manager.signal_axes
    assert (x.scale, y.scale) == pytest.approx((0.05, 0.05))


def test_tiff_of_one_image_and_of_times_with_gaps(particles, tmp_path):
    particles.inav[3].to_tiff(tmp_path / "one.tif")
    with tifffile.TiffFile(tmp_path / "one.tif") as file:
        assert file.series[0].axes == "YX"
        np.testing.assert_array_equal(file.asarray(), particles.data[3])
    particles.axes_manager[0].convert_to_non_uniform_axis()
    particles.to_tiff(tmp_path / "gaps.tif")
    with tifffile.TiffFile(tmp_path / "gaps.tif") as file:
        assert "finterval" not in file.imagej_metadata
        assert file.series[0].shape == (FRAMES, Y, X)


def test_tiff_of_many_ids_has_32_bit(both, tmp_path):
    both.data[0, 0, 0] = 65536
    both.to_tiff(tmp_path / "labels.tif")
    with tifffile.TiffFile(tmp_path / "labels.tif") as file:
        assert file.series[0].dtype == np.uint32
        assert file.series[0].axes == "TYX"
        np.testing.assert_array_equal(file.asarray(), both.data)


@pytest.mark.parametrize(
    ("method", "name"),
    [("to_csv", "t.csv"), ("to_hspy", "p.hspy"), ("to_tiff", "l.tif")],
)
def test_files_are_whole_or_as_they_were(
    particles, tmp_path, method, name, monkeypatch
):
    path = tmp_path / name
    path.write_bytes(b"kept")
    with pytest.raises(FileExistsError, match=r"exists; overwrite=True replaces it"):
        getattr(particles, method)(path)

    def fail(*arguments, **options):
        (temporary,) = (one for one in arguments if isinstance(one, Path))
        temporary.write_bytes(b"part")
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(pd.DataFrame, "to_csv", fail)
        patch.setattr(hspy_file, "file_writer", lambda file, _, **__: fail(Path(file)))
        patch.setattr(tifffile, "imwrite", fail)
        with pytest.raises(OSError, match="disk full"):
            getattr(particles, method)(path, overwrite=True)
    assert path.read_bytes() == b"kept"
    assert list(tmp_path.iterdir()) == [path]
    getattr(particles, method)(path, overwrite=True)
    assert len(path.read_bytes()) > 100
    assert list(tmp_path.iterdir()) == [path]


def test_names_and_calibration_are_checked(particles, tmp_path):
    with pytest.raises(
        ValueError, match=r"labels\.png has to end with \.tif or \.tiff"
    ):
        particles.to_tiff(tmp_path / "labels.png")
    with pytest.raises(ValueError, match=r"has to end with \.hspy"):
        particles.to_hspy(tmp_path / "particles.h5")
    particles.axes_manager.signal_axes[0].units = "px"
    with pytest.raises(ValueError, match="not calibrated"):
        particles.to_tiff(tmp_path / "labels.tif")


@contextmanager
def at_once(path):
    yield path


def test_pages_of_a_tiff_are_on_the_disk_before_the_next_are_made(tmp_path, rng):
    """Otherwise a movie of ten thousand frames would be in memory, if compressed."""
    path, side, total = tmp_path / "p.tif", 200, 30
    noise = rng.integers(0, 2**16, (total, side, side), dtype=np.uint16)
    signal = Instances(noise.astype(np.int32))
    for axis in signal.axes_manager.signal_axes:
        axis.scale, axis.units = 0.5, "Å"
    sizes = []

    def pages():
        for frame in noise:
            sizes.append(path.stat().st_size)
            yield zlib.compress(frame.tobytes())

    write_pages(pages(), path, PagesOf(signal, np.uint16), writing=at_once)
    # Noise cannot be compressed, so that each page is as large as its frame.
    behind = np.arange(total) * noise[0].nbytes - np.array(sizes)
    assert behind.max() < 3 * noise[0].nbytes
    np.testing.assert_array_equal(tifffile.imread(path), noise)


@pytest.mark.parametrize(("largest", "bits"), [(65535, 16), (65536, 32)])
def test_labels_written_frame_by_frame_are_those_of_to_tiff(
    both, tmp_path, largest, bits
):
    both.to_tiff(tmp_path / "at_once.tif", show_progressbar=False)
    path = tmp_path / "by_frame.tif"
    write_tiff_frame_by_frame(both, path, largest=largest, writing=at_once)
    found = tifffile.imread(path)
    assert found.dtype.itemsize == bits // 8
    np.testing.assert_array_equal(found, tifffile.imread(tmp_path / "at_once.tif"))
