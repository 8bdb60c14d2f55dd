# SPDX-License-Identifier: GPL-3.0-or-later
"""Installation of the menu items into Dragonfly's folder."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from hyperspy_hrtemnn.atomic import written_whole

ITEMS = tuple(sorted((Path(__file__).parent / "menu_items").glob("*.py")))
"""Files of the menu items."""


def install_items(folder: Path) -> None:
    """Copy all menu items into a folder, or none.

    Parameters
    ----------
    folder
        Folder ``GenericMenuItems`` of a version of Dragonfly, which is made if it does
        not exist.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as writing:
        for item in ITEMS:
            temporary = writing.enter_context(written_whole(folder / item.name))
            temporary.write_bytes(item.read_bytes())
