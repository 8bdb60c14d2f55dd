# SPDX-License-Identifier: GPL-3.0-or-later
"""The study of architectures: its scores, and that it goes on where it was stopped."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

STUDIES = Path(__file__).parents[2] / "studies"


@pytest.fixture
def scores(monkeypatch):
    monkeypatch.syspath_prepend(STUDIES)
    return importlib.import_module("architecture_scores")


@pytest.fixture
def study(monkeypatch, tmp_path, recipe_values):
    """Give the study with a tiny recipe, two candidates, and a page of its own."""
    monkeypatch.syspath_prepend(STUDIES)
    module = importlib.import_module("architectures")
    (tmp_path / "tiny.json").write_text(json.dumps(recipe_values))
    page = tmp_path / "page.md"
    page.write_text("<!-- from the trainings -->\n<!-- end of the trainings -->\n")
    sizes = {"width": 2, "levels": 2}
    for name, value in {
        "BASE": tmp_path / "tiny.json",
        "PAGE": page,
        "STRUCTURES": {"train": 6, "validation": 2, "test": 6},
        "IMAGES": {"image_epochs": 2},
        "CANDIDATES": {"U-net": sizes, "folded": sizes | {"fold": 2}},
    }.items():
        monkeypatch.setattr(module, name, value)
    return module


def measured(f1: dict[tuple[str, int, float], float]) -> pd.DataFrame:
    rows = [(*key, value) for key, value in f1.items()]
    return pd.DataFrame(rows, columns=["purpose", "structure", "threshold", "f1"])


def test_the_threshold_is_chosen_on_validation_images_and_scored_on_others(
    scores,
) -> None:
    found = scores.summarize(
        measured(
            {
                ("validation", 0, 0.3): 0.8,
                ("validation", 0, 0.5): 0.7,
                ("test", 0, 0.3): 0.6,
                ("test", 0, 0.5): 0.9,
                ("test", 1, 0.3): 0.8,
                ("test", 1, 0.5): 0.95,
            }
        )
    )
    assert found.threshold == 0.3
    assert found.mean == pytest.approx(0.7)
    assert found.f1.to_dict() == {0: 0.6, 1: 0.8}


def test_the_error_of_a_difference_is_that_of_the_same_structures(scores) -> None:
    f1 = pd.Series(np.linspace(0.5, 0.9, 7))
    reference = scores.Scores(0.5, f1, 0.5)
    # However much structures differ, one network is below the other by the same.
    less, error = scores.Scores(0.4, f1 - 0.01, 0.5).less(reference)
    assert less == pytest.approx(0.01)
    assert error == pytest.approx(0, abs=1e-12)


def test_costs_that_were_measured_stay(study, tmp_path, monkeypatch) -> None:
    costs = importlib.import_module("architecture_costs")
    monkeypatch.setattr(costs, "_SIDE", 64)
    monkeypatch.setattr(costs, "_ROUNDS", 2)
    path = tmp_path / "costs.csv"
    recipes = {"folded": study.recipe_of("folded")}
    costs.measure_costs(recipes, path)
    first = costs.known_costs(path)
    assert first["folded"].seconds_a_megapixel > 0
    assert first["folded"].seconds_a_step > 0
    costs.measure_costs(recipes | {"U-net": study.recipe_of("U-net")}, path)
    both = costs.known_costs(path)
    assert list(both) == ["folded", "U-net"]
    assert both["folded"] == first["folded"]


def test_a_study_is_made_once_and_goes_on_where_it_was_stopped(
    study, tmp_path, run_folder, monkeypatch
) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    for name in ("train.zarr", "validation.zarr", "test.zarr"):
        (folder / name).symlink_to(run_folder / name)
    for step in ("make_structures", "make_waves"):
        monkeypatch.setattr(study, step, lambda *_: None)
    (folder / "costs.csv").write_text(
        "network,seconds_a_megapixel,seconds_a_step\nU-net,0.5,4\nfolded,0.25,1\n"
    )

    def run(*options: str) -> pd.DataFrame:
        command = ["architectures.py", "--folder", str(folder), "--minutes", "0.2"]
        monkeypatch.setattr(sys, "argv", [*command, *options])
        study.main()
        return pd.read_csv(folder / "architectures.csv").set_index("network")

    first = run("--only", "folded")
    assert first["epochs"].to_dict() == {"U-net": 3, "folded": 4}
    assert first["f1"].notna().to_dict() == {"U-net": False, "folded": True}
    networks = list(folder.glob("*/folded.onnx"))
    written = [path.stat().st_mtime_ns for path in networks]
    both = run()
    assert [path.stat().st_mtime_ns for path in networks] == written
    assert both["f1"].between(0, 1).all()
    below = both.loc["U-net", "f1"] - both.loc["folded", "f1"]
    assert both.loc["folded", "below_reference"] == pytest.approx(below, abs=1e-9)
    assert np.isnan(both.loc["U-net", "below_reference"])
    table = study.PAGE.read_text(encoding="utf-8")
    assert f"{both.loc['folded', 'f1']:.4f}" in table
    assert "0.250" in table
