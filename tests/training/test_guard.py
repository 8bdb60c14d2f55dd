# SPDX-License-Identifier: GPL-3.0-or-later
"""Guard of a network: its features, its model, its graph, and the command."""

from __future__ import annotations

import json

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
import tiny_networks
from click.testing import CliRunner

from hrtemnn_training.cli import guard
from hrtemnn_training.evaluation.guard.foreign import KINDS
from hrtemnn_training.evaluation.guard.model import fit
from hrtemnn_training.export.guard_graph import (
    CELL,
    MARGIN,
    encoder_levels,
    with_features,
    with_guard,
    without_guard,
)
from hrtemnn_training.export.nodes import ExportError
from hyperspy_hrtemnn.networks import load

CELLS = 4
FEATURES = 2 * (3 + 5) + 2 * 17


def answer_of(proto, batch, output=-1):
    session = onnxruntime.InferenceSession(
        proto.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"image": batch})[output]


def batch_of(cells_y, cells_x, *, channels=1, count=2):
    rng = np.random.default_rng(2)
    shape = (count, channels, cells_y * CELL, cells_x * CELL)
    return rng.normal(size=shape).astype(np.float32)


@pytest.fixture
def proto(tmp_path):
    return onnx.load(tiny_networks.levels(tmp_path / "levels.onnx"))


def test_levels_are_found_by_the_structure_of_the_graph(proto):
    found = encoder_levels(proto)
    assert found == [("first", 3, 2), ("second", 5, 4)]


def test_a_network_without_levels_gets_no_guard(tmp_path):
    plain = onnx.load(tiny_networks.convolution(tmp_path / "plain.onnx"))
    with pytest.raises(ExportError, match="no levels"):
        encoder_levels(plain)


@pytest.mark.parametrize(
    ("cells", "regions"),
    [
        ((1, 3), (1, 1)),  # smaller than the margins
        ((2 * MARGIN + CELLS, 2 * MARGIN + CELLS + 1), (1, 2)),
        ((2 * MARGIN + CELLS + 4, 2 * MARGIN + CELLS + 5), (3, 4)),
    ],
)
def test_regions_cover_images_of_any_size(proto, cells, regions):
    found = answer_of(with_features(proto, CELLS), batch_of(*cells))
    assert found.shape == (2, FEATURES, regions[0] * regions[1])
    assert np.isfinite(found).all()


def test_the_first_features_are_means_and_deviations_of_the_levels(proto):
    batch = batch_of(2 * MARGIN + CELLS, 2 * MARGIN + CELLS + 2)
    found = answer_of(with_features(proto, CELLS), batch)
    # The second region begins two cells later.
    for level, start in (("first", 0), ("second", 6)):
        size = {"first": 3, "second": 5}[level]
        scale = {"first": 2, "second": 4}[level]
        longer = onnx.ModelProto()
        longer.CopyFrom(proto)
        value = onnx.helper.make_tensor_value_info(level, 1, None)
        longer.graph.output.append(value)
        tensor = answer_of(longer, batch)
        side, first = CELLS * CELL // scale, MARGIN * CELL // scale
        for region, left in ((0, first), (1, first + 2 * CELL // scale)):
            part = tensor[:, :, first : first + side, left : left + side]
            values = part.reshape(2, size, -1)
            mean = found[:, start : start + size, region]
            np.testing.assert_allclose(mean, values.mean(-1), atol=1e-5)
            deviation = found[:, start + size : start + 2 * size, region]
            known = np.log(np.maximum(values.var(-1), 1e-6)) / 2
            np.testing.assert_allclose(deviation, known, atol=1e-4)


def spectrum_of(image):
    """Return the mean spectrum under windows around the cells of a region."""
    window = np.sin(np.pi * (np.arange(2 * CELL) + 0.5) / (2 * CELL)) ** 2
    window = np.outer(window, window)
    window /= np.sqrt((window**2).sum())
    total = 0
    for row in range(MARGIN, MARGIN + CELLS):
        for column in range(MARGIN, MARGIN + CELLS):
            y, x = row * CELL - CELL // 2, column * CELL - CELL // 2
            part = image[y : y + 2 * CELL, x : x + 2 * CELL] * window
            total = total + np.abs(np.fft.fft2(part)) ** 2
    return total[:, : CELL + 1] / CELLS**2


def test_the_last_features_are_rings_of_the_spectrum(tmp_path):
    series = tiny_networks.levels(tmp_path / "s.onnx", channels=2, defocus_step=50)
    side = 2 * MARGIN + CELLS
    batch = batch_of(side, side, channels=2, count=1)
    found = answer_of(with_features(onnx.load(series), CELLS), batch)[0, 16:, 0]
    # The mean over the images of a series, but for the largest, which is the sum's.
    power = spectrum_of(batch[0, 0]) + spectrum_of(batch[0, 1])
    y, x = np.indices(power.shape)
    ring = np.rint(np.hypot(np.minimum(y, 2 * CELL - y), x))
    rings = [power[ring == radius] for radius in range(CELL + 1)]
    means = np.log([each.mean() / 2 for each in rings])
    largest = np.log([each.max() for each in rings])
    np.testing.assert_allclose(found[:17], means, atol=1e-4)
    np.testing.assert_allclose(found[17:], largest - means, atol=1e-4)


@pytest.fixture(scope="module")
def features():
    """Give features that vary together, and the more the larger one of them is."""
    rng = np.random.default_rng(8)
    dose = rng.uniform(-1, 1, 900)
    mixed = rng.normal(size=(900, FEATURES)) @ rng.normal(size=(FEATURES, FEATURES))
    grown = 20 * dose[:, np.newaxis] * rng.normal(size=FEATURES)
    return grown + np.exp(dose)[:, np.newaxis] * mixed


def by_hand(model, features):
    """Return the novelty of features, as `GuardModel` says it."""
    places = features @ model.places.T + model.places_offset
    places = np.clip(places, -model.farthest, model.farthest)
    first, second = model.pairs
    terms = np.concatenate([places, places[:, first] * places[:, second]], axis=1)
    left = features - (terms @ model.mean.T + model.mean_offset)
    left = left * np.exp(terms @ model.scale.T + model.scale_offset)
    square = ((left @ model.whitening.T - model.middle) ** 2).sum(axis=1)
    expected = (terms @ model.expected.T + model.expected_offset)[:, 0]
    return np.sqrt(square / np.exp(expected))


def test_what_is_normal_depends_on_where_features_are(features):
    model = fit(features[:700], np.arange(700))
    normal = by_hand(model, features[700:])
    assert 0.9 < np.median(normal) < 1.1
    guarded = model.with_threshold(np.quantile(normal, 0.99))
    assert (by_hand(guarded, features[700:]) > 1).mean() == pytest.approx(0.01)
    # No feature alone is unusual, but their relation is.
    mixed = features[700:].copy()
    mixed[:, 1::2] = np.roll(mixed, 50, axis=0)[:, 1::2]
    assert (by_hand(guarded, mixed) > 1).mean() > 0.9


def test_a_feature_that_never_varied_is_no_division_by_zero(features):
    constant = features.copy()
    constant[:, 3] = 5
    assert np.isfinite(by_hand(fit(constant, np.arange(900)), constant)).all()


def test_too_few_regions_are_refused(features):
    with pytest.raises(ValueError, match=r"There are 40 regions .* and 50 features"):
        fit(features[:40], np.arange(40))


def test_the_graph_gives_the_novelty_of_its_features(proto):
    batch = batch_of(2 * MARGIN + CELLS + 1, 2 * MARGIN + CELLS + 2, count=3)
    many = batch_of(2 * MARGIN + CELLS, 2 * MARGIN + CELLS, count=80)
    seen = answer_of(with_features(proto, CELLS), many)[..., 0]
    model = fit(seen.astype(float), np.arange(80))
    guarded = with_guard(proto, CELLS, model)
    found = answer_of(guarded, batch)
    assert found.shape == (3, 1, 2, 2)
    each = answer_of(with_features(proto, CELLS), batch)
    known = by_hand(model, each.transpose(0, 2, 1).reshape(-1, FEATURES))
    # The whitening is in half precision.
    np.testing.assert_allclose(found.ravel(), known, rtol=2e-2)
    answer = answer_of(guarded, batch, 0)
    np.testing.assert_array_equal(answer, answer_of(proto, batch, 0))
    assert without_guard(guarded) == proto


@pytest.fixture
def run(recipe, run_folder, tmp_path):
    """Give a run with the data of the tiny recipe and a network."""
    for purpose in ("train", "validation", "test"):
        (tmp_path / f"{purpose}.zarr").symlink_to(run_folder / f"{purpose}.zarr")
    tiny_networks.levels(tmp_path / "tiny.onnx", sampling=recipe.sampling)
    return tmp_path


def test_the_command_writes_a_guard_and_what_it_found(recipe_values, run):
    path = run / "recipe.json"
    path.write_text(json.dumps(recipe_values), encoding="utf-8")
    before = load(run / "tiny.onnx")
    counts = ["--images", "90", "--held-out", "30", "--foreign", "2"]
    options = [*counts, "--crystal", "the same", str(run)]
    result = CliRunner().invoke(guard, [str(path), str(run), *options])
    assert result.exit_code == 0, result.output
    network = load(run / "tiny.onnx")
    known = network.card.novelty
    assert (known.cell, known.margin, known.images) == (CELL, MARGIN, 90)
    assert set(known.alarms) == {*KINDS, "the same"}
    assert known.alarms["text"] > 0.5
    assert known.false_alarms < 0.5
    assert f"false alarms: {known.false_alarms:.1%}" in result.output
    table = pd.read_csv(run / "guard.csv")
    shares = (table["novelty"] > 1).groupby(table["kind"]).mean()
    assert shares["training"] == pytest.approx(known.false_alarms, abs=1e-4)
    batch = batch_of(4, 5)
    np.testing.assert_array_equal(network.predict(batch), before.predict(batch))
    assert network.with_novelty().predict(batch).shape == (2, 2, 4 * CELL, 5 * CELL)
    # A second one takes the place of the first.
    again = CliRunner().invoke(guard, [str(path), str(run), *options])
    assert again.exit_code == 0, again.output
    assert again.output.endswith(result.output[-200:])
