# SPDX-License-Identifier: GPL-3.0-or-later
"""Dragonfly as its user sees it: movies are opened, selected, and items clicked."""

from __future__ import annotations

import importlib.util
import re
from typing import TYPE_CHECKING

import numpy as np

from . import interface, model

if TYPE_CHECKING:
    from pathlib import Path


class Implementation:
    def getVarName(self):
        return "generic_7"


class Session:
    """A run of Dragonfly with the menu items of a folder."""

    def __init__(self, folder: Path):
        self.items = {path.stem: _item(path) for path in sorted(folder.glob("*.py"))}

    def menu(self, selection):
        """Return the items shown for a selection by their title, as (class, menu)."""
        shown = {}
        for item in self.items.values():
            valid = item.getIsSelectionValid(selection, Implementation())
            assert type(valid) is bool
            if valid:
                menu = item.getMenuItemForSelection(selection, Implementation())
                assert menu.id_ == item.__name__
                shown[menu.title] = menu
        return shown

    def click(self, title, selection, *answers):
        """Choose an item, answer its prompts, and return what it publishes."""
        before = list(model.published)
        interface.answers[:] = answers
        names = {**self.items, "generic_7": Implementation()}
        eval(self.menu(selection)[title].action, names)  # noqa: S307 - as Dragonfly does
        assert not interface.answers, "not asked for"
        assert not interface.User.dialogs, "a dialog stayed open"
        return [made for made in model.published if made not in before]


def _item(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    item = getattr(module, path.stem)
    assert issubclass(item, interface.ContextualMenuItem)
    identity = re.fullmatch(r"\w+_([0-9a-f]{32})", path.stem)[1]
    assert f":UUID: {identity}" in module.__doc__
    assert ":author: " in module.__doc__
    assert ":dragonflyVersion: " in module.__doc__
    assert module.__version__
    return item


def open_grid(kind, frames, along, title, pixel=2e-11):
    """Return a published channel, ROI or MultiROI of a movie (frame, y, x)."""
    grid = kind()
    count, height, width = frames.shape
    depth = {"T": (1, count), "Z": (count, 1)}[along]
    grid.setXYZTSize(width, height, *depth)
    for axis in "XYZ":
        getattr(grid, f"set{axis}Spacing")(pixel)
    grid._data = np.reshape(frames, (depth[1], depth[0], height, width)).copy()
    grid._told = True
    grid.setTitle(title)
    grid.publish()
    return grid


def frames_of(grid):
    """Return the movie (frame, y, x) in a channel, ROI or MultiROI."""
    return grid._data.reshape(-1, *grid._data.shape[-2:])
