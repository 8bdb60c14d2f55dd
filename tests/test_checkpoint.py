# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames that survive an interruption, and jobs that are not mixed."""

from __future__ import annotations

import errno
import json
import shutil

import numpy as np
import pytest

from hyperspy_hrtemnn.checkpoint import Checkpoint, bad_frames
from hyperspy_hrtemnn.jobs.sources import input_identity

JOB = {"input": "movie.dm4", "input size": 12, "window": ("kaiser", 8.0), "tile": None}


def test_restart_finds_the_frames(tmp_path, rng):
    folder = tmp_path / "deep" / "seg.hspy.frames"
    checkpoint = Checkpoint(folder, JOB)
    assert checkpoint.done() == []
    frame = rng.normal(size=(4, 5)).astype(np.float32)
    checkpoint.write(12, frame)
    checkpoint.write(3, frame + 1)
    again = Checkpoint(folder, JOB)
    assert again.done() == [3, 12]
    np.testing.assert_array_equal(again.read(12), frame)
    assert again.read(12).dtype == np.float32
    again.remove()
    assert not folder.exists()


def test_a_bad_frame_is_noted_until_it_is_written(tmp_path):
    checkpoint = Checkpoint(tmp_path / "f", JOB)
    checkpoint.write_bad(7, "blank")
    checkpoint.write_bad(2, "cannot be read: µ")
    again = Checkpoint(tmp_path / "f", JOB)
    assert again.done() == []
    assert again.bad() == {2: "cannot be read: µ", 7: "blank"}
    again.write(2, np.zeros((3, 4)))
    assert again.bad() == {7: "blank"}
    assert again.done() == [2]


def test_interrupted_write_leaves_no_frame(tmp_path, monkeypatch):
    checkpoint = Checkpoint(tmp_path / "f", JOB)

    def interrupted(file, *arguments, **options):
        file.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        checkpoint.write(0, np.zeros((2, 3)))
    assert Checkpoint(tmp_path / "f", JOB).done() == []


def test_a_full_disk_leaves_the_frames_before(tmp_path, monkeypatch):
    checkpoint = Checkpoint(tmp_path / "f", JOB)
    checkpoint.write_record(0, {"value": np.arange(3)})

    def full(file, *arguments, **options):
        file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(np, "savez_compressed", full)
        for number in (0, 1):
            with pytest.raises(OSError, match="No space left"):
                checkpoint.write_record(number, {"value": np.arange(5)})
    again = Checkpoint(tmp_path / "f", JOB)
    assert again.done() == [0]
    np.testing.assert_array_equal(again.read_record(0, "value")[0], np.arange(3))
    names = sorted(path.name for path in again.folder.iterdir())
    assert names == ["000000.npz", "job.json"]


def test_a_folder_of_an_earlier_version_is_left_alone(tmp_path):
    folder = tmp_path / "f"
    folder.mkdir()
    np.save(folder / "000000.npy", np.full((2, 3), 7.0))
    # As it named what it had not finished.
    (folder / "000001.npy.4711.part").write_bytes(b"half")
    text = json.dumps({**JOB, "window": list(JOB["window"])})
    (folder / "job.json").write_text(text, encoding="utf-8")
    for discard in (False, True):
        with pytest.raises(ValueError, match="not written by this version"):
            Checkpoint(folder, JOB, discard=discard)
    assert len(list(folder.iterdir())) == 3


@pytest.mark.parametrize(
    "left", ["job.json.4711.part", ".part-0000-4711-0123abcd.json"]
)
def test_a_folder_that_was_killed_before_its_job_is_not_foreign(tmp_path, left):
    folder = tmp_path / "f"
    folder.mkdir()
    (folder / left).write_bytes(b"half")
    assert Checkpoint(folder, JOB).done() == []


def test_a_deletion_that_is_interrupted_leaves_no_half_job(tmp_path, monkeypatch):
    folder = tmp_path / "f"
    Checkpoint(folder, JOB).write(0, np.zeros((2, 3)))

    def interrupted(folder, **options):
        (folder / "job.json").unlink()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", interrupted)
        with pytest.raises(KeyboardInterrupt):
            Checkpoint(folder, {**JOB, "tile": 512}, discard=True)
    assert Checkpoint(folder, {**JOB, "tile": 512}).done() == []


def test_another_job_is_refused(tmp_path):
    folder = tmp_path / "f"
    Checkpoint(folder, JOB).write(0, np.zeros((2, 3)))
    with pytest.raises(
        ValueError, match=r"f holds.*another job: tile was None, now 512"
    ):
        Checkpoint(folder, {**JOB, "tile": 512})
    with pytest.raises(ValueError, match="new was None, now 1"):
        Checkpoint(folder, {**JOB, "new": 1})
    assert Checkpoint(folder, JOB).done() == [0]
    assert Checkpoint(folder, {**JOB, "tile": 512}, discard=True).done() == []


DAMAGED_JOBS = {
    "empty": b"",
    "zeros": bytes(300),
    "cut off": b'{"written by": "hyper',
    "a list": b"[1, 2]",
    "nested": b"[" * 100_000,
    "not UTF-8": b'{"written by": "\xff\xfe"}',
}


@pytest.mark.parametrize("content", DAMAGED_JOBS.values(), ids=DAMAGED_JOBS)
def test_a_damaged_job_is_done_anew_and_told(tmp_path, content):
    folder = tmp_path / "f"
    Checkpoint(folder, JOB).write(0, np.zeros((2, 3)))
    (folder / "job.json").write_bytes(content)
    with pytest.warns(UserWarning, match=r"job\.json is damaged.*made anew"):
        checkpoint = Checkpoint(folder, JOB)
    assert checkpoint.done() == []
    checkpoint.write(1, np.ones((2, 3)))
    assert Checkpoint(folder, JOB).done() == [1]


@pytest.mark.parametrize("content", DAMAGED_JOBS.values(), ids=DAMAGED_JOBS)
def test_a_damaged_job_beside_other_files_is_refused(tmp_path, content):
    (tmp_path / "thesis.txt").write_text("years of work")
    (tmp_path / "job.json").write_bytes(content)
    for discard in (False, True):
        with pytest.raises(ValueError, match="by hand"):
            Checkpoint(tmp_path, JOB, discard=discard)
    assert (tmp_path / "job.json").read_bytes() == content


def test_the_job_of_another_program_is_refused(tmp_path):
    (tmp_path / "job.json").write_text('{"queue": "long"}')
    for discard in (False, True):
        with pytest.raises(ValueError, match="not written by this version"):
            Checkpoint(tmp_path, JOB, discard=discard)
    assert (tmp_path / "job.json").read_text() == '{"queue": "long"}'


def test_discarding_and_removing_leave_what_is_not_ours(tmp_path):
    folder = tmp_path / "f"
    Checkpoint(folder, JOB).write(0, np.zeros((2, 3)))
    (folder / "notes.txt").write_text("mine")
    (folder / "000001.tif").write_text("mine")
    other = Checkpoint(folder, {**JOB, "tile": 512}, discard=True)
    assert other.done() == []
    other.write(1, np.zeros((2, 3)))
    other.remove()
    assert sorted(p.name for p in folder.iterdir()) == ["000001.tif", "notes.txt"]


def test_job_without_a_frame_is_no_job(tmp_path):
    Checkpoint(tmp_path / "f", JOB)
    Checkpoint(tmp_path / "f", {**JOB, "tile": 512}).write(0, np.zeros((2, 3)))
    with pytest.raises(ValueError, match="tile was 512, now None"):
        Checkpoint(tmp_path / "f", JOB)


def test_foreign_folder_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ValueError, match="not empty"):
        Checkpoint(tmp_path, JOB)
    assert (tmp_path / "thesis.txt").exists()


def test_discarding_never_deletes_a_foreign_folder(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ValueError, match="not empty"):
        Checkpoint(tmp_path, JOB, discard=True)
    assert (tmp_path / "thesis.txt").exists()


DAMAGES = {
    "empty": lambda content: content[:0],
    "zeros": lambda content: bytes(len(content)),
    "cut off": lambda content: content[:-30],
    "without seal": lambda content: content[:-20],
    "a flipped bit": lambda content: (
        content[:90] + bytes([content[90] ^ 4]) + content[91:]
    ),
    "longer": lambda content: content + b"more",
}


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".bad"])
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_frame_is_made_anew_and_told(tmp_path, suffix, damage):
    folder = tmp_path / "f"
    checkpoint = Checkpoint(folder, JOB)
    for number in (3, 4):
        if suffix == ".npy":
            checkpoint.write(number, np.full((7, 9), number))
        elif suffix == ".npz":
            checkpoint.write_record(number, {"value": np.arange(50) + number})
        else:
            checkpoint.write_bad(number, "blank" * 40)
    path = folder / f"000003{suffix}"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.warns(
        UserWarning, match=r"these finished frames are damaged.*anew: 3\."
    ):
        again = Checkpoint(folder, JOB)
    assert [*again.done(), *again.bad()] == [4]
    assert not path.exists()


def test_a_frame_that_is_damaged_later_is_an_error(tmp_path):
    checkpoint = Checkpoint(tmp_path, JOB)
    checkpoint.write(0, np.zeros((7, 9)))
    path = tmp_path / "000000.npy"
    path.write_bytes(bytes(len(path.read_bytes())))
    with pytest.raises(ValueError, match=r"000000\.npy is damaged"):
        checkpoint.read(0)


def test_numpy_still_reads_and_maps_a_sealed_frame(tmp_path):
    checkpoint = Checkpoint(tmp_path, JOB)
    frame = np.arange(63.0).reshape(7, 9)
    checkpoint.write(0, frame)
    checkpoint.write_record(1, {"value": frame})
    mapped = np.load(tmp_path / "000000.npy", mmap_mode="r")
    np.testing.assert_array_equal(mapped, frame)
    with np.load(tmp_path / "000001.npz") as arrays:
        np.testing.assert_array_equal(arrays["value"], frame)


def test_frames_of_files_are_found_again_by_their_file(tmp_path):
    names = [f"{number:032x}" for number in (7, 8, 9)]
    checkpoint = Checkpoint(tmp_path, JOB, names=names)
    for number in (0, 2):
        checkpoint.write(number, np.full((2, 3), number))
    checkpoint.write_bad(1, "blank")
    shifted = [f"{5:032x}", *names]
    again = Checkpoint(tmp_path, JOB, names=shifted)
    assert again.done() == [1, 3]
    assert again.bad() == bad_frames(tmp_path, shifted) == {2: "blank"}
    assert again.read(3)[0, 0] == 2
    assert again.digest != checkpoint.digest


def test_identity_changes_with_the_file(tmp_path):
    path = tmp_path / "movie.bin"
    path.write_bytes(b"one")
    before = input_identity(path)
    assert before == input_identity(path)
    path.write_bytes(b"three")
    assert input_identity(path) != before


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path):
    (tmp_path / "frames").write_text("of the user")
    with pytest.raises(ValueError, match=r"frames is not a folder.*Move it away"):
        Checkpoint(tmp_path / "frames", {})
    assert (tmp_path / "frames").read_text() == "of the user"
