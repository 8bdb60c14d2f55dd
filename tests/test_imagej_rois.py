# SPDX-License-Identifier: GPL-3.0-or-later
"""Outlines of particles in files of ImageJ's ROI Manager, and labels of them."""

from __future__ import annotations

import sys
import zipfile

import hyperspy.api as hs
import numpy as np
import pytest

from hyperspy_hrtemnn.signals import Instances, LazyInstances

roifile = pytest.importorskip("roifile")

FRAMES, Y, X = 3, 31, 47


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    monkeypatch.setattr(hs.preferences.General, "show_progressbar", False)


def made(data, *, lazy=False, signal_type="HRTEM_instances"):
    signal = hs.signals.Signal2D(data)
    signal = signal.as_lazy() if lazy else signal
    signal.set_signal_type(signal_type)
    for axis in signal.axes_manager.signal_axes:
        axis.scale, axis.units, axis.offset = 0.5, "nm", 20
    return signal


def labels():
    data = np.zeros((FRAMES, Y, X), np.int32)
    data[0, 3:11, 5:17] = data[2, 3:11, 6:18] = 4
    data[0, 11:15, 5:17] = 7  # touches 4
    data[2, 20:29, 30:40] = 9
    data[2, 23:26, 33:36] = 0  # a hole in 9
    data[2, 24, 34] = 7  # a particle in the hole
    data[2, 2:5, 40:44] = data[2, 5:7, 44:46] = 12  # touch at a corner
    data[2, :2, :3] = 70000
    return data


@pytest.fixture(params=["in memory", "lazy"])
def particles(request):
    return made(labels(), lazy=request.param == "lazy")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "particles.zip"


def write(path, **rois):
    """Write a file as the ROI Manager does."""
    with zipfile.ZipFile(path, "w") as file:
        for name, roi in rois.items():
            roi.name = name
            file.writestr(f"{name}.roi", roi.tobytes())


def area(kind, left, top, right, bottom, **options):
    roi = roifile.ImagejRoi(left=left, top=top, right=right, bottom=bottom, **options)
    roi.roitype = kind
    return roi


def test_rois_come_back_with_equal_pixels_and_ids(particles, path):
    particles.to_imagej_rois(path)
    images = made(labels() * 2.0, signal_type="HRTEM")
    for like in (particles, images):
        back = Instances.from_imagej_rois(path, like)
        assert back._lazy == like._lazy
        np.testing.assert_array_equal(back.data, labels())
        assert back.axes_manager[-1].offset == 20


def test_any_labels_come_back_with_equal_pixels(rng, path):
    for size, number in ((1, 3), (2, 9), (3, 2)):
        coarse = rng.integers(0, number, (FRAMES, 11, 17))
        data = np.kron(coarse, np.ones((1, size, size), int))
        particles = made(data)
        particles.to_imagej_rois(path, overwrite=True)
        back = Instances.from_imagej_rois(path, particles)
        np.testing.assert_array_equal(back.data, data)


def test_names_hold_frame_and_id_and_imagej_shows_each_in_its_slice(particles, path):
    particles.to_imagej_rois(path)
    rois = {roi.name: roi for roi in roifile.roiread(path)}
    assert list(rois) == [
        "frame0000_id0004",
        "frame0000_id0007",
        "frame0002_id0004",
        "frame0002_id0007",
        "frame0002_id0009",
        "frame0002_id0012",
        "frame0002_id70000",
    ]
    assert [roi.position for roi in rois.values()] == [1, 1, 3, 3, 3, 3, 3]
    plain = rois["frame0000_id0004"]
    assert (plain.left, plain.top, plain.right, plain.bottom) == (5, 3, 18, 12)
    assert plain.coordinates().min(0).tolist() == [5, 3]
    assert plain.coordinates().max(0).tolist() == [17, 11]
    # With a hole, or of two parts: a composite.
    for name in ("frame0002_id0009", "frame0002_id0012"):
        assert rois[name].composite
        assert len(rois[name].coordinates(multi=True)) == 2
    with zipfile.ZipFile(path) as file:
        assert file.namelist()[0] == "frame0000_id0004.roi"


def test_a_hole_winds_the_other_way(path):
    """Programs that count how often a path winds around a pixel find the hole, too."""
    made(labels()).to_imagej_rois(path)
    (roi,) = (each for each in roifile.roiread(path) if each.name.endswith("id0009"))
    turns = []
    for x, y in (each[:-1].T for each in roi.coordinates(multi=True)):
        turns.append(np.sign(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))))
    assert sorted(turns) == [-1, 1]


def test_regions_of_imagej_are_drawn(path):
    polygon = roifile.ImagejRoi.frompoints(
        np.array([[2, 20], [8, 20], [8, 24], [2, 24]])
    )
    polygon.position = 2
    oval = area(roifile.ROI_TYPE.OVAL, 20, 4, 40, 18, t_position=1)
    rect = area(roifile.ROI_TYPE.RECT, 3, 5, 7, 8, position=3)
    write(path, frame0001_id0003=polygon, **{"0011-0030": oval, "0006-0005": rect})
    back = Instances.from_imagej_rois(path, made(labels()))
    expected = np.zeros((FRAMES, Y, X), int)
    expected[1, 20:24, 2:8] = 3
    y, x = np.mgrid[:Y, :X] + 0.5
    expected[0][np.hypot((x - 30) / 10, (y - 11) / 7) < 1] = 4  # new ids, above all
    expected[2, 5:8, 3:7] = 5
    np.testing.assert_array_equal(back.data, expected)
    assert back.edits() == ["from_imagej_rois('particles.zip')"]


@pytest.mark.parametrize("axis", ["t_position", "z_position", "c_position"])
def test_frames_are_along_the_axis_on_which_regions_of_a_hyperstack_differ(path, axis):
    first = {"t_position": 1, "z_position": 1, "c_position": 1}
    rect = roifile.ROI_TYPE.RECT
    write(
        path,
        one=area(rect, 3, 5, 9, 8, **first),
        three=area(rect, 3, 5, 9, 8, **first | {axis: 3}),
    )
    data = Instances.from_imagej_rois(path, made(labels())).data
    assert [np.unique(each).tolist() for each in data] == [[0, 1], [0], [0, 2]]


def test_channels_of_a_hyperstack_are_of_the_same_frame(path):
    rect = roifile.ROI_TYPE.RECT
    places = {"t_position": 2, "z_position": 1, "c_position": 2}
    write(path, a=area(rect, 3, 5, 9, 8, **places))
    data = Instances.from_imagej_rois(path, made(labels())).data
    assert [each.any() for each in data] == [False, True, False]


def test_a_hyperstack_with_times_and_slices_is_refused_unless_names_say_frames(path):
    rect = roifile.ROI_TYPE.RECT
    places = {"t_position": 2, "z_position": 3}
    write(path, a=area(rect, 3, 5, 9, 8, **places))
    with pytest.raises(ValueError, match=r"particles\.zip: .*times \(T\).*Rename"):
        Instances.from_imagej_rois(path, made(labels()))
    write(path, frame0002_id0005=area(rect, 3, 5, 9, 8, **places))
    assert Instances.from_imagej_rois(path, made(labels())).ids() == [5]


def test_a_region_that_was_moved_to_another_frame_than_its_name_says_is_told(path):
    rect = roifile.ROI_TYPE.RECT
    write(
        path,
        frame0001_id0007=area(rect, 3, 5, 9, 8, position=3),
        frame0001_id0004=area(rect, 13, 5, 19, 8, position=2),
    )
    with pytest.warns(UserWarning, match=r"1 ROIs .*'frame0001_id0007' in frame 2"):
        data = Instances.from_imagej_rois(path, made(labels())).data
    assert [each.any() for each in data] == [False, True, False]


def test_a_region_without_a_pixel_is_told(path):
    rect = roifile.ROI_TYPE.RECT
    write(path, frame0001_id0007=area(rect, 47, 5, 60, 8))
    with pytest.warns(UserWarning, match="particle 7 has no pixel"):
        assert not Instances.from_imagej_rois(path, made(labels())).data.any()


def test_a_rounded_rectangle_has_no_corners(path):
    rect = roifile.ROI_TYPE.RECT
    write(path, a=area(rect, 3, 5, 33, 25, position=1, rounded_rect_arc_size=10))
    drawn = Instances.from_imagej_rois(path, made(labels())).data[0]
    y, x = np.mgrid[:Y, :X] + 0.5
    outside = np.maximum(abs(x - 18) - 10, 0), np.maximum(abs(y - 15) - 5, 0)
    np.testing.assert_array_equal(drawn, np.hypot(*outside) < 5)


def test_files_of_a_mac_beside_the_regions_are_passed_over(path):
    region = area(roifile.ROI_TYPE.RECT, 3, 5, 9, 8).tobytes()
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("__MACOSX/rois/._frame0000_id0003.roi", b"attributes")
        file.writestr("rois/.DS_Store", b"places")
        file.writestr("rois/frame0000_id0003.roi", region)
    assert Instances.from_imagej_rois(path, made(labels())).ids() == [3]
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("notes.txt", b"no regions")
    with pytest.raises(ValueError, match=r"particles\.zip is a zip of other files"):
        Instances.from_imagej_rois(path, made(labels()))


def test_a_second_region_of_a_particle_and_the_last_one_on_top(path):
    first = area(roifile.ROI_TYPE.RECT, 3, 5, 9, 8)
    again = area(roifile.ROI_TYPE.RECT, 20, 5, 22, 8)
    other = area(roifile.ROI_TYPE.RECT, 7, 5, 11, 8)
    names = ("frame0000_id0003", "frame0000_id0003-1", "frame0000_id0005")
    write(path, **dict(zip(names, (first, again, other), strict=True)))
    row = Instances.from_imagej_rois(path, made(labels())).data[0, 6]
    assert np.flatnonzero(row == 3).tolist() == [3, 4, 5, 6, 20, 21]
    assert np.flatnonzero(row == 5).tolist() == [7, 8, 9, 10]


def test_some_frames_are_replaced(particles, path):
    write(path, frame0002_id0004=area(roifile.ROI_TYPE.RECT, 3, 5, 9, 8))
    back = Instances.from_imagej_rois(path, particles, frames=2)
    assert type(back) is (LazyInstances if particles._lazy else Instances)
    expected = labels()
    expected[2] = 0
    expected[2, 5:8, 3:9] = 4
    np.testing.assert_array_equal(back.data, expected)
    assert back.edits() == ["from_imagej_rois('particles.zip', frames=[2])"]
    with pytest.raises(ValueError, match="ROIs in frame 2, which is not chosen"):
        Instances.from_imagej_rois(path, particles, frames=[0, 1])


def test_a_region_without_id_gets_a_free_one_beside_other_frames(particles, path):
    write(path, new=area(roifile.ROI_TYPE.RECT, 3, 5, 9, 8, position=2))
    if particles._lazy:
        with pytest.raises(ValueError, match=r"'new' has no id.*lazy movie; rename it"):
            Instances.from_imagej_rois(path, particles, frames=1)
        return
    back = Instances.from_imagej_rois(path, particles, frames=1)
    assert back.data[1].max() == 70001


def test_one_image(tmp_path):
    image = made(labels()[2])
    image.to_imagej_rois(tmp_path / "one.zip")
    assert {roi.position for roi in roifile.roiread(tmp_path / "one.zip")} == {0}
    back = Instances.from_imagej_rois(tmp_path / "one.zip", image)
    np.testing.assert_array_equal(back.data, labels()[2])
    area(roifile.ROI_TYPE.RECT, 3, 5, 9, 8).tofile(tmp_path / "single.roi")
    single = Instances.from_imagej_rois(tmp_path / "single.roi", image)
    assert np.argwhere(single.data == 1).tolist() == [
        [y, x] for y in range(5, 8) for x in range(3, 9)
    ]


def test_frames_of_a_lazy_movie_are_drawn_when_they_are_asked_for(path, monkeypatch):
    from hyperspy_hrtemnn.signals._particles import rois_of_labels

    particles = made(labels(), lazy=True)
    particles.to_imagej_rois(path)

    def fill(*_):
        raise AssertionError("drawn too early")

    monkeypatch.setattr(rois_of_labels, "fill_polygons", fill)
    back = Instances.from_imagej_rois(path, particles)
    with pytest.raises(ValueError, match="drawn too early"):
        back.ids()


def test_regions_that_cannot_be_labels_are_named(particles, path):
    kinds, position = roifile.ROI_TYPE, {"position": 1}
    for roi, what in (
        (area(kinds.LINE, 1, 1, 9, 9, **position), "'a' .*line, which has no area"),
        (area(kinds.POINT, 1, 1, 9, 9, **position), "point, which has no area"),
        (area(kinds.RECT, 1, 1, 9, 9), "'a' does not say in which frame"),
        (area(kinds.RECT, 1, 1, 9, 9, position=4), "'a' is in frame 3; there are 3"),
        (area(kinds.RECT, 50, 1, 59, 9, **position), r"47 x 31 pixels; .*\(50, 1\)"),
    ):
        write(path, a=roi)
        with pytest.raises(ValueError, match=what):
            Instances.from_imagej_rois(path, particles)


@pytest.mark.parametrize("number", [0, 2**31])
def test_an_id_that_cannot_be_is_named(path, number):
    write(path, **{f"frame0000_id{number}": area(roifile.ROI_TYPE.RECT, 1, 1, 9, 9)})
    with pytest.raises(ValueError, match=f"whole number from 1 to .*, not {number}"):
        Instances.from_imagej_rois(path, made(labels()))


def test_damaged_files_are_named(particles, path):
    path.write_bytes(b"no zip")
    with pytest.raises(ValueError, match=r"particles\.zip is not a zip of ROIs"):
        Instances.from_imagej_rois(path, particles)
    good = area(roifile.ROI_TYPE.RECT, 3, 5, 9, 8, position=1).tobytes()
    polygon = roifile.ImagejRoi.frompoints(
        np.array([[2, 2], [8, 2], [8, 5.5]])
    ).tobytes()
    for content in (b"", b"no roi" * 30, good[:50], polygon[:70]):
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("frame0000_id0003.roi", content)
        with pytest.raises(
            ValueError, match=r"ROI 'frame0000_id0003' of .*cannot be read"
        ):
            Instances.from_imagej_rois(path, particles)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.roi", good + bytes(2**25))
    with pytest.raises(ValueError, match=r"'a\.roi' .*bytes, more than an outline"):
        Instances.from_imagej_rois(path, particles)
    with pytest.raises(FileNotFoundError):
        Instances.from_imagej_rois(path.with_name("none.zip"), particles)


def test_files_are_whole_or_as_they_were(particles, path, monkeypatch):
    with pytest.raises(ValueError, match=r"has to end with \.zip"):
        particles.to_imagej_rois(path.with_suffix(".roi"))
    path.write_bytes(b"kept")
    with pytest.raises(FileExistsError, match="overwrite=True replaces it"):
        particles.to_imagej_rois(path)

    def fail(*_):
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(zipfile.ZipFile, "writestr", fail)
        with pytest.raises(OSError, match="disk full"):
            particles.to_imagej_rois(path, overwrite=True)
    assert path.read_bytes() == b"kept"
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_without_roifile_it_says_what_to_install(particles, path, monkeypatch):
    monkeypatch.setitem(sys.modules, "roifile", None)
    for call in (
        lambda: particles.to_imagej_rois(path),
        lambda: Instances.from_imagej_rois(path, particles),
    ):
        with pytest.raises(ModuleNotFoundError, match=r"pip install roifile"):
            call()
