# SPDX-License-Identifier: GPL-3.0-or-later
"""Atoms to be imaged, and where in the image they are."""

from ._amorphous import amorphous_carbon
from ._assembly import VACUUM, Group, assemble
from ._columns import column_of_atoms
from ._crystal import oriented_block, rotation_between, tilt
from ._database import Database
from ._film import AmorphousFilm
from ._generator import Generator, Purpose, Seed, Share
from ._generators import AnyGenerator
from ._particle import make_particle
from ._scene import SupportedParticles
from ._sites import Sites, find_sites
from ._structure import Structure
from ._support import make_support

__all__ = [
    "VACUUM",
    "AmorphousFilm",
    "AnyGenerator",
    "Database",
    "Generator",
    "Group",
    "Purpose",
    "Seed",
    "Share",
    "Sites",
    "Structure",
    "SupportedParticles",
    "amorphous_carbon",
    "assemble",
    "column_of_atoms",
    "find_sites",
    "make_particle",
    "make_support",
    "oriented_block",
    "rotation_between",
    "tilt",
]
