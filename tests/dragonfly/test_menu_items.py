# SPDX-License-Identifier: GPL-3.0-or-later
"""Which item is shown for what, and what happens where nothing works as it should."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from dragonfly_stand_in import interface, model
from dragonfly_stand_in.session import open_grid

LABEL = "Label by 2+1D Connectivity"
FFT = "Get FFT along time axis"
PROPERTIES = "Get ROI properties"
SEGMENT = "Segment with network"


@pytest.mark.parametrize(
    ("kinds", "titles"),
    [
        ("", set()),
        ("R", {LABEL, FFT, PROPERTIES}),
        ("C", {SEGMENT}),
        ("M", {PROPERTIES}),
        ("RR", {PROPERTIES}),
        ("RMR", {PROPERTIES}),
        ("RC", {FFT}),
        ("CR", {FFT}),
        ("RRC", set()),
        ("RCC", set()),
        ("CC", set()),
        ("MC", set()),
        ("x", set()),
        ("Rx", set()),
        ("Cx", set()),
    ],
)
def test_items_for_a_selection(dragonfly, kinds, titles):
    make = {"R": model.ROI, "C": model.Channel, "M": model.MultiROI, "x": object}
    assert dragonfly.menu([make[kind]() for kind in kinds]).keys() == titles


def test_nothing_selected(dragonfly):
    assert dragonfly.menu(None) == {}


def open_roi():
    return open_grid(model.ROI, np.ones((2, 4, 5), np.uint8), "Z", "roi")


def test_package_is_missing(dragonfly, monkeypatch):
    monkeypatch.setitem(sys.modules, "dragonfly_macros.dialogs", None)
    for title in (LABEL, FFT, PROPERTIES):
        assert dragonfly.click(title, [open_roi()]) == []
    channel = open_grid(model.Channel, np.ones((2, 4, 5)), "Z", "images")
    dragonfly.click(SEGMENT, [channel])
    assert len(interface.messages) == 4
    for icon, _, text in interface.messages:
        assert icon == interface.OrsTMessageBox.Critical
        assert "hyperspy-hrtemnn cannot be used in Dragonfly's Python" in text


@pytest.mark.parametrize("package", ["pandas", "lazy_loader"])
def test_a_package_that_pip_installs_is_missing(dragonfly, monkeypatch, package):
    def fail(*_):
        raise ModuleNotFoundError(f"No module named {package!r}", name=package)

    monkeypatch.setattr("dragonfly_macros.label_by_connectivity.label_particles", fail)
    dragonfly.click(LABEL, [open_roi()], "1")
    assert f'python.exe" -m pip install {package}' in interface.messages[0][2]


def test_what_nobody_foresaw_is_told_in_full(dragonfly, monkeypatch):
    monkeypatch.delattr(model.ROI, "getAsNDArray")
    with pytest.raises(AttributeError):
        dragonfly.click(LABEL, [open_roi()], "1")
    ((icon, title, text),) = interface.messages
    assert icon == interface.OrsTMessageBox.Critical
    assert title == LABEL
    assert "Please report it" in text
    assert "in roi_volume" in text
    assert "scipy" in text
    assert len(model.living) == 1


@pytest.mark.parametrize("hold", [True, False])
def test_report_of_the_guesses(dragonfly, hold):
    from dragonfly_macros.check import check

    model.guesses_hold = hold
    report = check()
    assert f"numpy {np.__version__}" in report
    assert report.count(": as guessed") == (3 if hold else 0)
    assert report.count("WrongGuess: ") == (0 if hold else 3)
    assert not model.living
