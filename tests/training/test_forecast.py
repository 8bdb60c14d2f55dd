# SPDX-License-Identifier: GPL-3.0-or-later
"""The forecast of `hrtemnn make --dry-run`."""

from __future__ import annotations

import json
import shutil

from click.testing import CliRunner

from hrtemnn_training import cli


def test_a_forecast_makes_nothing_and_counts_what_is_there(
    recipe_values, tmp_path
) -> None:
    recipe_values["size"] = {"train": 2, "validation": 1, "test": 1}
    recipe_values["training"]["batch_size"] = 1
    recipe, folder = str(tmp_path / "tiny.json"), str(tmp_path / "run")
    (tmp_path / "tiny.json").write_text(json.dumps(recipe_values), encoding="utf-8")
    CliRunner().invoke(cli.structures, [recipe, folder, "-n", "1"])
    shutil.rmtree(tmp_path / "run" / "train.zarr" / "00001")
    before = sorted((tmp_path / "run").rglob("*"))
    dry = ["--dry-run", recipe, folder]
    result = CliRunner().invoke(cli.make, dry)
    assert result.exit_code == 0, result.output
    assert sorted((tmp_path / "run").rglob("*")) == before
    words = [line.split() for line in result.output.splitlines() if line]
    counts = {row[0]: row[1:3] for row in words}
    assert counts["structures"] == ["4", "3"]
    assert counts["waves"] == ["4", "0"]
    assert counts["images"] == counts["steps"] == ["6", "0"]
    assert "This is an estimate" in result.output
    result = CliRunner().invoke(cli.make, [*dry, "--scheduler", "tcp://x:1"])
    assert result.exit_code == 2
