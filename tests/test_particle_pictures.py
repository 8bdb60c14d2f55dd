# SPDX-License-Identifier: GPL-3.0-or-later
"""Particles as markers, as labels in colors, and as movies that anybody can watch."""

from __future__ import annotations

import pickle

import dask.array as da
import hyperspy.api as hs
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb, to_rgba
from PIL import Image

from hyperspy_hrtemnn.analysis import particle_outlines
from hyperspy_hrtemnn.plots.palette import GRAY, id_color
from hyperspy_hrtemnn.signals import Instances
from hyperspy_hrtemnn.signals._particles import markers as marker_module
from hyperspy_hrtemnn.signals._particles import movie as movie_module
from hyperspy_hrtemnn.signals._particles import movie_files
from hyperspy_hrtemnn.signals._particles.label_colors import LabelNorm, label_colors
from hyperspy_hrtemnn.signals._shared.frame_titles import frame_title

mpl.use("agg")
FRAMES, HEIGHT, WIDTH = 5, 30, 47
SIDE, LEFT, TOP = 0.5, 100.0, -7.0  # pixel and first pixel [nm]
QUIET = {"show_progressbar": False}


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def calibrated(data, signal_type="HRTEM_instances"):
    signal = hs.signals.Signal2D(data)
    for name, axis in zip("xy", signal.axes_manager.signal_axes, strict=True):
        axis.name, axis.scale, axis.units = name, SIDE, "nm"
        axis.offset = LEFT if name == "x" else TOP
    for axis in signal.axes_manager.navigation_axes:
        axis.name, axis.scale, axis.units = "time", 0.25, "s"
    signal.set_signal_type(signal_type)
    return signal


def labels():
    """Particle 4 moves to the right, 13 has a hole and is in the frames 0 and 3."""
    data = np.zeros((FRAMES, HEIGHT, WIDTH), np.int32)
    for t in range(FRAMES):
        data[t, 3:11, 5 + t : 17 + t] = 4
    data[[0, 3], 20:27, 30:36] = 13
    data[[0, 3], 22:24, 32:34] = 0
    return data


@pytest.fixture
def particles():
    return calibrated(labels())


@pytest.fixture
def movie(rng):
    data = rng.normal(100, 5, (FRAMES, HEIGHT, WIDTH)).astype(np.float32)
    data[:, 1, 2] = 1e6  # a hot pixel
    return calibrated(data, "HRTEM")


def limits(lines):
    """Return left, right, top and bottom of lines, each of shape (point, xy)."""
    x, y = np.concatenate(lines).T
    return (x.min(), x.max(), y.min(), y.max())


def box(left, right, top, bottom):
    """Return where the edges of the first and last column and row are [nm]."""
    return (
        LEFT + SIDE * (left - 0.5),
        LEFT + SIDE * (right + 0.5),
        TOP + SIDE * (top - 0.5),
        TOP + SIDE * (bottom + 0.5),
    )


def test_outlines_of_a_frame():
    frame = labels()[3]
    frame[0:2, 0:3] = 2**31 - 1
    four, hollow, corner = particle_outlines(frame)
    assert [each.id for each in (four, hollow, corner)] == [4, 13, 2**31 - 1]
    np.testing.assert_allclose(four.center, [6.5, 13.5])
    (line,) = four.contours
    np.testing.assert_allclose(line[0], line[-1])
    np.testing.assert_allclose([line.min(0), line.max(0)], [[2.5, 7.5], [10.5, 19.5]])
    assert len(hollow.contours) == 2
    (line,) = corner.contours
    np.testing.assert_allclose([line.min(0), line.max(0)], [[-0.5, -0.5], [1.5, 2.5]])
    assert particle_outlines(np.full((4, 6), -1)) == []


@pytest.mark.parametrize("lazy", [False, True])
def test_markers_follow_the_navigator(particles, movie, lazy):
    if lazy:
        particles = particles.as_lazy()
    movie.plot()
    lines, texts = particles.to_markers()
    movie.add_marker([lines, texts])
    for frame in (3, 1, 0):
        movie.axes_manager.indices = (frame,)
        drawn = lines._collection.get_segments()
        assert limits(drawn[:1]) == pytest.approx(box(5 + frame, 16 + frame, 3, 10))
        here = [4, 13] if frame != 1 else [4]
        of_lines = [4, 13, 13] if frame != 1 else [4]
        assert len(drawn) == len(of_lines)
        colors = [to_rgba(id_color(number)) for number in of_lines]
        np.testing.assert_allclose(lines._collection.get_edgecolor(), colors)
        assert texts._collection._texts.tolist() == [str(number) for number in here]
        np.testing.assert_allclose(
            texts._collection.get_offsets()[0],
            (LEFT + SIDE * (10.5 + frame), TOP + SIDE * 6.5),
        )
        movie._plot.signal_plot.figure.canvas.draw()
    assert limits(drawn[1:]) == pytest.approx(box(30, 35, 20, 26))


def test_frames_are_computed_when_they_are_shown_and_once(particles, movie):
    read = []

    def block(data, block_info=None):
        read.append(block_info[0]["chunk-location"][0])
        return data

    lazy = particles.as_lazy()
    chunks = da.from_array(particles.data, chunks=(1, -1, -1))
    lazy.data = chunks.map_blocks(block, meta=np.empty((0, 0, 0), np.int32))
    markers = lazy.to_markers()
    assert read == []
    movie.plot()
    movie.add_marker(markers)
    movie.axes_manager.indices = (3,)
    assert read == [0, 3]
    assert lazy._lazy


def test_only_one_frame_is_kept(particles):
    axes = [marker_module._Axis(SIDE, LEFT), marker_module._Axis(SIDE, TOP)]
    shown = marker_module._ShownFrame(particles.data, axes)
    for frame in (2, 3):
        assert shown.part("texts", (frame,)).shape == (1,)
    assert [outline.id for outline in shown._outlines] == [4, 13]
    again = pickle.loads(pickle.dumps(shown))  # noqa: S301
    assert again.part("texts", (1,))[0].tolist() == ["4"]


def test_markers_of_one_image_of_none_and_of_several_axes(particles, movie):
    single = movie.inav[3]
    single.plot()
    lines, texts = particles.inav[3].to_markers()
    single.add_marker([lines, texts])
    assert len(lines._collection.get_segments()) == 3
    assert texts._collection._texts.tolist() == ["4", "13"]

    nothing = calibrated(np.zeros((2, HEIGHT, WIDTH), np.int32))
    movie = movie.inav[:2]
    movie.add_marker(nothing.to_markers())
    movie._plot.signal_plot.figure.canvas.draw()

    both = np.stack([labels(), labels()[::-1]])  # (2, time, y, x)
    images = calibrated(np.zeros(both.shape), "HRTEM")
    images.plot()
    (lines,) = calibrated(both).to_markers(show_ids=False)
    images.add_marker(lines)
    images.axes_manager.indices = (1, 1)  # the fourth frame of the others
    assert limits(lines._collection.get_segments()[:1]) == pytest.approx(
        box(8, 19, 3, 10)
    )


def test_markers_of_a_turned_movie_are_where_hyperspy_plots_it(particles):
    # An array (time, x, y): HyperSpy plots y from left to right.
    turned = hs.signals.Signal2D(labels().transpose(0, 2, 1))
    for name, axis in zip("yx", turned.axes_manager.signal_axes, strict=True):
        axis.name, axis.scale, axis.units = name, SIDE, "nm"
        axis.offset = LEFT if name == "x" else TOP
    turned.set_signal_type("HRTEM_instances")
    turned.plot(show_ids=False)
    lines, _ = turned.to_markers()
    turned.add_marker(lines)
    left, right, top, bottom = limits(lines._collection.get_segments()[:1])
    assert (top, bottom, left, right) == pytest.approx(box(5, 16, 3, 10))


def test_markers_need_uniform_axes(particles):
    particles.axes_manager.signal_axes[0].convert_to_non_uniform_axis()
    with pytest.raises(ValueError, match="axis x is not uniform"):
        particles.to_markers()


@pytest.mark.parametrize("lazy", [False, True])
def test_labels_are_plotted_in_the_colors_of_their_ids(particles, lazy):
    if lazy:
        particles = particles.as_lazy()
    particles.plot()
    plot = particles._plot.signal_plot
    ax = plot.ax
    for frame in (0, 3):
        particles.axes_manager.indices = (frame,)
        (image,) = ax.images
        seen = image.to_rgba(image.get_array())[..., :3]
        np.testing.assert_allclose(seen[6, 12], to_rgb(id_color(4)))
        np.testing.assert_allclose(seen[20, 31], to_rgb(id_color(13)))
        np.testing.assert_allclose(seen[22, 32], 0)
        assert ax.get_title().endswith(f"\nframe {frame}, {0.25 * frame:.2f} s")
    assert image.get_interpolation() == "nearest"
    (texts,) = plot.ax_markers
    assert texts._collection._texts.tolist() == ["4", "13"]
    assert plot._colorbar is None
    particles.plot(show_ids=False)
    assert particles._plot.signal_plot.ax_markers == []


def test_what_is_not_known_is_gray():
    colors = label_colors()(LabelNorm()(np.array([-1, 0, 1, 13, 2**31 - 1])))
    expected = [GRAY, "black", id_color(1), id_color(1), id_color(2**31 - 1)]
    np.testing.assert_allclose(colors, [to_rgba(color) for color in expected])
    of_floats = LabelNorm()(np.array([np.nan, 13.0]))
    assert of_floats.mask.tolist() == [True, False]


def test_hot_pixels_do_not_set_the_contrast(movie, particles):
    movie.plot()
    for ax in (movie._plot.signal_plot.ax, particles.plot_overlay(movie, 0)):
        low, high = ax.images[0].get_clim()
        assert 80 < low < 95
        assert 105 < high < 120
    assert movie._plot.signal_plot.ax.get_title().endswith("\nframe 0, 0.00 s")
    movie.plot(vmin=0, vmax=150)
    assert movie._plot.signal_plot.ax.images[0].get_clim() == (0, 150)


def test_probabilities_are_shown_from_0_to_1_with_their_class():
    data = np.full((FRAMES, 2, HEIGHT, WIDTH), 0.3, np.float32)
    segmentation = calibrated(data, "HRTEM_segmentation")
    number = segmentation.axes_manager.navigation_axes[0]
    number.name, number.units, number.scale = "class", "", 1
    segmentation.metadata.set_item("HRTEMNN.Segmentation.classes", ["Au", "CeO2"])
    segmentation.plot()
    segmentation.axes_manager.indices = (1, 3)
    ax = segmentation._plot.signal_plot.ax
    assert ax.images[0].get_clim() == (0, 1)
    assert ax.get_title().endswith("\nframe 3, class CeO2, 0.75 s")


def test_a_title_says_where_a_frame_of_several_axes_is():
    data = np.zeros((2, 3, 4, 5), np.int32)
    particles = Instances(data)
    fast, slow = particles.axes_manager.navigation_axes
    slow.name, slow.units, slow.scale, slow.offset = "temperature", "K", 25, 300
    fast.units, fast.scale = "ms", 0.04
    assert frame_title(particles, (1, 2)) == "frame 5, 0.08 ms, temperature 325 K"
    fast.units = ""
    assert frame_title(particles, (1, 2)) == "frame 5, axis_0 2, temperature 325 K"
    assert frame_title(particles.inav[0, 0], ()) == ""
    series = particles.inav[:, 0]
    series.axes_manager[0].name, series.axes_manager[0].units = "defocus", "nm"
    assert frame_title(series, (2,)) == "defocus 0.08 nm"


def test_a_title_follows_until_the_plot_is_closed(movie):
    movie.plot()
    ax = movie._plot.signal_plot.ax
    movie.axes_manager.indices = (2,)
    assert ax.get_title().endswith("\nframe 2, 0.50 s")
    movie._plot.close()
    movie.axes_manager.indices = (4,)
    assert ax.get_title().endswith("\nframe 2, 0.50 s")


def test_the_scale_bar_fits_the_part_that_is_shown(movie, particles):
    ax = particles.plot_overlay(movie, 1)
    for left, right, text in ((100, 123.5, "5 nm"), (105, 109, "1 nm")):
        ax.set_xlim(left, right)
        (bar,) = ax.artists
        assert bar.txt_label.get_text() == text
        width = bar.size_bar.get_children()[0].get_width()
        assert f"{width:g} nm" == text
    ax.figure.canvas.draw()


@pytest.mark.parametrize("change", ["units", "pixels"])
def test_without_square_pixels_with_a_unit_there_are_ticks(movie, particles, change):
    for signal in (movie, particles):
        for axis in signal.axes_manager.signal_axes:
            axis.units = "" if change == "units" else "nm"
        if change == "pixels":
            signal.axes_manager.signal_axes[1].scale = 0.6
    ax = particles.plot_overlay(movie, 1)
    assert len(ax.get_xticks()) > 0
    assert not ax.artists
    assert ax.get_xlabel() == ("x" if change == "units" else "x (nm)")


def test_short_tracks_are_gray_and_counted(particles):
    ax = particles.plot_properties("area", min_frames=3, **QUIET)
    lines = [line for line in ax.lines if line.get_linestyle() == "-"]
    assert [line.get_color() for line in lines] == [GRAY, GRAY, id_color(4)]
    assert np.isnan(lines[0].get_ydata()).tolist() == [False, True, True, False]
    assert len(lines[1].get_xdata()) == 0  # of the legend
    entries = [text.get_text() for text in ax.get_legend().get_texts()]
    assert entries == ["1 in < 3", "4"]
    both = particles.plot_properties("area", min_frames=2, **QUIET)
    assert [text.get_text() for text in both.get_legend().get_texts()] == ["4", "13"]


def pictures_of(path):
    """Return the pictures of a file, shape (frame, y, x, RGB)."""
    if path.suffix == ".gif":
        with Image.open(path) as file:
            frames = []
            for number in range(file.n_frames):
                file.seek(number)
                frames.append(np.asarray(file.convert("RGB")))
            assert file.info["duration"] == 200
        return np.stack(frames)
    ffmpeg = pytest.importorskip("imageio_ffmpeg")
    reader = ffmpeg.read_frames(str(path))
    about = next(reader)
    assert about["fps"] == 5
    width, height = about["size"]
    frames = [np.frombuffer(each, np.uint8) for each in reader]
    return np.stack(frames).reshape(-1, height, width, 3)


def near(pictures, color, tolerance):
    """Return where pixels have a color, of each picture."""
    apart = np.abs(pictures.astype(int) - np.rint(255 * np.array(to_rgb(color))))
    return (apart < tolerance).all(axis=-1)


@pytest.mark.parametrize("suffix", ["gif", "mp4"])
@pytest.mark.parametrize("lazy", [False, True])
def test_a_movie_read_again(particles, movie, tmp_path, suffix, lazy):
    if suffix == "mp4":
        pytest.importorskip("imageio_ffmpeg")
    if lazy:
        particles, movie = particles.as_lazy(), movie.as_lazy()
        movie.data = movie.data.rechunk((2, -1, -1))
    path = tmp_path / f"movie.{suffix}"
    options = {"curve": None, "frames_per_second": 5, **QUIET}
    particles.to_movie(path, movie, **options)
    pictures = pictures_of(path)
    assert len(pictures) == FRAMES
    # An MP4 halves the resolution of colors.
    tolerance = 40 if suffix == "mp4" else 12
    four = near(pictures, id_color(4), tolerance)
    left = np.array([np.nonzero(frame.any(axis=0))[0].min() for frame in four])
    assert np.diff(left).min() > 0  # it moves to the right
    hollow = near(pictures, id_color(13), tolerance)
    assert hollow.any(axis=(1, 2)).tolist() == [True, False, False, True, False]
    with pytest.raises(FileExistsError, match="overwrite=True"):
        particles.to_movie(path, movie, **options)
    particles.to_movie(path, overwrite=True, **options)
    filled = near(pictures_of(path), id_color(4), tolerance)
    assert filled.sum() > 3 * four.sum()


def test_the_pictures_of_a_movie(particles, movie, monkeypatch, tmp_path):
    seen = []
    monkeypatch.setattr(
        movie_module,
        "write_movie",
        lambda path, pictures, _: (path.touch(), seen.extend(shown(pictures))),
    )
    made = []
    keep = movie_module._Picture.__init__

    def init(self, *args, **options):
        keep(self, *args, **options)
        made.append(self)

    monkeypatch.setattr(movie_module._Picture, "__init__", init)

    def shown(pictures):
        for picture in pictures:
            (figure,) = made
            image, curve = figure.figure.axes
            texts = [text.get_text() for text in image.texts]
            lines = [line.get_color() for line in image.lines]
            at = curve.lines[-1].get_xdata()[0]
            yield image.get_title(), texts, lines, at, picture.shape

    movie.data[2] = np.nan
    particles.to_movie(tmp_path / "movie.gif", movie, **QUIET)
    titles, texts, colors, times, shapes = zip(*seen, strict=True)
    assert titles[:2] == ("frame 0, 0.00 s", "frame 1, 0.25 s")
    assert titles[2] == "frame 2, 0.50 s, no data"
    assert texts[2:4] == (["4"], ["4", "13"])
    assert colors[3] == [id_color(4), id_color(13), id_color(13)]
    assert times == (0, 0.25, 0.5, 0.75, 1)
    assert len(set(shapes)) == 1
    assert all(side % 2 == 0 for side in shapes[0][:2])
    image, curve = made[0].figure.axes
    assert image.artists[0].txt_label.get_text() == "5 nm"
    assert (curve.get_xlabel(), curve.get_ylabel()) == ("time (s)", "area (nm²)")
    assert plt.get_fignums() == []


def test_an_uncomputed_movie_is_read_once_for_pictures(particles, movie, tmp_path):
    read = []

    def block(data, block_info=None):
        read.append(block_info[0]["chunk-location"][0])
        return data

    table = particles.properties(**QUIET)
    lazy, images = particles.as_lazy(), movie.as_lazy()
    for signal in (lazy, images):
        chunks = da.from_array(signal.data.compute(), chunks=(1, -1, -1))
        meta = np.empty((0, 0, 0), signal.data.dtype)
        signal.data = chunks.map_blocks(block, meta=meta)
    lazy.to_movie(tmp_path / "movie.gif", images, properties=table, **QUIET)
    assert sorted(read) == sorted([*range(FRAMES), *range(FRAMES)])
    assert read[FRAMES:] == list(range(FRAMES))  # the images in order


def test_what_no_movie_is_made_of_is_said_before_the_work(
    particles, movie, monkeypatch, tmp_path
):
    def refused(error, match, *args, path="movie.gif", of=particles, **options):
        with pytest.raises(error, match=match):
            of.to_movie(tmp_path / path, *args, **options, **QUIET)

    refused(ValueError, r"has to end with \.mp4 or \.gif", path="movie.avi")
    refused(ValueError, "single image; plot_overlay", of=particles.inav[0])
    refused(ValueError, r"\(5, 30, 46\)", movie.isig[1:])
    refused(ValueError, "no property 'size'; there are area", curve="size")
    refused(ValueError, "has to be positive", frames_per_second=0)
    refused(ValueError, "a GIF shows 50 at most", frames_per_second=60)
    monkeypatch.setattr(movie_files, "find_spec", lambda _: None)
    refused(ImportError, "pip install imageio-ffmpeg", path="movie.mp4")
    assert list(tmp_path.iterdir()) == []


def test_ids_that_would_cover_one_another_are_left_out(tmp_path):
    """Of 1200 particles of 4 x 4 pixels in rows, and a large one, which has its id."""
    side = 5
    numbers = np.arange(1, 1201).reshape(30, 40)
    data = np.kron(numbers, np.ones((side, side), int))
    data[::side], data[:, ::side] = 0, 0
    data[51:99, 51:99] = 5000
    particles = calibrated(data.astype(np.int32)[np.newaxis])
    image = calibrated(np.zeros(particles.data.shape, np.float32), "HRTEM")
    ax = particles.plot_overlay(image, frame=0)
    ax.figure.canvas.draw()
    assert "5000" in [text.get_text() for text in ax.texts]
    boxes = [text.get_window_extent() for text in ax.texts]
    assert 20 < len(boxes) < 200
    covered = sum(box.width * box.height for box in boxes)
    seen = ax.get_window_extent()
    assert covered < 0.6 * seen.width * seen.height


@pytest.mark.parametrize("kind", ["complex", "colored"])
def test_images_without_one_number_a_pixel_are_refused(particles, tmp_path, kind):
    image = hs.signals.Signal2D(np.full((FRAMES, HEIGHT, WIDTH), 1j))
    if kind == "colored":
        colors = np.arange(3) + np.zeros((FRAMES, HEIGHT, WIDTH, 3), np.uint8)
        image = hs.signals.Signal1D(colors.astype(np.uint8))
        image.change_dtype("rgb8")
    with pytest.raises(ValueError, match=f"The image is {kind}"):
        particles.plot_overlay(image, frame=1)
    with pytest.raises(ValueError, match=f"The image is {kind}"):
        particles.to_movie(tmp_path / "movie.gif", image, **QUIET)
    assert list(tmp_path.iterdir()) == []


def test_gray_images_in_three_equal_colors_are_drawn(particles, movie):
    gray = np.clip(movie.data, 0, 200).astype(np.uint8)
    image = hs.signals.Signal1D(np.stack([gray] * 3, axis=-1))
    image.change_dtype("rgb8")
    ax = particles.plot_overlay(image, frame=3)
    np.testing.assert_array_equal(ax.images[0].get_array(), gray[3])


def test_a_movie_that_fails_leaves_nothing(particles, movie, tmp_path, monkeypatch):
    def fail(*_):
        raise RuntimeError("no")

    monkeypatch.setattr(movie_module, "particle_outlines", fail)
    with pytest.raises(RuntimeError, match="no"):
        particles.to_movie(tmp_path / "movie.gif", movie, **QUIET)
    assert list(tmp_path.iterdir()) == []
