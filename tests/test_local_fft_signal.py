# SPDX-License-Identifier: GPL-3.0-or-later
"""Local Fourier transforms as signals with exact reciprocal axes."""

from __future__ import annotations

import warnings

import dask.array as da
import hyperspy.api as hs
import numpy as np
import pytest
from own_warnings import of_ours

from hyperspy_hrtemnn.analysis import local_spectrum
from hyperspy_hrtemnn.signals import LazyLocalFFT, LocalFFT
from hyperspy_hrtemnn.signals._fourier.local_fft import local_fft

FRAMES, HEIGHT, WIDTH = 3, 64, 90
PIXEL = 0.02  # nm
QUIET = {"show_progressbar": False, "apodization": "0.5 angstrom"}


def calibrated(data, signal_type="", units="nm", scale=PIXEL):
    signal = hs.signals.Signal2D(data)
    signal.metadata.General.title = "fringes"
    for name, axis in zip("xy", signal.axes_manager.signal_axes, strict=True):
        axis.name, axis.scale, axis.units = name, scale, units
    for axis in signal.axes_manager.navigation_axes:
        axis.name, axis.scale, axis.units = "time", 0.2, "s"
    signal.set_signal_type(signal_type)
    return signal


def boxes():
    """Particle 2 drifts to the right, particle 7 is in the last two frames."""
    labels = np.zeros((FRAMES, HEIGHT, WIDTH), np.int32)
    for t in range(FRAMES):
        labels[t, 12:40, 8 + 4 * t : 40 + 4 * t] = 2
    labels[1:, 30:56, 60:80] = 7
    return labels


def fringes():
    """0.16 nm along x in particle 2, 0.1 nm along y in particle 7."""
    row, column = np.mgrid[:HEIGHT, :WIDTH]
    waves = np.cos(2 * np.pi * column / 8), np.cos(2 * np.pi * row / 5)
    labels = boxes()
    return 5 + waves[0] * (labels != 7) + waves[1] * (labels == 7)


@pytest.fixture
def movie():
    return calibrated(fringes())


@pytest.fixture
def particles():
    return calibrated(boxes(), "HRTEM_instances")


def strongest(spectrum):
    """Return the coordinates (kx, ky), kx >= 0, of the strongest reflection."""
    x, y = spectrum.axes_manager.signal_axes
    half = np.where(x.axis >= -1e-9, spectrum.data, 0)
    row, column = np.unravel_index(half.argmax(), half.shape)
    return x.axis[column], abs(y.axis[row])


def test_one_particle(movie, particles):
    spectra = local_fft(movie, particles, 2, size=64 * PIXEL, **QUIET)
    assert isinstance(spectra, LocalFFT)
    assert spectra.data.shape == (FRAMES, 64, 64)
    assert spectra.data.dtype == np.float32
    x, y = spectra.axes_manager.signal_axes
    assert (x.name, y.name, x.units, y.units) == ("kx", "ky", "1/nm", "1/nm")
    assert x.scale == pytest.approx(1 / (64 * PIXEL))
    assert x.axis[32] == y.axis[32] == 0
    for t in range(FRAMES):
        assert strongest(spectra.inav[t]) == pytest.approx((1 / 0.16, 0))
        direct = local_spectrum(
            movie.data[t], particles.data[t] == 2, size=(64, 64), apodization=2.5
        )
        np.testing.assert_allclose(spectra.data[t], direct, atol=1e-6)
    assert spectra.metadata.General.title == "fringes"
    assert spectra.axes_manager[0].units == "s"


def test_all_particles(movie, particles):
    spectra = local_fft(movie, particles, **QUIET)
    names = [axis.name for axis in spectra.axes_manager.navigation_axes]
    assert names == ["id", "time"]
    assert spectra.metadata.HRTEMNN.ids == [2, 7]
    # 32 pixels of particle 2 and twice two apodizations of 2.5.
    assert spectra.data.shape == (FRAMES, 2, 42, 42)
    assert not spectra.inav[1, 0].data.any()
    assert spectra.inav[1, 1].data.any()
    kx, ky = strongest(spectra.inav[1, 2])
    assert (kx, ky) == pytest.approx((0, 1 / 0.1), abs=0.6 / (42 * PIXEL))


def test_the_whole_frame(movie):
    spectra = local_fft(movie, **QUIET)
    assert spectra.data.shape == (FRAMES, HEIGHT, WIDTH)
    x, y = spectra.axes_manager.signal_axes
    assert x.scale == pytest.approx(1 / (WIDTH * PIXEL))
    assert y.scale == pytest.approx(1 / (HEIGHT * PIXEL))
    assert x.axis[WIDTH // 2] == y.axis[HEIGHT // 2] == 0
    assert "ids" not in spectra.metadata.get_item("HRTEMNN")


@pytest.mark.parametrize("size", [63, 64])
@pytest.mark.parametrize(
    ("units", "scale"), [("nm", 0.02), ("angstrom", 0.2), ("Å", 0.2), ("pm", 20.0)]
)
def test_axes_are_in_reciprocal_nanometers(particles, size, units, scale):
    image = calibrated(fringes(), units=units, scale=scale)
    spectrum = local_fft(image, particles, 2, size=size * scale, **QUIET).inav[0]
    assert strongest(spectrum) == pytest.approx((1 / 0.16, 0), abs=0.5 / (size * 0.02))
    for axis in spectrum.axes_manager.signal_axes:
        assert axis.units == "1/nm"
        assert axis.axis[size // 2] == pytest.approx(0, abs=1e-12)


def test_one_image(movie, particles):
    one = local_fft(movie.inav[1], particles.inav[1], 7, size=42 * PIXEL, **QUIET)
    assert one.data.shape == (42, 42)
    both = local_fft(movie.inav[1], particles.inav[1], size=42 * PIXEL, **QUIET)
    assert both.data.shape == (2, 42, 42)
    np.testing.assert_array_equal(both.data[1], one.data)


def test_more_navigation_axes(particles, movie):
    many = calibrated(np.stack([movie.data, movie.data[::-1]]))
    labels = calibrated(np.stack([boxes(), boxes()[::-1]]), "HRTEM_instances")
    spectra = local_fft(many, labels, size=42 * PIXEL, **QUIET)
    assert spectra.data.shape == (2, FRAMES, 2, 42, 42)
    np.testing.assert_array_equal(spectra.data[0], spectra.data[1, ::-1])


def test_lazy_is_deferred_and_the_same(movie, particles):
    def fail():
        raise AssertionError("computed")

    shape = movie.data.shape
    never = da.map_blocks(
        fail, chunks=((1,) * FRAMES, *shape[1:]), dtype=float, meta=np.empty((0, 0, 0))
    )
    failing = local_fft(calibrated(never).as_lazy(), particles, **QUIET)
    assert isinstance(failing, LazyLocalFFT)
    with pytest.raises(ValueError, match="computed"):
        failing.compute(show_progressbar=False)

    expected = local_fft(movie, particles, 7, size=40 * PIXEL, **QUIET)
    lazy_labels = particles.as_lazy()
    lazy_labels.data = lazy_labels.data.rechunk((2, 20, -1))
    for labels in (particles, lazy_labels):
        lazy = local_fft(movie.as_lazy(), labels, 7, size=40 * PIXEL, **QUIET)
        assert lazy._lazy
        lazy.compute(show_progressbar=False)
        np.testing.assert_array_equal(lazy.data, expected.data)
        assert str(lazy.axes_manager) == str(expected.axes_manager)
    assert local_fft(movie, lazy_output=True, **QUIET)._lazy


def test_a_list_of_particles(movie, particles):
    every = local_fft(movie, particles, size=42 * PIXEL, **QUIET)
    assert particles.as_lazy().ids(show_progressbar=False) == [2, 7]
    for order in ([2, 7], [7, 2], np.array([7])):
        few = local_fft(movie, particles, order, size=42 * PIXEL, **QUIET)
        names = [axis.name for axis in few.axes_manager.navigation_axes]
        assert names == ["id", "time"]
        assert few.metadata.HRTEMNN.ids == list(order)
        places = [[2, 7].index(number) for number in order]
        np.testing.assert_array_equal(few.data, every.data[:, places])
        lazy = local_fft(
            movie.as_lazy(), particles.as_lazy(), order, size=42 * PIXEL, **QUIET
        )
        assert lazy._lazy
        assert str(lazy.axes_manager) == str(few.axes_manager)
        lazy.compute(show_progressbar=False)
        np.testing.assert_array_equal(lazy.data, few.data)


def counted(data, frames_in_block, dtype=None):
    """Return data as an array that knows how often each block is computed."""
    counts = np.zeros(-(-len(data) // frames_in_block), int)

    def counting(block, block_info=None):
        counts[block_info[0]["chunk-location"][0]] += 1
        return block.astype(dtype)

    blocks = da.from_array(data, chunks=(frames_in_block, -1, -1))
    meta = np.empty((0, 0, 0), dtype)
    return blocks.map_blocks(counting, dtype=meta.dtype, meta=meta), counts


@pytest.mark.parametrize("tracked", [False, True])
def test_each_frame_is_read_once_for_all_particles(movie, particles, tracked):
    images, read = counted(movie.data, 2, np.float64)
    lazy = calibrated(images).as_lazy()
    lazy.set_signal_type("HRTEM")
    labels = particles
    segmented = np.ones(FRAMES, int)
    if tracked:
        probabilities, segmented = counted(particles.data > 0, 1, np.float32)
        segmentation = calibrated(probabilities).as_lazy()
        segmentation.set_signal_type("HRTEM_segmentation")
        labels = segmentation.track_instances("0.1 nm", drift=False)
    spectra = lazy.local_fft(labels, [1, 2] if tracked else None, size="1 nm", **QUIET)
    assert read.tolist() == [0, 0]
    table = spectra.zone_axis_probability(show_progressbar=False)
    assert len(table) == 2 * FRAMES - 1
    assert read.tolist() == [1, 1]
    assert segmented.tolist() == [1, 1, 1]


def test_blocks_are_no_larger_for_many_particles(movie, particles, monkeypatch):
    spectrum = 4 * 42 * 42  # bytes
    monkeypatch.setattr(
        "hyperspy_hrtemnn.signals._fourier.local_fft._BLOCK_BYTES", 3 * spectrum
    )
    lazy = movie.as_lazy()
    lazy.data = lazy.data.rechunk((FRAMES, -1, -1))
    one = local_fft(lazy, particles.as_lazy(), 2, size=42 * PIXEL, **QUIET)
    assert one.data.chunks[0] == (3,)
    two = local_fft(lazy, particles.as_lazy(), [2, 7], size=42 * PIXEL, **QUIET)
    assert two.data.chunks[0] == (1, 1, 1)


def test_saving(movie, particles, tmp_path):
    spectra = local_fft(movie.as_lazy(), particles, size=42 * PIXEL, **QUIET)
    spectra.save(tmp_path / "spectra.hspy", show_progressbar=False)
    loaded = hs.load(tmp_path / "spectra.hspy")
    assert isinstance(loaded, LocalFFT)
    assert list(loaded.metadata.HRTEMNN.ids) == [2, 7]
    assert loaded.metadata.HRTEMNN.LocalFFT.apodization == "0.5 angstrom"
    spectra.compute(show_progressbar=False)
    np.testing.assert_array_equal(loaded.data, spectra.data)
    assert str(loaded.axes_manager) == str(spectra.axes_manager)


def test_no_particles_at_all(movie):
    nothing = calibrated(np.zeros_like(boxes()), "HRTEM_instances")
    with pytest.raises(ValueError, match="no particles"):
        local_fft(movie, nothing, **QUIET)


def test_size_is_a_length(movie, particles):
    text = local_fft(movie, particles, 2, size="1.28 nm", **QUIET)
    number = local_fft(movie, particles, 2, size=64 * PIXEL, **QUIET)
    np.testing.assert_array_equal(text.data, number.data)
    assert text.data.shape == (FRAMES, 64, 64)


def test_a_crop_of_nothing_but_soft_edges_is_refused(movie, particles):
    """By default they are as wide as 2 nm, which the whole image is not."""
    wide = calibrated(np.ones((FRAMES, 120, 130)))
    labels = calibrated(np.ones((FRAMES, 120, 130), np.int32), "HRTEM_instances")
    whole = r"2 nm is all soft edge.*four apodizations, 2 nm.*at least 2\.02 nm"
    for instances in (labels, labels.as_lazy()):
        with pytest.raises(ValueError, match=whole):
            local_fft(wide, instances, 1, size="2 nm")
    with pytest.raises(ValueError, match=whole):
        local_fft(wide, size="2 nm")
    with pytest.raises(ValueError, match=r"image of 1\.28 nm is all soft edge"):
        local_fft(movie)
    with pytest.raises(ValueError, match=r"image of 1\.28 nm is all soft edge"):
        local_fft(movie, particles)
    spectra = local_fft(movie, size="0.22 nm", **QUIET)
    assert all(spectrum.any() for spectrum in spectra.data)


def test_trimmed_particles_are_told(movie, particles):
    with pytest.warns(UserWarning, match="1 of 2 particles.*'0.84 nm' holds") as told:
        local_fft(movie, particles, size="0.82 nm", **QUIET)
    assert len(of_ours(told)) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for number, size in ((None, "0.84 nm"), (7, "0.72 nm"), (None, None)):
            local_fft(movie, particles, number, size=size, **QUIET)


def test_invalid_input_is_refused(movie, particles):
    with pytest.raises(ValueError, match="no particle 3; there are 2, 7"):
        local_fft(movie, particles, 3)
    with pytest.raises(ValueError, match=r"\(3, 64, 90\).*\(64, 90\)"):
        local_fft(movie, particles.inav[0])
    with pytest.raises(ValueError, match="no instances are given"):
        local_fft(movie, id=3)
    with pytest.raises(ValueError, match=r"id=particles.ids\(\), size=.*compute\(\)"):
        local_fft(movie, particles.as_lazy(), 2)
    with pytest.raises(ValueError, match=r"id=particles.ids\(\), size="):
        local_fft(movie, particles.as_lazy(), size=42 * PIXEL)
    with pytest.raises(ValueError, match="no particle 3; there are 2, 7"):
        local_fft(movie, particles, [2, 3])
    with pytest.raises(ValueError, match="id names no particle"):
        local_fft(movie, particles, [])
    with pytest.raises(ValueError, match="the particle 7 twice"):
        local_fft(movie, particles, [7, 2, 7])
    with pytest.raises(ValueError, match="begin at 1; id is 0"):
        local_fft(movie, particles.as_lazy(), [2, 0], size=42 * PIXEL)
    with pytest.raises(TypeError, match="float"):
        local_fft(movie, particles, 2.5)
    for options in ({"apodization": -1}, {"apodization": "wide"}, {"size": 0}):
        with pytest.raises(ValueError, match=next(iter(options)) + "|not a length"):
            local_fft(movie, particles, 2, **options)
    movie.axes_manager.signal_axes[0].units = ""
    with pytest.raises(ValueError, match="not calibrated"):
        local_fft(movie, particles, 2)
