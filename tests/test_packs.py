# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames that are gathered in packs: few files, of which each frame is safe alone."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from hyperspy_hrtemnn import checkpoint as module
from hyperspy_hrtemnn.checkpoint import Checkpoint, bad_frames
from hyperspy_hrtemnn.packs import packs

JOB = {"input": "movie.dm4"}


@pytest.fixture(autouse=True)
def _three_in_a_pack(monkeypatch):
    monkeypatch.setattr(module, "MEMBERS", 3)


def frame(number):
    return np.arange(20.0).reshape(4, 5) + number


def written(folder, numbers):
    frames = Checkpoint(folder, JOB)
    for number in numbers:
        frames.write_record(number, {"value": frame(number), "other": np.array(1)})
    return frames


def check(frames, numbers):
    assert frames.done() == sorted(numbers)
    for number in numbers:
        (value,) = frames.read_record(number, "value")
        np.testing.assert_array_equal(value, frame(number))


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_small_frames_are_gathered_and_read_as_before(tmp_path):
    numbers = [4, 0, 7, 1, 2, 9, 3]
    frames = written(tmp_path, numbers)
    check(frames, numbers)
    check(Checkpoint(tmp_path, JOB), numbers)
    assert names(tmp_path) == [
        "000003.npz",
        "job.json",
        "pack-0000.zip",
        "pack-0001.zip",
    ]
    with zipfile.ZipFile(tmp_path / "pack-0000.zip") as pack:
        assert pack.namelist() == ["000004.npz", "000000.npz", "000007.npz"]
    frames.remove()
    assert not tmp_path.exists()


def test_frames_that_are_large_stay_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "LARGEST", 1000)
    frames = Checkpoint(tmp_path, JOB)
    for number in range(3):
        frames.write(number, np.zeros((16, 17)))
    assert not packs(tmp_path)
    assert frames.read(2).shape == (16, 17)


def test_a_frame_of_a_pack_that_is_damaged_is_made_anew_once(tmp_path):
    written(tmp_path, [0, 1, 2])
    (pack,) = packs(tmp_path)
    content = bytearray(pack.read_bytes())
    content[zipfile.ZipFile(pack).infolist()[1].header_offset + 100] ^= 4
    pack.write_bytes(content)
    with pytest.warns(UserWarning, match=r"frames are damaged and are made anew: 1\."):
        frames = Checkpoint(tmp_path, JOB)
    check(frames, [0, 2])
    frames.write_record(1, {"value": frame(1)})
    check(Checkpoint(tmp_path, JOB), [0, 1, 2])
    # It is the later one that counts when it is in two packs.
    written(tmp_path, [3, 4])
    assert len(packs(tmp_path)) == 2
    check(Checkpoint(tmp_path, JOB), [0, 1, 2, 3, 4])


@pytest.mark.parametrize("left", [0, 1, 300])
def test_a_pack_that_is_cut_off_is_made_anew(tmp_path, left):
    written(tmp_path, range(4))
    (pack,) = packs(tmp_path)
    pack.write_bytes(pack.read_bytes()[:left])
    with pytest.warns(UserWarning, match=r"pack-0000\.zip is damaged.*made anew"):
        check(Checkpoint(tmp_path, JOB), [3])
    check(written(tmp_path, range(3)), range(4))


def test_who_is_killed_while_frames_are_gathered_loses_none(tmp_path, monkeypatch):
    frames = written(tmp_path, [0, 1])

    def killed(path):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", killed)
        with pytest.raises(KeyboardInterrupt):
            frames.write_record(2, {"value": frame(2)})
    assert {"000002.npz", "pack-0000.zip"} <= set(names(tmp_path))
    check(Checkpoint(tmp_path, JOB), [0, 1, 2])
    check(written(tmp_path, [3]), [0, 1, 2, 3])


def test_a_reader_finds_what_another_run_has_gathered_since(tmp_path):
    reader = written(tmp_path, [0, 1])
    written(tmp_path, [2])
    assert len(packs(tmp_path)) == 1
    check(reader, [0, 1])


def test_frames_of_files_are_known_by_their_file_also_in_a_pack(tmp_path):
    files = [f"{number:032x}" for number in (7, 8, 9)]
    frames = Checkpoint(tmp_path, JOB, names=files)
    frames.write_bad(0, "blank")
    for number in range(3):
        frames.write(number, frame(number))
    shifted = [f"{5:032x}", *files]
    again = Checkpoint(tmp_path, JOB, names=shifted)
    assert again.done() == [1, 2, 3]
    assert again.bad() == bad_frames(tmp_path, shifted) == {}
    np.testing.assert_array_equal(again.read(3), frame(2))


def test_packs_of_another_job_are_refused_and_deleted(tmp_path):
    written(tmp_path, range(3))
    with pytest.raises(ValueError, match="holds frames of another job"):
        Checkpoint(tmp_path, {**JOB, "tile": 512})
    assert Checkpoint(tmp_path, {**JOB, "tile": 512}, discard=True).done() == []
    assert not packs(tmp_path)


def test_a_movie_that_grows_finds_the_frames_of_earlier_runs(tmp_path):
    """Packed or single, finished or bad, whatever number they have now."""
    known = [f"{number:032x}" for number in range(7)]
    frames = Checkpoint(tmp_path, JOB, names=known[:5])
    for number in range(4):
        frames.write_record(number, {"value": frame(number), "other": np.array(1)})
    frames.write_bad(4, "blank")
    assert names(tmp_path)[-1] == "pack-0000.zip"
    growing = Checkpoint(tmp_path, JOB, names=())
    assert [growing.holds(name) for name in known] == [True] * 4 + [False] * 3
    taken = [growing.append(known[number]) for number in (5, 3, 4, 0)]
    assert taken == [0, 1, 2, 3]
    assert [growing.is_done(number) for number in taken] == [False, True, False, True]
    assert [growing.reason(number) for number in taken] == [None, None, "blank", None]
    growing.write_record(0, {"value": frame(5)})
    assert growing.read_record(0, "value")[0][0, 0] == 5
    assert growing.read_record(3, "value")[0][0, 0] == 0
    same = Checkpoint(tmp_path, JOB, names=[known[number] for number in (5, 3, 4, 0)])
    assert same.digest == growing.digest
    assert same.done() == growing.done() == [0, 1, 3]
    with pytest.raises(ValueError, match="known by their number"):
        Checkpoint(tmp_path, JOB).append(known[6])
