# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the menu items go: all of them or none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dragonfly_macros.install import ITEMS, install_items
from dragonfly_macros.places import menu_items_folder, python_program, user_folders


@pytest.fixture
def windows(tmp_path, monkeypatch):
    """A function that makes a folder, or an empty file, on a disk of Windows."""
    for name in ("LOCALAPPDATA", "PROGRAMDATA", "PROGRAMFILES"):
        monkeypatch.setenv(name, str(tmp_path / name))

    def make(path):
        path = tmp_path / path
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".exe":
            path.touch()
        else:
            path.mkdir()
        return path

    return make


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_versions_of_either_vendor_are_found(windows):
    expected = [
        windows("LOCALAPPDATA/ORS/Dragonfly2022.2"),
        windows("LOCALAPPDATA/ORS/Dragonfly2024.1"),
        windows("LOCALAPPDATA/Comet/Dragonfly2025.1"),
        windows("LOCALAPPDATA/Dragonfly2025.2"),
    ]
    windows("LOCALAPPDATA/ORS/Other2024.1")
    windows("LOCALAPPDATA/ORS/Dragonfly.exe")
    assert user_folders() == expected


def test_not_on_windows(monkeypatch):
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    assert user_folders() == []


@pytest.mark.parametrize(
    ("version", "python"),
    [
        ("2024.1", "PROGRAMDATA/ORS/Dragonfly2024.1/Anaconda3/python.exe"),
        ("2025.1", "PROGRAMFILES/Dragonfly/Python_env/python.exe"),
        ("2025.1", "PROGRAMDATA/Comet/Dragonfly2025.1/Anaconda3/python.exe"),
    ],
)
def test_its_python(windows, version, python):
    folder = menu_items_folder(windows(f"LOCALAPPDATA/ORS/Dragonfly{version}"))
    assert python_program(folder) is None
    program = windows(python)
    assert python_program(folder) == program


def test_all_items_in_the_place_of_old_ones(tmp_path):
    assert len(ITEMS) == 4
    folder = tmp_path / "new" / "GenericMenuItems"
    install_items(folder)
    (folder / ITEMS[1].name).write_text("old")
    (folder / "of_others.py").write_text("kept")
    install_items(folder)
    assert names(folder) == sorted([item.name for item in ITEMS] + ["of_others.py"])
    assert (folder / ITEMS[1].name).read_bytes() == ITEMS[1].read_bytes()


def test_none_where_one_fails(tmp_path, monkeypatch):
    (tmp_path / ITEMS[0].name).write_text("old")
    read = Path.read_bytes

    def fail(path):
        if path == ITEMS[2]:
            raise OSError(28, "No space left on device")
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", fail)
    with pytest.raises(OSError, match="No space left"):
        install_items(tmp_path)
    assert names(tmp_path) == [ITEMS[0].name]
    assert (tmp_path / ITEMS[0].name).read_text() == "old"


@pytest.fixture
def run():
    testing = pytest.importorskip("click.testing")
    from dragonfly_macros.cli import dragonfly_install

    def run(*arguments, code=0):
        result = testing.CliRunner().invoke(dragonfly_install, arguments)
        assert result.exit_code == code, result.output
        return result.output

    return run


def test_command(windows, run):
    folders = [
        menu_items_folder(windows(f"LOCALAPPDATA/{name}"))
        for name in ("ORS/Dragonfly2024.1", "Comet/Dragonfly2025.1")
    ]
    python = windows("PROGRAMDATA/ORS/Dragonfly2024.1/Anaconda3/python.exe")
    output = run()
    for folder in folders:
        assert f"4 menu items are in {folder}" in output
        assert names(folder) == [item.name for item in ITEMS]
    assert "Restart Dragonfly" in output
    assert f'"{python}" -m pip install --no-deps hyperspy_hrtemnn-' in output
    assert r"PATH\OF\DRAGONFLY'S\python.exe -m pip install" in output


def test_command_into_a_folder(tmp_path, run):
    assert f"4 menu items are in {tmp_path}" in run("--dir", str(tmp_path))
    assert names(tmp_path) == [item.name for item in ITEMS]
    assert "does not exist" in run("--dir", str(tmp_path / "no"), code=2)


def test_command_without_dragonfly(windows, run):
    output = run(code=1)
    assert output.startswith("Error: No Dragonfly of this user")
    assert "--dir" in output
    assert os.linesep.join(output.splitlines()[1:]) == ""
