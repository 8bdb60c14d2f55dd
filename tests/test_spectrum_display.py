# SPDX-License-Identifier: GPL-3.0-or-later
"""Plotted spectra show where reflections are, and say where there is nothing."""

from __future__ import annotations

import dask.array as da
import hyperspy.api as hs
import matplotlib.pyplot as plt
import numpy as np
import pytest

STEP = 0.25  # 1/nm
SHAPE = (160, 200)  # ky to 20, kx to 25 1/nm
REFLECTION = 0.3, 0.2  # nm along kx, ky


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


@pytest.fixture
def spectra():
    """Particles 4 and 9 in three frames: 9 is not in the second."""
    rng = np.random.default_rng(5)
    data = rng.rayleigh(0.1, (3, 2, *SHAPE)).astype(np.float32)
    # As of real images; the first row and column have no partner.
    data[..., 1:, 1:] = np.maximum(data[..., 1:, 1:], data[..., :0:-1, :0:-1])
    for spacing, axis in zip(REFLECTION, (1, 0), strict=True):
        for sign in (1, -1):
            place = [80, 100]
            place[axis] += sign * round(1 / spacing / STEP)
            data[:, :, place[0], place[1]] = 8
    data[1, 1] = 0
    return signal_of(data, [4, 9])


def signal_of(data, ids=()):
    signal = hs.signals.Signal2D(data)
    signal.metadata.General.title = "gold"
    signal.metadata.set_item("HRTEMNN.ids", list(ids))
    for name, axis in zip(
        ["id", "time"], signal.axes_manager.navigation_axes, strict=False
    ):
        axis.name = name
    for name, axis, n in zip(
        ["kx", "ky"], signal.axes_manager.signal_axes, SHAPE[::-1], strict=True
    ):
        axis.name, axis.scale, axis.units = name, STEP, "1/nm"
        axis.offset = -n // 2 * STEP
    signal.set_signal_type("HRTEM_local_fft")
    return signal


def shown(signal):
    return signal._plot.signal_plot.ax


@pytest.mark.parametrize("lazy", [False, True])
def test_the_title_says_in_which_frames_a_particle_is_not(spectra, lazy):
    if lazy:
        spectra = spectra.as_lazy()
    spectra.plot()
    ax = shown(spectra)
    assert "not in this frame" not in ax.get_title()
    spectra.axes_manager.indices = (1, 1)
    assert ax.get_title().endswith("particle 9 is not in this frame")
    spectra.axes_manager.indices = (0, 1)
    assert "not in this frame" not in ax.get_title()
    spectra.axes_manager.indices = (1, 1)
    assert ax.get_title().count("not in this frame") == 1


def test_a_closed_plot_does_not_listen_any_more(spectra):
    spectra.plot()
    ax = shown(spectra)
    spectra._plot.close()
    title = ax.get_title()
    spectra.axes_manager.indices = (1, 1)
    assert ax.get_title() == title


def test_spectra_are_shown_to_where_reflections_end(spectra):
    spectra.plot()
    assert shown(spectra).get_xlim() == (-12.5, 12.5)
    assert shown(spectra).get_ylim() == (12.5, -12.5)  # downwards, as in the image
    spectra.plot(min_spacing="1.25 angstrom")
    assert shown(spectra).get_xlim() == pytest.approx((-8, 8))
    # No farther than there are frequencies.
    spectra.plot(min_spacing=0.01)
    assert max(shown(spectra).get_xlim()) == pytest.approx(20, abs=STEP)
    for wrong, message in (("2 s", "min_spacing is '2 s'"), (0, "has to be positive")):
        with pytest.raises(ValueError, match=message):
            spectra.plot(min_spacing=wrong)


def test_noise_is_black_and_reflections_are_white(spectra):
    spectra.plot()
    (image,) = shown(spectra).images
    low, high = image.get_clim()
    noise = spectra.data[0, 0][spectra.data[0, 0] < 1]
    assert low > np.quantile(noise, 0.5)
    assert high < 8
    spectra.plot(vmin=0, vmax=9)
    assert shown(spectra).images[0].get_clim() == (0, 9)


def test_one_spectrum_and_an_empty_one_without_particles():
    single = signal_of(np.ones(SHAPE, np.float32))
    single.plot()
    assert shown(single).get_title().startswith("gold")
    assert "\n" not in shown(single).get_title()
    empty = signal_of(np.zeros(SHAPE, np.float32))
    empty.plot()
    assert shown(empty).get_title().endswith("nothing but zeros")
    missing = signal_of(da.full(SHAPE, np.nan, np.float32)).as_lazy()
    missing.plot()
    assert shown(missing).get_title().endswith("no data in this frame")


def test_reflections_of_a_frame_without_the_particle(spectra):
    peaks = spectra.peak_table(show_progressbar=False)
    ax = spectra.plot_reflections(peaks, 9, 0)
    assert ax.get_title() == "frame 0, particle 9"
    ax = spectra.plot_reflections(peaks, 9, 1)
    assert ax.get_title() == ("frame 1, particle 9\nparticle 9 is not in this frame")
    assert ax.get_xlim() == (-12.5, 12.5)
    # Where there are reflections, as far as they go.
    ax = spectra.plot_reflections(peaks, 4, 0)
    assert 5 < max(ax.get_xlim()) < 8
    image = ax.images[0].get_array()
    assert np.mean(np.asarray(image) == 0) > 0.5
