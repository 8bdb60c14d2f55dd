# SPDX-License-Identifier: GPL-3.0-or-later
"""Vibrations that depend on where in a particle an atom is, learned from trajectories.

The functions of thesis table 5.1. Coordination is counted over bonds: for each pair of
elements the longest distance that is one, such as ``{("Mo", "S"): 2.9}`` [Å]; pairs
that are not named are not counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import ase.io
import numpy as np
from ase.neighborlist import neighbor_list

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ase import Atoms
    from numpy.typing import NDArray

    Bonds = Mapping[tuple[str, str], float]
    Trajectory = str | Path | Sequence[Atoms]
    Amplitudes = Mapping[tuple[str, int], NDArray[np.float64]]


@dataclass(frozen=True)
class EdgeVibrations:
    """How atoms at the edge of a sheet move, along the axes of the edge.

    x is along the edge, y across it, towards the neighbors, z as in the box. The thesis
    takes the nearest neighbor; an atom with one bond has no other.

    Parameters
    ----------
    element, neighbor
        Chemical symbols of the atoms at the edge and of what they are bonded to.
    coordination
        Bonds of an atom at the edge; it may have less, but one at least.
    sigma_xyz
        Standard deviation of the positions, shape (3,) [Å].
    mu_xyz
        Mean of the positions, from that in the first image, shape (3,) [Å].
    """

    element: str
    neighbor: str
    coordination: int
    sigma_xyz: NDArray[np.float64]
    mu_xyz: NDArray[np.float64]


def get_vibrational_amplitudes(trajectory: Trajectory, bonds: Bonds) -> Amplitudes:
    """Return the amplitudes of an element's atoms with each coordination number.

    Parameters
    ----------
    trajectory
        A file that ASE reads, or its images; thermalized. The motion of the whole is
        taken out.
    bonds
        Bonds, see the module.

    Returns
    -------
    For each (element, coordination number) the standard deviation of the positions
    along x, y, z, the mean over all such atoms, shape (3,) [Å]. It cannot be changed.

    Raises
    ------
    ValueError
        If the images are less than two or not of the same atoms.
    """
    mean, displacements = _motion(trajectory)
    deviation = displacements.std(axis=0)
    return MappingProxyType(
        {kind: deviation[own].mean(axis=0) for kind, own in _kinds(mean, bonds)}
    )


def get_edge_vibrations(
    trajectory: Trajectory, element: str, neighbor: str, bonds: Bonds
) -> EdgeVibrations:
    """Return how the atoms move that have the fewest bonds, along and across the edge.

    Parameters
    ----------
    trajectory
        As in `get_vibrational_amplitudes`; a sheet that lies in the x-y plane. Its
        first image is what the mean is counted from: best the atoms at rest.
    element, neighbor
        Atoms at the edge, and what they are bonded to, such as "S" and "Mo".
    bonds
        Bonds, see the module.

    Raises
    ------
    ValueError
        If the images are less than two or not of the same atoms, or if no atom of
        `element` is bonded to one of `neighbor`.
    """
    mean, displacements = _motion(trajectory)
    bond = _bond(element, neighbor, bonds)
    own = np.array(mean.get_chemical_symbols()) == element
    bonded = _coordination(mean, bond)[own]
    if not np.any(bonded):
        raise ValueError(f"The trajectory has no {element} bonded to {neighbor}.")
    fewest = int(bonded[bonded > 0].min())
    atoms, axes = _edge(mean, element, fewest, bond)
    # (image, atom, 3) along the axes of each atom's edge.
    local = np.einsum("tni,nji->tnj", displacements[:, atoms], axes)
    return EdgeVibrations(
        element,
        neighbor,
        fewest,
        sigma_xyz=local.std(axis=0).mean(axis=0),
        mu_xyz=(local - local[0]).mean(axis=(0, 1)),
    )


def perturb_atoms(
    atoms: Atoms, amplitudes: Amplitudes, bonds: Bonds, rng: np.random.Generator
) -> Atoms:
    """Displace each atom as those with its element and coordination number vibrate.

    Parameters
    ----------
    atoms
        The atoms at rest; left as they are.
    amplitudes
        Amplitudes from `get_vibrational_amplitudes`. For a coordination number that is
        not among them the nearest one of the element is taken.
    bonds
        Those that the amplitudes were found with.
    rng
        Source of the displacements.

    Raises
    ------
    ValueError
        If the amplitudes have none of an element.
    """
    known = {
        symbol: sorted(n for other, n in amplitudes if other == symbol)
        for symbol in set(atoms.symbols)
    }
    missing = sorted(symbol for symbol, numbers in known.items() if not numbers)
    if missing:
        raise ValueError(
            f"There are no vibrational amplitudes of {', '.join(missing)}; take them "
            "from a trajectory that has all elements."
        )
    sigma = np.empty((len(atoms), 3))
    for (symbol, coordination), own in _kinds(atoms, bonds):
        distance = np.abs(np.subtract(known[symbol], coordination))
        sigma[own] = amplitudes[symbol, known[symbol][int(distance.argmin())]]
    perturbed = atoms.copy()
    perturbed.positions += sigma * rng.standard_normal(sigma.shape)
    return perturbed


def perturb_edge_atoms(
    atoms: Atoms, vibrations: EdgeVibrations, bonds: Bonds, rng: np.random.Generator
) -> Atoms:
    """Displace the atoms at the edge along and across it; leave the others.

    Parameters
    ----------
    atoms
        The atoms at rest, a sheet whose normal is within some degrees of z; left as
        they are.
    vibrations
        Vibrations from `get_edge_vibrations`.
    bonds
        Those that the vibrations were found with.
    rng
        Source of the displacements.
    """
    bond = _bond(vibrations.element, vibrations.neighbor, bonds)
    edge, axes = _edge(atoms, vibrations.element, vibrations.coordination, bond)
    local = rng.normal(vibrations.mu_xyz, vibrations.sigma_xyz, (len(edge), 3))
    perturbed = atoms.copy()
    perturbed.positions[edge] += np.einsum("nj,nji->ni", local, axes)
    return perturbed


def _motion(trajectory: Trajectory) -> tuple[Atoms, NDArray[np.float64]]:
    """Return the atoms at their mean positions and (image, atom, 3) from there."""
    images: Sequence[Atoms] = (
        ase.io.read(trajectory, ":")
        if isinstance(trajectory, (str, Path))
        else trajectory
    )
    if len(images) < 2:
        raise ValueError("A trajectory of less than two images has no vibrations.")
    first = images[0]
    if any(list(image.numbers) != list(first.numbers) for image in images):
        raise ValueError("The images of a trajectory must be of the same atoms.")
    positions = np.stack([image.positions for image in images])
    positions -= (positions - positions[0]).mean(axis=1, keepdims=True)
    mean = first.copy()
    mean.positions = positions.mean(axis=0)
    return mean, positions - mean.positions


def _kinds(
    atoms: Atoms, bonds: Bonds
) -> Iterator[tuple[tuple[str, int], NDArray[np.bool_]]]:
    """Return each (element, coordination number), and which atoms are of it."""
    symbols = np.array(atoms.get_chemical_symbols())
    coordination = _coordination(atoms, bonds)
    for symbol, n in sorted(
        {*zip(symbols.tolist(), coordination.tolist(), strict=True)}
    ):
        yield (symbol, n), (symbols == symbol) & (coordination == n)


def _coordination(atoms: Atoms, bonds: Bonds) -> NDArray[np.intp]:
    return np.bincount(neighbor_list("i", atoms, dict(bonds)), minlength=len(atoms))


def _bond(element: str, neighbor: str, bonds: Bonds) -> Bonds:
    for pair in ((element, neighbor), (neighbor, element)):
        if pair in bonds:
            return {pair: bonds[pair]}
    raise ValueError(f"Give the length of the bonds of {element} to {neighbor}.")


def _edge(
    atoms: Atoms, element: str, coordination: int, bond: Bonds
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the atoms at the edge and the axes of their edge, shape (atom, 3, 3)."""
    first, towards = neighbor_list("iD", atoms, dict(bond))
    bonds_of = np.bincount(first, minlength=len(atoms))
    is_element = np.array(atoms.get_chemical_symbols()) == element
    edge = np.flatnonzero(is_element & (bonds_of >= 1) & (bonds_of <= coordination))
    inwards = np.zeros((len(atoms), 3))
    np.add.at(inwards, first, towards)
    y = inwards[edge] * [1, 1, 0]
    y /= np.linalg.norm(y, axis=1, keepdims=True)
    z = np.broadcast_to([0.0, 0.0, 1.0], y.shape)
    return edge, np.stack([np.cross(y, z), y, z], axis=1)
