# SPDX-License-Identifier: GPL-3.0-or-later
"""Atoms to be imaged, and where in the image they are."""

from ._columns import cluster_columns
from ._crystal import oriented_block, rotation_between, tilt
from ._scene import SceneRanges, make_scene
from ._structure import Structure

__all__ = [
    "SceneRanges",
    "Structure",
    "cluster_columns",
    "make_scene",
    "oriented_block",
    "rotation_between",
    "tilt",
]
