# SPDX-License-Identifier: GPL-3.0-or-later
"""Atoms to be imaged, and where in the image they are."""

from ._alloys import Arrangement, arrange
from ._amorphous import amorphous_carbon
from ._assembly import VACUUM, Group, assemble
from ._columns import column_of_atoms
from ._crystal import orientation, oriented_block, rotation_between, tilt
from ._film import AmorphousFilm
from ._generator import Generator, Seed, Share
from ._generators import AnyGenerator
from ._oxides import FACES, Face, find_crystal, terminated
from ._particle import make_particle
from ._plan_view import ParticlesOnFilm
from ._scene import SupportedParticles
from ._shapes import Orientation, Shape, make_shape
from ._sites import Sites, find_sites
from ._structure import Structure
from ._support import make_support

__all__ = [
    "FACES",
    "VACUUM",
    "AmorphousFilm",
    "AnyGenerator",
    "Arrangement",
    "Face",
    "Generator",
    "Group",
    "Orientation",
    "ParticlesOnFilm",
    "Seed",
    "Shape",
    "Share",
    "Sites",
    "Structure",
    "SupportedParticles",
    "amorphous_carbon",
    "arrange",
    "assemble",
    "column_of_atoms",
    "find_crystal",
    "find_sites",
    "make_particle",
    "make_shape",
    "make_support",
    "orientation",
    "oriented_block",
    "rotation_between",
    "terminated",
    "tilt",
]
