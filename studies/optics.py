# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the scores of the network of optics, beside the Thon-ring fit, into its page.

    python studies/optics.py FOLDER_OF_THE_RUN

Reads ``evaluation.csv`` of the run, which ``hrtemnn evaluate`` has written, and
replaces what stands between the markers in ``docs/optics.md``. Takes seconds.
"""

from __future__ import annotations

import argparse
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from pages import DOCS, replace_part, table

QUANTITIES = {
    "defocus": ["defocus"],
    "astigmatism": ["astigmatism_cos", "astigmatism_sin"],
    "blur": ["blur"],
}

# Aim of the network: ±1 nm, at doses that show it [Å, e-/Å²].
AIM, DOSE = 10.0, 1000.0

FIT = "Thon-ring fit"


def groups(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the parts of the test images that are scored apart."""
    bright = rows["dose"] >= DOSE
    parts = {"all images": rows, f"from {DOSE:g} e⁻/Å² on": rows[bright]}
    for lens in sorted(rows["lens"].unique()):
        parts[f"of them, {lens} lens"] = rows[bright & (rows["lens"] == lens)]
    parts[f"below {DOSE:g} e⁻/Å²"] = rows[~bright]
    return parts


def lens_errors(rows: pd.DataFrame) -> str:
    """Return the errors of the lens as a table, network and fit below each other."""
    cells = []
    for name, part in groups(rows).items():
        for contender, own in part.groupby("by", sort=False):
            defocus, astigmatism = own["defocus_error"], own["astigmatism_error"]
            cells.append(
                [
                    f"{name} ({len(own)})",
                    str(contender),
                    f"{defocus.median():.1f}",
                    f"{(defocus < AIM).mean():.0%}",
                    f"{astigmatism.median():.1f}",
                    f"{(astigmatism < AIM).mean():.0%}",
                    "–" if contender == FIT else f"{own['blur_error'].median():.2f}",
                    "–" if contender == FIT else f"{own['sign_is_right'].mean():.0%}",
                ]
            )
    columns = [
        "images",
        "by",
        "defocus, median error [Å]",
        "within 1 nm",
        "astigmatism, median error [Å]",
        "within 1 nm",
        "blur [Å]",
        "right sign",
    ]
    return table(columns, cells)


def held_errors(network: pd.DataFrame) -> str:
    """Return the share of test images within one and two of the errors given."""
    cells = []
    for name, columns in QUANTITIES.items():
        sizes = network[[f"{each}_in_errors" for each in columns]].abs().to_numpy()
        cells.append([name, f"{(sizes < 1).mean():.0%}", f"{(sizes < 2).mean():.0%}"])
    return table(["error of", "within one (68 %)", "within two (95 %)"], cells)


def sure_signs(network: pd.DataFrame) -> str:
    """Return how often the sign is right, against how probable it is said to be."""
    edges = np.array([0.5, 0.6, 0.8, 0.95, 1.0])
    number = np.digitize(network["sign"], edges[1:-1])
    cells = []
    for i, (low, high) in enumerate(pairwise(edges)):
        own = network[number == i]
        if len(own):
            right = own["sign_is_right"].mean()
            cells.append([f"{low:g} to {high:g}", str(len(own)), f"{right:.0%}"])
    return table(["probability of the sign", "images", "right"], cells)


def main() -> None:
    """Read the evaluation and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    rows = pd.read_csv(parser.parse_args().folder / "evaluation.csv")
    network = rows[rows["by"] != FIT]
    parts = [
        "Errors are with the better of both signs. Structures were never trained on.",
        lens_errors(rows),
        held_errors(network),
        sure_signs(network),
    ]
    replace_part(DOCS / "optics.md", "evaluation", "\n\n".join(parts))


if __name__ == "__main__":
    main()
