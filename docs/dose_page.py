# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the tables and pictures of ``docs/dose.md`` from the study's own.

    python docs/dose_page.py FOLDER

FOLDER is that of ``python training/dose_networks.py FOLDER``. A part whose series has
not been run yet stays as it is.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import onnx
import pandas as pd
from dose_statements import digits, statements
from network_page import header, replace_part

PAGE = Path(__file__).parent / "dose.md"
PICTURES = Path(__file__).parent / "pictures" / "dose"
STEMS = ("shipped", "architectures", "cameras", "cameras-coarse")
DOSES = (10, 30, 100, 200, 2000)  # at which F1 is given
TITLES = ("half the area", "converged", "converged / true area")


def networks(folder: Path) -> str:
    """Return sizes and training of the networks as a table."""
    columns = ["network", "parameters", "images", "log10 of doses", "c0", "c3"]
    lines = header([*columns, "best validation F1"])
    for run in runs(folder):
        recipe = json.loads((run / "recipe.json").read_text(encoding="utf-8"))
        stages = recipe["training"]["stages"]
        seen = recipe["size"]["train"] * sum(stage["epochs"] for stage in stages)
        history = pd.read_csv(run / "history.csv")
        graph = onnx.load(run / f"{recipe['name']}.onnx").graph
        weights = sum(int(np.prod(each.dims)) for each in graph.initializer)
        ranges = [
            "{:g} to {:g}".format(*recipe["images"][key])
            for key in ("log_dose", "mtf_c1", "mtf_c3")
        ]
        cells = [recipe["name"], f"{weights:,}", f"{seen:,}", *ranges]
        cells.append(f"{history['validation_f1'].max():.3f}")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def runs(folder: Path) -> list[Path]:
    """Return the folders of the networks that are finished."""
    return sorted(path.parent for path in folder.glob("*/*.onnx"))


def draw_learning(folder: Path) -> None:
    """Draw F1 against epoch, as figure SOI 4."""
    figure, ax = plt.subplots(figsize=(7, 3.5), layout="constrained")
    for run in runs(folder):
        history = pd.read_csv(run / "history.csv")
        ax.plot(history["epoch"] + 1, history["validation_f1"], label=run.name)
    ax.set(xlabel="epoch", ylabel="F1 on other structures", ylim=(0, 1))
    ax.legend(fontsize="small", ncols=2)
    figure.savefig(PICTURES / "learning.png", dpi=100)


def results(folder: Path, stem: str) -> str:
    """Return limits and F1 of the networks of a series as a table."""
    told = json.loads((folder / f"{stem}.json").read_text(encoding="utf-8"))
    table = pd.read_csv(folder / f"{stem}.csv")
    frames = told["plan"]["steps"] * told["plan"]["frames"]
    lines = [
        f"{table['structure'].nunique()} structures, {frames} frames each.",
        "",
        *header(["network", *TITLES, *(f"F1 at {dose}" for dose in DOSES)]),
    ]
    for name, limits in told["networks"].items():
        cells = [name, *(spread(limit) for limit in limits.values())]
        cells += [f"{f1:.2f}" for f1 in np.interp(np.log(DOSES), *curve(table, name))]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def spread(limit: dict[str, float | None]) -> str:
    """Return median and percentiles of a limit; never reached is a dash."""
    values = (limit[key] for key in ("median", "10th percentile", "90th percentile"))
    median, low, high = ("–" if value is None else digits(value) for value in values)
    return f"{median} ({low} to {high})"


def curve(table: pd.DataFrame, name: str) -> tuple[pd.Series[float], pd.Series[float]]:
    """Return the logarithm of the doses and the mean F1 of a network."""
    mean = table[table["by"] == name].groupby("dose")["f1"].mean()
    return np.log(mean.index.to_series()), mean


def main() -> None:
    """Write what there is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    PICTURES.mkdir(parents=True, exist_ok=True)
    done = [stem for stem in STEMS if (folder / f"{stem}.json").exists()]
    for stem in done:
        replace_part(PAGE, f"series {stem}", results(folder, stem))
        for name in (f"{stem}.png", f"{stem}-frames.png"):
            shutil.copy(folder / name, PICTURES)
    if runs(folder):
        replace_part(PAGE, "trainings", networks(folder))
        draw_learning(folder)
    if len(done) == len(STEMS):
        rows = [f"| {' | '.join(cells)} |" for cells in statements(folder)]
        body = "\n".join([*header(["the paper", "measured here", "result"]), *rows])
        replace_part(PAGE, "comparison", body)


if __name__ == "__main__":
    main()
