# SPDX-License-Identifier: GPL-3.0-or-later
"""The menu item Label by 2+1D Connectivity."""

from __future__ import annotations

import sys

import discs
import numpy as np
import pytest
from dragonfly_stand_in import interface, model
from dragonfly_stand_in.session import frames_of, open_grid

TITLE = "Label by 2+1D Connectivity"


def open_mask(mask, along="Z"):
    return open_grid(
        model.ROI, mask.astype(np.uint8), along, "mask", discs.PIXEL * 1e-9
    )


def refusal():
    """Return the only message, which has to be an error."""
    ((icon, title, text),) = interface.messages
    assert icon == interface.OrsTMessageBox.Critical
    assert title == TITLE
    return text


@pytest.mark.parametrize("along", ["T", "Z"])
def test_each_particle_keeps_its_label(dragonfly, along):
    mask = discs.three_particles()
    roi = open_mask(mask, along)
    (made,) = dragonfly.click(TITLE, [roi], "0,8")
    assert type(made) is model.MultiROI
    assert made.getTitle() == "mask particles"
    assert made._names == {n: f"Particle {n}" for n in (1, 2, 3)}
    assert made._spacing == roi._spacing
    assert (made.getTSize() if along == "T" else made.getZSize()) == 4
    labels = frames_of(made)
    for frame in labels:
        assert frame[20, 15] == labels[0, 20, 15]
        assert frame[20, 28] == labels[0, 20, 28]
    assert labels[1, 30, 50] == labels[2, 30, 50] == 3
    mask[0, 2, 3:5] = False
    np.testing.assert_array_equal(labels > 0, mask)
    assert not interface.messages
    # The labels that the MultiROI was made of, and what was read back, are gone.
    assert len(model.living) == 2


def test_what_is_asked(dragonfly):
    roi = open_mask(discs.three_particles())
    dragonfly.click(TITLE, [roi], ...)
    ((title, question, default),) = interface.asked
    assert title == TITLE
    assert "(nm)" in question
    assert float(default) == 1


def test_one_frame(dragonfly):
    (made,) = dragonfly.click(TITLE, [open_mask(discs.three_particles()[2:3])], "0.8")
    assert frames_of(made).shape == (1, discs.HEIGHT, discs.WIDTH)
    assert len(made._names) == 3


def test_frames_without_particles(dragonfly):
    mask = discs.movie(discs.VISITOR)
    (made,) = dragonfly.click(TITLE, [open_mask(mask, "T")], "0.8")
    assert [bool(frame.any()) for frame in frames_of(made)] == [
        False,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize("along", ["T", "Z"])
def test_empty(dragonfly, along):
    mask = np.zeros((3, 7, 8), bool)
    assert dragonfly.click(TITLE, [open_mask(mask, along)], "0.5") == []
    assert "'mask' has no particle of 0.0125 nm² or more" in refusal()
    assert len(model.living) == 1


def test_volume_with_time_is_refused(dragonfly):
    roi = open_mask(discs.three_particles())
    roi._size = (discs.WIDTH, discs.HEIGHT, 2, 2)
    assert dragonfly.click(TITLE, [roi], "0.8") == []
    assert "'mask' has 2 slices along Z and 2 time steps" in refusal()


@pytest.mark.parametrize("answer", [None, "", "  "])
def test_prompt_cancelled(dragonfly, answer):
    assert dragonfly.click(TITLE, [open_mask(discs.three_particles())], answer) == []
    assert not interface.messages


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("two", "'two' is not a number"),
        ("0", "0 nm, is less than a pixel of 'mask', 0.1 nm"),
        ("nan", "'nan' is not a number"),
        ("1e999", "'1e999' is not a number"),
        ("1e200", "1e+200 nm, is more than an image has"),
        ("inf", "'inf' is not a number"),
    ],
)
def test_wrong_answer(dragonfly, answer, text):
    roi = open_mask(discs.three_particles())
    assert dragonfly.click(TITLE, [roi], answer) == []
    assert text in refusal()
    assert list(model.living.values()) == [roi]


def test_not_calibrated(dragonfly):
    roi = open_grid(model.ROI, np.ones((2, 4, 5), np.uint8), "Z", "mask", pixel=1.0)
    dragonfly.click(TITLE, [roi], "2")
    assert (
        "less than a pixel of 'mask', 1e+09 nm. Is the spacing calibrated?" in refusal()
    )


def test_pixels_that_are_not_square(dragonfly):
    roi = open_mask(discs.three_particles())
    roi.setYSpacing(2e-10)
    dragonfly.click(TITLE, [roi], "1")
    assert "0.1 nm x 0.2 nm" in refusal()


@pytest.mark.parametrize("along", ["T", "Z"])
@pytest.mark.parametrize("steps", [1, 3, 4])
def test_cancelled_in_the_middle(dragonfly, along, steps):
    roi = open_mask(discs.three_particles(), along)
    interface.User.steps_until_cancel = steps
    assert dragonfly.click(TITLE, [roi], "0.8") == []
    assert not interface.messages
    assert list(model.living.values()) == [roi]


def test_time_steps_that_dragonfly_does_not_read(dragonfly):
    model.guesses_hold = False
    roi = open_mask(discs.three_particles(), "T")
    assert dragonfly.click(TITLE, [roi], "0.8") == []
    assert "not read at its time step 0" in refusal()
    assert "docs/dragonfly.md" in refusal()
    assert list(model.living.values()) == [roi]


def test_time_step_that_dragonfly_confuses(dragonfly, monkeypatch):
    first = model.ROI.getAsNDArray
    monkeypatch.setattr(model.ROI, "getAsNDArray", lambda roi, *_: first(roi))
    roi = open_mask(discs.three_particles(), "T")
    assert dragonfly.click(TITLE, [roi], "0.8") == []
    assert "voxels in time step 1, and" in refusal()
    assert list(model.living.values()) == [roi]


def test_along_z_nothing_is_guessed(dragonfly):
    model.guesses_hold = False
    (made,) = dragonfly.click(TITLE, [open_mask(discs.three_particles())], "0.8")
    assert len(made._names) == 3


def test_old_qt(dragonfly, monkeypatch):
    monkeypatch.setitem(sys.modules, "PyQt6", None)
    monkeypatch.setitem(sys.modules, "PyQt6.QtWidgets", None)
    for name, module in interface.qt("PyQt5").items():
        monkeypatch.setitem(sys.modules, name, module)
    assert dragonfly.click(TITLE, [open_mask(discs.three_particles())], "0.8")
