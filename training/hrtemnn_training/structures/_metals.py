# SPDX-License-Identifier: GPL-3.0-or-later
"""Lattices of metals, from ASE's reference states."""

from __future__ import annotations

from math import sqrt
from typing import Literal, NamedTuple

from ase.data import atomic_numbers, reference_states

Symmetry = Literal["fcc", "bcc", "hcp"]


class Lattice(NamedTuple):
    """Lattice of a metal.

    Parameters
    ----------
    symmetry
        fcc, bcc or hcp.
    a, c
        Lattice constants; c of hcp only [Å].
    """

    symmetry: Symmetry
    a: float
    c: float | None = None


def lattice_of(element: str) -> Lattice:
    """Return ASE's lattice of an fcc, bcc or hcp metal.

    Raises
    ------
    ValueError
        If the element is not such a metal.
    """
    lattice = _known_lattice(element)
    if lattice is None:
        raise ValueError(
            f"{element!r} is not known as an fcc, bcc or hcp metal; give its "
            "lattice_constant as an fcc crystal in Å."
        )
    return lattice


def lattice_constant(element: str) -> float:
    """Return ASE's lattice constant of an FCC metal [Å].

    Raises
    ------
    ValueError
        If the element is not an FCC metal.
    """
    lattice = _known_lattice(element)
    if lattice is None or lattice.symmetry != "fcc":
        raise ValueError(
            f"{element!r} is not known as an FCC metal; give its lattice_constant in Å."
        )
    return lattice.a


def _known_lattice(element: str) -> Lattice | None:
    match reference_states[atomic_numbers.get(element, 0)]:
        case {"symmetry": "fcc" | "bcc" as symmetry, "a": a}:
            return Lattice(symmetry, float(a))
        case {"symmetry": "hcp", "a": a, "c/a": ratio}:
            return Lattice("hcp", float(a), float(a * ratio))
    return None


def close_packed_constant(element: str) -> float:
    """Return the lattice constant of a metal as an FCC crystal of its density [Å].

    From ASE's reference states of FCC, HCP and BCC metals. For cobalt this is 3.542 Å,
    with 2.505 Å between neighbors; FCC cobalt has 3.544 Å.

    Raises
    ------
    ValueError
        If the element is not such a metal.
    """
    state = reference_states[atomic_numbers[element]] or {}
    match state.get("symmetry"):
        case "fcc":
            volume = state["a"] ** 3 / 4
        case "bcc":
            volume = state["a"] ** 3 / 2
        case "hcp":
            volume = sqrt(3) / 4 * state["a"] ** 3 * state["c/a"]
        case _:
            raise ValueError(
                f"{element!r} is not known as an FCC, HCP or BCC metal; give its "
                "second_lattice_constant in Å."
            )
    return float((4 * volume) ** (1 / 3))
