# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw the picture of graphene below a flake in ``docs/atoms.md``, and write its part.

    python studies/atoms_on_graphene.py

The flake of ``studies/atoms.py`` on graphene that has edges and vacancies of its own:
refined as if nothing were below it, and with its support. Takes about five minutes on
two cores. Needs the extra `training`.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from time import process_time
from typing import TYPE_CHECKING

import hyperspy.api as hs
import matplotlib.pyplot as plt
import numpy as np
from scipy.spatial import cKDTree

from atoms import (
    FOLDER,
    PAGE,
    columns_of,
    matched,
    right_classes,
    series_of,
    show_flake,
    true_columns,
)
from mos2_flake import (
    FIELD,
    HOLES,
    MICROSCOPE,
    SAMPLING,
    VACANCIES,
    calibrated,
    flake_with,
    wave_of,
)
from pages import replace_part, table

if TYPE_CHECKING:
    from typing import Literal

    import pandas as pd
    from hyperspy.signals import Signal2D
    from matplotlib.axes import Axes

    from hrtemnn_training.structures import Structure
    from hyperspy_hrtemnn.signals import HRTEM, AtomModel, ExitWave

BOND = 1.42  # [Å]
NEAR = BOND / 2  # farthest that an atom is from the true one that it is [Å]
METAL = 42
FAINT = 0.25  # phase beyond which everything is white [rad]


def part_of(flake: Structure, *, support: bool) -> Structure:
    """Return the flake alone, or what is below it."""
    kept = (flake.particles == 0) == support
    return replace(
        flake,
        positions=flake.positions[kept],
        numbers=flake.numbers[kept],
        particles=flake.particles[kept],
    )


def true_wave(flake: Structure) -> ExitWave:
    """Return the wave as the refinement gives it."""
    wave = calibrated(wave_of(flake, smoothing=True))
    for axis in wave.axes_manager.signal_axes:
        axis.scale = FIELD / 10 / axis.size
    return wave


def true_distance(flake: Structure) -> float:
    """Return how far the graphene is below the plane of the metal [Å]."""
    metal = flake.positions[flake.numbers == METAL].astype(float)
    carbon = part_of(flake, support=True).positions.astype(float)
    ones = np.ones((len(metal), 1))
    plane, *_ = np.linalg.lstsq(np.hstack([metal[:, :2], ones]), metal[:, 2])
    heights = carbon[:, 2] - carbon[:, :2] @ plane[:2] - plane[2]
    return float(-heights.mean() / np.sqrt(1 + plane[:2] @ plane[:2]))


def refined(
    series: HRTEM, guess: pd.DataFrame, support: Literal["graphene"] | None
) -> tuple[AtomModel, float]:
    """Return the refined atoms, and how many seconds of one processor it took."""
    start = process_time()
    with warnings.catch_warnings():
        # Without the support the images are not explained, which is what is shown.
        warnings.simplefilter("ignore")
        model = series.refine_atoms(guess, support=support, mtf=MICROSCOPE["mtf"])
    return model, process_time() - start


def draw(alone: AtomModel, model: AtomModel, graphene: Graphene) -> None:
    """Draw flake and graphene, and what is left without the graphene and with it."""
    figure, axes = plt.subplots(2, 2, figsize=(12.5, 11), layout="constrained")
    (columns, carbon), (without, below) = axes
    model.plot(model.series.inav[1], columns)
    columns.set_title("the flake, on the second image")
    for ax, each in ((without, alone), (below, model)):
        each.residuals().inav[1].plot_columns(model.columns.iloc[:0], ax=ax)
        ax.images[-1].set(cmap="RdBu_r", clim=(-5, 5))
    without.set_title("what the flake alone leaves of this image")
    below.set_title("what is left with the graphene")
    figure.colorbar(below.images[-1], ax=list(axes[1]), label="residual (noise)")
    phase = as_image(model.exit_wave().phase)
    phase.plot_columns(model.columns.iloc[:0], ax=carbon)
    carbon.images[-1].set(clim=(0, FAINT))
    graphene.draw(carbon)
    carbon.set_title(f"the graphene, on the phase from 0 to {FAINT:g} rad")
    for ax in axes.flat:
        show_flake(ax, model.columns)
    figure.savefig(FOLDER / "support.png", dpi=62)


def as_image(phase: Signal2D) -> HRTEM:
    """Return the phase as an image, which columns can be plotted on."""
    phase.set_signal_type("HRTEM")
    image: HRTEM = phase
    return image


@dataclass(frozen=True)
class Graphene:
    """The graphene that was found: its atoms, and the sites without one."""

    atoms: pd.DataFrame
    sites: pd.DataFrame

    @property
    def vacancies(self) -> pd.DataFrame:
        """The sites that atoms enclose."""
        return self.sites[self.sites["enclosed"]]

    def draw(self, ax: Axes) -> None:
        """Draw the atoms, and rings where enclosed ones are missing."""
        ax.plot(
            *self.atoms[["x", "y"]].to_numpy().T,
            "o",
            markersize=2.5,
            color="#34c48b",
        )
        ax.plot(
            *self.vacancies[["x", "y"]].to_numpy().T,
            "o",
            markersize=10,
            markerfacecolor="none",
            markeredgecolor="#ff3ec8",
            markeredgewidth=1.8,
        )

    def compared(self, flake: Structure) -> list[list[str]]:
        """Return what was found of the atoms in the images, beside what is true."""
        true = part_of(flake, support=True).positions[:, :2].astype(float)
        true = true[np.all((true >= 0) & (true <= FIELD - SAMPLING), axis=1)]
        away, nearest = cKDTree(true).query(10 * self.atoms[["x", "y"]])
        there = away < NEAR
        found = 10 * self.atoms[there]
        off = found[["x", "y"]].to_numpy() - true[nearest[there]]
        pulls = off / found[["sigma_x", "sigma_y"]].to_numpy()
        lost, free = vacancies_of(true), 10 * self.vacancies[["x", "y"]]
        seen = np.sum(cKDTree(free).query(lost)[0] < NEAR)
        taken = np.sum(cKDTree(true).query(free)[0] < NEAR)
        others = f"{np.sum(~there) or 'none'} that are not there"
        return [
            ["atoms", f"{len(true)}", f"{there.sum()}, and {others}"],
            ["vacancies", f"{len(lost)}", f"{seen}, and {taken or 'none'} of atoms"],
            ["x and y of the atoms, rms", "", f"{100 * rms(off):.1f} pm"],
            ["the same over their standard errors", "", f"{rms(pulls):.2f}"],
        ]


def vacancies_of(atoms: np.ndarray) -> np.ndarray:
    """Return where three atoms of graphene lack the one between them [Å]."""
    expected = np.array(
        [
            4 * atoms[n] - atoms[near].sum(axis=0)
            for n, near in enumerate(cKDTree(atoms).query_ball_point(atoms, 1.2 * BOND))
            if len(near) == 3  # itself and two of three neighbors
        ]
    )
    same = cKDTree(expected).query_ball_point(expected, NEAR)
    groups = {tuple(sorted(each)) for each in same if len(each) == 3}
    return np.array([expected[list(each)].mean(axis=0) for each in groups])


def of_flake(model: AtomModel, flake: Structure) -> list[str]:
    """Return how right the flake and the wave are."""
    truth = true_columns(part_of(flake, support=False))
    _, right = right_classes(model.columns, truth)
    found, true = matched(model.columns, truth)
    off = found[["x", "y"]].to_numpy() - true[["x", "y"]].to_numpy()
    wave = model.exit_wave().compare(true_wave(flake))
    return [
        f"{model.chi2:.3f}",
        f"{model.optics.unexplained:.1%}",
        f"{wave['rmse_registered'].iloc[0]:.4f}",
        f"{right} of {len(truth)}",
        f"{1e3 * rms(off):.2f}",
    ]


def rms(values: np.ndarray) -> float:
    """Return the root mean square of all values."""
    return float(np.sqrt(np.mean(values**2)))


def main() -> None:
    """Draw the picture and write the figures."""
    hs.preferences.General.show_progressbar = False
    flake = flake_with(VACANCIES, HOLES, supported=1)
    series = series_of(flake)
    guess = columns_of(series)
    alone, first = refined(series, guess, None)
    model, second = refined(series, guess, "graphene")
    if model.support is None or model.empty_support_sites is None:
        raise RuntimeError("No graphene was found.")
    graphene = Graphene(model.support, model.empty_support_sites)
    draw(alone, model, graphene)
    distance = f"{true_distance(flake):.3f} Å", f"{model.refined.distance} Å"
    below = [*graphene.compared(flake), ["distance from the plane of Mo", *distance]]
    both = [
        ["flake alone", *of_flake(alone, flake), f"{first:.0f}"],
        ["with its support", *of_flake(model, flake), f"{second:.0f}"],
    ]
    titles = ["refined", "chi²", "contrast left", "wave, RMSE", "class right"]
    titles += ["x and y of the flake, rms [pm]", "seconds of one core"]
    tables = [table(["graphene", "true", "found"], below), table(titles, both)]
    replace_part(PAGE, "graphene", "\n\n".join(tables))


if __name__ == "__main__":
    main()
