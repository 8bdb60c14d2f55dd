# SPDX-License-Identifier: GPL-3.0-or-later
"""Model of a particle: the atoms of columns whose numbers are known."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree
from scipy.spatial import cKDTree

from .table import check_columns, with_units_of_headers

if TYPE_CHECKING:
    import pandas as pd
    from ase import Atoms
    from numpy.typing import NDArray

# Of the units that axes of images have [Å].
_ANGSTROM = {
    "Å": 1.0,
    "angstrom": 1.0,
    "pm": 0.01,
    "nm": 10.0,
    "µm": 1e4,
    "μm": 1e4,
    "um": 1e4,
}

_NEIGHBORS = 6  # of a column along [110]; along [100] it has four


def columns_to_atoms(
    columns: pd.DataFrame,
    element: str = "Au",
    *,
    spacing: float | None = None,
    frame: int = 0,
    vacuum: float = 5.0,
) -> Atoms:
    """Return a particle as atoms: in each column as many as it has, around one plane.

    For crystals of which a column has its atoms half a spacing above those of its
    nearest neighbors, as along [110] and [100] of fcc. Nobody sees in the table where
    along the beam a column begins: its middle is put as near to the plane through the
    middle of the particle as that lattice allows, within half a spacing. Surfaces are
    therefore alike on both sides.

    Parameters
    ----------
    columns
        The table of `Segmentation.find_columns` of a network that counts atoms, with
        ``x``, ``y``, ``atoms`` and the unit of ``x`` in ``attrs["units"]``, nm
        without. Numbers are rounded; columns of less than half an atom, and those whose
        number is NaN, are left out. Choose the rows of one particle by their ``id``.
    element
        Chemical symbol.
    spacing
        Distance of the atoms of a column along the beam [Å]; by default that along
        [110] of the fcc metal, its lattice constant over the root of 2.
    frame
        Number of the frame.
    vacuum
        Space around the particle in the cell [Å].

    Returns
    -------
    The atoms, positions in Å: x and y as in the image, z along the beam. The cell is
    not periodic. ``atoms.write("particle.xyz")`` writes a file, and
    ``atoms.arrays["column"]`` has the label of the row of each.

    Raises
    ------
    ValueError
        If the table lacks a column or no column has an atom in that frame, the unit of
        ``x`` is not a length, the element is not an fcc metal and there is no spacing,
        or a number is out of range.

    Examples
    --------
    >>> import pandas as pd
    >>> columns = pd.DataFrame({"x": [0.0, 0.25], "y": 0.0, "atoms": [2.9, 2.1]})
    >>> atoms = columns_to_atoms(columns)
    >>> atoms.get_chemical_formula(), (atoms.positions[:, 2] - 5).round(2).tolist()
    ('Au5', [0.0, 2.88, 5.77, 1.44, 4.33])
    """
    from ase import Atoms

    if spacing is None:
        spacing = _spacing_along_110(element)
    for name, value in (("spacing", spacing), ("vacuum", vacuum)):
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"{name} has to be positive, not {value}.")
    table = with_units_of_headers(columns)
    check_columns(table, "x", "y")
    check_columns(table[:0], "atoms")
    rows = table[table["frame"] == frame] if "frame" in table else table
    numbers = np.rint(rows["atoms"].to_numpy(float))
    rows, numbers = rows[numbers >= 1], numbers[numbers >= 1].astype(int)
    if not len(rows):
        raise ValueError(f"No column of frame {frame} has an atom.")
    places = rows[["x", "y"]].to_numpy(float) * _angstroms(table)
    steps = np.concatenate([np.arange(n) for n in numbers]).astype(float)
    column = np.repeat(np.arange(len(numbers)), numbers)
    z = spacing * (steps + _first_planes(_sublattices(places), numbers)[column])
    positions = np.column_stack([places[column], z])
    positions -= positions.min(axis=0) - vacuum
    cell = positions.max(axis=0) + vacuum
    atoms = Atoms(f"{element}{len(positions)}", positions, cell=cell, pbc=False)
    atoms.set_array("column", rows.index.to_numpy()[column])
    return atoms


def _spacing_along_110(element: str) -> float:
    from ase.data import atomic_numbers, reference_states

    state = reference_states[atomic_numbers.get(element, 0)]
    if not state or state["symmetry"] != "fcc":
        raise ValueError(
            f"{element!r} is not an fcc metal, whose spacing along [110] is known: "
            "give the spacing of its atoms along the beam in Å."
        )
    return float(state["a"]) / math.sqrt(2)


def _angstroms(table: pd.DataFrame) -> float:
    """Return the unit of the places of a table [Å]."""
    unit = table.attrs.get("units", {}).get("x", "nm")
    if unit not in _ANGSTROM:
        raise ValueError(
            f"The unit of x is {unit!r}, and has to be one of {', '.join(_ANGSTROM)}: "
            'set columns.attrs["units"]["x"].'
        )
    return _ANGSTROM[unit]


def _sublattices(places: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return on which of two sublattices each column is, 0 or 1, shape (column,).

    A tree of the shortest steps between neighbors goes from column to column; each
    step leads to the other sublattice, for columns of one are farther from each other.
    """
    side = np.zeros(len(places), np.intp)
    count = min(_NEIGHBORS, len(places) - 1)
    if not count:
        return side
    # Each is the nearest to itself.
    distance, near = (part[:, 1:] for part in cKDTree(places).query(places, count + 1))
    # Trees of older SciPy take no other integers.
    starts = np.repeat(np.arange(len(places), dtype=np.int32), count)
    ends = starts, near.ravel().astype(np.int32)
    tree = minimum_spanning_tree(
        coo_array((distance.ravel(), ends), (len(places),) * 2)
    )
    left = np.ones(len(places), bool)
    while left.any():
        # Parts that are farther apart than neighbors are trees of their own.
        order, parent = breadth_first_order(
            tree, int(np.argmax(left)), directed=False, return_predecessors=True
        )
        for i in order[1:]:
            side[i] = 1 - side[parent[i]]
        left[order] = False
    return side


def _first_planes(
    sides: NDArray[np.intp], numbers: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Return where each column begins [spacings], its middle nearest to 0.

    Sublattice 1 is half a spacing above 0. The plane around which they are goes through
    atoms of the one or of the other, whichever leaves more columns centered.
    """
    centered = -(numbers - 1) / 2
    candidates = []
    for plane in (0.0, 0.5):
        lattice = sides / 2 + plane
        candidates.append(np.floor(centered - lattice + 0.5) + lattice)
    off = [np.abs(first - centered).sum() for first in candidates]
    return np.asarray(candidates[int(np.argmin(off))])
