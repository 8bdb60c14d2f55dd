# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the figures and the picture of the page on the chemical order of Ag/Co.

    python studies/chemical_order.py [--model FILE] [--particles 30] [--tuning 24]

Takes half a minute of one core for ten particles. Needs the extra `training`.
"""

from __future__ import annotations

import argparse
from functools import partial
from itertools import product
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from hrtemnn_training.baselines.spacing_maps import tune_spacing_maps
from hrtemnn_training.evaluation.certainty import smallest_certainty
from hrtemnn_training.images.particle_views import view_of_sample
from hrtemnn_training.images.sample import take_sample
from hrtemnn_training.recipe import read_recipe
from hrtemnn_training.store import Specimen
from hrtemnn_training.waves.multislice import exit_wave
from hyperspy_hrtemnn.networks import load
from pages import DOCS, PICTURES, RECIPES, replace_part, table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from hrtemnn_training.images.sample import Sample
    from hrtemnn_training.recipe import Recipe
    from hrtemnn_training.structures import Structure

PAGE = DOCS / "chemical_order.md"
DOSES = (1e2, 1e3, 1e4, 1e5)
SIZES = {
    "below 3.3 nm": (0.0, 33.0),
    "3.3 to 4.6 nm": (33.0, 46.0),
    "above 4.6 nm": (46.0, 99.0),
}
ORDERS = ("core-shell", "Janus", "disordered")
CANNOT_TELL = "cannot tell"
SILVER = 47

# Of particles that are in no data set of the recipe: those that are scored, and those
# that the measures without a network are tuned on.
SCORED, TUNED = 60_000, 70_000


def specimen(recipe: Recipe, structure: Structure, seed: int) -> Specimen:
    """Return a particle of the recipe with its exit wave."""
    return Specimen(
        wave=exit_wave(structure, recipe.waves, seed),
        extent=structure.box[1::-1],
        energy=recipe.waves.energy_of(seed),
        outlines=structure.outlines,
        kinds=structure.kinds,
        sites=structure.sites,
        values=structure.values,
    )


def samples(recipe: Recipe, first: int, count: int) -> Iterator[Sample]:
    """Yield an image of each particle at each dose, in the conditions of the recipe."""
    for seed in range(first, first + count):
        particle = specimen(recipe, recipe.structures.make(seed), seed)
        for number, dose in enumerate(DOSES):
            log = [float(np.log10(dose))] * 2
            images = recipe.images.changed({"log_dose": log})
            rng = np.random.default_rng((seed, number))
            yield take_sample(particle, images, sampling=recipe.sampling, rng=rng)


def order_of(sample: Sample) -> str:
    """Return the order of the particle of a sample."""
    return str(sample.conditions()["order"])


def scores(recipe: Recipe, count: int, tuning: int, model: str | None) -> pd.DataFrame:
    """Return what each method says of each image."""
    tuned = list(samples(recipe, TUNED, tuning))
    truth = [ORDERS.index(order_of(sample)) for sample in tuned]
    baseline = tune_spacing_maps(tuned, truth)
    told = np.array([baseline(sample) for sample in tuned])
    certainty = smallest_certainty(told.max(axis=1), told.argmax(axis=1) == truth)
    methods: dict[str, tuple[Callable[[Sample], NDArray[np.floating]], float]] = {
        "spacing maps": (baseline, certainty)
    }
    if model is not None:
        network = load(model)
        of_network = partial(recipe.label.predict, network)
        methods[network.name] = of_network, network.card.certainty or 0.0
    rows = []
    for sample in samples(recipe, SCORED, count):
        for name, (predict, least) in methods.items():
            shares = predict(sample)
            likely = ORDERS[int(np.argmax(shares))]
            rows.append(
                {
                    "method": name,
                    "dose": sample.exposure.detector.dose,
                    "diameter": sample.conditions()["diameter"],
                    "true": order_of(sample),
                    "likely": likely,
                    "said": likely if shares.max() >= least else CANNOT_TELL,
                }
            )
    return pd.DataFrame(rows)


def accuracies(rows: pd.DataFrame) -> str:
    """Return the shares that are right, against dose and size."""
    cells: list[list[str | float | None]] = []
    for (method, dose), own in rows.groupby(["method", "dose"]):
        groups = {
            name: own[own["diameter"].between(*bounds, inclusive="left")]
            for name, bounds in SIZES.items()
        }
        for size, part in (groups | {"all": own}).items():
            said = part[part["said"] != CANNOT_TELL]
            right = (said["said"] == said["true"]).mean() if len(said) else None
            cells.append(
                [
                    str(method),
                    f"{dose:.0e}",
                    size,
                    str(len(part)),
                    (part["likely"] == part["true"]).mean() if len(part) else None,
                    1 - len(said) / len(part) if len(part) else None,
                    right,
                ]
            )
    titles = ["method", "dose [e⁻/Å²]", "diameter", "images", "right of all"]
    return table([*titles, CANNOT_TELL, "right of what it says"], cells)


def confusion(rows: pd.DataFrame) -> str:
    """Return what is said of each order, at 10^3 electrons and above."""
    enough = rows[rows["dose"] > 999]
    cells: list[list[str | float | None]] = []
    for method, true in product(enough["method"].unique(), ORDERS):
        own = enough[(enough["method"] == method) & (enough["true"] == true)]
        likely = [str((own["likely"] == order).sum()) for order in ORDERS]
        cells.append([method, true, *likely, str((own["said"] == CANNOT_TELL).sum())])
    titles = [f"taken for {order}" for order in ORDERS]
    return table(["method", "order", *titles, f"of all, {CANNOT_TELL}"], cells)


def picture(recipe: Recipe) -> None:
    """Draw a slice of a particle of each order, and its image at three doses."""
    figure, axes = plt.subplots(3, 4, figsize=(12, 9.2), layout="constrained")
    for row, (order, seed) in enumerate(zip(ORDERS, (11, 12, 13), strict=True)):
        changes = {"arrangements": {order: 1.0}, "layers": (16, 16)}
        structure = recipe.structures.model_copy(update=changes).make(seed)
        draw_slice(axes[row, 0], structure)
        axes[row, 0].set_ylabel(order)
        waves = recipe.waves.model_copy(update={"energy": 300.0})
        changed = recipe.model_copy(update={"waves": waves})
        particle = specimen(changed, structure, seed)
        for column, dose in enumerate(DOSES[1:], 1):
            images = recipe.images.changed(
                {
                    "choices": {},
                    "defocus": (60.0, 60.0),
                    "ctf_c30": (-1e4, -1e4),
                    "sampling": (0.25, 0.25),
                    "vibration_blur": (0.2, 0.2),
                    "hot_pixels": (0.0, 0.0),
                    "log_dose": [float(np.log10(dose))] * 2,
                }
            )
            rng = np.random.default_rng(seed)
            sample = take_sample(particle, images, sampling=recipe.sampling, rng=rng)
            view = view_of_sample(sample)
            axes[row, column].imshow(view, cmap="gray", vmin=-3, vmax=3)
            axes[row, column].set_title(f"{dose:.0e} e⁻/Å²")
    for ax in axes.flat:
        ax.set_xticks([])
        ax.set_yticks([])
    folder = PICTURES / "chemical_order"
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / "orders.png", dpi=80)


def draw_slice(ax: Axes, structure: Structure) -> None:
    """Draw the atoms within 3 Å of the middle of a particle, as in its view."""
    own = structure.particles == 1
    positions, numbers = structure.positions[own], structure.numbers[own]
    middle = (positions.max(axis=0) + positions.min(axis=0)) / 2
    near = np.abs(positions[:, 2] - middle[2]) < 3
    colors = np.where(numbers[near] == SILVER, "silver", "royalblue")
    x, y, _ = positions[near].T
    ax.scatter(x, y, c=colors, s=22, edgecolors="black", linewidths=0.3)
    ax.set_xlim(middle[0] - 36, middle[0] + 36)
    ax.set_ylim(middle[1] + 36, middle[1] - 36)
    ax.set_aspect("equal")


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", help="ONNX file of a network")
    parser.add_argument("--particles", type=int, default=30)
    parser.add_argument("--tuning", type=int, default=24)
    options = parser.parse_args()
    recipe = read_recipe(RECIPES / "agco-order.json")
    picture(recipe)
    rows = scores(recipe, options.particles, options.tuning, options.model)
    counted = (
        f"{options.particles} particles, an image of each at each dose; tuned on "
        f"{options.tuning} others."
    )
    replace_part(PAGE, "scores", f"{counted}\n\n{accuracies(rows)}")
    replace_part(PAGE, "confusion", confusion(rows))


if __name__ == "__main__":
    main()
