# SPDX-License-Identifier: GPL-3.0-or-later
"""How far beyond its training a network holds: sweeps, limits and the card."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import tiny_networks
from click.testing import CliRunner

from hrtemnn_training.cli import domain
from hrtemnn_training.evaluation.domain.conditions import Condition, conditions_of
from hrtemnn_training.evaluation.domain.limits import curves, find_limits
from hrtemnn_training.evaluation.domain.sweep import INSIDE, sweep
from hrtemnn_training.metrics.metric import Metric
from hrtemnn_training.recipe import Recipe
from hyperspy_hrtemnn.networks import load

MIXTURE = {
    "generator": "mixture",
    "field": 46,
    "parts": [
        {"structures": {"generator": "supported particles", "supports": {"MgO": 1}}},
        {"structures": {"generator": "amorphous film"}},
    ],
}


def table_of(condition: str, scores: dict[float, float], inside: float) -> pd.DataFrame:
    """Return a sweep whose two structures have scores around the given ones."""
    rows = [(INSIDE, 0.0, s, inside) for s in range(2)]
    rows += [
        (condition, value, s, score + (0.01, -0.01)[s])
        for value, score in scores.items()
        for s in range(2)
    ]
    return pd.DataFrame(rows, columns=["condition", "value", "structure", "score"])


def limits_of(scores, trained, *, is_log=False, less_is_better=False):
    values = tuple(scores)
    condition = Condition("defocus", "defocus (Å)", trained, values, is_log)
    metric = Metric("score", less_is_better=less_is_better)
    found = curves(table_of("defocus", scores, inside=0.8), metric)
    return find_limits(found, {"defocus": condition})["defocus"]


def test_limits_are_where_the_curve_crosses():
    scores = {-300: 0.4, -200: 0.72, -100: 0.8, 0: 0.8, 100: 0.8, 200: 0.8, 300: 0.79}
    limits = limits_of(scores, (-100, 100))
    assert limits.swept == (-300, 300)
    assert limits.less_by_5 == (pytest.approx(-150), None)
    assert limits.less_by_20 == (pytest.approx(-225), None)


def test_limits_of_a_ratio_are_on_a_logarithmic_line():
    scores = {1: 0.8, 10: 0.8, 100: 0.4}
    limits = limits_of(scores, (1, 10), is_log=True)
    assert limits.less_by_20[1] == pytest.approx(10**1.4, rel=1e-3)
    assert limits.less_by_20[0] is None


def test_of_an_error_more_is_worse():
    limits = limits_of({0: 0.8, 10: 1.6}, (0, 0), less_is_better=True)
    # 0.5 of the score at 10: 0.95 and 0.8 at a tenth and at two fifths of the way.
    assert limits.less_by_5[1] == pytest.approx(1)
    assert limits.less_by_20[1] == pytest.approx(4)


def test_limits_may_lie_inside_the_training():
    scores = {10: 0.5, 100: 0.8, 1000: 0.82}
    assert 10 < limits_of(scores, (10, 1000), is_log=True).less_by_5[0] < 100


def test_a_curve_with_a_gap_has_its_first_end():
    scores = {0: 0.8, 100: 0.4, 200: 0.8}
    assert limits_of(scores, (0, 0)).less_by_20[1] == pytest.approx(40)


def test_conditions_go_beyond_the_training(recipe):
    found = conditions_of(recipe)
    assert {"dose", "sampling", "Cs", "blur", "energy", "tilt"} < found.keys()
    for condition in found.values():
        if condition.trained is None:
            continue
        assert list(condition.tried) == sorted(condition.tried), condition.name
        assert condition.tried[-1] >= condition.trained[1]
        assert condition.tried[0] <= condition.trained[0]


def test_one_condition_changes_and_no_other(recipe):
    found = conditions_of(recipe)
    images = found["sampling"].images_at(recipe, 0.3)
    changed = {
        key
        for key in type(images).model_fields
        if getattr(images, key) != getattr(recipe.images, key)
    }
    assert changed == {"sampling"}
    assert images.sampling == (0.3, 0.3)
    assert found["dose"].images_at(recipe, 1000.0).log_dose == pytest.approx((3, 3))
    slow = found["energy"].recipe_at(recipe, 80.0)
    assert (slow.waves.energy, slow.structures) == (80, recipe.structures)
    tilted = found["tilt"].recipe_at(recipe, 6.0)
    assert tilted.structures.axis_tilt == (6, 6)
    assert tilted.structures.layers == recipe.structures.layers
    still = found["vibrations"].recipe_at(recipe, 0.0)
    assert still.waves.vibrations.method == "none"


def test_parts_of_a_mixture_change_if_they_can(recipe_values):
    recipe = Recipe.model_validate(recipe_values | {"structures": MIXTURE})
    changed = conditions_of(recipe)["support"].recipe_at(recipe, "rutile")
    crystal, film = (part.structures for part in changed.structures.parts)
    assert (crystal.support, crystal.supports) == ("rutile", None)
    assert film == recipe.structures.parts[1].structures


@pytest.fixture
def run(recipe, run_folder, tmp_path):
    """Give a run with the test set of the tiny recipe and a network."""
    (tmp_path / "test.zarr").symlink_to(run_folder / "test.zarr")
    tiny_networks.convolution(tmp_path / "tiny.onnx", sampling=recipe.sampling)
    return tmp_path


def test_the_same_images_at_all_values(recipe, run):
    network = load(run / "tiny.onnx")
    trained = recipe.images.sampling
    same = Condition(
        "nothing", "", trained, (1.0, 2.0), images=lambda _: {"sampling": trained}
    )
    table = sweep(recipe, run, network, [same], structures=3, progress=False)
    by_value = table.pivot_table("score", "structure", ["condition", "value"])
    assert by_value.shape == (3, 3)
    np.testing.assert_array_equal(by_value.iloc[:, 0], by_value.iloc[:, 1])
    np.testing.assert_array_equal(by_value.iloc[:, 0], by_value.iloc[:, 2])


def test_other_specimens_are_made_once(recipe, run):
    network = load(run / "tiny.onnx")
    energy = Condition(
        "energy",
        "",
        (300, 300),
        (100.0,),
        specimen=lambda value: {"waves": {"energy": value}},
    )

    def swept():
        return sweep(
            recipe, run, network, [energy], structures=2, processes=1, progress=False
        )

    first = swept()
    wave = next(
        (run / "domain" / "energy-100.0" / "test.zarr").glob("00000/wave/c/**/*")
    )
    made = wave.stat().st_mtime_ns
    pd.testing.assert_frame_equal(first, swept())
    assert wave.stat().st_mtime_ns == made
    scores = first.pivot_table("score", "structure", "condition")
    assert not np.array_equal(scores["energy"], scores[INSIDE])


def test_the_command_writes_limits_into_the_card(recipe_values, run, tmp_path):
    import json

    path = tmp_path / "recipe.json"
    path.write_text(json.dumps(recipe_values), encoding="utf-8")
    chosen = ["--condition", "defocus", "--structures", "2"]
    result = CliRunner().invoke(domain, [str(path), str(run), *chosen])
    assert result.exit_code == 0, result.output
    limits = load(run / "tiny.onnx").card.limits
    assert list(limits) == ["defocus"]
    assert limits["defocus"].swept == (-800, 800)
    assert "defocus: 5 % worse outside" in result.output
    rows = pd.read_csv(run / "domain.csv")
    assert set(rows["condition"]) == {"defocus"}
    assert (run / "domain.png").stat().st_size > 1000

    result = CliRunner().invoke(domain, [str(path), str(run), "--condition", "hue"])
    assert result.exit_code == 1
    assert "there is no hue, only dose, sampling" in result.output
