# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare a network for denoising with its rivals, and look at what it invents.

    python studies/denoising.py FOLDER_OF_THE_RUN [--network FILE] [--real FOLDER]

The images are of the test structures of the run of ``hrtem-denoise``, in its own
conditions, and of vacuum; a movie of one of them shows what neighboring frames add.
Rivals are the Gaussian filter whose width is the best for each image, which only who
knows the answer can choose, BM3D [1]_ where the package ``bm3d`` is installed, and the
mean of five frames. FOLDER, ../shared/data unless it is given, has real images. Writes
tables into ``docs/denoise.md`` and pictures into ``docs/pictures/denoise``. Takes about
20 minutes on two cores. Needs the extra `training`.

References
----------
.. [1] Y. Mäkinen et al., Collaborative filtering of correlated noise, IEEE Transactions
   on Image Processing 29 (2020) 8339.
"""

from __future__ import annotations

import argparse
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from PIL import Image
from scipy.ndimage import gaussian_filter

from hrtemnn_training.evaluation.samples import draw_sample
from hrtemnn_training.generation import data_path
from hrtemnn_training.recipe import read_recipe
from hrtemnn_training.store import DataSet
from hyperspy_hrtemnn.analysis import mean_with_neighbors, residual_whiteness
from hyperspy_hrtemnn.image_data import image_data
from hyperspy_hrtemnn.networks import denoise, load
from pages import DOCS, PICTURES, RECIPES, ROOT, replace_part, table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from hrtemnn_training.images.sample import Sample
    from hrtemnn_training.recipe import Recipe
    from hyperspy_hrtemnn.networks import Network

    Picture = NDArray[np.floating]

PAGE = DOCS / "denoise.md"
HERE = PICTURES / "denoise"

WIDTHS = np.geomspace(0.3, 12, 20)  # of the Gaussian filters [pixels]
SPEC = (17.1, 19.1)  # PSNR of the images of "the same noise level": 18.1 dB [dB]
REAL = {
    "graphene": ("graphene/graphene_defect_raw.tif", 0.108),
    "soot": ("soot_fringes/soot_fringes.tif", 0.555),
    "gold on a membrane": ("nanoparticles_on_membrane/images/image_1.png", 0.58),
}
"""File and pixel size [Å] of real images."""


def psnr(found: Picture, clean: Picture) -> float:
    """Return the peak signal-to-noise ratio over the range of the clean image [dB]."""
    error = float(np.mean((found - clean) ** 2))
    return float(20 * np.log10(np.ptp(clean) / np.sqrt(error)))


def best_gaussian(noisy: Picture, clean: Picture) -> Picture:
    """Return the image under the Gaussian filter that comes nearest to the truth."""
    filtered = [gaussian_filter(noisy, width) for width in WIDTHS]
    return min(filtered, key=lambda image: float(np.mean((image - clean) ** 2)))


def bm3d_of(noisy: Picture, noise: Picture) -> Picture | None:
    """Return the image under BM3D, which is told the spectrum of other such noise."""
    if find_spec("bm3d") is None:
        return None
    # NumPy 2.4 lacks it, and bm4d 4.2.5 calls it.
    vars(np).setdefault("trapz", np.trapezoid)
    low, scale = float(noisy.min()), float(np.ptp(noisy))
    power = np.abs(np.fft.fft2(noise / scale)) ** 2
    spectrum = gaussian_filter(power, 4, mode="wrap")
    bm3d = import_module("bm3d").bm3d
    answer: Picture = bm3d((noisy - low) / scale, spectrum) * scale + low
    return answer


def without_hot_pixels(counts: Picture) -> Picture:
    """Return counts as the network gets them, for the rivals, too."""
    cleaned: Picture = image_data(counts).counts()[0]
    return cleaned


def compare(recipe: Recipe, run: Path, network: Network, count: int) -> pd.DataFrame:
    """Return PSNR of all contenders, and what the residual says, a row an image."""
    data = DataSet(data_path(run, "test"))
    averaged = network.averaged(spread=True)
    rows = []
    for index in range(min(count, len(data))):
        rng = np.random.default_rng((recipe.seed, 5000, index))
        sample = draw_sample(recipe, data, index, rng)
        noisy = sample.exposure.counts[0]
        clean = sample.exposure.expected_counts()[0]
        (quick,) = denoise(network, noisy, sample.pixel)
        found, error = denoise(averaged, noisy, sample.pixel)
        again = sample.exposure.at_dose(sample.exposure.detector.dose, rng)
        usable = without_hot_pixels(noisy)
        noise = without_hot_pixels(again.counts[0]) - clean
        bm3d = bm3d_of(usable, noise)
        white = residual_whiteness(without_hot_pixels(noisy), found)
        scaled = np.abs(found - clean) / np.maximum(error, 1e-9)
        rows.append(
            {
                "dose": sample.exposure.detector.dose,
                "sampling": sample.pixel,
                "energy": sample.specimen.energy,
                "noisy": psnr(noisy, clean),
                "Gaussian": psnr(best_gaussian(usable, clean), clean),
                "BM3D": np.nan if bm3d is None else psnr(bm3d, clean),
                "network, one orientation": psnr(quick, clean),
                "network": psnr(found, clean),
                "dose kept": float(found.sum() / noisy.sum() - 1),
                "white": white.is_white,
                "within one": float(np.mean(scaled < 1)),
                "within two": float(np.mean(scaled < 2)),
            }
        )
    return pd.DataFrame(rows)


CONTENDERS = ["noisy", "Gaussian", "BM3D", "network, one orientation", "network"]


def write_scores(scores: pd.DataFrame) -> None:
    """Write the table of the rivals by dose, and what holds of all answers."""
    edges = [3, 30, 300, 3000, 30000, 1e6]
    bins = pd.cut(scores["dose"], edges)
    rows = [
        [f"{part.left:g} to {part.right:g}", str(len(group))]
        + [_decibel(group[name].mean()) for name in CONTENDERS]
        for part, group in scores.groupby(bins, observed=True)
    ]
    alike = scores[scores["noisy"].between(*SPEC)]
    rows.append(
        [f"any, noisy {SPEC[0]:g} to {SPEC[1]:g} dB", str(len(alike))]
        + [_decibel(alike[name].mean()) for name in CONTENDERS]
    )
    said = (
        f"PSNR [dB], the mean of {len(scores)} images of structures that were never "
        "trained on. The sum of the pixels of the answer differs from that of the "
        f"image by {scores['dose kept'].abs().max():.2%} at most. No frequency of the "
        f"residual stands out in {scores['white'].mean():.0%} of the images. The "
        f"error is within one standard deviation, as `spread` has it, in "
        f"{scores['within one'].mean():.0%} of the pixels, and within two in "
        f"{scores['within two'].mean():.0%} (68 and 95 % of normal errors)."
    )
    titles = ["dose [e⁻/Å²]", "images", *CONTENDERS]
    replace_part(PAGE, "rivals", f"{said}\n\n{table(titles, rows)}")


def _decibel(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.1f}"


def pure_noise(network: Network) -> None:
    """Write and draw what is made of vacuum, beside a lattice of the same dose."""
    rows = []
    shown = []
    for dose in (10, 100, 1000):
        rng = np.random.default_rng((1, dose))
        mean = dose * 0.25**2
        y, x = np.ogrid[:384, :384]
        # Fringes of 2.35 Å along both axes, with a contrast of 10 %.
        waves = np.sin(2 * np.pi * 0.25 * y / 2.35) + np.sin(
            2 * np.pi * 0.25 * x / 2.35
        )
        lattice = mean * (1 + 0.1 * waves)
        images = [rng.poisson(mean, (384, 384)), rng.poisson(lattice)]
        answers = [denoise(network.averaged(), image, 0.25)[0] for image in images]
        shown += [images[0], answers[0], images[1], answers[1]]
        of_noise, of_lattice = (float(answer.std()) for answer in answers)
        true = float(lattice.std())
        rows.append([f"{dose}", f"{of_noise / true:.1%}", f"{of_lattice / true:.1%}"])
    titles = ["dose [e⁻/Å²]", "made of vacuum", "made of the lattice"]
    said = (
        "Standard deviation of the answer, as a share of that of a lattice with a "
        "contrast of 10 %:"
    )
    replace_part(PAGE, "pure noise", f"{said}\n\n{table(titles, rows)}")
    figure, axes = plt.subplots(3, 4, figsize=(9, 7), layout="constrained")
    for number, (ax, image) in enumerate(zip(axes.flat, shown, strict=True)):
        answer = shown[4 * (number // 4) + 3]
        low, high = np.percentile(answer if number % 2 else image, [0.5, 99.5])
        _draw(ax, image, low, high)
    names = ("vacuum", "its answer, gray as the lattice", "lattice", "its answer")
    for ax, name in zip(axes[0], names, strict=True):
        ax.set_title(name, fontsize=9)
    _save(figure, "noise")


def neighbors(recipe: Recipe, run: Path, network: Network) -> None:
    """Write what the neighbors of a frame add, for a drift from frame to frame."""
    data = DataSet(data_path(run, "test"))
    rows = []
    for dose in (10, 100, 1000):
        results = []
        for index in range(8):
            rng = np.random.default_rng((recipe.seed, 6000, index))
            sample = draw_sample(recipe, data, index, rng)
            results.append(_with_neighbors(sample, dose, network, rng))
        rows.append(
            [f"{dose}", *(f"{value:.1f}" for value in np.mean(results, axis=0))]
        )
    titles = ["dose [e⁻/Å²]", "network", "mean of 5 frames", "network, temporal=2"]
    replace_part(PAGE, "neighbors", table(titles, rows))


def _with_neighbors(
    sample: Sample, dose: float, network: Network, rng: np.random.Generator
) -> list[float]:
    """Return PSNR of a frame alone, of the mean of five and with its neighbors.

    The specimen rests; frames differ by their noise.
    """
    exposures = [sample.exposure.at_dose(dose, rng) for _ in range(5)]
    frame, *others = (exposure.counts[0] for exposure in exposures)
    clean = exposures[0].expected_counts()[0]
    (alone,) = denoise(network, frame, sample.pixel)
    mean, _ = mean_with_neighbors(frame, others, alone, sample.pixel)
    (together,) = denoise(network, mean, sample.pixel)
    plain = np.mean([frame, *others], axis=0)
    return [psnr(image, clean) for image in (alone, plain, together)]


def draw_answers(recipe: Recipe, run: Path, network: Network) -> None:
    """Draw test images, their answers, errors, true images and residuals."""
    data = DataSet(data_path(run, "test"))
    figure, axes = plt.subplots(6, 5, figsize=(11, 13), layout="constrained")
    names = ("image", "answer", "without noise", "its spread", "image minus answer")
    for index, line in enumerate(axes):
        rng = np.random.default_rng((recipe.seed, 7000, index))
        sample = draw_sample(recipe, data, index, rng)
        dose = (30, 100, 300, 1000, 3000, 10000)[index]
        exposure = sample.exposure.at_dose(dose, rng)
        noisy, clean = exposure.counts[0], exposure.expected_counts()[0]
        found, error = denoise(network.averaged(spread=True), noisy, sample.pixel)
        low, high = np.percentile(clean, [0.5, 99.5])
        _draw(line[0], noisy, *np.percentile(noisy, [0.5, 99.5]))
        _draw(line[1], found, low, high)
        _draw(line[2], clean, low, high)
        _draw(line[3], error, 0, high - low)
        residual = noisy - found
        _draw(line[4], residual, *np.percentile(residual, [0.5, 99.5]))
        line[0].set_title(f"image, {dose} e⁻/Å²", fontsize=9)
        for ax, name in zip(line[1:], names[1:], strict=True):
            ax.set_title(name, fontsize=9)
    _save(figure, "answers")


def draw_real(folder: Path, network: Network) -> None:
    """Draw real images, their answers and residuals; write whether they are white."""
    rows = []
    figure, axes = plt.subplots(
        len(REAL), 4, figsize=(11, 2.9 * len(REAL)), layout="constrained"
    )
    for line, (name, (path, pixel)) in zip(axes, REAL.items(), strict=True):
        with Image.open(folder / path) as opened:
            pixels = np.asarray(opened, np.float32)
        image = pixels if pixels.ndim == 2 else pixels[..., 0]
        image = image[:256, :256]
        found, error = denoise(network.averaged(spread=True), image, pixel)
        residual = image - found
        low, high = np.percentile(image, [0.5, 99.5])
        _draw(line[0], image, low, high)
        _draw(line[1], found, low, high)
        _draw(line[2], error, 0, 0.5 * (high - low))
        _draw(line[3], residual, *np.percentile(residual, [0.5, 99.5]))
        for ax, title in zip(
            line, (name, "answer", "its spread", "image minus answer"), strict=True
        ):
            ax.set_title(title, fontsize=9)
        white = residual_whiteness(image, found)
        taken = f"{np.std(residual) / np.std(image):.0%}"
        most = f"{white.largest:.1f} of {white.expected:.1f}"
        rows.append([name, f"{pixel:g}", taken, most])
    _save(figure, "real")
    titles = ["image", "pixel [Å]", "taken out", "largest frequency of the residual"]
    replace_part(PAGE, "real images", table(titles, rows))


def _draw(ax: Axes, image: Picture, low: float, high: float) -> None:
    ax.imshow(image, cmap="gray", vmin=low, vmax=high)
    ax.set(xticks=[], yticks=[])


def _save(figure: Figure, name: str) -> None:
    HERE.mkdir(exist_ok=True)
    figure.savefig(HERE / f"{name}.png", dpi=90)
    plt.close(figure)


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--network", default="hrtem-denoise")
    parser.add_argument("--real", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--count", type=int, default=160)
    options = parser.parse_args()
    recipe = read_recipe(RECIPES / "hrtem-denoise.json")
    network = load(options.network)
    draw_answers(recipe, options.run, network)
    pure_noise(network)
    neighbors(recipe, options.run, network)
    if options.real.is_dir():
        draw_real(options.real, network)
    write_scores(compare(recipe, options.run, network, options.count))


if __name__ == "__main__":
    main()
