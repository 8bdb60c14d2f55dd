# SPDX-License-Identifier: GPL-3.0-or-later
"""Axes in any order, unit and with any name: every method sees one form of them."""

from __future__ import annotations

import doctest
import inspect
import warnings

import hyperspy.api as hs
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from hyperspy_hrtemnn.signals import (
    HRTEM,
    ExitWave,
    Instances,
    LocalFFT,
    Segmentation,
)
from hyperspy_hrtemnn.signals._shared import entrance
from hyperspy_hrtemnn.signals._shared.entrance import in_one_form
from hyperspy_hrtemnn.signals._shared.tables import _COLUMNS, column_names

FRAMES, Y, X = 3, 60, 76
SIDE = 0.1  # nm
NAMES = {"t": "time", "y": "y", "x": "x"}
CLASSES = {
    "HRTEM": HRTEM,
    "HRTEM_segmentation": Segmentation,
    "HRTEM_instances": Instances,
    "exit_wave": ExitWave,
    "HRTEM_local_fft": LocalFFT,
}


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    monkeypatch.setattr(hs.preferences.General, "show_progressbar", False)
    yield
    plt.close("all")


def stored(data, signal_type, order="tyx", lazy=False):
    """Return a movie whose array has its axes in some order."""
    data = np.moveaxis(data, range(3), [order.index(name) for name in "tyx"])
    scale = {"t": (0.4, 0.1, "s"), "y": (SIDE, 5.0, "nm"), "x": (SIDE, -2.0, "nm")}
    axes = [
        {
            "size": size, "name": NAMES[name], "navigate": name == "t",
            "scale": scale[name][0], "offset": scale[name][1], "units": scale[name][2],
        }
        for size, name in zip(data.shape, order, strict=True)
    ]  # fmt: skip
    signal = hs.signals.BaseSignal(data.copy(), axes=axes)
    signal = signal.as_lazy() if lazy else signal
    signal.set_signal_type(signal_type)
    return signal


def labels():
    data = np.zeros((FRAMES, Y, X), np.int32)
    for frame in range(FRAMES):
        data[frame, 8:26, 10 + frame : 34 + frame] = 1
        data[frame, 34:54, 40:66] = 2
    return data


def images():
    rng = np.random.default_rng(4)
    waves = (
        np.cos(2 * np.pi * np.arange(X) / 4)
        * np.cos(2 * np.pi * np.arange(Y) / 5)[:, np.newaxis]
    )
    return 100 + 40 * waves * (labels() > 0) + rng.normal(size=(FRAMES, Y, X))


def waves():
    y, x = np.indices((Y, X))
    bumps = sum(
        np.exp(-((x - a) ** 2 + (y - b) ** 2) / 8) for a, b in ((20, 15), (50, 40))
    )
    return np.exp(1j * np.stack([(1 + 0.1 * frame) * bumps for frame in range(FRAMES)]))


DATA = {
    "HRTEM": images,
    "HRTEM_segmentation": lambda: (labels() > 0).astype(float),
    "HRTEM_instances": labels,
    "exit_wave": waves,
}


def others(order):
    # HyperSpy draws a ROI along its own axes, the fast one from left to right.
    turned = order.index("x") < order.index("y")
    ends = (5.2, 4.8, 8.0, 5.5) if turned else (4.8, 5.2, 5.5, 8.0)
    return {
        "roi": hs.roi.RectangularROI(*ends),
        "image": stored(images(), "HRTEM", order),
        "instances": stored(labels(), "HRTEM_instances", order),
        "wave": stored(waves(), "exit_wave", order),
    }


# What is called of each method; the arguments are signals of the same order of axes.
CALLS = {
    ("HRTEM", "standardize"): lambda s, _: s.standardize("1 nm"),
    ("HRTEM", "segment"): lambda s, o: s.segment(o["network"], resample=False),
    ("HRTEM", "local_fft"): lambda s, o: s.local_fft(o["instances"], size="3 nm"),
    ("HRTEM", "estimate_dose"): lambda s, o: s.estimate_dose(
        o["roi"], counts_per_electron=3
    ),
    ("HRTEM_segmentation", "threshold"): lambda s, _: s.threshold(0.5),
    ("HRTEM_segmentation", "area"): lambda s, _: s.area(0.5),
    ("HRTEM_segmentation", "track_instances"): lambda s, _: s.track_instances(
        "1 nm", drift=False
    ),
    ("HRTEM_segmentation", "find_columns"): lambda s, _: s.find_columns("1 nm"),
    ("HRTEM_instances", "ids"): lambda s, _: s.ids(),
    ("HRTEM_instances", "properties"): lambda s, o: s.properties(o["image"]),
    ("exit_wave", "propagate"): lambda s, _: s.propagate("2 nm", energy=80),
    ("exit_wave", "filter_lattice"): lambda s, _: s.filter_lattice("3 Å", 5.0),
    ("exit_wave", "simulate_images"): lambda s, _: s.simulate_images(
        ["0 nm", "5 nm"], energy=80
    ),
    ("exit_wave", "find_columns"): lambda s, _: s.find_columns("3 Å"),
    ("exit_wave", "compare"): lambda s, o: s.compare(o["wave"]),
}


def plain(result):
    """Return a result as tables or arrays with the order of their axes."""
    if isinstance(result, hs.signals.BaseSignal):
        if result._lazy:
            result.compute()
        names = [(str(axis.name), axis.size) for axis in result.axes_manager._axes]
        return names, np.asarray(result.data)
    return result


@pytest.mark.parametrize(
    ("order", "lazy"), [("yxt", False), ("yxt", True), ("xty", False)]
)
@pytest.mark.parametrize(("kind", "method"), CALLS)
def test_the_order_of_the_array_changes_nothing(
    kind, method, order, lazy, network_path
):
    call = CALLS[kind, method]
    network = {"network": network_path}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        known = call(stored(DATA[kind](), kind), others("tyx") | network)
        signal = stored(DATA[kind](), kind, order, lazy)
        found = call(signal, others(order) | network)
        expected, result = plain(known), plain(found)
    if isinstance(known, pd.DataFrame):
        assert_frame_equal(result, expected)
        assert result.attrs["units"] == expected.attrs["units"]
        assert len(result)
    elif isinstance(expected, tuple):
        assert result[0] == expected[0]
        np.testing.assert_allclose(result[1], expected[1], atol=1e-5)
    else:
        assert result == expected == [1, 2]


@pytest.mark.parametrize("signal_type", CLASSES)
def test_every_method_of_ours_gets_the_one_form(signal_type, monkeypatch):
    ours = CLASSES[signal_type]
    public = [
        name
        for name, value in inspect.getmembers(ours, inspect.isfunction)
        if not name.startswith("_") and not hasattr(ours.__bases__[-1], name)
    ]
    assert public
    data = np.zeros((Y, X, FRAMES), complex if signal_type == "exit_wave" else int)
    signal = hs.signals.BaseSignal(data)
    for axis, navigate in zip(
        signal.axes_manager._axes, (False, False, True), strict=True
    ):
        axis.navigate = navigate
    signal.set_signal_type(signal_type)
    assert in_one_form(signal).data.shape == (FRAMES, Y, X)

    def asked(given):
        raise LookupError(given.data.shape)

    monkeypatch.setattr(entrance, "in_one_form", asked)
    for name in public:
        method = getattr(signal, name)  # nothing is asked for before the call
        for call in (method, lambda name=name: getattr(ours, name)(signal)):
            with pytest.raises(LookupError, match=rf"\({Y}, {X}, {FRAMES}\)"):
                call()


def test_a_signal_in_one_form_is_itself():
    signal = stored(images(), "HRTEM")
    assert in_one_form(signal) is signal
    whole = stored(labels(), "HRTEM_instances", lazy=True)
    whole.metadata.set_item("HRTEMNN.Instances", {"memory": 0})
    assert in_one_form(whole) is whole


def test_nothing_of_a_lazy_movie_in_another_form_is_read_before_it_is_asked_for(mixed):
    def read(block):
        raise AssertionError("read too early")

    change, *_ = mixed
    signals = {}
    for kind in ("HRTEM", "HRTEM_segmentation", "HRTEM_instances"):
        signal = change(stored(DATA[kind](), kind, "yxt", lazy=True))
        meta = np.empty((0, 0, 0), signal.data.dtype)
        signal.data = signal.data.map_blocks(read, dtype=signal.data.dtype, meta=meta)
        signals[kind] = signal
    assert signals["HRTEM"].standardize("1 nm")._lazy
    assert signals["HRTEM_segmentation"].track_instances("1 nm")._lazy
    assert signals["HRTEM_segmentation"].threshold(0.5)._lazy
    spectra = signals["HRTEM"].local_fft(signals["HRTEM_instances"], 1, size="5 nm")
    assert spectra._lazy
    with pytest.raises(ValueError, match="AssertionError: read too early"):
        signals["HRTEM_instances"].ids()


def test_what_is_drawn_on_a_signal_stays_there():
    signal = stored(images(), "HRTEM", "yxt")
    points = hs.plot.markers.Points(offsets=[[0.0, 6.0]])
    signal.add_marker(points, permanent=True, plot_marker=False)
    assert signal.standardize("1 nm").data.shape == (FRAMES, Y, X)
    assert "Markers" in signal.metadata


def test_a_method_called_through_its_class_gets_the_one_form_too():
    turned = stored(labels(), "HRTEM_instances", "yxt")
    assert_frame_equal(Instances.properties(turned), turned.properties())


def test_a_class_made_of_ours_may_call_the_method_it_replaces():
    class Doubled(Instances):
        def ids(self, **options):
            return [2 * number for number in super().ids(**options)]

    assert Doubled(labels().astype(float)).ids() == [2, 4]


def test_the_examples_of_methods_are_found():
    module = inspect.getmodule(HRTEM)
    found = doctest.DocTestFinder(exclude_empty=True).find(HRTEM, "HRTEM", module)
    assert {"HRTEM.segment", "HRTEM.local_fft"} <= {each.name for each in found}
    assert inspect.signature(HRTEM.segment).parameters["model"]


def test_what_is_not_uniform_is_named_before_the_work():
    signal = stored((labels() > 0).astype(float), "HRTEM_segmentation")
    signal.axes_manager.signal_axes[0].convert_to_non_uniform_axis()
    for call in (signal.find_columns, signal.area, lambda: signal.track_instances(1)):
        with pytest.raises(ValueError, match="axis x is not uniform; interpolate"):
            call()


def test_pictures_of_a_turned_movie_are_those_of_the_other():
    known = stored(labels(), "HRTEM_instances")
    turned = stored(labels(), "HRTEM_instances", "xyt")
    for signal in (known, turned):
        signal.axes_manager.navigation_axes[0].index = 2
    ax = known.plot_overlay(stored(images(), "HRTEM"))
    other = turned.plot_overlay(stored(images(), "HRTEM", "xyt"))
    np.testing.assert_array_equal(ax.images[0].get_array(), other.images[0].get_array())
    assert ax.get_title() == other.get_title() == "frame 2, 0.9 s"
    bars = [each.artists[0].txt_label.get_text() for each in (ax, other)]
    assert bars == ["2 nm"] * 2
    for line, same in zip(ax.lines, other.lines, strict=True):
        np.testing.assert_allclose(line.get_xydata(), same.get_xydata())


def test_the_figure_of_a_click_follows_the_navigator_of_a_turned_movie():
    image = stored(images(), "HRTEM", "yxt")
    particles = stored(labels(), "HRTEM_instances", "yxt")
    spectra = image.local_fft(particles, size="5 nm")
    peaks = spectra.peak_table()
    figure = particles.explore_reflections(image, spectra, peaks)
    (picture,) = figure.axes[0].images
    np.testing.assert_array_equal(picture.get_array(), image.data[..., 0])
    image.axes_manager.navigation_axes[0].index = 2
    (picture,) = figure.axes[0].images
    np.testing.assert_array_equal(picture.get_array(), image.data[..., 2])


@pytest.fixture(params=[("nm", "µm", 1e-3), ("µm", "nm", 1e3), ("Å", "nm", 0.1)])
def mixed(request):
    """Return what makes the y axis one of another unit, and the unit of x."""
    unit, other, factor = request.param
    in_unit = {"nm": 1.0, "µm": 1e-3, "Å": 10.0}[unit]

    def change(signal):
        x, y = signal.axes_manager.signal_axes
        for axis, scale, its in ((x, in_unit, unit), (y, in_unit * factor, other)):
            axis.scale, axis.offset, axis.units = (
                scale * axis.scale, scale * axis.offset, its,
            )  # fmt: skip
        return signal

    return change, unit, in_unit


LENGTHS = {"x", "y", "equivalent_diameter", "perimeter", "x_corrected", "y_corrected"}


@pytest.mark.parametrize("lazy", [False, True], ids=["in memory", "lazy"])
def test_all_tables_of_a_signal_are_in_the_unit_of_x(mixed, lazy):
    change, unit, factor = mixed
    known = stored(labels(), "HRTEM_instances").properties()
    table = change(stored(labels(), "HRTEM_instances", lazy=lazy)).properties()
    assert {table.attrs["units"][name] for name in LENGTHS} == {unit}
    assert table.attrs["units"]["area"] == f"{unit}²"
    for name in known.columns:
        power = 2 * (name == "area") + (name in LENGTHS)
        np.testing.assert_allclose(table[name], factor**power * known[name], rtol=1e-9)

    def segmentation():
        return stored(labels() > 0.0, "HRTEM_segmentation", lazy=lazy)

    columns = change(segmentation()).find_columns("1 nm")
    expected = segmentation().find_columns("1 nm")
    assert (columns.attrs["units"]["x"], columns.attrs["units"]["y"]) == (unit, unit)
    np.testing.assert_allclose(columns[["x", "y"]], factor * expected[["x", "y"]])
    field = [np.array(each.attrs["field"]["y"]) for each in (columns, expected)]
    np.testing.assert_allclose(field[0], factor * field[1])
    area = change(segmentation()).area(0.5)
    assert area.metadata.Signal.quantity == f"Area ({unit}²)"
    data = [plain(each)[1] for each in (area, segmentation().area(0.5))]
    np.testing.assert_allclose(data[0], factor**2 * data[1])


def test_numbers_are_in_the_unit_of_x(mixed):
    change, _, factor = mixed
    segmentation = stored((labels() > 0).astype(float), "HRTEM_segmentation")
    areas = [np.sum(labels()[0] == number) * SIDE**2 for number in (1, 2)]
    between = factor**2 * np.mean(areas)
    found = change(segmentation).track_instances(1.0 * factor, min_area=between)
    assert len(found.ids()) == 1
    x, y = found.axes_manager.signal_axes
    assert (x.units, x.scale) == (y.units, pytest.approx(y.scale))
    assert y.offset == pytest.approx(5.0 * factor)


def test_the_axes_of_the_user_stay_as_they_are(mixed):
    change, *_ = mixed
    signal = change(stored(labels(), "HRTEM_instances", "xyt"))
    before = [axis.get_axis_dictionary() for axis in signal.axes_manager._axes]
    data = signal.data
    signal.properties()
    assert [axis.get_axis_dictionary() for axis in signal.axes_manager._axes] == before
    assert signal.data is data


def test_a_table_in_another_unit_is_drawn_where_it_is():
    segmentation = stored((labels() > 0).astype(float), "HRTEM_segmentation")
    columns = segmentation.find_columns("1 nm")
    image = stored(images(), "HRTEM")
    for axis in image.axes_manager.signal_axes:
        axis.scale, axis.offset, axis.units = axis.scale * 10, axis.offset * 10, "Å"
    ax = image.plot_columns(columns, frame=1)
    rows = columns[columns["frame"] == 1]
    places = np.concatenate([each.get_offsets() for each in ax.collections])
    np.testing.assert_allclose(np.sort(places[:, 0]), np.sort(10 * rows["x"]))


@pytest.mark.parametrize("turn", ["yx", "xy"])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_reported_region_is_the_same_region_again(mixed, turn, sign):
    change, *_ = mixed
    signal = change(stored(images(), "HRTEM", f"t{turn}"))
    for axis in signal.axes_manager.signal_axes:
        axis.scale *= sign
    x, y = signal.axes_manager.signal_axes
    ends = [a.offset + a.scale * i for a, i in ((x, 7), (y, 3), (x, 41), (y, 39))]
    left, right = sorted(ends[::2])
    top, bottom = sorted(ends[1::2])
    roi = hs.roi.RectangularROI(left, top, right, bottom)
    cropped = signal.isig[7:41, 3:39].data.mean(axis=(1, 2))
    for _ in range(3):
        table = signal.estimate_dose(roi, counts_per_electron=1)
        region = table.attrs["detector"]["region"]
        np.testing.assert_allclose(region, (left, top, right, bottom))
        np.testing.assert_allclose(table["counts"], cropped, rtol=1e-6)
        roi = hs.roi.RectangularROI(*region)


@pytest.mark.parametrize("between", [0.0, 0.2, 0.5, 0.8])
@pytest.mark.parametrize("offset", [0.0, -3.17, 1234.567])
def test_any_region_is_the_same_again_from_what_was_told(between, offset):
    signal = stored(images(), "HRTEM")
    for axis in signal.axes_manager.signal_axes:
        axis.scale, axis.offset = 0.0123, offset
    ends = [offset + 0.0123 * (place + between) for place in (2, 5, 50, 47)]
    roi, told = hs.roi.RectangularROI(*ends), []
    for _ in range(3):
        table = signal.estimate_dose(roi, counts_per_electron=1)
        told.append(table["counts"].tolist())
        region = table.attrs["detector"]["region"]
        roi = hs.roi.RectangularROI(*(float(f"{end:.10g}") for end in region))
    assert told[0] == told[1] == told[2]


def test_a_whole_image_is_a_region():
    signal = stored(images(), "HRTEM")
    x, y = signal.axes_manager.signal_axes
    ends = (
        x.offset,
        y.offset,
        x.offset + x.size * x.scale,
        y.offset + y.size * y.scale,
    )
    for _ in range(2):
        table = signal.estimate_dose(
            hs.roi.RectangularROI(*ends), counts_per_electron=1
        )
        np.testing.assert_allclose(
            table["counts"], images().mean(axis=(1, 2)), rtol=1e-6
        )
        ends = table.attrs["detector"]["region"]


def navigation(names_and_units):
    """Return two rows of movies with some navigation axes, the slowest first."""
    data = np.broadcast_to((labels()[0] > 0).astype(float), (2, 3, Y, X)).copy()
    signal = hs.signals.Signal2D(data)
    pairs = zip(signal.axes_manager._axes, names_and_units, strict=False)
    for axis, (name, unit) in pairs:
        axis.units = unit
        if name:
            axis.name = name
    for axis in signal.axes_manager.signal_axes:
        axis.scale, axis.units = SIDE, "nm"
    signal.set_signal_type("HRTEM_segmentation")
    return signal


@pytest.mark.parametrize(
    ("axes", "names"),
    [
        ((("y", "nm"), ("x", "nm")), ["y_axis", "x_axis"]),
        ((("time", "s"), ("delay", "ps")), ["time", "delay"]),
        ((("cycle", "h"), ("delay", "ps")), ["cycle", "delay"]),
        ((("delay", "fs"), ("angle", "deg")), ["time", "angle_axis"]),
        ((("time", "nm"), ("series", "min")), ["time_axis", "time"]),
        ((("id", "deg"), ("id", "deg")), ["id_axis_axis", "id_axis"]),
        ((("tilt", "deg"), ("tilt", "deg")), ["tilt_axis", "tilt"]),
        ((("", "K"), ("area", "nm")), ["axis_1", "area_axis"]),
        ((("frame", "frames"), ("dose", "e/nm^2")), ["frame_axis", "dose_axis"]),
    ],
)
def test_a_column_of_an_axis_never_hides_one_of_the_table(axes, names):
    signal = navigation(axes)
    columns = signal.find_columns("1 nm")
    of_columns = ["class", "x", "y", "confidence", "filling"]
    assert list(columns) == ["frame", *names, *of_columns]
    signal.data = (signal.data > 0).astype(int)
    signal.set_signal_type("HRTEM_instances")
    table = signal.properties()
    assert list(table)[:5] == ["id", "frame", *names, "area"]
    spectra = signal.T.T
    spectra.set_signal_type("HRTEM")
    fft = spectra.local_fft()
    peaks = fft.peak_table()
    assert list(peaks)[: 1 + len(names)] == ["frame", *names] or axes[0][0] == "id"
    assert len(columns.merge(table, on=["frame", *names]))
    signal.plot_properties("area", properties=table)


def test_names_of_columns_of_all_tables_are_known():
    image, particles = stored(images(), "HRTEM"), stored(labels(), "HRTEM_instances")
    wave = stored(waves(), "exit_wave")
    peaks = image.local_fft(particles).peak_table("Au")
    tables = [
        particles.properties(image),
        stored((labels() > 0).astype(float), "HRTEM_segmentation").find_columns("1 nm"),
        wave.find_columns(),
        wave.compare(wave),
        peaks,
        image.local_fft(particles).brightness_ratio(),
        image.estimate_dose(
            hs.roi.RectangularROI(4.8, 5.2, 5.5, 8.0), counts_per_electron=3
        ),
    ]
    for table in tables:
        assert set(table.columns) <= _COLUMNS


def test_the_axis_of_particles_or_classes_is_not_one_of_the_movie(network_path):
    movie = np.broadcast_to(images()[:, np.newaxis], (FRAMES, 2, Y, X)).copy()
    signal = hs.signals.Signal2D(movie)
    for axis, name in zip(
        signal.axes_manager._axes, ("id", "class", "y", "x"), strict=True
    ):
        axis.name, axis.units = name, "nm"
        axis.scale = SIDE
    signal.set_signal_type("HRTEM")
    particles = signal.deepcopy()
    particles.data = np.broadcast_to(labels()[:, np.newaxis], movie.shape).copy()
    particles.set_signal_type("HRTEM_instances")
    fft = signal.local_fft(particles, size="5 nm")
    names = [axis.name for axis in fft.axes_manager._axes]
    assert names == ["id_axis", "class", "id", "ky", "kx"]
    peaks = fft.peak_table()
    assert set(peaks["id"]) == {1, 2}
    assert list(peaks)[:4] == ["frame", "id_axis", "class_axis", "id"]
    segmentation = signal.segment(network_path, resample=False)
    names = [axis.name for axis in segmentation.axes_manager._axes]
    assert names == ["id", "class_axis", "y", "x"]
    assert set(segmentation.find_columns("1 nm")["frame"]) <= set(range(2 * FRAMES))


def test_one_of_one_frame_is_a_movie():
    signal = stored(labels()[:1], "HRTEM_instances", "yxt")
    table = signal.properties()
    assert table["time"].tolist() == pytest.approx([0.1, 0.1])
    assert column_names(signal.axes_manager.navigation_axes) == ["time"]


@pytest.mark.parametrize(
    ("unit", "factor"), [("1/Å", 0.1), ("nm^-1", 1), ("1/pm", 1e-3)]
)
def test_spacings_are_of_the_unit_of_the_spectra(unit, factor):
    fft = stored(images(), "HRTEM").local_fft(stored(labels(), "HRTEM_instances"))
    known = fft.peak_table()
    assert len(known)
    for axis in fft.axes_manager.signal_axes:
        axis.scale, axis.offset = factor * axis.scale, factor * axis.offset
        axis.units = unit
    np.testing.assert_allclose(fft.peak_table()["spacing"], known["spacing"])
    fft.axes_manager.signal_axes[0].units = "nm"
    with pytest.raises(ValueError, match="reciprocal of another length"):
        fft.peak_table()
