# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels that were edited in another program, and layers for napari."""

from __future__ import annotations

import types
import warnings

import dask.array as da
import hyperspy.api as hs
import numpy as np
import pytest
import tifffile

from hyperspy_hrtemnn.signals import Instances, LazyInstances

FRAMES, Y, X = 4, 31, 47


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    monkeypatch.setattr(hs.preferences.General, "show_progressbar", False)


def labels():
    data = np.zeros((FRAMES, Y, X), np.int32)
    for t in range(FRAMES):
        data[t, 3:11, 5 + t : 17 + t] = 4
        data[t, 20:26, 30:36] = 9
    return data


def calibrated(data, signal_type, *, lazy=False):
    signal = hs.signals.Signal2D(data)
    signal = signal.as_lazy() if lazy else signal
    for name, axis in zip("xy", signal.axes_manager.signal_axes, strict=True):
        axis.name, axis.scale, axis.units = name, 0.5, "nm"
    signal.axes_manager.signal_axes[0].offset = 100
    for axis in signal.axes_manager.navigation_axes:
        axis.name, axis.scale, axis.units, axis.offset = "time", 0.2, "s", 3
    signal.set_signal_type(signal_type)
    return signal


def painted():
    data = labels()
    data[1, 3:11, 6:12] = 0  # half of 4 is erased
    data[1, 27:30, 2:7] = 12
    return data


@pytest.fixture(params=["in memory", "lazy"])
def particles(request):
    return calibrated(labels(), "HRTEM_instances", lazy=request.param == "lazy")


@pytest.mark.parametrize(
    "form",
    [
        lambda data: data,
        lambda data: data.astype(np.uint16),
        lambda data: data.astype(float),
        lambda data: da.from_array(data, chunks=(2, 20, -1)),
        hs.signals.Signal2D,
        lambda data: types.SimpleNamespace(data=data),  # a layer of napari
    ],
    ids=["array", "uint16", "floats", "dask", "signal", "layer"],
)
def test_painted_labels_come_back_with_ids_and_new_properties(particles, form):
    corrected = Instances.from_labels(form(painted()), particles)
    np.testing.assert_array_equal(corrected.data, painted())
    table = corrected.properties().set_index(["frame", "id"])
    assert table.index.tolist() == [
        (0, 4), (0, 9), (1, 4), (1, 9), (1, 12), (2, 4), (2, 9), (3, 4), (3, 9),
    ]  # fmt: skip
    assert table["area"][1, 4] == 8 * 6 / 4
    assert table["x"][1, 12] == 100 + 4 / 2
    assert table["time"][1, 12] == 3.2
    # What was edited stays as it was.
    np.testing.assert_array_equal(particles.data, labels())
    assert particles.edits() == []
    assert corrected.edits() == ["from_labels(labels)"]
    corrected.undo()
    np.testing.assert_array_equal(corrected.data, labels())


def test_lazy_labels_stay_lazy():
    def read(block):
        raise AssertionError("read too early")

    whole = calibrated(labels(), "HRTEM_instances")
    dask_labels = da.from_array(painted(), chunks=(1, -1, -1))
    unread = dask_labels.map_blocks(read, dtype=np.int32, meta=labels()[:0, :0, :0])
    lazy = whole.as_lazy()
    lazy.data = unread
    for made in (
        Instances.from_labels(painted(), lazy),
        Instances.from_labels(painted()[1], lazy, frames=1),
        Instances.from_labels(unread, whole),
        Instances.from_labels(unread, calibrated(labels() * 2.0, "HRTEM")),
    ):
        assert type(made) is LazyInstances
    assert type(Instances.from_labels(painted(), whole)) is Instances


def test_some_frames_are_replaced(particles):
    for new, frames, text in (
        (painted()[1], 1, "frames=[1]"),
        (painted()[1:], [1, 2, -1], "frames=range(1, 4)"),
    ):
        corrected = Instances.from_labels(new, particles, frames=frames)
        assert corrected._lazy == particles._lazy
        np.testing.assert_array_equal(corrected.data, painted())
        assert corrected.edits() == [f"from_labels(labels, {text})"]


def test_edits_before_are_kept():
    particles = calibrated(labels(), "HRTEM_instances")
    particles.merge(4, 9)
    corrected = Instances.from_labels(painted(), particles)
    assert corrected.edits() == ["merge(4, 9)", "from_labels(labels)"]
    corrected.undo()
    corrected.undo()
    np.testing.assert_array_equal(corrected.data, labels())
    assert particles.edits() == ["merge(4, 9)"]


def test_no_data_stays_unless_it_is_painted(particles):
    data = labels()
    data[2] = data[0, :, 40:] = -1
    signal = calibrated(data, "HRTEM_instances", lazy=particles._lazy)
    signal.metadata.set_item("HRTEMNN.Instances", {"no_data": -1})
    new = np.maximum(data, 0)
    new[0, :4, 42:] = 9
    expected = data.copy()
    expected[0, :4, 42:] = 9
    corrected = Instances.from_labels(new, signal)
    np.testing.assert_array_equal(corrected.data, expected)
    assert corrected.properties().attrs["unknown_frames"] == [2]


def test_images_get_their_first_labels():
    images = calibrated(labels() * 10.0, "HRTEM")
    images.metadata.General.title = "hand"
    made = Instances.from_labels(painted().astype(np.uint8), images)
    assert type(made) is Instances
    assert (made.metadata.General.title, made.edits()) == ("hand", [])
    assert made.properties(images)["mean_intensity"].tolist()[:2] == [40, 90]
    assert made.axes_manager[0].offset == 3
    lazy = Instances.from_labels(painted(), images.as_lazy())
    assert not lazy._lazy  # the labels are there
    with pytest.raises(
        ValueError, match="some frames need the particles of the others"
    ):
        Instances.from_labels(painted()[1], images, frames=1)


def test_a_tiff_of_ours_comes_back(particles, tmp_path):
    particles.to_tiff(tmp_path / "labels.tif")
    loaded = hs.load(tmp_path / "labels.tif")
    for read in (loaded, tifffile.imread(tmp_path / "labels.tif")):
        back = Instances.from_labels(read, particles)
        np.testing.assert_array_equal(back.data, labels())
        assert back.axes_manager[0].offset == 3


def test_a_png_of_one_frame_comes_back(tmp_path):
    from skimage.io import imread, imsave

    particles = calibrated(labels(), "HRTEM_instances")
    imsave(tmp_path / "2.png", painted()[1].astype(np.uint8), check_contrast=False)
    back = Instances.from_labels(imread(tmp_path / "2.png"), particles, frames=1)
    np.testing.assert_array_equal(back.data, painted())


def test_the_order_of_axes_is_that_of_the_array():
    axes = [
        {"name": name, "size": size, "navigate": name == "t"}
        for name, size in (("y", Y), ("x", X), ("t", FRAMES))
    ]
    turned = hs.signals.BaseSignal(np.moveaxis(labels(), 0, 2).copy(), axes=axes)
    turned.set_signal_type("HRTEM_instances")
    back = Instances.from_labels(painted(), turned)
    np.testing.assert_array_equal(back.data, painted())
    assert [axis.name for axis in back.axes_manager._axes] == ["t", "y", "x"]


def test_wrong_labels_are_named(particles):
    for wrong, frames in (
        (painted()[:3], None),
        (painted()[..., 1:], None),
        (painted()[0], None),
        (painted()[:2], 1),
        (painted()[:2], [0, 1, 2]),
    ):
        with pytest.raises(ValueError, match=r"labels have the shape \(.*\) is needed"):
            Instances.from_labels(wrong, particles, frames=frames)
    for frames, what in (
        (FRAMES, "no frame 4; there are 4"),
        ([2, 1], r"ascending, each once, not \[2, 1\]"),
        ([1, 1], "ascending, each once"),
    ):
        with pytest.raises(IndexError, match=what):
            Instances.from_labels(painted()[:2], particles, frames=frames)
    with pytest.raises(ValueError, match=r"a label 0\.5"):
        Instances.from_labels(painted() + 0.5, particles)
    with pytest.raises(TypeError, match="A signal of HyperSpy is needed"):
        Instances.from_labels(painted(), labels())


class Viewer:
    """What napari's viewers are told."""

    def __init__(self):
        self.layers = {}

    def __getattr__(self, name):
        kind = name.removeprefix("add_")
        return lambda data, **options: self.layers.setdefault(kind, (data, options))


def test_layers_of_napari(particles):
    image = calibrated(labels() * 2.0, "HRTEM", lazy=particles._lazy)
    viewer = Viewer()
    layers = particles.to_napari(image, viewer)
    assert [kind for *_, kind in layers] == list(viewer.layers)
    assert list(viewer.layers) == ["image", "labels", "tracks"]
    for data, options, kind in layers:
        assert viewer.layers[kind][0] is data
        assert options["scale"] == [1, 0.5, 0.5]
        assert options["translate"] == [0, 0, 100]
        assert options["units"] == ["pixel", "nm", "nm"]
        assert options["axis_labels"] == ["time", "y", "x"]
    (shown, _, _), (own, options, _), (tracks, features, _) = layers
    assert isinstance(shown, da.Array) == isinstance(own, da.Array) == particles._lazy
    np.testing.assert_array_equal(own, labels())
    assert options["name"] == "particles"
    # id, frame, y, x in pixels, sorted by id and frame
    assert tracks.tolist() == [
        *([4, t, 6.5, 10.5 + t] for t in range(FRAMES)),
        *([9, t, 22.5, 32.5] for t in range(FRAMES)),
    ]
    assert features["features"]["area"].tolist() == [24] * FRAMES + [9] * FRAMES


def test_pages_of_several_movies_come_back(tmp_path):
    several = calibrated(np.stack([labels(), labels()[::-1]]), "HRTEM_instances")
    several.to_tiff(tmp_path / "labels.tif", show_progressbar=False)
    pages = tifffile.imread(tmp_path / "labels.tif")
    assert pages.ndim == 3
    back = Instances.from_labels(pages, several)
    np.testing.assert_array_equal(back.data, several.data)


def test_images_with_other_pixels_than_the_particles_are_told(particles):
    image = calibrated(labels() * 2.0, "HRTEM")
    for axis in image.axes_manager.signal_axes:
        axis.scale, axis.units = 4.0, "Å"
    with pytest.warns(UserWarning, match=r"image are 4 Å, those of the particles 5 Å"):
        particles.to_napari(image)
    for axis in image.axes_manager.signal_axes:
        axis.units = ""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        particles.to_napari(image)


def test_without_particles_there_are_labels_to_paint_and_no_tracks(particles):
    particles.delete([4, 9])
    assert [kind for *_, kind in particles.to_napari()] == ["labels"]


def test_gray_images_in_colors_are_shown_gray_and_colored_ones_are_refused(particles):
    gray = labels().astype(np.uint8)
    image = hs.signals.Signal1D(np.stack([gray] * 3, axis=-1))
    image.change_dtype("rgb8")
    image = image.as_lazy() if particles._lazy else image
    (shown, _, _), *_ = particles.to_napari(image)
    np.testing.assert_array_equal(shown, gray)
    image = hs.signals.Signal1D(np.stack([gray, gray, 2 * gray], axis=-1))
    image.change_dtype("rgb8")
    with pytest.raises(ValueError, match="is colored"):
        particles.to_napari(image)


def test_painting_in_a_layer_does_not_change_the_signal():
    data = labels()
    data[0, 0, :] = -1
    particles = calibrated(data.copy(), "HRTEM_instances")
    particles.metadata.set_item("HRTEMNN.Instances", {"no_data": -1})
    (layer, _, _), _ = particles.to_napari()
    assert layer.min() == 0
    layer[1] = painted()[1]
    np.testing.assert_array_equal(particles.data, data)
    expected = painted()
    expected[0, 0, :] = -1
    back = Instances.from_labels(layer, particles)
    np.testing.assert_array_equal(back.data, expected)


def test_tracks_of_a_given_table_and_of_one_image():
    particles = calibrated(labels(), "HRTEM_instances")
    table = particles.properties()
    *_, (tracks, _, kind) = particles.to_napari(properties=table[table["id"] == 9])
    assert kind == "tracks"
    assert set(tracks[:, 0]) == {9}
    assert [kind for *_, kind in particles.inav[0].to_napari()] == ["labels"]
    with pytest.raises(ValueError, match="no column 'area'"):
        particles.to_napari(properties=table[["id", "frame"]])


def test_what_does_not_fit_in_napari_is_named(particles):
    with pytest.raises(ValueError, match=r"\(4, 31, 46\).*\(4, 31, 47\)"):
        particles.to_napari(calibrated(labels()[..., 1:], "HRTEM"))
    particles.axes_manager.signal_axes[0].units = ""
    with pytest.raises(ValueError, match="not calibrated"):
        particles.to_napari()


def test_napari_shows_the_layers_and_what_is_painted_comes_back(particles):
    pytest.importorskip("napari")
    from napari.components import ViewerModel

    viewer = ViewerModel()  # without a window
    particles.to_napari(calibrated(labels() * 2.0, "HRTEM"), viewer)
    assert [layer.name for layer in viewer.layers] == ["image", "particles", "tracks"]
    layer = viewer.layers["particles"]
    assert layer.data_to_world((1, 2, 4)) == pytest.approx((1, 1, 102))
    layer.n_edit_dimensions, layer.brush_size = 2, 5
    layer.paint((2, 15, 10), 40)
    corrected = Instances.from_labels(layer, particles)
    table = corrected.properties().query("id == 40")
    assert table["frame"].tolist() == [2]
    assert table[["x", "y"]].to_numpy().tolist() == [[105, 7.5]]
    assert particles.ids() == [4, 9]
