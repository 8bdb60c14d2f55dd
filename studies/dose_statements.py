# SPDX-License-Identifier: GPL-3.0-or-later
"""Statements of the noise paper on its real series, beside what our study finds.

Not a script: `dose_page.py` writes them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from pathlib import Path

HALF, WHOLE = "half_dose", "convergence_dose"
UNET, LOW_UNET = "U-net high", "U-net low"
MSD, LOW_MSD = "MSD-net high", "MSD-net low"
SHIPPED = "au-ceo2-mask"
CAMERAS = ("U-net MTF 1", "U-net MTF 2", "U-net MTF 3", UNET, "U-net MTF 5")


class Series:
    """Tables of one series, read in the ways the statements need.

    Parameters
    ----------
    folder
        Folder of the study.
    stem
        Stem of the names of the files of the series.
    """

    def __init__(self, folder: Path, stem: str) -> None:
        summary = json.loads((folder / f"{stem}.json").read_text(encoding="utf-8"))
        self._limits = summary["networks"]
        table = pd.read_csv(folder / f"{stem}.csv")
        beside = (1 - table["precision"]) * table["found_over_true_area"]
        self._table = table.assign(beside=beside.fillna(0))

    def doses(self, networks: tuple[str, ...], limit: str) -> str:
        """Return the median of a limit of each network as text."""
        values = ((name, self._limits[name][limit]["median"]) for name in networks)
        return ", ".join(
            f"{name} {'never' if dose is None else digits(dose)}"
            for name, dose in values
        )

    def more_dose(self, network: str, other: str) -> str:
        """Return how much more dose a network needs than another for half the area."""
        ours, theirs = (self._limits[n][HALF]["median"] for n in (network, other))
        if ours is None or theirs is None:
            return "one never finds half"
        return f"{ours / theirs - 1:+.0%}"

    def more_area(self, network: str, other: str, low: float, high: float) -> str:
        """Return how much more a network finds than another between two doses."""
        ours, theirs = (
            self._rows(name, low, high)["found_area"].mean()
            for name in (network, other)
        )
        return f"{ours / theirs - 1:+.0%}"

    def means(
        self, networks: tuple[str, ...], score: str, low: float, high: float
    ) -> str:
        """Return the mean of a score between two doses of each network as text."""
        return ", ".join(
            f"{name} {self._rows(name, low, high)[score].mean():.3f}"
            for name in networks
        )

    def deviations(self, networks: tuple[str, ...], low: float) -> str:
        """Return the mean relative deviation of a structure's area above a dose."""
        texts = []
        for name in networks:
            rows = self._rows(name, low, np.inf)
            area = rows.groupby("structure")["found_over_true_area"]
            texts.append(f"{name} {(area.std() / area.mean()).mean():.1%}")
        return ", ".join(texts)

    def _rows(self, network: str, low: float, high: float) -> pd.DataFrame:
        rows = self._table[self._table["by"] == network]
        return rows[rows["dose"].between(low, high)]


def digits(value: float) -> str:
    """Return a number with three digits, and no power of ten."""
    return f"{float(f'{value:.3g}'):g}"


def statements(folder: Path) -> list[tuple[str, str, str]]:
    """Return what the paper says, what is measured here, and what it is.

    Parameters
    ----------
    folder
        Folder of the study, with all its series.
    """
    nets = Series(folder, "architectures")
    fine, coarse = Series(folder, "cameras"), Series(folder, "cameras-coarse")
    all_nets = (UNET, LOW_UNET, MSD, LOW_MSD, SHIPPED)
    two, three = "U-net MTF 2", "U-net MTF 3"
    full = np.inf
    return [
        ("visible from 20 to 30 e⁻/Å²", "half the area", nets.doses(all_nets, HALF)),
        ("whole from 200 e⁻/Å²", "converged", nets.doses(all_nets, WHOLE)),
        (
            "MSD-net sees half at 70 % less dose than U-net",
            "dose of half the area, both high",
            nets.more_dose(MSD, UNET),
        ),
        (
            "trained on low doses MSD-net sees 50 % more",
            "found area, 40 to 100 e⁻/Å²",
            nets.more_area(LOW_MSD, MSD, 40, 100),
        ),
        (
            "trained on low doses U-net finds too much",
            "beside, from 200 e⁻/Å²",
            nets.means((UNET, LOW_UNET), "beside", 200, full),
        ),
        (
            "MTF 3 needs 25 % more dose than MTF 2",
            "dose of half the area",
            fine.more_dose(three, two),
        ),
        ("", "at 0.19 Å per pixel", coarse.more_dose(three, two)),
        (
            "MTF 3 is steadier than MTF 1 and 2",
            "deviation of the area, from 200 e⁻/Å²",
            fine.deviations(CAMERAS, 200),
        ),
        ("", "at 0.19 Å per pixel", coarse.deviations(CAMERAS, 200)),
        (
            "MTF 4 beats MTF 3 on images of MTF 3",
            "F1, 10 to 100 e⁻/Å²",
            fine.means((UNET, three), "f1", 10, 100),
        ),
        ("", "at 0.19 Å per pixel", coarse.means((UNET, three), "f1", 10, 100)),
        (
            "MTF 5 finds noise",
            "beside, 10 to 100 e⁻/Å²",
            fine.means(CAMERAS, "beside", 10, 100),
        ),
        ("", "at 0.19 Å per pixel", coarse.means(CAMERAS, "beside", 10, 100)),
    ]
