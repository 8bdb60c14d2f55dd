# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels that are edited by hand, in memory and lazily, and edits taken back."""

from __future__ import annotations

import re
import threading

import dask.array as da
import hyperspy.api as hs
import numpy as np
import pytest

from hyperspy_hrtemnn.signals import Instances, LazyInstances
from hyperspy_hrtemnn.signals._particles.label_changes import packed

FRAMES, Y, X = 5, 36, 49


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    monkeypatch.setattr(hs.preferences.General, "show_progressbar", False)


def labels():
    """Return 3 everywhere, 5 in the first frames, 7 a pair of discs, 8 from frame 3."""
    data = np.zeros((FRAMES, Y, X), np.int32)
    y, x = np.mgrid[:Y, :X]
    for t in range(FRAMES):
        data[t, 2:9, 3 + t : 14 + t] = 3
        if t < 2:
            data[t, 14:18, 2:9] = 5
        pair = np.hypot(y - 25, x - 18 - t) < 7.5, np.hypot(y - 25, x - 30 - t) < 5.5
        data[t][np.any(pair, axis=0)] = 7
        if t >= 3:
            data[t, 30:35, 40:46] = 8
    return data


def made(data, *, lazy=False):
    signal = hs.signals.Signal2D(data)
    signal = signal.as_lazy() if lazy else signal
    signal.set_signal_type("HRTEM_instances")
    for axis in signal.axes_manager.signal_axes:
        axis.scale, axis.units = 0.5, "nm"
    return signal


@pytest.fixture(params=["in memory", "lazy"])
def particles(request):
    return made(labels(), lazy=request.param == "lazy")


def shown(signal):
    return np.asarray(signal.data)


def test_merged_particles_have_the_first_id(particles):
    particles.merge(3, [5, 8])
    expected = labels()
    expected[np.isin(expected, [5, 8])] = 3
    np.testing.assert_array_equal(shown(particles), expected)
    assert particles.ids() == [3, 7]


def test_several_particles_where_one_is_needed_are_refused(particles):
    for call in (lambda: particles.split([3, 7]), lambda: particles.merge([3, 5], 7)):
        with pytest.raises(ValueError, match=r"One id is needed, not \[3, "):
            call()


def test_some_frames_are_edited_alone(particles):
    particles.merge(3, 7, frames=range(1, 3))
    particles.delete(5, frames=-4)
    particles.relabel({8: 12}, frames=[3])
    expected = labels()
    expected[1:3][expected[1:3] == 7] = 3
    expected[1][expected[1] == 5] = 0
    expected[3][expected[3] == 8] = 12
    np.testing.assert_array_equal(shown(particles), expected)
    assert particles.edits() == [
        "merge(3, 7, frames=[1, 2])",
        "delete(5, frames=[1])",
        "relabel({8: 12}, frames=[3])",
    ]


def test_swapped_ids_are_swapped_back(particles):
    particles.relabel({3: 7, 7: 3}, frames=range(1, FRAMES))
    expected = labels()
    expected[1:] = np.select(
        [expected[1:] == 3, expected[1:] == 7], [7, 3], expected[1:]
    )
    np.testing.assert_array_equal(shown(particles), expected)
    assert particles.edits() == ["relabel({3: 7, 7: 3}, frames=range(1, 5))"]


def test_a_pair_is_split_into_the_same_parts_in_all_frames(particles):
    assert particles.split(7, 11) == [7, 11]
    data = shown(particles)
    for t in range(FRAMES):
        assert (data[t, 25, 18 + t], data[t, 25, 30 + t]) == (7, 11)
    np.testing.assert_array_equal(np.where(data == 11, 7, data), labels())


def test_the_parts_are_those_of_the_frame_before():
    """The larger part was 11 before the two of them touched."""
    for lazy in (False, True):
        data = labels()
        data[0][(data[0] == 7) & (np.arange(X) < 25)] = 11
        particles = made(data, lazy=lazy)
        particles.split(7, 11, frames=range(1, FRAMES))
        data = shown(particles)
        assert [int(data[t, 25, 18 + t]) for t in range(FRAMES)] == [11] * FRAMES
        assert [int(data[t, 25, 30 + t]) for t in range(FRAMES)] == [7] * FRAMES


def test_a_frame_without_the_particle_does_not_change_the_parts(particles):
    data = labels()
    data[2] = 0
    data[0][(data[0] == 7) & (np.arange(X) < 25)] = 11
    particles.data = da.from_array(data) if particles._lazy else data
    particles.split(7, 11, frames=range(1, FRAMES))
    data = shown(particles)
    assert [int(data[t, 25, 18 + t]) for t in (0, 1, 3, 4)] == [11] * 4
    assert not data[2].any()


def test_the_new_id_is_a_free_one():
    particles = made(labels())
    assert particles.split(7) == [7, 9]
    assert particles.ids() == [3, 5, 7, 8, 9]
    with pytest.raises(ValueError, match=r"Give new_ids.*lazy movie"):
        made(labels(), lazy=True).split(7)


def test_a_new_id_may_be_larger_than_the_type_of_the_labels():
    particles = made(labels().astype(np.uint8))
    particles.split(7, 300)
    assert particles.ids() == [3, 5, 7, 8, 300]


def test_short_tracks_are_removed(particles):
    assert particles.remove_short_tracks(3) == [5, 8]
    assert particles.ids() == [3, 7]
    assert particles.edits() == ["remove_short_tracks(3)"]
    assert particles.remove_short_tracks(FRAMES) == []
    assert particles.edits() == ["remove_short_tracks(3)"]


def test_short_tracks_of_a_table_are_not_looked_for():
    table = made(labels()).properties()
    particles = made(labels(), lazy=True)
    particles.data = unread(particles.data)
    assert particles.remove_short_tracks(3, properties=table) == [5, 8]
    with pytest.raises(ValueError, match="no column 'area'"):
        particles.remove_short_tracks(3, properties=table[["id", "frame"]])


def unread(data):
    def read(block):
        raise AssertionError("read too early")

    return data.map_blocks(read, dtype=data.dtype, meta=np.empty((0, 0, 0), np.int32))


def test_nothing_of_a_lazy_movie_is_read_before_it_is_asked_for():
    particles = made(labels(), lazy=True)
    particles.data = unread(particles.data)
    particles.merge(3, 5)
    particles.split(7, 11)
    particles.delete(8, frames=[3])
    particles.relabel({3: 4})
    assert type(particles) is LazyInstances
    assert particles.undo() == "relabel({3: 4})"
    assert len(particles.edits()) == 3
    with pytest.raises(ValueError, match="read too early"):
        particles.ids()


@pytest.mark.parametrize("edit", ["merge(3, 5)", "split(7, 11)"])
def test_each_frame_of_a_lazy_movie_is_read_once_and_few_wait(edit):
    lock, alive, most, reads = threading.Lock(), [0], [0], []

    class Counted(np.ndarray):
        def __del__(self):
            with lock:
                alive[0] -= self.base is None

    def read(block, block_id=None):
        with lock:
            reads.append(block_id[0])
            alive[0] += 1
            most[0] = max(most[0], alive[0])
        new = np.ndarray.__new__(Counted, block.shape, block.dtype)
        new[...] = block
        return new

    data = np.tile(labels(), (20, 1, 1))
    source = da.from_array(data, chunks=(1, -1, -1))
    particles = made(data, lazy=True)
    particles.data = source.map_blocks(read, dtype=np.int32, meta=data[:0, :0, :0])
    getattr(particles, edit[:5])(*eval(edit[5:]))  # noqa: S307
    reads.clear()
    particles.properties(num_workers=2)
    assert sorted(reads) == list(range(len(data)))
    assert most[0] < 12


def test_edits_are_taken_back_one_after_the_other(particles):
    states, calls = [shown(particles).copy()], []
    for name, arguments, options in (
        ("merge", (3, 5), {}),
        ("split", (7, 11), {"frames": range(1, 4)}),
        ("delete", ([8],), {"frames": 4}),
        ("relabel", ({3: 11, 11: 3},), {"frames": 2}),
        ("remove_short_tracks", (4,), {}),
    ):
        getattr(particles, name)(*arguments, **options)
        states.append(shown(particles).copy())
        calls.append(particles.edits()[-1])
        assert (states[-1] != states[-2]).any()
    assert calls == [
        "merge(3, 5)",
        "split(7, 11, frames=range(1, 4))",
        "delete(8, frames=[4])",
        "relabel({3: 11, 11: 3}, frames=[2])",
        "remove_short_tracks(4)",
    ]
    for number in reversed(range(len(calls))):
        assert particles.undo() == calls[number]
        np.testing.assert_array_equal(shown(particles), states[number])
        assert particles.edits() == calls[:number]
    with pytest.raises(ValueError, match="no edit to take back"):
        particles.undo()


@pytest.mark.parametrize("lazy", [False, True])
def test_edits_of_labels_in_memory_are_taken_back_after_saving(tmp_path, lazy):
    particles = made(labels())
    particles.merge(3, 5)
    particles.split(7, 11)
    for number in range(12):  # more than one digit
        particles.relabel({8 + 20 * number: 28 + 20 * number})
    particles.to_hspy(tmp_path / "particles.hspy")
    loaded = hs.load(tmp_path / "particles.hspy", lazy=lazy)
    assert loaded.edits() == particles.edits()
    while loaded.edits():
        loaded.undo()
    assert loaded._lazy == lazy
    np.testing.assert_array_equal(shown(loaded), labels())


def test_edits_of_a_lazy_movie_are_final_when_it_is_computed(tmp_path):
    particles = made(labels(), lazy=True)
    particles.merge(3, 5)
    particles.to_hspy(tmp_path / "particles.hspy")
    computed = particles.deepcopy()
    computed.compute()
    for final in (computed, hs.load(tmp_path / "particles.hspy", lazy=True)):
        assert final.edits() == ["merge(3, 5)"]
        with pytest.raises(ValueError, match=r"merge\(3, 5\) was made .*lazy"):
            final.undo()
    # What is edited afterwards can be taken back.
    computed.delete(8)
    assert computed.undo() == "delete(8)"
    # The lazy movie itself still knows.
    assert particles.undo() == "merge(3, 5)"
    np.testing.assert_array_equal(shown(particles), labels())


def test_edits_are_not_taken_back_from_other_labels():
    particles = made(labels())
    particles.merge(3, 5)
    with pytest.raises(
        ValueError, match=r"\(5, 36, 49\), and these have \(2, 36, 49\)"
    ):
        particles.inav[:2].undo()
    particles.data = np.where(particles.data == 3, 4, particles.data)
    with pytest.raises(ValueError, match=r"Frame 0: .*changed in another way since"):
        particles.undo()
    for change in (lambda data: data + 0, lambda data: data.persist()):
        lazy = made(labels(), lazy=True)
        lazy.merge(3, 5)
        lazy.data = change(lazy.data)
        with pytest.raises(ValueError, match="changed in another way since"):
            lazy.undo()


def test_an_edit_changes_no_array_of_the_user_and_no_other_signal():
    data = labels()
    particles = made(data)
    part = particles.inav[1:3]
    part.delete(7)
    copy = particles.deepcopy()
    particles.merge(3, 7)
    np.testing.assert_array_equal(data, labels())
    np.testing.assert_array_equal(copy.data, labels())
    assert copy.edits() == []
    assert part.ids() == [3, 5]


def test_plots_are_told():
    particles = made(labels())
    told = []
    particles.events.data_changed.connect(lambda obj: told.append(obj))  # noqa: PLW0108
    particles.merge(3, 5)
    particles.undo()
    assert [each is particles for each in told] == [True, True]


@pytest.mark.parametrize("lazy", [False, True])
def test_labels_in_any_order_are_edited_where_they_are(lazy):
    axes = [
        {"name": name, "size": size, "navigate": name == "t"}
        for name, size in (("y", Y), ("x", X), ("t", FRAMES))
    ]
    turned = hs.signals.BaseSignal(
        np.moveaxis(labels(), 0, 2).astype(float).copy(), axes=axes
    )
    turned = turned.as_lazy() if lazy else turned
    turned.set_signal_type("HRTEM_instances")
    straight = made(labels())
    for signal in (turned, straight):
        signal.split(7, 11)
        signal.merge(3, 5, frames=1)
    assert turned.data.shape == (Y, X, FRAMES)
    np.testing.assert_array_equal(np.moveaxis(shown(turned), 2, 0), straight.data)
    turned.undo()
    turned.undo()
    np.testing.assert_array_equal(np.moveaxis(shown(turned), 2, 0), labels())


def test_several_axes_count_frames_as_tables_do(particles):
    both = made(np.stack([labels(), labels()[::-1]]), lazy=particles._lazy)
    both.split(7, 11, frames=range(4, 7))
    table = both.properties()
    assert sorted(table["frame"][table["id"] == 11]) == [4, 5, 6]
    both.undo()
    np.testing.assert_array_equal(shown(both)[0], labels())


def test_one_image_is_edited():
    image = made(labels()[3])
    image.merge(7, 8)
    assert image.ids() == [3, 7]
    image.undo()
    np.testing.assert_array_equal(image.data, labels()[3])


def test_no_data_stays_no_data(particles):
    data = labels()
    data[2] = -1
    data[0, :, :3] = -1
    signal = made(data, lazy=particles._lazy)
    signal.metadata.set_item("HRTEMNN.Instances", {"no_data": -1})
    signal.split(7, 11)
    signal.remove_short_tracks(3)
    edited = shown(signal)
    np.testing.assert_array_equal(edited == -1, data == -1)
    assert edited[3, 25, 21] == edited[1, 25, 19] == 7


def test_ids_that_are_not_there_are_named():
    particles = made(labels())
    for call in (
        lambda: particles.merge(3, 99),
        lambda: particles.merge(99, 3),
        lambda: particles.delete([3, 99]),
        lambda: particles.split(99),
        lambda: particles.relabel({99: 3}),
    ):
        with pytest.raises(ValueError, match="no particle 99; there are 3, 5, 7, 8"):
            call()
    with pytest.raises(
        ValueError, match="8 is in none of the frames 0 to 2; it is in 3, 4"
    ):
        particles.delete(8, frames=range(3))
    np.testing.assert_array_equal(particles.data, labels())
    assert particles.edits() == []


def test_a_lazy_edit_that_changes_nothing_is_told_once_at_the_end():
    for edit in ("merge(3, 99)", "split(99, 100)"):
        particles = made(labels(), lazy=True)
        getattr(particles, edit[:5])(*eval(edit[5:]))  # noqa: S307
        particles.merge(3, 5)
        assert particles.inav[1].ids()  # one frame says nothing of the others
        with pytest.warns(UserWarning, match=re.escape(edit)) as told:
            particles.properties()
        assert len(told) == 1
        assert particles.ids()  # no second warning, which would be an error


def test_two_particles_are_not_joined_unasked(particles):
    wrong = r"Frame \d: There is already a particle 7.*merge"
    with pytest.raises(ValueError, match=wrong):
        edited_ids(particles, "relabel", {3: 7})
    particles = made(labels(), lazy=particles._lazy)
    with pytest.raises(ValueError, match="Frame 3: There is already a particle 8"):
        edited_ids(particles, "split", 7, 8)


def edited_ids(particles, name, *arguments):
    getattr(particles, name)(*arguments)
    return particles.ids()


@pytest.mark.parametrize(
    ("frames", "what"),
    [
        (FRAMES, "no frame 5; there are 5"),
        ([0, -6], "no frame -6; there are 5"),
        (1.5, "has 1.5; it is the number"),
        ("1", "has '1'; it is the number"),
        ([True], "has True; it is the number"),
        ([], "frames is empty"),
    ],
)
def test_frames_outside_are_named(particles, frames, what):
    with pytest.raises(IndexError, match=what):
        particles.merge(3, 5, frames=frames)


@pytest.mark.parametrize("number", [0, -1, 2**31, 3.0, "3", True, None])
def test_what_is_not_an_id_is_named(particles, number):
    for call in (
        lambda: particles.merge(number, 3),
        lambda: particles.delete([3, number]),
        lambda: particles.split(3, number if number is not None else "x"),
        lambda: particles.relabel({3: number}),
    ):
        with pytest.raises(
            ValueError, match="id is a whole number from 1 to 2147483647"
        ):
            call()


def test_what_makes_no_sense_is_named(particles):
    with pytest.raises(ValueError, match="3 cannot be merged with itself"):
        particles.merge(3, [5, 3])
    with pytest.raises(ValueError, match="Different ids"):
        particles.delete([])
    with pytest.raises(ValueError, match=r"old and the new id, such as \{3: 7\}"):
        particles.relabel([3, 7])
    with pytest.raises(ValueError, match="Different ids"):
        particles.relabel({3: 9, 5: 9})
    for number in (0, FRAMES + 1, 2.5, "3"):
        with pytest.raises(ValueError, match="number of frames from 1 to 5, those"):
            particles.remove_short_tracks(number)


def test_a_subclass_of_instances_is_edited():
    class Mine(Instances):
        pass

    mine = Mine(labels())
    mine.merge(3, 5)
    assert type(mine) is Mine
    assert mine.ids() == [3, 7, 8]


@pytest.mark.parametrize(
    "text", ["", "no text of ours", packed(np.zeros((3, 5), int))[:-4], "é"]
)
def test_damaged_edits_are_named(text):
    particles = made(labels())
    particles.merge(3, 5)
    particles.metadata.HRTEMNN.Edits.edit_0.changes = [text]
    with pytest.raises(ValueError, match=r"What merge\(3, 5\) has changed, .*cannot"):
        particles.undo()
    np.testing.assert_array_equal(particles.data == 5, False)


@pytest.mark.parametrize(
    "run",
    [(0, -1, 2, 0, 3), (0, 10**15, 2, 0, 3), (0, 0, 10**15, 0, 3), (0, 0, -2, 0, 3)],
)
def test_hostile_edits_are_refused_at_once(run):
    particles = made(labels())
    particles.merge(3, 5)
    particles.metadata.HRTEMNN.Edits.edit_0.changes = [packed(np.array([run]))]
    with pytest.raises(ValueError, match="changed in another way since"):
        particles.undo()


def test_what_a_file_claims_to_unpack_to_is_not_asked_for():
    many = packed(np.zeros((FRAMES * Y * X + 1, 5), int))
    particles = made(labels())
    particles.merge(3, 5)
    particles.metadata.HRTEMNN.Edits.edit_0.changes = [many]
    with pytest.raises(ValueError, match=r"cannot be read\. It is damaged"):
        particles.undo()


def test_what_an_edit_keeps_is_small():
    particles = made(np.tile(labels(), (40, 1, 1)))
    particles.merge(3, 7)
    kept = particles.metadata.HRTEMNN.Edits.edit_0.changes[0]
    assert len(kept) < particles.data.nbytes / 50


def test_the_split_of_hyperspy_is_still_there():
    parts = hs.signals.Signal2D.split(made(labels()), axis=0, number_of_parts=FRAMES)
    assert [part.ids() for part in parts] == [[3, 5, 7]] * 2 + [[3, 7]] + [
        [3, 7, 8]
    ] * 2
