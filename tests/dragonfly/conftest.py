# SPDX-License-Identifier: GPL-3.0-or-later
"""Dragonfly's stand-in with the menu items installed.

These tests need neither HyperSpy nor the fixtures of the others, so that they run with
the packages that Dragonfly has, if pytest is called with ``--confcutdir`` this folder.
"""

from __future__ import annotations

import sys

import dragonfly_stand_in
import pytest
from dragonfly_stand_in import interface
from dragonfly_stand_in.session import Session

from dragonfly_macros.install import install_items

dragonfly_stand_in.install()


@pytest.fixture(scope="session")
def running(tmp_path_factory):
    folder = tmp_path_factory.mktemp("Dragonfly") / "GenericMenuItems"
    install_items(folder)
    return Session(folder)


@pytest.fixture
def dragonfly(running, monkeypatch):
    """A run of Dragonfly in which nothing is open."""
    for name, module in interface.qt("PyQt6").items():
        monkeypatch.setitem(sys.modules, name, module)
    interface.reset()
    return running
