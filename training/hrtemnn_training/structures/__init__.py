# SPDX-License-Identifier: GPL-3.0-or-later
"""Atoms to be imaged, and where in the image they are."""

from ._assembly import Group, assemble
from ._columns import cluster_columns
from ._crystal import oriented_block, rotation_between, tilt
from ._particle import make_particle
from ._scene import SceneRanges, make_scene
from ._structure import Structure
from ._support import make_support

__all__ = [
    "Group",
    "SceneRanges",
    "Structure",
    "assemble",
    "cluster_columns",
    "make_particle",
    "make_scene",
    "make_support",
    "oriented_block",
    "rotation_between",
    "tilt",
]
