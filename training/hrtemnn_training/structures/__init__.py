# SPDX-License-Identifier: GPL-3.0-or-later
"""Structures: atoms to be imaged, and where in the image they are."""

from hyperspy_hrtemnn.analysis import chiral_angle
from hyperspy_hrtemnn.analysis import tube_diameter as diameter

from ._alloy_particle import AlloyParticle
from ._alloys import Arrangement, arrange
from ._amorphous import amorphous_carbon, amorphous_film
from ._amorphous_materials import AMORPHOUS
from ._assembly import VACUUM, Group, assemble
from ._columns import column_of_atoms
from ._crystal import orientation, oriented_block, rotation_between, tilt
from ._database import Database
from ._film import AmorphousFilm
from ._flake import MX2Flake
from ._generator import Generator, Purpose, Seed
from ._generators import AnyGenerator
from ._gupta import GuptaPotential
from ._metals import close_packed_constant, lattice_constant
from ._mixture import Mixture, Part
from ._nanotube import Nanotube, chirality
from ._oxides import FACES, Face, terminated
from ._particle import make_particle
from ._plan_view import ParticlesOnFilm
from ._relaxation import relaxed
from ._shapes import Orientation, Shape, make_shape
from ._sheet import Sheet
from ._sites import Sites, find_sites
from ._structure import Structure
from ._support import make_slab, make_support, make_turned_support
from ._supported_particles import SupportedParticles
from ._tilted_particle import TiltedParticle

__all__ = [
    "AMORPHOUS",
    "FACES",
    "VACUUM",
    "AlloyParticle",
    "AmorphousFilm",
    "AnyGenerator",
    "Arrangement",
    "Database",
    "Face",
    "Generator",
    "Group",
    "GuptaPotential",
    "MX2Flake",
    "Mixture",
    "Nanotube",
    "Orientation",
    "Part",
    "ParticlesOnFilm",
    "Purpose",
    "Seed",
    "Shape",
    "Sheet",
    "Sites",
    "Structure",
    "SupportedParticles",
    "TiltedParticle",
    "amorphous_carbon",
    "amorphous_film",
    "arrange",
    "assemble",
    "chiral_angle",
    "chirality",
    "close_packed_constant",
    "column_of_atoms",
    "diameter",
    "find_sites",
    "lattice_constant",
    "make_particle",
    "make_shape",
    "make_slab",
    "make_support",
    "make_turned_support",
    "orientation",
    "oriented_block",
    "relaxed",
    "rotation_between",
    "terminated",
    "tilt",
]
