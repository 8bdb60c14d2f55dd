# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of Windows that all tests keep to: what breaks them, and what does not."""

from __future__ import annotations

import shutil
import sys

import h5py
import numpy as np
import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "folder" / "movie.npy"
    path.parent.mkdir()
    np.save(path, np.zeros((3, 4)))
    return path


OPENED = {
    "read": lambda path: path.open("rb"),
    "mapped": lambda path: np.load(path, mmap_mode="r"),
    "in a folder": lambda path: (path.parent / "other").open("wb"),
    "HDF5": lambda path: h5py.File(path, "w"),
}
CHANGES = {
    "replaced": lambda path: (path.parents[1] / "new").replace(path),
    "renamed": lambda path: path.rename(path.with_name("other.npy")),
    "deleted": lambda path: path.unlink(),
    "its folder renamed": lambda path: path.parent.rename(path.parents[1] / "other"),
    "its folder deleted": lambda path: shutil.rmtree(path.parent),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("opened", ["read", "mapped", "HDF5"])
def test_what_is_open_stays_as_it_is(path, opened, change):
    (path.parents[1] / "new").touch()
    file = OPENED[opened](path)
    with pytest.raises(PermissionError, match="It is open"):
        change(path)
    if hasattr(file, "close"):
        file.close()
    del file
    change(path)


def test_a_folder_with_an_open_file_is_not_renamed(path):
    with (
        OPENED["in a folder"](path),
        pytest.raises(PermissionError, match="It is open"),
    ):
        CHANGES["its folder renamed"](path)
    CHANGES["its folder renamed"](path)


@pytest.mark.parametrize(
    "name", ["a:b", "why?", "con", "Aux.csv", "nul.tar.gz", "end.", "end ", "a\\b"]
)
def test_names_that_windows_does_not_take(tmp_path, name):
    for make in ((tmp_path / name).touch, (tmp_path / name).mkdir):
        with pytest.raises(OSError, match="Windows does not take the name"):
            make()
    (tmp_path / "good").touch()
    with pytest.raises(OSError, match="Windows does not take the name"):
        (tmp_path / "good").rename(tmp_path / name)


def test_two_names_that_differ_in_capitals_only(path):
    with pytest.raises(FileExistsError, match="One name on Windows"):
        path.with_name("Movie.npy").touch()
    path.with_name("console.npy").touch()
