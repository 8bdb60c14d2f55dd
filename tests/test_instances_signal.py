# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables and pictures of labelled particles."""

from __future__ import annotations

import dask
import dask.array as da
import hyperspy.api as hs
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

from hyperspy_hrtemnn.signals import HRTEM, Instances, LazyInstances

mpl.use("agg")
FRAMES, HEIGHT, WIDTH = 4, 30, 47


@pytest.fixture
def labels():
    data = np.zeros((FRAMES, HEIGHT, WIDTH), np.int32)
    for t in range(FRAMES):
        data[t, 3:11, 5 + t : 17 + t] = 4
    data[0, 20:26, 30:36] = data[3, 20:26, 30:35] = 9
    return data


def calibrated(data, signal_type="HRTEM_instances"):
    signal = hs.signals.Signal2D(data)
    for name, axis in zip("xy", signal.axes_manager.signal_axes, strict=True):
        axis.name, axis.scale, axis.units = name, 0.5, "nm"
    signal.axes_manager.signal_axes[0].offset = 100
    for axis in signal.axes_manager.navigation_axes:
        axis.name, axis.scale, axis.units, axis.offset = "z", 0.2, "s", 3
    signal.set_signal_type(signal_type)
    return signal


@pytest.fixture
def particles(labels):
    return calibrated(labels)


@pytest.fixture
def image(labels):
    return calibrated(labels * 10.0 + 1, "")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.mark.parametrize("frame", [1.5, "1", (0.5,)])
def test_a_time_is_not_taken_for_the_number_of_a_frame(frame):
    particles = Instances(np.zeros((3, 6, 8), np.int32))
    with pytest.raises(IndexError, match=r"number of a frame.*value2index"):
        particles.plot_overlay(Instances(particles.data), frame)


def test_labels_are_not_summed():
    particles = Instances(np.zeros((2, 6, 8), np.int32))
    for each in (particles, particles.as_lazy()):
        with pytest.raises(TypeError, match=r"isig\[::2, ::2\]"):
            each.rebin(scale=(1, 2, 2))


def test_properties(particles, image):
    table = particles.properties(image, show_progressbar=False)
    assert list(table.columns[:4]) == ["id", "frame", "time", "area"]
    assert table["id"].tolist() == [4, 9, 4, 4, 4, 9]
    assert table["frame"].tolist() == [0, 0, 1, 2, 3, 3]
    np.testing.assert_allclose(table["time"], [3, 3, 3.2, 3.4, 3.6, 3.6])
    np.testing.assert_allclose(table["area"], [24, 9, 24, 24, 24, 7.5])
    np.testing.assert_allclose(table["x"][:2], [100 + 0.5 * 10.5, 100 + 0.5 * 32.5])
    np.testing.assert_allclose(table["y"][:2], [3.25, 11.25])
    np.testing.assert_allclose(table["mean_intensity"], [41, 91, 41, 41, 41, 91])
    assert table.attrs["units"] == {
        "time": "s",
        "x": "nm",
        "y": "nm",
        "area": "nm²",
        "equivalent_diameter": "nm",
        "perimeter": "nm",
        "orientation": "°",
        "x_corrected": "nm",
        "y_corrected": "nm",
    }


def test_properties_of_one_image(particles):
    table = particles.inav[3].properties(show_progressbar=False)
    assert table["frame"].tolist() == [0, 0]
    assert list(table.columns[:3]) == ["id", "frame", "area"]
    empty = particles.inav[1]
    empty.data = np.zeros_like(empty.data)
    nothing = empty.properties(show_progressbar=False)
    assert nothing.dtypes.to_dict() == table.dtypes.to_dict()
    assert len(nothing) == 0


def test_an_axis_that_is_no_time_keeps_its_name(particles):
    axis = particles.axes_manager[0]
    axis.name, axis.units = "defocus", "nm"
    table = particles.properties(show_progressbar=False)
    assert table.columns[2] == "defocus"
    assert table.attrs["units"]["defocus"] == "nm"


def test_more_navigation_axes(labels):
    particles = calibrated(np.stack([labels, labels[::-1], labels]))
    particles.axes_manager.navigation_axes[1].units = "K"
    particles.axes_manager.navigation_axes[1].name = "temperature"
    table = particles.properties(show_progressbar=False)
    assert table["frame"].max() == 3 * FRAMES - 1
    row = table[table["frame"] == FRAMES + 1].iloc[0]
    np.testing.assert_allclose([row["temperature"], row["time"]], [3.2, 3.2])


@pytest.mark.parametrize("chunks", [(1, -1, -1), (3, 20, -1)])
def test_lazy_gives_the_same_table(particles, image, chunks):
    lazy, lazy_image = particles.as_lazy(), image.as_lazy()
    lazy.data = lazy.data.rechunk(chunks)
    assert isinstance(lazy, LazyInstances)
    table = lazy.properties(lazy_image, show_progressbar=False)
    expected = particles.properties(image, show_progressbar=False)
    assert table.equals(expected)
    assert lazy.ids(show_progressbar=False) == [4, 9]
    assert lazy._lazy


def test_an_uncomputed_movie_is_linked_once(labels):
    computed = []

    def separated(block, block_info=None):
        computed.append(block_info[0]["chunk-location"][0])
        return (block > 0).astype(np.float32)

    data = da.from_array(labels, chunks=(1, -1, -1)).map_blocks(
        separated, dtype=np.float32, meta=np.empty((0, 0, 0), np.float32)
    )
    segmentation = calibrated(data).as_lazy()
    segmentation.set_signal_type("HRTEM_segmentation")
    particles = segmentation.track_instances(1.0, memory=2)
    assert computed == []
    particles.properties(show_progressbar=False)
    assert sorted(computed) == list(range(FRAMES))


def test_ids(particles):
    assert particles.ids(show_progressbar=False) == [4, 9]
    assert particles.inav[1].ids(show_progressbar=False) == [4]


def test_saving(particles, tmp_path):
    particles.metadata.set_item("HRTEMNN.Instances", {"min_overlap": 0.5})
    particles.save(tmp_path / "particles.hspy")
    loaded = hs.load(tmp_path / "particles.hspy")
    assert isinstance(loaded, Instances)
    np.testing.assert_array_equal(loaded.data, particles.data)
    assert loaded.metadata.HRTEMNN.Instances.min_overlap == 0.5
    assert isinstance(hs.load(tmp_path / "particles.hspy", lazy=True), LazyInstances)


def test_plot_properties(particles, image):
    ax = particles.plot_properties("area", show_progressbar=False)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("time (s)", "area (nm²)")
    lines = [line for line in ax.lines if not line.get_label().startswith("_")]
    assert [line.get_label() for line in lines] == ["4", "9"]
    np.testing.assert_allclose(lines[0].get_xdata(), [3, 3.2, 3.4, 3.6])
    # The frames without the particle are a gap.
    np.testing.assert_array_equal(np.isnan(lines[1].get_ydata()), [0, 1, 1, 0])

    again = particles.plot_properties("mean_intensity", [9], ax, image=image)
    assert again is ax
    assert ax.get_ylabel() == "mean intensity"
    colors = [line.get_color() for line in ax.lines if line.get_label() == "9"]
    assert colors[0] == colors[1]


def test_plot_properties_of_a_table(particles, image):
    axis = particles.axes_manager[0]
    axis.convert_to_non_uniform_axis()
    axis.axis = np.array([0, 0.2, 9.0, 9.2])
    table = particles.properties(image, show_progressbar=False)
    never = da.from_delayed(
        dask.delayed(pytest.fail)("computed"), image.data.shape, np.int32
    )
    lazy = particles.as_lazy()
    lazy.data = never
    for name in ("area", "mean_intensity"):
        given = lazy.plot_properties(name, properties=table)
        own = particles.plot_properties(name, image=image, show_progressbar=False)
        assert given.get_xlabel() == own.get_xlabel() == "time (s)"
        assert given.get_ylabel() == own.get_ylabel()
        assert len(given.patches) == len(own.patches) == 1
        for one, other in zip(given.lines, own.lines, strict=True):
            np.testing.assert_array_equal(one.get_data(), other.get_data())
    with pytest.raises(ValueError, match="no particle 5; there are 4, 9"):
        lazy.plot_properties("area", [5], properties=table)
    with pytest.raises(ValueError, match="no column 'area'; it has to be that of Inst"):
        lazy.plot_properties("area", properties=table[["id", "frame", "time"]])


def test_plot_properties_against_frames_without_time(particles):
    particles.axes_manager[0].units = ""
    ax = particles.plot_properties("perimeter", [4], show_progressbar=False)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("frame", "perimeter (nm)")


def test_no_line_crosses_a_pause(particles):
    axis = particles.axes_manager[0]
    axis.convert_to_non_uniform_axis()
    axis.axis = np.array([0, 0.2, 9.0, 9.2])  # the beam was off for 8.6 s
    ax = particles.plot_properties("area", show_progressbar=False)
    (band,) = ax.patches
    ends = band.get_extents().transformed(ax.transData.inverted())
    assert ends.intervalx == pytest.approx([0.2, 9])
    four = next(line for line in ax.lines if line.get_label() == "4")
    np.testing.assert_array_equal(np.isnan(four.get_ydata()), [0, 0, 1, 0, 0])
    particles.plot_properties("area", [9], ax, show_progressbar=False)
    assert len(ax.patches) == 1


def test_a_missing_particle_is_no_pause(labels):
    labels[:, 3:11] = 0  # frames 1 and 2 show nothing
    ax = calibrated(labels).plot_properties("area", show_progressbar=False)
    assert not ax.patches


def test_plot_overlay(particles, image):
    particles.axes_manager.indices = (3,)
    ax = particles.plot_overlay(image)
    assert [text.get_text() for text in ax.texts] == ["4", "9"]
    np.testing.assert_allclose(ax.texts[0].get_position(), [100 + 0.5 * 13.5, 3.25])
    assert ax.get_xlim() == pytest.approx((99.75, 99.75 + 0.5 * WIDTH))
    assert ax.get_ylim() == pytest.approx((-0.25 + 0.5 * HEIGHT, -0.25))
    assert ax.get_title() == "frame 3, 3.6 s"
    assert len(ax.get_xticks()) == len(ax.get_yticks()) == 0
    assert ax.artists[0].txt_label.get_text() == "5 nm"
    x, y = ax.lines[0].get_data()
    assert (x.min(), x.max()) == pytest.approx((100 + 0.5 * 7.5, 100 + 0.5 * 19.5))
    assert (y.min(), y.max()) == pytest.approx((1.25, 5.25))

    other = particles.as_lazy().plot_overlay(image.as_lazy(), frame=1, show_ids=False)
    assert len(other.texts) == 0
    assert other.lines[0].get_color() == ax.lines[0].get_color()
    assert particles.inav[1].plot_overlay(image.inav[1], ax=ax) is ax


def test_mismatches_are_refused(particles, image):
    for call in (particles.properties, particles.plot_overlay):
        with pytest.raises(ValueError, match=r"\(4, 30, 46\).*\(4, 30, 47\)"):
            call(image.isig[1:])
        with pytest.raises(ValueError, match=r"\(30, 47\).*\(4, 30, 47\)"):
            call(image.inav[0])


def test_unknown_names_are_refused(particles, image):
    with pytest.raises(ValueError, match="no property 'size'; there are area, x, y"):
        particles.plot_properties("size", show_progressbar=False)
    with pytest.raises(ValueError, match=r"'mean_intensity'.*needs the image"):
        particles.plot_properties("mean_intensity", show_progressbar=False)
    with pytest.raises(ValueError, match="no particle 5; there are 4, 9"):
        particles.plot_properties("area", [4, 5], show_progressbar=False)
    with pytest.raises(IndexError, match="no frame 4; there are 4"):
        particles.plot_overlay(image, frame=4)
    with pytest.raises(IndexError, match="has 2 indices"):
        particles.plot_overlay(image, frame=(1, 1))


def test_a_frame_has_the_number_that_it_has_in_tables(rng):
    """Of a single image, of a movie, and of several movies."""
    data = np.zeros((2, 3, HEIGHT, WIDTH), np.int32)
    data[1, 0, 4:9, 5:11] = 3
    several = Instances(data)
    several.axes_manager[0].name, several.axes_manager[1].name = "time", "run"
    for axis in several.axes_manager.signal_axes:
        axis.scale, axis.units = 0.5, "nm"
    image = HRTEM(rng.normal(size=data.shape))
    (number,) = several.properties(show_progressbar=False)["frame"]
    for frame in (number, number - 6, (0, 1)):
        ax = several.plot_overlay(image, frame=frame)
        assert [text.get_text() for text in ax.texts] == ["3"]
    with pytest.raises(IndexError, match="no frame 6; there are 6"):
        several.plot_overlay(image, frame=6)
    one = several.inav[0, 1]
    assert one.plot_overlay(image.inav[0, 1], frame=0).texts[0].get_text() == "3"
    with pytest.raises(IndexError, match="no frame 1; there are 1"):
        one.plot_overlay(image.inav[0, 1], frame=1)


def test_missing_calibration_is_explained(particles):
    particles.axes_manager.signal_axes[1].units = ""
    with pytest.raises(ValueError, match="not calibrated"):
        particles.properties()
