# SPDX-License-Identifier: GPL-3.0-or-later
"""The menu items put where Dragonfly looks for them."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from hyperspy_hrtemnn.atomic import written_whole

ITEMS = tuple(sorted((Path(__file__).parent / "menu_items").glob("*.py")))
"""The files of the menu items."""


def install_items(folder: Path) -> None:
    """Copy all menu items into a folder, or none.

    Parameters
    ----------
    folder
        ``GenericMenuItems`` of a version of Dragonfly; it is made if need be.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as writing:
        for item in ITEMS:
            temporary = writing.enter_context(written_whole(folder / item.name))
            temporary.write_bytes(item.read_bytes())
