# SPDX-License-Identifier: GPL-3.0-or-later
"""Movies of an in-situ camera: a file a frame in folders of hours and seconds."""

from __future__ import annotations

import shutil
import warnings

import hyperspy.api as hs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from own_warnings import of_ours

from hyperspy_hrtemnn import load_in_situ
from hyperspy_hrtemnn.io.in_situ import _frames_per_second
from hyperspy_hrtemnn.signals import HRTEM, LazyHRTEM

Y, X = 5, 7


def frame_path(folder, second, number, series="heating_03", suffix=".hspy"):
    """Return the path of a frame, and make its folders."""
    minute, second = divmod(second, 60)
    hour, minute = divmod(minute, 60)
    parts = (f"Hour_{hour:02d}", f"Minute_{minute:02d}", f"Second_{second:02d}")
    inside = folder.joinpath(*parts)
    inside.mkdir(parents=True, exist_ok=True)
    return inside / f"{series}_{'_'.join(parts)}_Frame_{number:04d}{suffix}"


def write_frame(path, value, exposure=None, shape=(Y, X), dtype=np.int16):
    signal = hs.signals.Signal2D(np.full(shape, value, dtype))
    for name, axis in zip("xy", signal.axes_manager.signal_axes, strict=True):
        axis.name, axis.scale, axis.units = name, 0.02, "nm"
    signal.metadata.set_item("Acquisition_instrument.TEM.beam_energy", 300.0)
    if exposure is not None:
        path_in_metadata = "Acquisition_instrument.TEM.Camera.exposure"
        signal.metadata.set_item(path_in_metadata, exposure)
    signal.save(path)


def write_movie(folder, numbers, first_second=0, **options):
    """Write frames, `numbers` of each second; the value is the order of writing."""
    names = [(first_second + s, n) for s, of in enumerate(numbers) for n in of]
    for value, (second, number) in enumerate(names):
        write_frame(frame_path(folder, second, number), value, **options)
    return len(names)


def quietly(folder, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        return load_in_situ(folder, **options)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Three frames a second from 59 minutes and 59 seconds on, two in the last."""
    folder = tmp_path_factory.mktemp("whole")
    write_movie(folder, [range(3), range(3), range(2)], first_second=3599)
    return folder


def test_a_whole_movie(whole):
    # What file browsers leave behind.
    frame_path(whole, 3599, 0).with_name("Thumbs.db").write_bytes(b"")
    first = frame_path(whole, 3599, 0)
    first.with_name("._" + first.name).write_bytes(b"")
    movie = quietly(whole)
    assert type(movie) is LazyHRTEM
    assert movie.data.shape == (8, Y, X)
    assert movie.data.chunks == ((1,) * 8, (Y,), (X,))
    assert movie.data.dtype == np.int16
    np.testing.assert_array_equal(movie.data[:, 2, 3].compute(), range(8))
    (time,) = movie.axes_manager.navigation_axes
    assert (time.name, time.units) == ("time", "s")
    assert time.is_uniform
    np.testing.assert_allclose(time.axis, 3599 + np.arange(8) / 3)
    x = movie.axes_manager.signal_axes[0]
    assert (x.name, x.scale, x.units) == ("x", 0.02, "nm")
    assert movie.metadata.General.title == "heating_03"
    assert movie.metadata.Acquisition_instrument.TEM.beam_energy == 300
    assert movie.metadata.HRTEMNN.In_situ.frames_per_second == 3
    assert movie.metadata.HRTEMNN.In_situ.missing_frames == 0


def test_one_folder_of_it_in_memory(whole):
    movie = quietly(whole / "Hour_01", lazy=False)
    assert type(movie) is HRTEM
    assert isinstance(movie.data, np.ndarray)
    np.testing.assert_allclose(
        movie.axes_manager[0].axis[[0, -1]], [3600, 3601 + 1 / 3]
    )
    np.testing.assert_array_equal(movie.data[:, 0, 0], range(3, 8))


def test_frames_are_read_when_needed(whole, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(whole, folder)
    movie = quietly(folder)
    for path in folder.rglob("*Second_00*.hspy"):
        path.unlink()
    np.testing.assert_array_equal(movie.data[[0, 7], 3, 4].compute(), [0, 7])
    with pytest.raises(ValueError, match=r"Second_00_Frame_0001\.hspy cannot be read"):
        movie.inav[4].compute()


def test_missing_frames_are_told(tmp_path):
    write_movie(tmp_path, [[0, 1, 2, 3], [0, 3], [], [], [0, 1, 2], [1, 2]])
    with pytest.warns(UserWarning, match="12 frames are missing: 2 after heat") as told:
        movie = load_in_situ(tmp_path, lazy=False)
    assert of_ours(told)[0].filename == __file__
    time = movie.axes_manager[0]
    assert not time.is_uniform
    expected = [0, 0.25, 0.5, 0.75, 1, 1.75, 4, 4.25, 4.5, 5.25, 5.5]
    np.testing.assert_allclose(time.axis, expected)
    gaps = [
        "2 after heating_03_Hour_00_Minute_00_Second_01_Frame_0000",
        "8 after heating_03_Hour_00_Minute_00_Second_01_Frame_0003",
        "2 after heating_03_Hour_00_Minute_00_Second_04_Frame_0002",
    ]
    assert movie.metadata.HRTEMNN.In_situ.gaps == gaps
    assert movie.metadata.HRTEMNN.In_situ.missing_frames == 12

    movie.save(tmp_path / "movie.hspy")
    loaded = hs.load(tmp_path / "movie.hspy")
    np.testing.assert_allclose(loaded.axes_manager[0].axis, expected)
    assert list(loaded.metadata.HRTEMNN.In_situ.gaps) == gaps


def test_many_gaps_are_not_all_in_the_warning(tmp_path):
    write_movie(tmp_path, [range(16), range(0, 16, 2)])
    with pytest.warns(
        UserWarning, match=r"7 frames are missing: .*_0008, \.\.\.\. The"
    ):
        load_in_situ(tmp_path)


def test_particles_are_tracked_along_times_with_gaps(tmp_path):
    for value, (second, number) in enumerate([(0, 0), (0, 1), (0, 2), (1, 0), (2, 2)]):
        path = frame_path(tmp_path, second, number)
        write_frame(path, value, shape=(20, 30), dtype=np.float32)
        frame = hs.load(path)
        frame.data[:] = 0
        frame.data[5:12, 4 + value : 11 + value] = 1
        frame.save(path, overwrite=True)
    with pytest.warns(UserWarning, match="4 frames are missing"):
        movie = load_in_situ(tmp_path)
    movie.set_signal_type("HRTEM_segmentation")
    particles = movie.track_instances("0.1 nm", lazy_output=False)
    table = particles.properties(show_progressbar=False)
    np.testing.assert_allclose(table["time"], [0, 1 / 3, 2 / 3, 1, 2 + 2 / 3])
    np.testing.assert_allclose(table["x"], 0.02 * (7 + np.arange(5)))
    assert set(table["id"]) == {1}
    ax = particles.plot_properties("x", show_progressbar=False)
    drawn = ax.lines[0].get_xdata()
    np.testing.assert_allclose(drawn[~np.isnan(drawn)], table["time"])
    particles.save(tmp_path / "particles.hspy")
    assert hs.load(tmp_path / "particles.hspy").axes_manager[0].axis[4] == 2 + 2 / 3


def test_exposures_that_are_out_of_step_with_the_seconds(tmp_path):
    # Frames of 0.3 s begin at 0, 0.3, 0.6, 0.9; 1.2, 1.5, 1.8; 2.1, 2.4, 2.7; 3.0.
    write_movie(tmp_path, [range(4), range(3), range(3), range(1)], exposure=0.3)
    movie = quietly(tmp_path)
    np.testing.assert_allclose(movie.axes_manager[0].axis, 0.3 * np.arange(11))


RATES = {
    "names alone": ([25, 25, 7], None, 25),
    "a second that lacks frames": ([25, 11, 25, 3], None, 25),
    "names before a rounded exposure": ([30, 30, 30, 2], 0.0333, 30),
    "less than a second": ([5], 0.01, 100),
    "less than a second, exposure unknown": ([5], None, 5),
    "less than one a second": ([1, 0, 1, 0, 1], 2.0, 0.5),
    "out of step": ([29, 28, 29, 28, 4], 0.035, 1 / 0.035),
    "frames that are not all stored": ([10, 9, 10, 10], 0.01, 10),
    "frames of a part of the exposure": ([5], 1.0, 5),
}


@pytest.mark.parametrize("case", RATES)
def test_frames_per_second(case):
    counts, exposure, expected = RATES[case]
    second = np.repeat(100 + np.arange(len(counts)), counts)
    number = np.concatenate([np.arange(count) for count in counts])
    assert _frames_per_second(second, number, exposure) == pytest.approx(expected)


@given(st.integers(1, 400), st.integers(1, 5), st.data())
def test_the_last_second_may_end_anywhere(rate, seconds, data):
    last = data.draw(st.integers(1, rate))
    number = np.arange(seconds * rate + last)
    assert _frames_per_second(number // rate, number % rate, None) == rate


def test_folders_that_are_no_single_movie(tmp_path):
    with pytest.raises(ValueError, match="none is not a folder"):
        load_in_situ(tmp_path / "none")
    (tmp_path / "Hour_00").mkdir()
    with pytest.raises(ValueError, match="holds no frames of an in-situ camera"):
        load_in_situ(tmp_path)
    write_frame(frame_path(tmp_path, 0, 0, "one"), 1)
    write_frame(frame_path(tmp_path, 1, 0, "two"), 1)
    with pytest.raises(ValueError, match=r"2 series.*one \(\.hspy\), two \(\.hspy\)"):
        load_in_situ(tmp_path)
    twice = tmp_path / "twice"
    for name in ("a", "b"):
        write_frame(frame_path(twice / name, 0, 0), 1)
    with pytest.raises(ValueError, match="are the same frame"):
        load_in_situ(twice)


def test_frames_that_are_not_like_the_first(tmp_path):
    write_movie(tmp_path, [range(3)])
    write_frame(frame_path(tmp_path, 0, 3), 1, shape=(Y, X + 1))
    write_frame(frame_path(tmp_path, 0, 4), 1, dtype=np.float32)
    cut_off = frame_path(tmp_path, 0, 5)
    cut_off.write_bytes(frame_path(tmp_path, 0, 2).read_bytes()[:900])
    frame_of = load_in_situ(tmp_path).inav
    with pytest.raises(ValueError, match=r"0003.hspy has the shape \(5, 8\).*\(5, 7\)"):
        frame_of[3].compute()
    with pytest.raises(ValueError, match=r"0004.hspy.* type float32; .* int16"):
        frame_of[4].compute()
    with pytest.raises(ValueError, match=r"0005\.hspy cannot be read.*take heating_03"):
        frame_of[5].compute()
    stack = frame_path(tmp_path / "stack", 0, 0)
    write_frame(stack, 1, shape=(2, Y, X))
    with pytest.raises(ValueError, match="instead of one image"):
        load_in_situ(tmp_path / "stack")


def test_files_without_all_their_pixels_are_told_at_once(tmp_path):
    # An MRC file is a header of 1024 bytes, with sizes and type (1: int16), and pixels.
    header = np.zeros(256, np.int32)
    header[:4] = X, Y, 1, 1
    header[7:13] = X, Y, 1, *np.array([X, Y, 1], np.float32).view(np.int32)
    for number in range(3):
        pixels = np.full((Y, X), number, np.int16)
        path = frame_path(tmp_path, 0, number, suffix=".mrc")
        path.write_bytes(header.tobytes() + pixels.tobytes())
    np.testing.assert_array_equal(quietly(tmp_path).data[:, 1, 2].compute(), range(3))
    path.write_bytes(b"")
    with pytest.raises(ValueError, match=r"0002\.mrc is cut off: take"):
        load_in_situ(tmp_path)
