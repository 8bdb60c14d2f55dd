# SPDX-License-Identifier: GPL-3.0-or-later
"""The menu item Get FFT along time axis."""

from __future__ import annotations

import discs
import numpy as np
import pytest
from dragonfly_stand_in import interface, model
from dragonfly_stand_in.session import frames_of, open_grid

TITLE = "Get FFT along time axis"

PERIOD = 0.5  # of the fringes, nm


@pytest.fixture
def mask():
    return discs.movie(
        [[(15 + 2 * n, 20 + 3 * n, 9)] if n != 1 else [] for n in range(4)]
    )


@pytest.fixture
def images(mask):
    x = np.arange(discs.WIDTH) * discs.PIXEL
    fringes = 100 + 10 * np.cos(2 * np.pi * x / PERIOD)
    return (fringes * np.ones_like(mask)).astype(np.float32)


def open_movie(kind, frames, along="Z"):
    data = frames.astype(np.uint8) if frames.dtype == bool else frames
    return open_grid(kind, data, along, kind.__name__, discs.PIXEL * 1e-9)


@pytest.mark.parametrize("along", ["T", "Z"])
def test_fringes_of_a_moving_particle(dragonfly, mask, images, along):
    roi = open_movie(model.ROI, mask, along)
    channel = open_movie(model.Channel, images, along)
    (made,) = dragonfly.click(TITLE, [roi], channel, "0.3")
    assert made.getTitle() == "ROI FFT (1 nm is 1/nm)"
    assert (made.getTSize() if along == "T" else made.getZSize()) == 4
    spectra = frames_of(made)
    assert spectra.dtype == np.float32
    assert not spectra[1].any()
    middle = made.getXSize() // 2
    for spectrum in spectra[[0, 2, 3]]:
        row, column = np.unravel_index(
            spectrum[:, middle + 2 :].argmax(),
            (
                made.getYSize(),
                middle - 2,
            ),
        )
        assert row == middle
        # A nm of Dragonfly's is 1/nm.
        frequency = (column + 2) * made.getXSpacing() * 1e9
        assert frequency == pytest.approx(1 / PERIOD, abs=made.getXSpacing() * 1e9 / 2)
        assert spectrum.max() == pytest.approx(5, rel=0.1)
    assert not interface.messages
    assert len(model.living) == 3


@pytest.mark.parametrize("order", [1, -1])
def test_channel_that_is_selected_is_not_asked_for(dragonfly, mask, images, order):
    both = [open_movie(model.ROI, mask), open_movie(model.Channel, images)][::order]
    assert len(dragonfly.click(TITLE, both, ...)) == 1
    assert [default for *_, default in interface.asked] == ["0.5"]


def test_one_frame(dragonfly, mask, images):
    channel = open_movie(model.Channel, images[:1])
    (made,) = dragonfly.click(TITLE, [open_movie(model.ROI, mask[:1])], channel, "0")
    assert frames_of(made).any()


@pytest.mark.parametrize("along", ["T", "Z"])
def test_empty(dragonfly, mask, images, along):
    channel = open_movie(model.Channel, images, along)
    roi = open_movie(model.ROI, np.zeros_like(mask), along)
    assert dragonfly.click(TITLE, [roi, channel], "0.5") == []
    assert "'ROI' is empty in all frames" in interface.messages[0][2]


def test_other_grid(dragonfly, mask, images):
    channel = open_movie(model.Channel, images, "T")
    assert dragonfly.click(TITLE, [open_movie(model.ROI, mask)], channel, "0.5") == []
    text = interface.messages[0][2]
    assert "'ROI' has 61 x 45 x 4 x 1" in text
    assert "'Channel' has 61 x 45 x 1 x 4" in text


@pytest.mark.parametrize("answer", ["-1", "inf", "nan"])
def test_wrong_edge(dragonfly, mask, images, answer):
    both = [open_movie(model.ROI, mask), open_movie(model.Channel, images)]
    assert dragonfly.click(TITLE, both, answer) == []
    said = interface.messages[0][2]
    assert f"cannot be {answer} nm wide" in said or f"{answer!r} is not a num" in said


def test_no_images_chosen(dragonfly, mask):
    assert dragonfly.click(TITLE, [open_movie(model.ROI, mask)], None) == []
    assert not interface.messages


@pytest.mark.parametrize("along", ["T", "Z"])
@pytest.mark.parametrize("steps", [1, 5, 8])
def test_cancelled_in_the_middle(dragonfly, mask, images, along, steps):
    both = [
        open_movie(model.ROI, mask, along),
        open_movie(model.Channel, images, along),
    ]
    interface.User.steps_until_cancel = steps
    assert dragonfly.click(TITLE, both, "0.5") == []
    assert not interface.messages
    assert list(model.living.values()) == both
