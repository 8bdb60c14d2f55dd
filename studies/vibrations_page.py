# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulate vibrations of MoS2 and write ``docs/vibrations.md``.

    python studies/vibrations_page.py FOLDER

From molecular dynamics to exit waves, as in chapter 5 of the thesis. Writes the
trajectories to FOLDER, unless they are there, the measured vibrations to
``training/vibrations``, and figures and pictures for the page. The 390 exit waves take
about ten minutes on two cores. Needs the extra `docs`.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import ase.io
import matplotlib.pyplot as plt
import numpy as np

import vibration_pictures as pictures
from hrtemnn_training.waves.local_frozen_phonons import LocalFrozenPhonons
from molecular_dynamics import Simulation, flake, lattice_constant
from pages import DOCS, ROOT, replace_part, table
from vibration_models import (
    BONDS,
    DOSE,
    SAMPLING,
    SNAPSHOTS,
    Seen,
    Trajectory,
    count_bonds,
    models_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ase import Atoms
    from numpy.typing import NDArray

PAGE = DOCS / "vibrations.md"
MEASURED = ROOT / "training" / "vibrations"
TEMPERATURES = (300, 1200)  # [K]
PICOSECONDS = 40
HELD = {("Mo", "S"): 3.5, ("S", "S"): 2.6}  # [Å]


def read_or_run(folder: Path, temperature: int, a: float) -> Trajectory:
    """Return the trajectory in a folder, made if it is not there."""
    path = folder / f"mos2-{temperature}K.traj"
    if not path.exists():
        simulation = Simulation(flake(a))
        images = [simulation.atoms, *simulation.run(temperature, PICOSECONDS)]
        ase.io.write(path, images)
    return Trajectory(temperature, ase.io.read(path, ":"))


def rmse(first: NDArray[np.floating], second: NDArray[np.floating]) -> float:
    """Return the root mean square difference."""
    return float(np.sqrt(np.mean((first - second) ** 2)))


def compare(trajectory: Trajectory, models: dict[str, Seen]) -> list[list[str]]:
    """Return the rows of the differences from the molecular dynamics."""
    dynamics = models["molecular dynamics"]
    edge = near(trajectory.mean, trajectory.bonds == 1, dynamics.image.shape)
    rows = []
    for name, model in models.items():
        if model is dynamics:
            continue
        cells = [
            rmse(model.wave, dynamics.wave),
            rmse(model.wave[edge], dynamics.wave[edge]),
            rmse(model.image, dynamics.image),
        ]
        numbers = [f"{cell:.4f}" for cell in cells]
        rows.append([f"{trajectory.temperature} K", name, *numbers])
    return rows


def near(
    atoms: Atoms, chosen: NDArray[np.bool_], shape: tuple[int, ...]
) -> NDArray[np.bool_]:
    """Return the pixels within 1.5 Å of atoms."""
    y, x = (np.arange(n) * SAMPLING for n in shape)
    here = np.zeros(shape, bool)
    for column in atoms.positions[chosen]:
        here |= np.hypot(y[:, np.newaxis] - column[1], x - column[0]) < 1.5
    return here


def differences(models: dict[int, dict[str, Seen]], rows: Sequence[list[str]]) -> str:
    """Return the table of differences and what the noise is."""
    columns = ["", "vibrations", "wave", "wave at edge S", "image"]
    lines = [table(columns, rows), ""]
    for temperature, seen in models.items():
        dynamics, spread = seen["molecular dynamics"], seen["directional edge"].spread
        noise = rmse(dynamics.noisy(1), dynamics.noisy(2)) / np.sqrt(2)
        means = [f"{n}: {spread / n**0.5:.4f}" for n in (1, 8, 32, SNAPSHOTS)]
        lines.append(
            f"- {temperature} K: how far the mean of so many snapshots is off the mean "
            f"of all: {', '.join(means)}. Noise of the image at {DOSE:.0f} e⁻/Å²: "
            f"{noise:.3f}."
        )
    return "\n".join(lines)


def amplitudes(vibrations: dict[int, LocalFrozenPhonons]) -> str:
    """Return the measured amplitudes as a table."""
    rows = []
    kinds = {
        (element, n)
        for each in vibrations.values()
        for element, numbers in each.amplitudes.items()
        for n in numbers
    }
    for element, n in sorted(kinds):
        cells = [
            _lengths(each.amplitudes[element].get(n)) for each in vibrations.values()
        ]
        rows.append([f"{element}, {n}", *cells])
    edges = [each.edge for each in vibrations.values() if each.edge]
    lengths = [_lengths(edge.sigma_xyz) for edge in edges]
    ratios = [f"{edge.sigma_xyz[0] / edge.sigma_xyz[1]:.2f}" for edge in edges]
    rows.append(["edge S, along, across, z", *lengths])
    rows.append(["along over across", *ratios])
    columns = ["element, bonds", *(f"{t} K: x, y, z [Å]" for t in vibrations)]
    return table(columns, rows)


def _lengths(xyz: tuple[float, float, float] | None) -> str:
    return "–" if xyz is None else ", ".join(f"{length:.3f}" for length in xyz)


def stability(a: float, trajectories: Sequence[Trajectory]) -> str:
    """Say how large the lattice constant is and whether the flake held."""
    lines = [f"- Lattice constant of an infinite layer: {a:.3f} Å (X-ray: 3.160 Å)."]
    for each in trajectories:
        # S that parts from its Mo holds on to the other S of its column.
        least = min(count_bonds(image, HELD).min() for image in each.images[1::20])
        moved = np.abs(each.positions - each.images[0].positions).max()
        kept = np.mean(each.bonds == count_bonds(each.images[0]))
        lines.append(
            f"- {each.temperature} K, {PICOSECONDS} ps: none of {len(each.mean)} atoms "
            f"is lost; each keeps {least} or more neighbors at all times; {kept:.0%} "
            "have as many bonds at their mean positions as at rest; no "
            f"coordinate goes further than {moved:.1f} Å."
        )
    return "\n".join(lines)


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    a = lattice_constant()
    trajectories = [read_or_run(folder, t, a) for t in TEMPERATURES]
    replace_part(PAGE, "dynamics", stability(a, trajectories))
    vibrations = {
        each.temperature: LocalFrozenPhonons.measure(each.images, BONDS, ("S", "Mo"))
        for each in trajectories
    }
    MEASURED.mkdir(exist_ok=True)
    for temperature, measured in vibrations.items():
        text = measured.model_dump_json(exclude_unset=True)
        (MEASURED / f"mos2-{temperature}K.json").write_text(text + "\n")
    replace_part(PAGE, "amplitudes", amplitudes(vibrations))
    pictures.draw_flake(trajectories)
    pictures.draw_amplitudes(trajectories)
    pictures.draw_edge(trajectories)
    models = {each.temperature: models_of(each) for each in trajectories}
    rows = [
        row for each in trajectories for row in compare(each, models[each.temperature])
    ]
    replace_part(PAGE, "differences", differences(models, rows))
    for temperature, seen in models.items():
        pictures.draw_waves(seen, temperature)
    plt.close("all")


if __name__ == "__main__":
    main()
