# SPDX-License-Identifier: GPL-3.0-or-later
"""Segmentations as signals: thresholds, areas, tracking, lazily and from any source."""

from __future__ import annotations

import threading
import time
import warnings
import weakref
from collections import Counter
from pathlib import Path

import dask.array as da
import hyperspy.api as hs
import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import array_shapes, arrays

from hyperspy_hrtemnn.analysis import ParticleTracker
from hyperspy_hrtemnn.signals import (
    Instances,
    LazyInstances,
    LazySegmentation,
    Segmentation,
)
from hyperspy_hrtemnn.signals._tracking.linking import (
    Runs,
    _unpack_block,
    linked_frames,
)

FRAMES, HEIGHT, WIDTH = 6, 50, 80
REAL = Path(__file__).parents[1] / "../shared/data/nanoparticles_on_membrane"


def disc(row, column, radius):
    y, x = np.ogrid[:HEIGHT, :WIDTH]
    return (y - row) ** 2 + (x - column) ** 2 <= radius**2


def moving_discs():
    """One disc drifts to the right, one shrinks."""
    frames = [
        0.95 * disc(15, 15 + 3 * t, 9) + 0.97 * disc(36, 60, 11 - t)
        for t in range(FRAMES)
    ]
    return np.array(frames, np.float32)


def calibrated(data, scale=0.1):
    signal = hs.signals.Signal2D(data)
    signal.metadata.General.title = "discs"
    for name, axis in zip("xy", signal.axes_manager.signal_axes, strict=True):
        axis.name, axis.scale, axis.units = name, scale, "nm"
    for axis in signal.axes_manager.navigation_axes:
        axis.name, axis.scale, axis.units, axis.offset = "time", 0.4, "s", 20
    signal.set_signal_type("HRTEM_segmentation")
    return signal


@pytest.fixture
def segmentation():
    return calibrated(moving_discs())


def never(shape, dtype=np.float32):
    """A lazy array that must not be computed."""

    def fail():
        raise AssertionError("computed")

    chunks = tuple((1,) * n if i < len(shape) - 2 else n for i, n in enumerate(shape))
    return da.map_blocks(fail, chunks=chunks, dtype=dtype, meta=np.empty((), dtype))


def test_threshold(segmentation):
    mask = segmentation.threshold(0.96)
    assert isinstance(mask, Segmentation)
    assert mask.data.dtype == bool
    np.testing.assert_array_equal(mask.data, segmentation.data >= 0.96)
    assert mask.metadata.HRTEMNN.Threshold.probability == 0.96
    assert mask.metadata.General.title == "discs"
    assert mask.axes_manager[0].units == "s"


MADE_BY = {
    "a mask of unknown origin": (None, 0.5),
    "an older network of ours": ({"network": "old", "sha256": "0"}, 0.9),
    "a network whose card has a threshold": ({"network": "n", "threshold": 0.37}, 0.37),
    "a script that set something else there": ({"classes": ["particle"]}, 0.5),
}


@pytest.mark.parametrize(("made", "expected"), MADE_BY.values(), ids=MADE_BY)
@pytest.mark.parametrize("lazy", [False, True])
def test_the_threshold_is_by_default_that_of_unbiased_area(made, expected, lazy):
    # One disc for each of the thresholds, each just reaching it.
    values = (0.37, 0.5, 0.9)
    discs = [v * disc(14, 14 + 24 * i, 8) for i, v in enumerate(values)]
    segmentation = calibrated(np.sum(discs, axis=0)[np.newaxis].repeat(2, axis=0))
    if made is not None:
        segmentation.metadata.set_item("HRTEMNN.Segmentation", made)
    if lazy:
        segmentation = segmentation.as_lazy()
    above = sum(v >= expected for v in values)
    mask = segmentation.threshold()
    area = segmentation.area()
    particles = segmentation.track_instances("1 nm", show_progressbar=False)
    assert mask.metadata.HRTEMNN.Threshold.probability == expected
    assert particles.metadata.HRTEMNN.Instances.probability == expected
    for signal in (mask, area, particles):
        if lazy:
            signal.compute(show_progressbar=False)
    one = np.count_nonzero(disc(14, 14, 8))
    assert mask.data.sum() == 2 * above * one
    np.testing.assert_allclose(area.data, above * one * 0.01)
    assert particles.data.max() == above
    # What is asked for takes its place, in all of them.
    assert segmentation.threshold(0.9).metadata.HRTEMNN.Threshold.probability == 0.9
    tracked = segmentation.track_instances(
        "1 nm", probability=0.9, show_progressbar=False
    )
    assert tracked.metadata.HRTEMNN.Instances.probability == 0.9


def test_the_threshold_survives_slicing_and_saving(segmentation, tmp_path):
    made = {"network": "n", "threshold": 0.96}
    segmentation.metadata.set_item("HRTEMNN.Segmentation", made)
    segmentation.inav[1:3].save(tmp_path / "some.hspy")
    again = hs.load(tmp_path / "some.hspy")
    np.testing.assert_array_equal(
        again.threshold().data, segmentation.data[1:3] >= 0.96
    )


def test_area_against_time(segmentation):
    area = segmentation.area(0.96)
    assert isinstance(area, hs.signals.Signal1D)
    expected = [disc(36, 60, 11 - t).sum() * 0.01 for t in range(FRAMES)]
    np.testing.assert_allclose(area.data, expected)
    (axis,) = area.axes_manager.signal_axes
    assert (axis.name, axis.units, axis.scale, axis.offset) == ("time", "s", 0.4, 20)
    assert area.metadata.Signal.quantity == "Area (nm²)"
    np.testing.assert_allclose(segmentation.inav[2].area(0.96).data, expected[2:3])


def test_area_of_a_lazy_movie_in_more_dimensions():
    data = np.tile(moving_discs(), (2, 1, 1, 1))
    lazy = calibrated(data).as_lazy().area(0.96)
    assert lazy._lazy
    lazy.compute(show_progressbar=False)
    np.testing.assert_allclose(lazy.data, calibrated(data).area(0.96).data)
    assert lazy.data.shape == (2, FRAMES)


def test_tracking_a_movie(segmentation):
    particles = segmentation.track_instances("1 nm", show_progressbar=False)
    assert isinstance(particles, Instances)
    assert not particles._lazy
    assert particles.data.dtype == np.int32
    np.testing.assert_array_equal(particles.data > 0, segmentation.data > 0.5)
    assert [int(particles.data[t, 15, 15 + 3 * t]) for t in range(FRAMES)] == [1] * 6
    assert [int(frame[36, 60]) for frame in particles.data] == [2] * 6
    assert particles.metadata.General.title == "discs"
    time_axis = particles.axes_manager[0]
    assert (time_axis.name, time_axis.units, time_axis.offset) == ("time", "s", 20)
    options = particles.metadata.HRTEMNN.Instances
    assert (options.min_separation, options.memory) == ("1 nm", 0)


def test_lengths_are_in_the_unit_of_the_axes_or_have_their_own(segmentation):
    options = {"show_progressbar": False}
    with pytest.warns(UserWarning, match="dropped"):
        text = segmentation.track_instances("10 angstrom", min_area="200 Å²", **options)
    with pytest.warns(UserWarning, match="3 regions below 2 nm² were dropped"):
        number = segmentation.track_instances(1.0, min_area=2.0, **options)
    np.testing.assert_array_equal(text.data, number.data)
    # The shrinking disc has fallen below 2 nm² and is gone.
    assert number.data[0, 36, 60] == 2
    assert number.data[-1, 36, 60] == 0


def with_specks(segmentation):
    """Specks of 2 x 2 pixels in two frames, of 6 x 6 in one."""
    for frame in (1, 4):
        segmentation.data[frame, 5:7, 60:62] = 1
    segmentation.data[2, 5:11, 60:66] = 1
    return segmentation


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize(
    ("min_area", "text"),
    [(None, "2 regions below 0.05 nm² were"), ("0.3 nm^2", "2 regions below 0.3 nm²")],
)
def test_what_is_dropped_is_told_once(segmentation, lazy, min_area, text):
    segmentation = with_specks(segmentation)
    if lazy:
        segmentation = segmentation.as_lazy()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        particles = segmentation.track_instances(
            "1 nm", min_area=min_area, show_progressbar=False
        )
        if lazy:
            assert not told
            particles.compute(show_progressbar=False)
    messages = [str(one.message) for one in told if "dropped" in str(one.message)]
    assert len(messages) == 1
    assert messages[0].startswith(text)
    assert particles.metadata.HRTEMNN.Instances.dropped_regions == 2


def test_what_is_dropped_from_a_lazy_movie_is_told_once_however_often_it_is_computed(
    segmentation, tmp_path
):
    particles = with_specks(segmentation).as_lazy().track_instances("1 nm")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        particles.ids(show_progressbar=False)
        particles.properties(show_progressbar=False)
        particles.to_csv(tmp_path / "table.csv", show_progressbar=False)
        particles.compute(show_progressbar=False)
    names = [one.filename for one in told if "2 regions" in str(one.message)]
    assert names == [__file__]


def test_nothing_is_told_where_nothing_is_dropped(segmentation, recwarn):
    segmentation = with_specks(segmentation)
    particles = segmentation.track_instances("1 nm", min_area=0, show_progressbar=False)
    assert particles.metadata.HRTEMNN.Instances.dropped_regions == 0
    assert not [one for one in recwarn if "dropped" in str(one.message)]


def test_uncalibrated_signals_take_pixels():
    segmentation = hs.signals.Signal2D(moving_discs())
    segmentation.set_signal_type("HRTEM_segmentation")
    particles = segmentation.track_instances(10, show_progressbar=False)
    assert particles.data.max() == 2
    with pytest.raises(ValueError, match="not calibrated"):
        segmentation.track_instances("1 nm")
    with pytest.raises(ValueError, match="not calibrated"):
        segmentation.track_instances(10, min_area="1 nm^2")
    with pytest.raises(ValueError, match="not calibrated"):
        segmentation.area()


def test_memory_and_overlap_are_passed_on(segmentation):
    segmentation.data[2] = 0
    options = {"show_progressbar": False}
    assert segmentation.track_instances(1.0, **options).data.max() == 4
    assert segmentation.track_instances(1.0, memory=1, **options).data.max() == 2
    strict = segmentation.track_instances(1.0, memory=1, min_overlap=0.99, **options)
    assert strict.data.max() > 4


def test_lazy_is_deferred_and_the_same(segmentation):
    lazy = calibrated(never((FRAMES, HEIGHT, WIDTH))).as_lazy()
    assert isinstance(lazy, LazySegmentation)
    particles = lazy.track_instances("1 nm")
    assert isinstance(particles, LazyInstances)
    assert lazy.threshold()._lazy
    assert lazy.area()._lazy
    with pytest.raises(ValueError, match="computed"):
        particles.compute(show_progressbar=False)

    eager = segmentation.track_instances("1 nm", show_progressbar=False)
    for chunks in ((1, -1, -1), (4, -1, -1), (3, 20, 30)):
        lazy = segmentation.as_lazy()
        lazy.data = lazy.data.rechunk(chunks)
        particles = lazy.track_instances("1 nm")
        particles.compute(show_progressbar=False)
        assert isinstance(particles, Instances)
        np.testing.assert_array_equal(particles.data, eager.data)


def test_lazy_output_can_be_chosen(segmentation):
    assert segmentation.track_instances(1.0, lazy_output=True)._lazy
    eager = segmentation.as_lazy().track_instances(
        1.0, lazy_output=False, show_progressbar=False, num_workers=1
    )
    assert not eager._lazy


def test_large_blocks_are_read_in_parts(segmentation, monkeypatch):
    frame_bytes = HEIGHT * WIDTH * 4
    monkeypatch.setattr(
        "hyperspy_hrtemnn.signals._shared.deferred._BLOCK_BYTES", 2 * frame_bytes
    )
    lazy = segmentation.as_lazy()
    lazy.data = lazy.data.rechunk((-1, 25, 40))
    assert lazy.track_instances(1.0).data.chunks[0] == (2, 2, 2)


def test_saving_streams_and_loads_again(segmentation, tmp_path):
    eager = segmentation.track_instances(1.0, memory=2, show_progressbar=False)
    segmentation.save(tmp_path / "segmentation.hspy")
    lazy = hs.load(tmp_path / "segmentation.hspy", lazy=True)
    assert isinstance(lazy, LazySegmentation)
    lazy.track_instances(1.0, memory=2).save(
        tmp_path / "particles.hspy", show_progressbar=False
    )
    loaded = hs.load(tmp_path / "particles.hspy")
    assert isinstance(loaded, Instances)
    np.testing.assert_array_equal(loaded.data, eager.data)
    # A lazy result is written before anybody knows what is dropped from it.
    del eager.metadata.HRTEMNN.Instances.dropped_regions
    assert loaded.metadata.HRTEMNN.as_dictionary() == (
        eager.metadata.HRTEMNN.as_dictionary()
    )
    assert str(loaded.axes_manager) == str(eager.axes_manager)


@given(labels=arrays(np.int32, array_shapes(min_dims=2, max_dims=2, min_side=0)))
def test_packed_labels_are_the_same(labels):
    unpacked = Runs.of(labels).labels()
    assert unpacked.dtype == np.int32
    np.testing.assert_array_equal(unpacked, labels)


def test_packed_labels_are_small(segmentation):
    particles = segmentation.track_instances(1.0, show_progressbar=False).data[0]
    runs = Runs.of(particles)
    assert runs.start.nbytes + runs.value.nbytes < 0.1 * particles.nbytes


class CountedFrames(np.ndarray):
    """Frames that can tell how many of them are in memory."""


@pytest.mark.parametrize("slow", ["linking", "separating", "saving"])
def test_frames_in_memory_do_not_grow_with_the_movie(slow, monkeypatch):
    for length in (30, 120):
        most = _most_alive(length, slow, monkeypatch)
        assert most["frames"] <= 5
        assert most["labels"] <= 5
        assert most["trackers"] <= 8


def _most_alive(length, slow, monkeypatch):
    """Return the most frames, unpacked labels and trackers in memory."""
    lock, alive, most = threading.Lock(), Counter(), Counter()

    def count(what, change):
        with lock:
            alive[what] += change
            most[what] = max(most[what], alive[what])

    def wait_if(what):
        time.sleep(0.003 * (slow == what))

    def read():
        frame = CountedFrames((1, 5, 7), np.float32)
        frame[:] = 1
        count("frames", 1)
        weakref.finalize(frame, count, "frames", -1)
        return frame

    class Target:
        def __setitem__(self, where, labels):
            wait_if("saving")
            assert (labels == 1).all()

    class SlowTracker(ParticleTracker):
        def link(self, labels):
            wait_if("linking")
            count("trackers", 1)
            weakref.finalize(self, count, "trackers", -1)
            return super().link(labels)

    def separate(frame):
        wait_if("separating")
        return np.ones(frame.shape, np.int32), 0

    def unpacked(packed):
        labels = CountedFrames((1, 5, 7), np.int32)
        labels[:] = _unpack_block(packed)
        count("labels", 1)
        weakref.finalize(labels, count, "labels", -1)
        return labels

    monkeypatch.setattr(
        "hyperspy_hrtemnn.signals._tracking.linking._unpack_block", unpacked
    )
    movie = da.map_blocks(
        read, chunks=((1,) * length, 5, 7), dtype=np.float32, meta=np.empty((0, 0, 0))
    )
    labels = linked_frames(
        movie, separate, SlowTracker(), in_flight=4, when_done=lambda _: None
    )
    da.store(labels, Target(), num_workers=3)
    return most


def test_several_classes_have_to_be_selected():
    data = np.zeros((FRAMES, 2, HEIGHT, WIDTH), np.float32)
    segmentation = hs.signals.Signal2D(data)
    segmentation.set_signal_type("HRTEM_segmentation")
    segmentation.axes_manager.navigation_axes[0].name = "class"
    segmentation.metadata.set_item("HRTEMNN.Segmentation.classes", ["gold", "ceria"])
    with pytest.raises(ValueError, match=r"\(gold, ceria\).*segmentation\.inav\[0\]"):
        segmentation.track_instances(5)
    segmentation.inav[0].track_instances(5, show_progressbar=False)
    # What is not an object is no class to select.
    segmentation.metadata.HRTEMNN.Segmentation.classes = ["background", "gold"]
    with pytest.raises(ValueError, match=r"segmentation\.inav\[1\]"):
        segmentation.track_instances(5)
    segmentation.metadata.HRTEMNN.Segmentation.classes = ["gold", "ceria"]
    turned = segmentation.transpose(navigation_axes=[1, 0])
    with pytest.raises(ValueError, match=r"segmentation\.inav\[:, 0\]"):
        turned.track_instances(5)


def test_only_one_movie_is_tracked():
    segmentation = calibrated(np.zeros((2, FRAMES, HEIGHT, WIDTH)))
    with pytest.raises(ValueError, match=r"there are 2 \(time, time\)"):
        segmentation.track_instances(1.0)


def test_values_that_are_no_probabilities_are_refused(segmentation):
    mask = calibrated((255 * (moving_discs() > 0)).astype(np.uint8))
    for call in (mask.threshold, mask.area, lambda: mask.track_instances(1.0)):
        with pytest.raises(ValueError, match="from 0 to 255"):
            call()
    lazy = mask.as_lazy().track_instances(1.0)
    with pytest.raises(ValueError, match="from 0 to 255"):
        lazy.compute(show_progressbar=False)
    color = np.zeros((4, 5), [("R", "u1"), ("G", "u1"), ("B", "u1")])
    with pytest.raises(ValueError, match="color image"):
        calibrated(color).threshold()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_separation": "soon"}, "'soon' is not a length"),
        ({"min_separation": 0}, "min_separation"),
        ({"min_area": "4 nm"}, "'4 nm' is not an area"),
        ({"min_area": "4 s^2"}, "'4 s\\^2' is not an area"),
        ({"min_area": -4}, "min_area"),
        ({"probability": 1.5}, "probability"),
        ({"min_overlap": 2}, "min_overlap"),
        ({"memory": -1}, "memory"),
    ],
)
@pytest.mark.parametrize("lazy", [False, True])
def test_invalid_options_are_refused_at_once(segmentation, options, message, lazy):
    signal = segmentation.as_lazy() if lazy else segmentation
    with pytest.raises(ValueError, match=message):
        signal.track_instances(**({"min_separation": 1.0} | options))


@pytest.mark.parametrize("probability", [0, -1, 90])
def test_invalid_thresholds_are_refused(segmentation, probability):
    with pytest.raises(ValueError, match="probability"):
        segmentation.threshold(probability)


@pytest.mark.skipif(not REAL.is_dir(), reason=f"no real micrographs at {REAL}")
def test_masks_drawn_by_hand():
    drawn = hs.load(REAL / "labels/label_5.png").data
    mask = drawn if drawn.dtype.names is None else drawn["R"]
    segmentation = calibrated(mask / 255, scale=0.027)
    particles = segmentation.track_instances(
        "1 nm", min_area="0.5 nm^2", show_progressbar=False
    )
    assert len(particles.ids(show_progressbar=False)) == 13
    everything = segmentation.track_instances(
        "1 nm", min_area=0, show_progressbar=False
    )
    table = everything.properties(show_progressbar=False)
    assert table["area"].sum() == pytest.approx(segmentation.area().data[0])
