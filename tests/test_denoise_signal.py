# SPDX-License-Identifier: GPL-3.0-or-later
"""`HRTEM.denoise`: images and movies, lazy or not, with neighboring frames."""

from __future__ import annotations

import hyperspy.api as hs
import numpy as np
import pytest
import tiny_networks
from scipy.ndimage import gaussian_filter, shift

SAMPLING = 0.5  # Å
SHAPE = (96, 113)


def movie_of(frames, *, lazy=False):
    signal = hs.signals.Signal2D(np.asarray(frames, np.float32))
    signal.set_signal_type("HRTEM")
    for axis in signal.axes_manager.signal_axes:
        axis.scale, axis.units = SAMPLING / 10, "nm"
    signal.metadata.set_item("General.title", "movie")
    return signal.as_lazy() if lazy else signal


def clean_frame(drift=(0.0, 0.0)):
    """Return irregular atoms, 40 electrons a pixel in vacuum, moved by a drift."""
    rng = np.random.default_rng(0)
    image = np.full(SHAPE, 40.0)
    y, x = np.ogrid[: SHAPE[0], : SHAPE[1]]
    for row, column in rng.uniform((8, 8), np.subtract(SHAPE, 8), (60, 2)):
        distance = (y - row - drift[0]) ** 2 + (x - column - drift[1]) ** 2
        image -= 14 * np.exp(-distance / (2 * 3.0**2))
    return image.clip(2)


@pytest.fixture
def network(tmp_path):
    changes = {
        "sampling": SAMPLING,
        "standardization_width": 12.0,
        "error_of_spread": 2.0,
        "ranges": tiny_networks.RANGES.model_copy(update={"sampling": (0.1, 1)}),
    }
    return tiny_networks.smoothing(tmp_path / "smooth.onnx", **changes)


def test_a_lazy_movie_stays_lazy_and_gives_the_same(network):
    rng = np.random.default_rng(1)
    frames = rng.poisson(clean_frame(), (3, *SHAPE))
    eager = movie_of(frames).denoise(network)
    lazy = movie_of(frames, lazy=True).denoise(network)
    assert lazy._lazy
    assert type(lazy).__name__ == "LazyHRTEM"
    assert eager.axes_manager.shape == (3, SHAPE[1], SHAPE[0])
    lazy.compute()
    np.testing.assert_array_equal(lazy.data, eager.data)
    assert eager.metadata.General.title == "movie"


def test_the_uncertainty_is_beside_the_answer(network):
    image = movie_of(np.random.default_rng(2).poisson(clean_frame()))
    result = image.denoise(network)
    assert result.spread.data.shape == result.data.shape
    assert (result.spread.data >= 0).all()
    assert "counts" in result.spread.metadata.Signal.quantity
    said = result.metadata.HRTEMNN.Denoising
    assert (said.network, said.averaged, said.error_of_spread) == ("tiny", True, 2.0)
    quick = image.denoise(network, uncertainty=False)
    with pytest.raises(AttributeError, match="no spread"):
        _ = quick.spread


def test_neighbors_take_noise_out_and_leave_what_changes(network):
    """A third of the atoms vanish with frame 3; the frame before has all of them."""
    rng = np.random.default_rng(3)
    drifts = [(1.3 * number, -0.8 * number) for number in range(6)]
    cleans = [clean_frame(drift) for drift in drifts]
    for clean in cleans[3:]:
        clean[:, :38] = 40
    movie = movie_of([rng.poisson(clean) for clean in cleans])
    alone = movie.denoise(network, uncertainty=False)
    together = movie.denoise(network, uncertainty=False, temporal=2)
    assert together.metadata.HRTEMNN.Denoising.temporal == 2
    steady = (slice(12, -12), slice(76, -10))
    changed = (slice(12, -12), slice(8, 30))
    smoothed = [gaussian_filter(clean, 1.5) for clean in cleans]
    for number in (2, 3):
        errors = [each.data[number] - smoothed[number] for each in (alone, together)]
        before, after = (np.std(error[steady]) for error in errors)
        assert after < 0.72 * before
        before, after = (np.std(error[changed]) for error in errors)
        assert after < 1.25 * before


def test_another_view_is_not_averaged(network):
    rng = np.random.default_rng(4)
    frames = [rng.poisson(clean_frame()), rng.poisson(clean_frame()[::-1, ::-1])]
    movie = movie_of(frames)
    alone = movie.denoise(network, uncertainty=False).data
    together = movie.denoise(network, uncertainty=False, temporal=1).data
    change = np.std(together[0] - alone[0])
    assert change < 0.3 * np.std(alone[0] - shift(alone[0], (0, 5), mode="reflect"))


def test_a_blank_neighbor_is_left_out(network):
    rng = np.random.default_rng(5)
    frames = rng.poisson(clean_frame(), (3, *SHAPE)).astype(float)
    frames[1] = 0
    with pytest.warns(UserWarning, match="frame 1|Frame 1|blank|constant"):
        result = movie_of(frames).denoise(network, uncertainty=False, temporal=1)
    assert np.isnan(result.data[1]).all()
    assert np.isfinite(result.data[[0, 2]]).all()
    assert result.data[0].mean() == pytest.approx(frames[0].mean(), rel=1e-3)


@pytest.mark.parametrize("temporal", [-1, 1.5, 1000])
def test_temporal_is_a_number_of_frames(network, temporal):
    movie = movie_of(np.ones((3, *SHAPE)))
    with pytest.raises(ValueError, match="temporal is a number of frames, 1 to 100"):
        movie.denoise(network, temporal=temporal)


def test_temporal_is_for_movies(network):
    with pytest.raises(ValueError, match=r"navigation axis, their time; .* none"):
        movie_of(np.ones(SHAPE)).denoise(network, temporal=True)
    series = movie_of(np.ones((3, *SHAPE)))
    series.axes_manager[0].name = "defocus"
    with pytest.raises(ValueError, match="this signal has defocus"):
        series.denoise(network, temporal=True)


def test_a_mask_is_refused(tmp_path):
    path = tiny_networks.convolution(tmp_path / "mask.onnx")
    with pytest.raises(ValueError, match="for segmentation, not for denoising or"):
        movie_of(np.ones(SHAPE)).denoise(path)
