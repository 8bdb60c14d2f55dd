# SPDX-License-Identifier: GPL-3.0-or-later
"""Series of rising dose: the same particles, microscope and camera, other noise."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest
import tiny_networks
from click.testing import CliRunner
from known_specimens import specimen

from hrtemnn_training.cli import dose_study
from hrtemnn_training.evaluation.dose.report import limits_of, summarize_doses
from hrtemnn_training.evaluation.dose.series import DosePlan, dose_series, dose_table
from hyperspy_hrtemnn.networks import load

PLAN = DosePlan(50, 5000, steps=3, frames=2)


class Discs:
    """Three specimens of one dark disc."""

    def read_specimen(self, index):
        return specimen((17.0 + index, 21.0, 8.0))


def test_only_dose_and_noise_differ(recipe):
    series = [
        sample for _, sample in dose_series(recipe, Discs(), 1, PLAN, recipe.images)
    ]
    doses = [sample.exposure.detector.dose for sample in series]
    assert doses == pytest.approx([50, 50, 500, 500, 5000, 5000])
    first = series[0].exposure
    for dose, sample in zip(doses, series, strict=True):
        exposure = sample.exposure
        assert exposure.optics == first.optics
        assert exposure.corner == first.corner
        assert exposure.detector == replace(first.detector, dose=dose)
        pixel = exposure.detector.sampling**2
        expected = exposure.intensities.mean() * dose * pixel + first.detector.readout
        assert exposure.counts.mean() == pytest.approx(expected, rel=0.1)
    assert not np.array_equal(series[4].exposure.counts, series[5].exposure.counts)
    again = [
        sample for _, sample in dose_series(recipe, Discs(), 1, PLAN, recipe.images)
    ]
    for ours, theirs in zip(series, again, strict=True):
        np.testing.assert_array_equal(ours.exposure.counts, theirs.exposure.counts)


def test_all_networks_see_the_same_frames(recipe, run_folder, tmp_path):
    path = tiny_networks.convolution(tmp_path / "a.onnx", sampling=recipe.sampling)
    other = tiny_networks.convolution(
        tmp_path / "b.onnx", sampling=recipe.sampling, seed=1
    )
    named = {"one": load(path), "same": load(path), "other": load(other)}
    plan = replace(PLAN, frames=1, structures=2)
    table = dose_table(recipe, run_folder, named, plan, progress=False)
    parts = [
        part.drop(columns="by").reset_index(drop=True)
        for _, part in table.groupby("by", sort=False)
    ]
    pd.testing.assert_frame_equal(parts[0], parts[1])
    assert not parts[0]["found_area"].equals(parts[2]["found_area"])
    assert list(parts[0]["dose"]) == pytest.approx([50, 500, 5000] * 2)
    for _, structure in table.groupby("structure"):
        assert (structure["true_area"] == structure["true_area"].iloc[0]).all()
        # A particle of 3 to 4 layers in a field of 46 Å.
        assert 0.3 < structure["true_area"].iloc[0] < 3
    ratio = table["found_area"] / table["true_area"]
    np.testing.assert_allclose(table["found_over_true_area"], ratio)


def made_table(**areas):
    """Return the table of structures of area 10 whose found areas are known."""
    rows = [
        {"by": "n", "structure": s, "dose": d, "true_area": 10, "found_area": a}
        for s, found in areas.items()
        for d, a in zip((10, 100, 1000), found, strict=True)
    ]
    return pd.DataFrame(rows)


def test_limits_and_their_spread():
    limits = limits_of(made_table(a=(0, 10, 10), b=(8, 8, 8), c=(0, 0, 4)))
    assert list(limits["half_dose"]) == pytest.approx(
        [10**1.5, 10, np.nan], nan_ok=True
    )
    assert list(limits["converged_over_true_area"]) == [1, 0.8, 0.4]
    half = summarize_doses(limits)["n"]["half_dose"]
    assert half == {
        "median": pytest.approx(10**1.5, abs=1e-3),
        "10th percentile": 10,
        "90th percentile": None,
        "reached": pytest.approx(2 / 3, abs=1e-3),
    }


def test_command_writes_tables_and_pictures(recipe_values, run_folder, tmp_path):
    recipe_file = tmp_path / "tiny.json"
    recipe_file.write_text(json.dumps(recipe_values), encoding="utf-8")
    (tmp_path / "test.zarr").symlink_to(run_folder / "test.zarr")
    network = tiny_networks.convolution(
        tmp_path / "a.onnx", sampling=recipe_values["sampling"]
    )
    given = [
        *("--doses", "40", "4000", "--steps", "3", "--frames", "1"),
        *("--structures", "1", "--stem", "rising"),
        *("--images", str(tmp_path / "camera.json")),
    ]
    camera = '{"mtf_c1": [0.2, 0.2], "defocus": [48, 50]}'
    (tmp_path / "camera.json").write_text(camera, encoding="utf-8")
    arguments = [str(recipe_file), str(tmp_path), str(network), *given]
    result = CliRunner().invoke(dose_study, arguments)
    assert result.exit_code == 0, result.output
    assert "tiny  half dose: median" in result.output
    assert len(pd.read_csv(tmp_path / "rising.csv")) == 3
    assert len(pd.read_csv(tmp_path / "rising-limits.csv")) == 1
    told = json.loads((tmp_path / "rising.json").read_text(encoding="utf-8"))
    assert told["images"]["mtf_c1"] == [0.2, 0.2]
    plan = DosePlan(40, 4000, steps=3, frames=1, structures=1)
    assert told["plan"] == json.loads(json.dumps(asdict(plan)))
    for name in ("rising.png", "rising-frames.png"):
        assert (tmp_path / name).stat().st_size > 5000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--doses", "50", "5"], "not a rising dose"),
        (["--images", '{"label": "Disk"}'], "label"),
        (["--images", "no-such.json"], "not a JSON object"),
    ],
)
def test_bad_options(recipe_values, run_folder, tmp_path, options, message):
    recipe_file = tmp_path / "tiny.json"
    recipe_file.write_text(json.dumps(recipe_values), encoding="utf-8")
    arguments = [str(recipe_file), str(run_folder), "au-ceo2-mask", *options]
    result = CliRunner().invoke(dose_study, arguments)
    assert result.exit_code in (1, 2)
    assert message in result.output


def test_other_labels_have_no_area(recipe, run_folder):
    images = recipe.images.model_copy(update={"label": "Disk"})
    with pytest.raises(ValueError, match="label of tiny is Disk"):
        dose_table(recipe, run_folder, {}, PLAN, images=images, progress=False)
