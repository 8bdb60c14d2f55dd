# SPDX-License-Identifier: GPL-3.0-or-later
"""Score `metal-mask` on metals and supports that it was not trained on.

    hrtemnn structures --test training/recipes/metal-mask-unseen.json FOLDER
    hrtemnn waves --test training/recipes/metal-mask-unseen.json FOLDER
    python studies/unseen_metals.py FOLDER VALIDATION

Images the structures of the recipe `metal-mask-unseen` in FOLDER, each with two
cameras, and writes F1 of each of its ten materials into docs/metal-mask.md, beside that
of a threshold of the brightness or the local contrast, which is tuned on the data set
VALIDATION, ``validation.zarr`` of the run of `metal-mask`. Takes ten minutes on two
cores. Needs the extra `training`.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from hrtemnn_training.evaluation.comparison import evaluate
from hrtemnn_training.evaluation.report import write_table
from hrtemnn_training.generation import data_path
from hrtemnn_training.recipe import read_recipe
from hyperspy_hrtemnn.networks import load
from pages import DOCS, RECIPES, replace_part, table

if TYPE_CHECKING:
    import pandas as pd

NETWORK = "metal-mask"
PAGE = DOCS / f"{NETWORK}.md"
BASELINE = "threshold"
DOSES = (30, 200)  # from which on F1 is given beside that of all doses [e-/Å²]


def rows_of(images: pd.DataFrame) -> list[list[str | float | None]]:
    """Return the row of each material, and of their means."""
    seen = images[images["true_share"] > 0]
    own, baseline = (seen[seen["by"] == name] for name in (NETWORK, BASELINE))
    count = own.groupby("material")["f1"].count()
    columns = [
        own.groupby("material")["f1"].mean(),
        *(own[own["dose"] >= dose].groupby("material")["f1"].mean() for dose in DOSES),
        own.groupby("material")["f1"].quantile(0.1),
        own.groupby("material")["found_over_true_area"].median(),
        baseline.groupby("material")["f1"].mean(),
    ]
    rows: list[list[str | float | None]] = [
        [material, str(count[material]), *(float(each[material]) for each in columns)]
        for material in count.index
    ]
    means = [float(each.mean()) for each in columns]
    return [*rows, ["mean of the materials", str(count.sum()), *means]]


def main() -> None:
    """Score the images and write the part of the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("validation", type=Path)
    arguments = parser.parse_args()
    recipe = read_recipe(RECIPES / f"{NETWORK}-unseen.json")
    with TemporaryDirectory() as name:
        both = Path(name)
        test = data_path(arguments.folder, "test")
        for link, data in (
            (data_path(both, "test"), test),
            (data_path(both, "validation"), arguments.validation),
        ):
            link.symlink_to(data.absolute(), target_is_directory=True)
        evaluation = evaluate(recipe, both, {NETWORK: load(NETWORK)})
    write_table(evaluation.table, arguments.folder / "unseen.csv")
    titles = [
        "material",
        "images",
        "F1 mean",
        *(f"F1 from {dose} e⁻/Å² on" for dose in DOSES),
        "F1 p10",
        "area",
        "threshold F1",
    ]
    text = table(titles, rows_of(evaluation.table))
    replace_part(PAGE, "unseen materials", text)
    print(text)


if __name__ == "__main__":
    main()
