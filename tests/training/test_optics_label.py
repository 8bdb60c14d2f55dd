# SPDX-License-Identifier: GPL-3.0-or-later
"""Lenses of samples, their turned spectra, their likelihood, and a network for them."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from scipy.special import log_expit
from scipy.stats import norm

from hrtemnn_training.evaluation.report import report
from hrtemnn_training.export.onnx_file import export
from hrtemnn_training.generation import make_structures, make_waves
from hrtemnn_training.images.rings import true_optics
from hrtemnn_training.images.sample import take_sample
from hrtemnn_training.metrics.optics import error_factors, optics_errors
from hrtemnn_training.optics_loss import OpticsLoss
from hrtemnn_training.parameters import ImageParameters
from hrtemnn_training.recipe import Recipe
from hrtemnn_training.store import Specimen, mean_depth
from hrtemnn_training.structures import Sites
from hrtemnn_training.train.loop import train
from hrtemnn_training.train.pictures import draw_images
from hyperspy_hrtemnn.networks import (
    MEASURED,
    OPTICS_ANSWER,
    OPTICS_INPUT,
    PredictedOptics,
    load,
)

STEPS = (32, 96)  # directions and steps of u

NO_SITES = Sites(
    np.zeros((0, 2), np.float32),
    np.zeros(0, np.uint8),
    np.zeros(0, np.uint8),
    np.zeros((0, 0), np.uint16),
    np.zeros(0, np.uint8),
    ("column",),
)


def optics(**keys) -> ImageParameters:
    return ImageParameters(
        label="Optics", num_classes=9, image_size=STEPS[::-1], **keys
    )


def film(shape=(300, 330), *, depth: float = 0.0, turns: int = 0) -> Specimen:
    """Return a weak random object of 75 x 82.5 Å, turned by quarters."""
    phase = np.random.default_rng(3).standard_normal(shape)
    wave = np.rot90(np.exp(0.1j * phase), turns).astype(np.complex64)
    extent = (wave.shape[0] * 0.25, wave.shape[1] * 0.25)
    return Specimen(wave, extent, 200.0, (), (), NO_SITES, {}, depth)


FIXED = {
    "defocus": (300, 300),
    "ctf_c30": (0, 0),
    "sampling": (0.25, 0.25),
    "log_dose": (8, 8),
    "mtf": None,
    "readout": (0, 0),
}


def test_the_lens_is_that_of_the_middle_of_the_specimen() -> None:
    parameters = optics(
        **FIXED, blur=(0.3, 0.3), vibration_blur=(0.4, 0.4), ctf_c12=(50, 50)
    )
    rng = np.random.default_rng(1)
    sample = take_sample(film(depth=40), parameters, sampling=0.7, rng=rng)
    defocus, cosine, sine, blur = true_optics(sample)
    assert (defocus, blur) == (pytest.approx(260), pytest.approx(0.5))
    angle = sample.exposure.optics[0].aberrations[0].angle
    assert np.hypot(cosine, sine) == pytest.approx(50)
    assert np.arctan2(sine, cosine) == pytest.approx(np.angle(np.exp(2j * angle)))


def test_heavy_atoms_count_more_for_the_middle() -> None:
    positions = np.array([[0, 0, 10.0], [1, 1, 40.0]])
    assert mean_depth(positions, np.array([6, 6], np.uint8), 50) == pytest.approx(25)
    middle = (36 * 40 + 79**2 * 10) / (36 + 79**2)
    assert mean_depth(positions, np.array([6, 79], np.uint8), 50) == pytest.approx(
        middle
    )
    assert mean_depth(positions[:0], np.zeros(0, np.uint8), 50) == 0


def test_a_pair_is_a_spectrum_with_the_lens() -> None:
    parameters = optics(**FIXED, ctf_c12=(50, 50))
    rng = np.random.default_rng(1)
    image, label = parameters.kind.pair(film(), sampling=0.7, rng=rng)
    assert image.shape == (*STEPS, len(OPTICS_INPUT))
    assert (image.dtype, label.dtype, label.shape) == (np.float32, np.float32, (4,))
    assert label[0] == pytest.approx(3)
    assert np.hypot(*label[1:3]) == pytest.approx(0.5)


class Drawn:
    """Random numbers that turn by some directions, and mirror or not."""

    def __init__(self, shift: int, *, mirrored: bool) -> None:
        self.shift, self.mirrored = shift, mirrored

    def integers(self, _: int) -> int:
        return self.shift

    def random(self) -> float:
        return 0.0 if self.mirrored else 1.0


def test_a_turned_spectrum_is_that_of_the_turned_lens() -> None:
    """Where the object is the same in all directions but for its noise."""
    kind = optics().kind
    half = STEPS[0] // 2
    image = np.zeros((*STEPS, len(OPTICS_INPUT)), np.float32)
    image[3, :, 0] = 1
    image[..., MEASURED] = 7
    label = np.array([3, 0.4, 0.2, 0.1])
    turned, changed = kind.augment(image, label, Drawn(half, mirrored=False))
    assert turned[3 + half, 0, 0] == 1
    np.testing.assert_allclose(changed, [3, -0.4, -0.2, 0.1], atol=1e-12)
    turned, changed = kind.augment(image, label, Drawn(0, mirrored=True))
    assert turned[STEPS[0] - 4, 0, 0] == 1
    np.testing.assert_allclose(changed, [3, 0.4, -0.2, 0.1])
    _, changed = kind.augment(image, label, Drawn(half // 2, mirrored=False))
    np.testing.assert_allclose(changed, [3, -0.2, 0.4, 0.1], atol=1e-12)
    assert (turned[..., MEASURED] == 7).all()
    assert image[3, 0, 0] == 1


def test_the_loss_is_the_likelihood_of_both_signs() -> None:
    truth = np.array([[2.0, 0.3, -0.1, 0.5]])
    answer = np.array([[-1.8, -0.2, 0.2, 0.4, -1.0, -2.0, -1.5, -3.0, 0.7]])
    spread = np.exp(answer[0, 4:8] / 2)

    def of(sign: float) -> float:
        logs = norm.logpdf(sign * truth[0], answer[0, :4], spread)
        return logs[:3].sum()

    both = np.logaddexp(of(1) + log_expit(0.7), of(-1) + log_expit(-0.7))
    expected = -both - norm.logpdf(truth[0, 3], answer[0, 3], spread[3])
    constant = 2 * np.log(2 * np.pi)
    assert float(OpticsLoss()(truth, answer)) == pytest.approx(expected - constant)


def test_calibrated_errors_hold() -> None:
    rng = np.random.default_rng(0)
    count = 4000
    truth = rng.uniform(-5, 5, (count, 4))
    given = np.exp(rng.uniform(-2, 0, (count, 4)))
    values = truth + given * [2.0, 0.5, 0.5, 1.0] * rng.standard_normal((count, 4))
    values[::2, :3] *= -1  # the other sign
    odds = np.zeros((count, 1))
    answers = np.concatenate([values, 2 * np.log(given), odds], axis=1)
    found = error_factors(answers, truth)
    assert found[[0, 3]] == pytest.approx([2, 1], rel=0.05)
    assert found[1] == found[2] == pytest.approx(0.5, rel=0.05)
    added = optics().kind.calibration(answers, truth)
    np.testing.assert_allclose(added[4:8], 2 * np.log(found), rtol=1e-5)
    assert not added[[0, 1, 2, 3, 8]].any()


def test_errors_are_those_with_the_better_sign() -> None:
    answer = PredictedOptics(
        np.array([-290.0, -30, 40, 0.5]), np.array([10.0, 10, 10, 0.1]), 0.7
    )
    found = optics_errors(answer, np.array([300.0, 33, -36, 0.4]))
    assert found["sign_is_right"] == 0
    assert found["defocus_error"] == pytest.approx(10)
    assert found["astigmatism_error"] == pytest.approx(5)
    assert found["blur_error"] == pytest.approx(0.1)
    assert found["defocus_in_errors"] == pytest.approx(-1)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"image_size": (64, 64)}, "ring spectra, 96 and 32"),
        ({"multifocus": (3, 50.0, 1.0)}, "of single images"),
        ({"num_classes": 4}, "needs 9"),
    ],
)
def test_recipes_that_do_not_fit_are_refused(keys, message) -> None:
    values = {"label": "Optics", "num_classes": 9, "image_size": STEPS[::-1]}
    with pytest.raises(ValueError, match=message):
        ImageParameters(**values | keys)


def test_a_network_is_made_and_scored(tmp_path, recipe_values) -> None:
    values = recipe_values | {
        "classes": list(OPTICS_ANSWER),
        "size": {"train": 3, "validation": 2, "test": 2},
        "structures": {
            "generator": "amorphous film",
            "field": 76,
            "thickness": [4, 6],
        },
        "images": {
            "label": "Optics",
            "num_classes": 9,
            "image_size": list(STEPS[::-1]),
            "sampling": [0.3, 0.4],
            "log_dose": [3, 5],
            "ctf_c12": [0, 100],
            "debug": 2,
        },
        "network": {
            "architecture": "encoder",
            "width": 2,
            "levels": 2,
            "hidden": 4,
            "directional": True,
        },
    }
    values["training"]["stages"] = [{"epochs": 2, "learning_rate": [0.01, 0.01]}]
    recipe = Recipe.model_validate(values)
    make_structures(recipe, tmp_path, processes=1, progress=False)
    make_waves(recipe, tmp_path, processes=1, progress=False)
    assert len([*draw_images(recipe, tmp_path).glob("*.png")]) == 2
    history = train(recipe, tmp_path, progress=False)
    assert np.isfinite(history["validation_loss"]).all()
    network = load(export(recipe, tmp_path))
    assert (network.card.task, network.card.per_image) == ("image optics", True)
    assert network.card.input_channels == len(OPTICS_INPUT)
    best = keras.saving.load_model(tmp_path / "best.keras", compile=False)
    noise = np.random.default_rng(0).standard_normal((1, *STEPS, len(OPTICS_INPUT)))
    raw = best.predict(noise, verbose=0)[0]
    answer = network.predict(noise.transpose(0, 3, 1, 2).astype(np.float32))[0]
    np.testing.assert_allclose(answer[:4], raw[:4], atol=0.01)
    assert np.abs(answer[4:8] - raw[4:8]).max() > 0.01  # calibrated
    summary = report(recipe, tmp_path, against=("defocus",), progress=False)
    assert list(summary) == ["tiny", "Thon-ring fit"]
    assert summary["tiny"]["coverage"].keys() >= {"defocus", "blur"}
    assert summary["Thon-ring fit"]["coverage"] == {}
    scores = load(tmp_path / "tiny.onnx").card.scores
    assert scores["baselines"]["Thon-ring fit"]["defocus_error"] >= 0
