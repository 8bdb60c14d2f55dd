# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders of Dragonfly: the user's menu items, and the Python of each version.

All of these were seen in the installers of published extensions, each for some version.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# The vendor is Object Research Systems until 2024, Comet since 2025; some folders have
# no vendor.
_VENDORS = ("ORS", "Comet", "")

_PYTHONS = (Path("Anaconda3", "python.exe"), Path("Python_env", "python.exe"))


def user_folders() -> list[Path]:
    """Return the folder of each installed version, such as ``Dragonfly2024.1``.

    They are in ``%LOCALAPPDATA%`` and exist after the first start of a version.
    """
    return [
        folder
        for vendor in _folders("LOCALAPPDATA", _VENDORS)
        for folder in sorted(vendor.glob("Dragonfly*"))
        if folder.is_dir()
    ]


def menu_items_folder(user_folder: Path) -> Path:
    """Return the folder in which a version searches for the menu items of its user."""
    return user_folder / "pythonUserExtensions" / "GenericMenuItems"


def python_program(menu_items: Path) -> Path | None:
    """Return the Python of the version to which a folder of menu items belongs.

    It is None if it is not in one of the known folders.
    """
    version = menu_items.resolve().parent.parent.name
    homes = [
        *(vendor / version for vendor in _folders("PROGRAMDATA", _VENDORS)),
        *_folders("PROGRAMFILES", (version, "Dragonfly")),
    ]
    programs = (home / python for home in homes for python in _PYTHONS)
    return next((program for program in programs if program.is_file()), None)


def _folders(variable: str, names: tuple[str, ...]) -> Iterator[Path]:
    """Yield folders of these names in the folder of an environment variable."""
    if variable in os.environ:
        for name in names:
            yield Path(os.environ[variable], name)
