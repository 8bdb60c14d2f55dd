# SPDX-License-Identifier: GPL-3.0-or-later
"""Score what counts the atoms of columns, and write the page of `au-heights`.

    python studies/heights.py FOLDER --count 10
    python studies/heights.py FOLDER --network au-heights.onnx --single single.onnx
    python studies/heights.py FOLDER --train-single single

FOLDER is that of the run of the recipe ``au-heights``, of which the structures and the
exit waves are needed. Test structures, each imaged at three doses, are given to the
iterations of Gerchberg and Saxton with known lenses, and to the networks that are
named. With ``--train-single`` a network is trained on the first image of the same
series, for as long as that of the recipe. Takes a minute for each ten structures,
without the training. Needs the extra `training`.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import ase.visualize.plot
import hyperspy.api as hs
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from heights_by_wave import MEASURES, WaveCounter, reconstructed, true_wave
from hrtemnn_training.evaluation.samples import draw_sample
from hrtemnn_training.export.onnx_file import export
from hrtemnn_training.generation import data_path, share_data
from hrtemnn_training.metrics.atom_counts import AtomCounts, compare_counts
from hrtemnn_training.recipe import Recipe, change_images, read_recipe
from hrtemnn_training.store import DataSet
from hrtemnn_training.train.loop import train
from hyperspy_hrtemnn.analysis import columns_to_atoms
from hyperspy_hrtemnn.networks import load
from pages import DOCS, PICTURES, RECIPES, replace_part, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from hrtemnn_training.images.sample import Sample
    from hyperspy_hrtemnn.networks import Network
    from hyperspy_hrtemnn.signals import HRTEM

PAGE = DOCS / "au-heights.md"
FOLDER = PICTURES / "au-heights"
RECIPE = RECIPES / "au-heights.json"
DOSES = (1e3, 1e4, 1e5)
WAVES = {"wave of known lenses": reconstructed, "true wave": true_wave}
SHARES = ("exact", "within 1")
CALIBRATION = 12  # structures of the training set to which the lines are fitted
SAMPLING = [0.14, 0.16]  # of the camera [Å]; smaller pixels only take more time


def series(
    recipe: Recipe, folder: Path, purpose: Literal["train", "test"], count: int
) -> Iterator[tuple[float, Sample]]:
    """Yield the dose and the focal series of each structure, the best dose first.

    Parameters
    ----------
    recipe, folder
        Run that has the exit waves.
    purpose
        Which set of structures.
    count
        Number of structures.
    """
    data = DataSet(data_path(folder, purpose))
    images = change_images(recipe, {"sampling": SAMPLING})
    for index in range(min(count, len(data))):
        rng = np.random.default_rng((recipe.seed, 41, index))
        sample = draw_sample(recipe, data, index, rng, images)
        for dose in sorted(DOSES, reverse=True):
            yield dose, replace(sample, exposure=sample.exposure.at_dose(dose, rng))


def count_all(
    recipe: Recipe, folder: Path, networks: dict[str, Network], count: int
) -> pd.DataFrame:
    """Return a row for each column, dose and contender: ``by``, ``found``, ``true``."""
    known = [
        sample
        for dose, sample in series(recipe, folder, "train", CALIBRATION)
        if dose == max(DOSES)
    ]
    counters = {
        (kind, name): WaveCounter(measure, [wave(sample) for sample in known])
        for kind, wave in WAVES.items()
        for name, measure in MEASURES.items()
    }
    rows = []
    for dose, sample in series(recipe, folder, "test", count):
        waves = {kind: wave(sample) for kind, wave in WAVES.items()}
        counts = {
            f"{name}, {kind}": counter(waves[kind])
            for (kind, name), counter in counters.items()
        }
        counts |= {
            name: recipe.label.predict(network, sample)
            for name, network in networks.items()
        }
        for name, each in counts.items():
            found, true = compare_counts(each, sample)
            rows.append(
                pd.DataFrame({"by": name, "dose": dose, "found": found, "true": true})
            )
    return pd.concat(rows, ignore_index=True)


def scores(counted: pd.DataFrame) -> str:
    """Return the shares of columns that are exact and within one atom, by dose."""
    off = (counted["found"].round() - counted["true"]).abs()
    right = counted.assign(**{"exact": off == 0, "within 1": off <= 1})
    doses = sorted(map(float, right["dose"].unique()))
    titles = [f"{dose:.0f} e⁻/Å²: {what}" for dose in doses for what in SHARES]
    rows: list[list[str | float | None]] = []
    for name, own in right.groupby("by", sort=False):
        means = own.groupby("dose")[[*SHARES]].mean()
        rows.append(
            [str(name), *(f"{share:.1%}" for share in means.to_numpy().ravel())]
        )
    number = len(counted) // (len(doses) * len(rows))
    return f"{number} columns.\n\n{table(['by', *titles], rows)}"


def calibrated(sample: Sample) -> HRTEM:
    """Return the images of a sample as a user has them."""
    made: HRTEM = hs.signals.Signal2D(sample.exposure.counts)
    made.set_signal_type("HRTEM")
    defocus, x, y = made.axes_manager._get_axes_in_natural_order()
    defocus.name, defocus.units, defocus.scale = "defocus", "nm", 5
    for axis in (x, y):
        axis.scale, axis.units = sample.pixel / 10, "nm"
    return made


def errors(recipe: Recipe, folder: Path, network: Network, count: int) -> str:
    """Return what the spread over the orientations says of the error of a number."""
    averaged = network.averaged(spread=True)
    off: dict[float, list[NDArray[np.float64]]] = {dose: [] for dose in DOSES}
    for dose, sample in series(recipe, folder, "test", count):
        segmentation = calibrated(sample).segment(averaged, show_progressbar=False)
        columns = segmentation.find_columns(show_progressbar=False)
        places = columns[["y", "x"]].to_numpy() * 10 / sample.pixel
        read, true = compare_counts(
            AtomCounts(places, columns["atoms"].to_numpy()), sample
        )
        spread, _ = compare_counts(
            AtomCounts(places, columns["atoms_error"].to_numpy()), sample
        )
        off[dose].append(np.stack([np.abs(read - true), spread])[:, np.isfinite(read)])
    rows: list[list[str | float | None]] = []
    for dose, parts in off.items():
        error, spread = np.concatenate(parts, axis=1)
        means = [float(np.sqrt(np.mean(each**2))) for each in (error, spread)]
        shares = [f"{np.mean(error <= k * spread):.0%}" for k in (1, 2)]
        rows.append([f"{dose:.0f}", *means, *shares])
    titles = ["dose [e⁻/Å²]", "error", "spread", "within one", "within two"]
    return table(titles, rows)


def draw_particle(recipe: Recipe, folder: Path, path: Path) -> None:
    """Draw a series' columns with their atoms, the true ones, and the model."""
    samples = (s for dose, s in series(recipe, folder, "test", 20) if dose == 1e4)
    sample = max(samples, key=lambda s: len(s.specimen.sites))
    images = calibrated(sample)
    columns = images.segment(path, show_progressbar=False).find_columns()
    figure, axes = plt.subplots(1, 3, figsize=(16, 5), layout="constrained")
    images.plot_columns(columns, (0,), axes[0], color="atoms")
    axes[0].set_title("found")
    places = sample.grid.indices(sample.specimen.sites.positions) * sample.pixel / 10
    truth = pd.DataFrame(
        {"frame": 0, "class": "column", "x": places[:, 1], "y": places[:, 0]}
    ).assign(atoms=sample.specimen.sites.heights)
    images.plot_columns(truth, (0,), axes[1], color="atoms")
    axes[1].set_title("true")
    model = columns_to_atoms(columns)
    model.write(FOLDER / "particle.xyz")
    ase.visualize.plot.plot_atoms(model, axes[2], rotation="-80x,20y")
    axes[2].set_axis_off()
    axes[2].set_title("the particle from the side")
    figure.savefig(FOLDER / "particle.png", dpi=65)


def train_single(folder: Path, name: str) -> Path:
    """Train and export a network of the first image of the same series."""
    values = read_recipe(RECIPE).model_dump(mode="json", exclude_unset=True)
    values["name"] = name
    values["images"]["multifocus"] = None
    recipe = Recipe.model_validate(values)
    run = folder / name
    share_data(folder, run)
    train(recipe, run)
    return export(recipe, run)


def main() -> None:
    """Score all contenders and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--recipe", type=Path, default=RECIPE)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--network", type=Path)
    parser.add_argument("--single", type=Path)
    parser.add_argument("--train-single")
    options = parser.parse_args()
    recipe, single = read_recipe(options.recipe), options.single
    if options.train_single:
        single = train_single(options.folder, options.train_single)
    paths = {"three images": options.network, "one image": single}
    networks = {name: load(path) for name, path in paths.items() if path}
    counted = count_all(recipe, options.folder, networks, options.count)
    summary = scores(counted)
    print(summary)
    replace_part(PAGE, "study", summary)
    if options.network:
        FOLDER.mkdir(exist_ok=True)
        own = networks["three images"]
        spread = errors(recipe, options.folder, own, options.count)
        replace_part(PAGE, "spread", spread)
        draw_particle(recipe, options.folder, options.network)


if __name__ == "__main__":
    main()
