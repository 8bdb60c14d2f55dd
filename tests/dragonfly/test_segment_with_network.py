# SPDX-License-Identifier: GPL-3.0-or-later
"""The menu item Segment with network, with the networks of the package."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from dragonfly_stand_in import interface, model
from dragonfly_stand_in.session import frames_of, open_grid

from hyperspy_hrtemnn.networks import available, load, predict

TITLE = "Segment with network"

NETWORK = "nanoparticle-membrane-mask"
PIXEL = 0.05  # nm


@pytest.fixture(scope="module")
def images():
    """A disc of fringes in noise, in two frames."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:110, :130] * PIXEL
    disc = np.hypot(y - 2.7, x - 3) < 1.3
    frames = [60 * disc * np.cos(2 * np.pi * x / 0.24), np.zeros_like(x)]
    return rng.poisson(np.maximum(150 + np.array(frames), 0)).astype(np.uint16)


def open_images(frames, along="Z", pixel=PIXEL):
    return open_grid(model.Channel, frames, along, "images", pixel * 1e-9)


def texts():
    return [text for _, _, text in interface.messages]


@pytest.mark.parametrize("along", ["T", "Z"])
def test_what_the_network_finds(dragonfly, images, along):
    channel = open_images(images, along)
    (made,) = dragonfly.click(TITLE, [channel], NETWORK, "0.5")
    assert type(made) is model.ROI
    assert made.getTitle() == f"images {NETWORK}"
    expected = [predict(load(NETWORK), frame, 10 * PIXEL)[0] >= 0.5 for frame in images]
    assert np.any(expected)
    assert not np.all(expected)
    np.testing.assert_array_equal(frames_of(made) != 0, expected)
    assert not interface.messages
    assert len(model.living) == 2


def test_what_is_asked(dragonfly, images):
    dragonfly.click(TITLE, [open_images(images)], ..., "x")
    (_, question, default), (_, _, probability) = interface.asked
    assert default in available()
    assert NETWORK in question
    # These need a focal series.
    assert "mos2" not in question
    assert float(probability) == load(default).card.unbiased_threshold


@pytest.mark.parametrize("name", ["au-ceo2-mask", "au-columns"])
def test_the_threshold_of_the_network_that_was_named_is_proposed(
    dragonfly, images, name
):
    network = load(name)
    dragonfly.click(TITLE, [open_images(images)], str(network.path), "x")
    assert float(interface.asked[1][2]) == network.card.unbiased_threshold


def test_file_of_a_network(dragonfly, images):
    path = load(NETWORK).path
    dragonfly.click(TITLE, [open_images(images[:1])], f'"{path}"', "0.5")
    assert len(model.published) == 2


def test_several_classes_make_a_multi_roi(dragonfly, images, monkeypatch):
    from dragonfly_macros import segment_with_network

    network = load(NETWORK)
    classes = {"classes": ("left", "right")}
    monkeypatch.setattr(network, "card", network.card.model_copy(update=classes))
    answer = np.zeros((2, *images.shape[1:]), np.float32)
    answer[0, :, :40], answer[1, :, 30:60] = 0.91, 0.95
    monkeypatch.setattr(segment_with_network, "predict", lambda *_: answer)
    (made,) = dragonfly.click(TITLE, [open_images(images)], NETWORK, "0.9")
    assert type(made) is model.MultiROI
    assert made._names == {1: "left", 2: "right"}
    labels = frames_of(made)
    assert np.unique(labels[:, :, :30]) == 1
    assert np.unique(labels[:, :, 30:60]) == 2
    assert not labels[:, :, 60:].any()


@pytest.mark.parametrize(
    ("network", "text"),
    [
        ("mos2-columns", "needs a focal series of 3 images"),
        ("mos2-exitwave", "does not segment: it is for exit wave"),
        ("nothing-like-it", "nothing-like-it"),
    ],
)
def test_wrong_network(dragonfly, images, network, text):
    answers = [network] if "nothing" in network else [network, "0.9"]
    assert dragonfly.click(TITLE, [open_images(images)], *answers) == []
    assert text in texts()[0]


def test_wrong_probability(dragonfly, images):
    assert dragonfly.click(TITLE, [open_images(images)], NETWORK, "90") == []
    assert "has to be in 0 to 1, not 90" in texts()[0]


def test_nothing_found(dragonfly, images):
    assert dragonfly.click(TITLE, [open_images(images[1:])], NETWORK, "1") == []
    assert "found nothing with a probability of 1" in texts()[0]


def test_other_conditions_are_told(dragonfly, images):
    dragonfly.click(TITLE, [open_images(images, pixel=0.1)], NETWORK, "0.5")
    icon, _, text = interface.messages[0]
    assert icon == interface.OrsTMessageBox.Warning
    assert "the sampling is 1 Å/pixel, trained was 0.25 to 0.65" in text


def test_blank_frame_is_named(dragonfly, images):
    frames = images.copy()
    frames[1] = 7
    assert dragonfly.click(TITLE, [open_images(frames)], NETWORK, "0.5") == []
    assert "Frame 1: The image is constant" in texts()[0]


@pytest.mark.parametrize("along", ["T", "Z"])
def test_cancelled_in_the_middle(dragonfly, images, along):
    channel = open_images(images, along)
    interface.User.steps_until_cancel = 1
    assert dragonfly.click(TITLE, [channel], NETWORK, "0.5") == []
    assert not interface.messages
    assert list(model.living.values()) == [channel]


def test_time_steps_that_dragonfly_does_not_convert(dragonfly, images):
    model.guesses_hold = False
    channel = open_images(images[::-1], "T")
    assert dragonfly.click(TITLE, [channel], NETWORK, "0.5") == []
    assert "voxels in time step 1, not" in texts()[0]
    assert list(model.living.values()) == [channel]


def test_without_onnxruntime(dragonfly, images, monkeypatch):
    from hyperspy_hrtemnn.networks import _network

    _network._loaded.cache_clear()
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert dragonfly.click(TITLE, [open_images(images)]) == []
    assert "-m pip install onnxruntime" in texts()[0]
