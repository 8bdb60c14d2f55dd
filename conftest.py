# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples of the docstrings: which modules are read, and how the examples run.

An example runs in an empty folder of its own and without progress bars. Modules of the
training side and the widgets are left out where what they import is not installed, as
their tests are.
"""

from __future__ import annotations

import importlib.util

import pytest

_OF_TRAINING = ("abtem", "distributed", "keras", "onnx", "tensorflow", "zarr")

collect_ignore_glob = []
if any(importlib.util.find_spec(name) is None for name in _OF_TRAINING):
    collect_ignore_glob.append("training/*")
if importlib.util.find_spec("hyperspy_gui_ipywidgets") is None:
    collect_ignore_glob.append("hyperspy_hrtemnn/widgets/*")


@pytest.fixture(autouse=True)
def _example(request: pytest.FixtureRequest) -> None:
    if isinstance(request.node, pytest.DoctestItem):
        request.getfixturevalue("_quiet_folder")


@pytest.fixture
def _quiet_folder(tmp_path, monkeypatch):
    import hyperspy.api as hs

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(hs.preferences.General, "show_progressbar", False)
