# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw the pictures of ``docs/atoms.md`` and write its figures.

    python studies/atoms.py

The flake of ``studies/mos2_flake.py``, seen by lenses with aberrations that nobody is
told, at a high and a low dose and with carbon on it: its atoms are refined and compared
with the true ones. Takes about three minutes on two cores. Needs the extra `training`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import hyperspy.api as hs
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.spatial import cKDTree
from scipy.stats import norm

from hyperspy_hrtemnn.analysis import Aberration
from hyperspy_hrtemnn.networks import load
from mos2_flake import (
    DEFOCUS,
    FIELD,
    HOLES,
    MICROSCOPE,
    VACANCIES,
    calibrated,
    flake_with,
    wave_of,
)
from pages import DOCS, PICTURES, replace_part, table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from hrtemnn_training.structures import Structure
    from hyperspy_hrtemnn.signals import HRTEM, AtomModel

PAGE = DOCS / "atoms.md"
FOLDER = PICTURES / "atoms"
NETWORK = "mos2-columns"
ABERRATIONS = [
    Aberration(1, 2, 15.0, 0.6),
    Aberration(2, 1, 300.0, -1.0),
    Aberration(2, 3, 200.0, 0.3),
]
LOW_DOSE = 316.0  # [e-/Å²]
BLOB = (26.0, 31.0)  # middle of the carbon [Å]
TRUE = {"Cs": 4e4, "C12": 15.0, "C21": 300.0, "C23": 200.0, "focal_spread": 12.0}
SURE = 0.95
NEAR = 1.0  # farthest that a column is from the true one that it is [Å]


def series_of(flake: Structure, dose: float = MICROSCOPE["dose"]) -> HRTEM:
    """Return the three images of a flake."""
    wave = calibrated(wave_of(flake))
    for axis in wave.axes_manager.signal_axes:
        axis.scale = FIELD / 10 / axis.size
    lenses = {**MICROSCOPE, "dose": dose, "aberrations": ABERRATIONS}
    series: HRTEM = wave.simulate_images(DEFOCUS, **lenses)
    return series


def with_carbon(flake: Structure) -> Structure:
    """Return the flake with some carbon on the side at which the beam leaves it."""
    rng = np.random.default_rng(4)
    top = flake.positions[:, 2].max()
    places = rng.normal((*BLOB, top + 3.5), (2.5, 2.5, 0.5), (14, 3)).astype("f4")
    return replace(
        flake,
        positions=np.concatenate([flake.positions, places]),
        numbers=np.append(flake.numbers, np.full(len(places), 6, "u1")),
        particles=np.append(flake.particles, np.ones(len(places), "u1")),
        box=(*flake.box[:2], float(top) + 8),
    )


def true_columns(flake: Structure) -> pd.DataFrame:
    """Return the columns of a flake [nm], with S alone above or below the middle."""
    sites = flake.sites
    found = pd.DataFrame(sites.positions / 10, columns=["x", "y"])
    found["class"] = np.array(sites.names)[sites.classes]
    tree = cKDTree(flake.positions[:, :2])
    metal = flake.positions[flake.numbers == 42]
    _, nearest = cKDTree(metal[:, :2]).query(sites.positions)
    height = flake.positions[tree.query(sites.positions)[1], 2] - metal[nearest, 2]
    alone = found["class"] == "1S"
    found.loc[alone, "class"] = np.where(height[alone] > 0, "1S upper", "1S lower")
    return found


def matched(
    found: pd.DataFrame, truth: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the found columns that are true ones, and these, row by row."""
    distance, index = cKDTree(truth[["x", "y"]]).query(found[["x", "y"]])
    near = 10 * distance < NEAR
    return found[near], truth.iloc[index[near]]


def right_classes(found: pd.DataFrame, truth: pd.DataFrame) -> tuple[int, int]:
    """Return how many columns have the right class: whichever S is alone, and with it.

    A column that is not there counts as wrong.
    """
    ours, true = matched(found, truth)
    a, b = ours["class"].to_numpy(str), true["class"].to_numpy(str)
    shorter = [np.char.partition(each, " ")[:, 0] for each in (a, b)]
    false = len(found) - len(ours)
    return int((shorter[0] == shorter[1]).sum()) - false, int((a == b).sum()) - false


def show_flake(ax: Axes, columns: pd.DataFrame) -> None:
    """Leave the empty field around the flake out."""
    low, high = columns[["x", "y"]].min() - 0.3, columns[["x", "y"]].max() + 0.3
    ax.set(xlim=(low["x"], high["x"]), ylim=(high["y"], low["y"]))


def draw_columns(series: HRTEM, guess: pd.DataFrame, model: AtomModel) -> None:
    """Draw the columns of the network, and what the images make of them."""
    figure, axes = plt.subplots(1, 2, figsize=(14, 7.6), layout="constrained")
    series.inav[1].plot_columns(guess, ax=axes[0])
    model.plot(series.inav[1], axes[1])
    for ax, title in zip(axes, ("network", "refined"), strict=True):
        show_flake(ax, guess)
        ax.set_title(title)
    figure.savefig(FOLDER / "columns.png", dpi=65)


def deviations(model: AtomModel, truth: pd.DataFrame) -> np.ndarray:
    """Return by how many standard errors x and y of each column are off."""
    found, true = matched(model.columns, truth)
    off = found[["x", "y"]].to_numpy() - true[["x", "y"]].to_numpy()
    return np.asarray(off / found[["sigma_x", "sigma_y"]].to_numpy())


def draw_errors(guess: pd.DataFrame, model: AtomModel, truth: pd.DataFrame) -> None:
    """Draw how far columns are from the true ones, and from what their errors say."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.6), layout="constrained")
    for name, columns, marker in (
        ("network", guess, "x"),
        ("refined", model.columns, "."),
    ):
        found, true = matched(columns, truth)
        off = 1e3 * (found[["x", "y"]].to_numpy() - true[["x", "y"]].to_numpy())
        left.plot(*off.T, marker, label=name)
    left.set(xlabel="x (pm)", ylabel="y (pm)", aspect="equal", title="off the truth")
    left.legend()
    ends = np.linspace(-4, 4, 25)
    right.hist(deviations(model, truth).ravel(), ends, density=True, color="0.7")
    right.plot(ends, norm.pdf(ends), label="if the errors hold")
    right.set(xlabel="off the truth (standard errors)", ylabel="share of columns")
    right.legend()
    figure.savefig(FOLDER / "errors.png", dpi=70)


def draw_low_dose(series: HRTEM, model: AtomModel) -> None:
    """Draw an image of a low dose, and the columns with those that are uncertain."""
    figure, axes = plt.subplots(1, 2, figsize=(14, 7.6), layout="constrained")
    series.inav[1].plot_columns(model.columns.iloc[:0], ax=axes[0])
    model.plot(series.inav[1], axes[1])
    for ax in axes:
        show_flake(ax, model.columns)
    figure.savefig(FOLDER / "low_dose.png", dpi=65)


def examples(model: AtomModel) -> str:
    """Return rows of the table of columns: a sure 1Mo and 2S, and all unsure ones."""
    columns = model.columns
    classes = ["1Mo", "2S", "1S upper", "1S lower", "empty", "other"]
    own = [row[f"probability_{row['class']}"] for _, row in columns.iterrows()]
    sure = np.array(own) >= SURE
    of_pure = columns[sure & columns["class"].isin(classes[:2])]
    shown = pd.concat([of_pure.groupby("class").head(1), columns[~sure]])
    rows = []
    for _, row in shown.iterrows():
        place = [f"{row[axis]:.4f} ± {row[f'sigma_{axis}']:.4f}" for axis in "xy"]
        strength = f"{row['occupancy']:.2f} ± {row['sigma_occupancy']:.2f}"
        chances = [float(row[f"probability_{each}"]) for each in classes]
        texts = ["–" if np.isnan(chance) else f"{chance:.3f}" for chance in chances]
        rows.append([row["class"], *place, f"{row['z']:.3f}", strength, *texts])
    titles = ["class", "x [nm]", "y [nm]", "z [nm]", "occupancy"]
    return table([*titles, *(f"P({name})" for name in classes)], rows)


def lens_table(model: AtomModel) -> str:
    """Return the main lenses beside the true ones."""
    optics = model.optics
    rows = []
    for image, defocus in enumerate(DEFOCUS):
        value, error = optics.defocus.value[image], optics.defocus.error[image]
        true = f"{10 * float(defocus.split()[0]):.0f} Å"
        rows.append([f"defocus of image {image}", true, f"{value:.2f} ± {error:.2f} Å"])
    for name, known in TRUE.items():
        rows.append([name, f"{known:g} Å", f"{getattr(optics, name)} Å"])
    return table(["", "true", "found"], rows)


def summary(guess: pd.DataFrame, model: AtomModel, truth: pd.DataFrame) -> str:
    """Return how many columns are right, and how far they are from the true ones."""
    rows = []
    for name, columns in (("network", guess), ("refined", model.columns)):
        right, exactly = right_classes(columns, truth)
        found, true = matched(columns, truth)
        off = found[["x", "y"]].to_numpy() - true[["x", "y"]].to_numpy()
        rms = 1e3 * np.sqrt(np.mean(off**2))
        which = f"{exactly} of {len(truth)}" if columns is not guess else "–"
        rows.append([name, f"{right} of {len(truth)}", which, f"{rms:.2f}"])
    titles = ["", "class right", "also which S is left", "x and y, rms [pm]"]
    off = np.abs(deviations(model, truth))
    return (
        f"{table(titles, rows)}\n\n{np.mean(off < 1):.0%} of x and y are within one "
        f"standard error and {np.mean(off < 2):.0%} within two; chi² is "
        f"{model.chi2:.3f}."
    )


def uncertain(model: AtomModel, guess: pd.DataFrame, truth: pd.DataFrame) -> str:
    """Return how many columns are wrong at a low dose, and how probable they are."""
    columns = model.columns
    network, _ = right_classes(guess, truth)
    right, exactly = right_classes(columns, truth)
    chance = np.array([r[f"probability_{r['class']}"] for _, r in columns.iterrows()])
    total = len(truth)
    return (
        f"At {LOW_DOSE:.0f} e⁻/Å² the network has {total - network} of {total} classes "
        f"wrong, and after the refinement {total - right or 'none'}; of single sulfur "
        f"atoms {right - exactly} are taken for the other one of the pair. "
        f"{np.sum(chance < SURE)} classes are said to be less certain than 95 %."
    )


def draw_residuals(model: AtomModel, truth: pd.DataFrame) -> None:
    """Draw the residuals of each image where the flake is."""
    figure = model.plot_residuals()
    for ax in figure.axes[: len(DEFOCUS)]:
        show_flake(ax, truth)
    figure.savefig(FOLDER / "residuals.png", dpi=75)


def beside_carbon(model: AtomModel, truth: pd.DataFrame) -> str:
    """Return what carbon does to chi² and to columns near it and far from it."""
    found, true = matched(model.columns, truth)
    off = deviations(model, truth)
    distance = np.linalg.norm(true[["x", "y"]] - np.array(BLOB) / 10, axis=1)
    near = distance < 0.5  # nm
    close, far = (np.sqrt(np.mean(off[each] ** 2)) for each in (near, ~near))
    _, right = right_classes(model.columns, truth)
    false = len(model.columns) - len(found)
    return (
        f"chi² is {model.chi2:.3f} in place of 1. Within 0.5 nm of the carbon, "
        f"positions are off by {close:.1f} of their standard errors, elsewhere by "
        f"{far:.1f} (rms); {right + false} of {len(truth)} columns have the right "
        f"class, and there are {false or 'no'} columns that are not of the flake."
    )


def columns_of(series: HRTEM) -> pd.DataFrame:
    """Return the columns with which `HRTEM.find_atoms` begins."""
    return series.segment(load(NETWORK).averaged()).find_columns()


def main() -> None:
    """Draw the pictures and write the figures."""
    FOLDER.mkdir(exist_ok=True)
    hs.preferences.General.show_progressbar = False
    flake = flake_with(VACANCIES, HOLES)
    truth = true_columns(flake)

    series = series_of(flake)
    guess = columns_of(series)
    model = series.refine_atoms(guess, mtf=MICROSCOPE["mtf"])
    draw_columns(series, guess, model)
    draw_errors(guess, model, truth)
    replace_part(PAGE, "comparison", summary(guess, model, truth))
    replace_part(PAGE, "lenses", lens_table(model))

    noisy = series_of(flake, LOW_DOSE)
    guess = columns_of(noisy)
    model = noisy.refine_atoms(guess, mtf=MICROSCOPE["mtf"])
    draw_low_dose(noisy, model)
    replace_part(PAGE, "columns", examples(model))
    replace_part(PAGE, "low dose", uncertain(model, guess, truth))

    dirty = series_of(with_carbon(flake)).find_atoms(NETWORK, mtf=MICROSCOPE["mtf"])
    draw_residuals(dirty, truth)
    replace_part(PAGE, "carbon", beside_carbon(dirty, truth))


if __name__ == "__main__":
    main()
