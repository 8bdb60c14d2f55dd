# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures of ``docs/vibrations.md``, after figures 5.1 to 5.3 of the thesis.

Not a script: `vibrations_page.py` draws them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np

from pages import PICTURES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from vibration_models import Seen, Trajectory

FOLDER = PICTURES / "vibrations"
COLORS = {"Mo": "tab:cyan", "S": "tab:olive"}


def draw_flake(trajectories: Sequence[Trajectory]) -> None:
    """Draw where the atoms are in time, with the bonds of each Mo."""
    figure, axes = plt.subplots(1, len(trajectories), figsize=(10, 5))
    for ax, each in zip(axes, trajectories, strict=True):
        x, y, _ = np.moveaxis(each.positions[::5], -1, 0)
        colors = np.array([COLORS[symbol] for symbol in each.mean.symbols])
        ax.scatter(x, y, 0.3, np.broadcast_to(colors, x.shape).ravel(), alpha=0.4)
        for atom, n in zip(each.mean, each.bonds, strict=True):
            if atom.symbol == "Mo":
                ax.text(*atom.position[:2], str(n), ha="center", va="center")
        ax.set(title=f"{each.temperature} K", xticks=[], yticks=[], aspect=1)
        ax.plot([7, 12], [7, 7], "k", lw=3)
        ax.text(9.5, 7.3, "5 Å", ha="center")
    _save(figure, "flake")


def draw_amplitudes(trajectories: Sequence[Trajectory]) -> None:
    """Draw the amplitude of each atom in the plane against its number of bonds."""
    figure, axes = plt.subplots(2, len(trajectories), figsize=(9, 6), sharex="row")
    for column, each in zip(axes.T, trajectories, strict=True):
        amplitude = np.sqrt(np.mean(each.deviations[:, :2] ** 2, axis=1))
        symbols = np.array(each.mean.get_chemical_symbols())
        for ax, element in zip(column, COLORS, strict=True):
            own = symbols == element
            n = each.bonds[own]
            kinds = np.unique(n)
            parts = [amplitude[own][n == kind] for kind in kinds]
            ax.boxplot(parts, positions=kinds, widths=0.4, showfliers=False)
            aside = np.random.default_rng(0).uniform(-0.15, 0.15, len(n))
            ax.plot(n + aside, amplitude[own], ".", color=COLORS[element], alpha=0.7)
            ax.set(
                title=f"{element}, {each.temperature} K",
                xlabel="number of bonds",
                ylabel="amplitude along x or y [Å]",
            )
            ax.set_ylim(bottom=0)
    _save(figure, "amplitudes")


def draw_edge(trajectories: Sequence[Trajectory]) -> None:
    """Draw where S at the edges is, all edges turned to lie along x."""
    figure, axes = plt.subplots(2, len(trajectories), figsize=(8, 8.5))
    for column, each in zip(axes.T, trajectories, strict=True):
        for ax, n in zip(column, (1, 2), strict=True):
            local = along_edge(each, n)
            along, across = local.std(axis=0).mean(axis=0)
            half = 4 * max(along, across)
            bins = np.linspace(-half, half, 80)
            ax.hist2d(*local.reshape(-1, 2).T, bins=(bins, bins), cmap="magma")
            ax.set(
                title=f"S with {n} Mo, {each.temperature} K:\n"
                f"along {along:.3f} Å, across {across:.3f} Å",
                xlabel="along the edge [Å]",
                ylabel="inwards [Å]",
                aspect=1,
            )
    _save(figure, "edge")


def along_edge(trajectory: Trajectory, bonds: int) -> NDArray[np.float64]:
    """Return the displacements of S with so many Mo, (image, atom, 2), along and in."""
    mean = trajectory.mean
    sulfur = np.flatnonzero((mean.numbers == 16) & (trajectory.bonds == bonds))
    molybdenum = mean.positions[mean.numbers == 42]
    apart = molybdenum[:, np.newaxis] - mean.positions[sulfur]
    nearest = np.argsort(np.linalg.norm(apart, axis=2), axis=0)[:bonds]
    y = np.take_along_axis(apart, nearest[..., np.newaxis], 0).sum(axis=0)[:, :2]
    y /= np.linalg.norm(y, axis=1, keepdims=True)
    x = np.stack([y[:, 1], -y[:, 0]], axis=1)
    moved = (trajectory.positions - mean.positions)[:, sulfur, :2]
    return np.asarray(np.einsum("tni,nji->tnj", moved, np.stack([x, y], axis=1)))


def draw_waves(models: Mapping[str, Seen], temperature: int) -> None:
    """Draw wave, image wave and noisy image of each model."""
    drawn = {name: each for name, each in models.items() if name != "at rest"}
    dynamics = models["molecular dynamics"]
    figure, axes = plt.subplots(
        3, len(drawn), figsize=(3.2 * len(drawn), 9.8), layout="constrained"
    )
    for column, (name, model) in zip(axes.T, drawn.items(), strict=True):
        panels = {
            "exit wave, imaginary part": model.wave[..., 1],
            "image wave, intensity": model.image,
            "image with noise": model.noisy(1),
        }
        references = (dynamics.wave[..., 1], dynamics.image, dynamics.noisy(1))
        for ax, (title, panel), reference in zip(
            column, panels.items(), references, strict=True
        ):
            low, high = np.percentile(reference, [0.2, 99.8])
            rim = len(panel) // 8
            ax.imshow(
                panel[rim:-rim, rim:-rim],
                cmap="gray",
                vmin=low,
                vmax=high,
                origin="lower",
            )
            ax.set(xticks=[], yticks=[])
            if model is dynamics:
                ax.set_ylabel(title)
        column[0].set_title(name)
    _save(figure, f"waves-{temperature}K")


def _save(figure: Figure, name: str) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    if figure.get_layout_engine() is None:
        figure.tight_layout()
    figure.savefig(FOLDER / f"{name}.png", dpi=80)
