# SPDX-License-Identifier: GPL-3.0-or-later
"""Fit lenses and atoms to real images of graphene, and show what they leave.

    python studies/real_graphene.py [FOLDER]

FOLDER, ../shared/data unless it is given, has graphene_team05, focal series and a hole
from lbnlcomputerarch/graphene-u-net (Regents of the University of California), and
graphene, a grain boundary from rhambach/TEMimage (BSD-3-Clause or MIT). Draws pictures
into ``docs/pictures/atoms_on_real_images`` and writes tables into the page. Takes ten
minutes on one core.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import norm

from graphene_fits import (
    COLUMNS,
    Fit,
    fit,
    of_image,
    repeated,
    ring_power,
    standing_out,
)
from graphene_frames import boundary_region, stretched_region
from pages import DOCS, PICTURES, ROOT, replace_part, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.axes import Axes

PAGE = DOCS / "atoms_on_real_images.md"
HERE = PICTURES / "atoms_on_real_images"

SERIES = [f"2014_0601_Gr_FS_Dyna1_01_layer_00{number}" for number in (21, 33, 42)]
SERIES_PIXEL, SERIES_BOX = 0.461, (124, 14, 84, 88)
HOLE = "2013_0611_GrGB_TS_001_layer_0003"
HOLE_PIXEL, HOLE_BOX = 0.301, (102, 142, 96, 100)
BOUNDARY_PIXEL, BOUNDARY_BOX = 0.108, (140, 200, 230, 270)


def series_fits(folder: Path) -> Iterator[Fit]:
    """Yield the fits of three images together, and of two of them alone."""
    regions = [stretched_region(folder, n, SERIES_PIXEL, SERIES_BOX) for n in SERIES]
    three = fit("three", regions, (-80, -30, -80))
    yield three
    yield fit("three", regions, (60, 0, 60))
    for image, name in ((0, "the first"), (2, "the last")):
        optics = of_image(three.atoms.optics, image)
        yield fit(
            f"{name} alone", [regions[image]], optics.defocus.value, optics=optics
        )


def hole_fits(folder: Path) -> Iterator[Fit]:
    """Yield the fits of a hole, before and after hiding what stands out."""
    region = stretched_region(folder, HOLE, HOLE_PIXEL, HOLE_BOX)
    whole = fit("hole with an atom at its rim", [region], (-60,))
    yield whole
    hidden = region.without(standing_out(whole))
    for defocus in (-60, 60):
        yield fit("hole, the atom hidden", [hidden], (defocus,))


def boundary_fits(folder: Path) -> Iterator[Fit]:
    """Yield the fits of a grain boundary with either sign of the defocus."""
    path = folder / "graphene_defect_raw.tif"
    region = boundary_region(path, BOUNDARY_PIXEL, BOUNDARY_BOX)
    for defocus in (40, -40):
        yield fit("grain boundary", [region], (defocus,), Cs=0.0)


def draw_image(ax: Axes, found: Fit, image: int = 0) -> None:
    """Draw an image, with its atoms if it is the first."""
    pixels = found.regions[image].image
    low, high = np.percentile(pixels, [0.5, 99.5])
    ax.imshow(pixels, cmap="gray", vmin=low, vmax=high, extent=_extent(found))
    if not image:
        ax.plot(*found.positions.T[::-1], ".", color="tab:red", ms=1.5)
    left, right, bottom, top = _extent(found)
    ax.set(xlabel="x (Å)", ylabel="y (Å)", xlim=(left, right), ylim=(bottom, top))


def draw_residuals(ax: Axes, found: Fit, image: int = 0) -> None:
    """Draw what the atoms leave of an image, and write χ²."""
    drawn = ax.imshow(
        found.atoms.residuals[image],
        cmap="RdBu",
        vmin=-5,
        vmax=5,
        extent=_extent(found),
    )
    plt.colorbar(drawn, ax=ax, label="residual (noise)", shrink=0.8)
    ax.set(xlabel="x (Å)", title=f"χ² {found.atoms.optics.chi2:.2f}")


def _extent(found: Fit) -> tuple[float, float, float, float]:
    height, width = (n * found.pixel for n in found.regions[0].image.shape)
    return 0, width, height, 0


def draw_fits(path: Path, fits: Sequence[Fit]) -> None:
    """Draw each fit: its image above, what is left below."""
    figure, axes = plt.subplots(
        2, len(fits), figsize=(5 * len(fits), 9), layout="constrained"
    )
    for (above, below), found in zip(axes.T, fits, strict=True):
        draw_image(above, found)
        above.set_title(found.name + " Å")
        draw_residuals(below, found)
    figure.savefig(path, dpi=70)


def draw_series(path: Path, found: Fit, power: Sequence[np.ndarray]) -> None:
    """Draw the images of a series, and what is left of each."""
    figure, axes = plt.subplots(2, 4, figsize=(19, 9), layout="constrained")
    defocus = found.atoms.optics.defocus.value
    for image, (above, below) in enumerate(axes.T[:3]):
        draw_image(above, found, image)
        above.set_title(f"defocus {defocus[image]:.0f} Å")
        draw_residuals(below, found, image)
    for (frequency, of_residuals), value in zip(power, defocus, strict=True):
        axes[0, 3].plot(frequency, of_residuals, label=f"{value:.0f} Å")
    axes[0, 3].axhline(1, color="black", lw=0.8)
    axes[0, 3].set(xlabel="frequency (1/Å)", ylabel="power of residuals", ylim=(0, 2.5))
    axes[0, 3].legend()
    bonds = found.bonds()
    axes[1, 3].hist(bonds, np.arange(1.25, 1.6, 0.01).tolist())
    axes[1, 3].axvline(1.42, color="black")
    axes[1, 3].set(xlabel="length of a bond (Å)", ylabel="bonds")
    figure.savefig(path, dpi=60)


def draw_repeated(path: Path, difference: np.ndarray, sigma: np.ndarray) -> None:
    """Draw differences of positions over their standard errors."""
    figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
    at = np.linspace(-4, 4, 200)
    edges = np.arange(-4, 4.1, 0.25).tolist()
    ax.hist((difference / sigma).ravel(), edges, density=True)
    ax.plot(at, norm.pdf(at), color="black", label="normal distribution")
    ax.set(xlabel="difference of two positions over its standard error", ylabel="share")
    ax.legend()
    figure.savefig(path, dpi=80)


def main() -> None:
    """Write the tables and draw the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=ROOT / "../shared/data")
    folder = parser.parse_args().folder
    for needed in ("graphene_team05", "graphene"):
        if not (folder / needed).is_dir():
            sys.exit(f"{folder} has no folder {needed}; give the folder that has it.")
    HERE.mkdir(exist_ok=True)
    series = series_fits(folder / "graphene_team05")
    three = next(series)
    draw_series(HERE / "series.png", three, [ring_power(three, n) for n in range(3)])
    opposite, first, last = series
    difference, sigma = repeated(first, last)
    draw_repeated(HERE / "repeated.png", difference, sigma)
    hole = list(hole_fits(folder / "graphene_team05"))
    draw_fits(HERE / "hole.png", hole)
    boundary = list(boundary_fits(folder / "graphene"))
    draw_fits(HERE / "grain_boundary.png", boundary)
    fits = [three, opposite, first, last, *hole, *boundary]
    replace_part(PAGE, "fits", table(COLUMNS, [each.row() for each in fits]))
    rms, expected = (np.sqrt(np.mean(each**2)) for each in (difference, sigma))
    scores = np.sqrt(np.mean((difference / sigma) ** 2, axis=0))
    repeats = (
        f"{len(difference)} atoms differ by {rms:.3f} Å along one direction (root mean "
        f"square), where the standard errors say {expected:.3f} Å; over their standard "
        f"errors the differences have a root mean square of {scores[0]:.2f} along y "
        f"and {scores[1]:.2f} along x."
    )
    print(repeats)
    replace_part(PAGE, "repeat", repeats)


if __name__ == "__main__":
    main()
