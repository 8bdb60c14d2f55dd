# SPDX-License-Identifier: GPL-3.0-or-later
"""Atoms in real images of graphene, whose bonds everybody knows."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import cKDTree

from hyperspy_hrtemnn.analysis import refine_atoms

ROOT = Path(__file__).parents[1]
REAL = ROOT / "../shared/data/graphene_team05"
NAME = "2014_0601_Gr_FS_Dyna1_01_layer_00{}"
PIXEL, HEIGHT, WIDTH = 0.461, 52, 58

pytestmark = [
    pytest.mark.skipif(not REAL.is_dir(), reason=f"no real micrographs at {REAL}"),
    pytest.mark.filterwarnings("ignore:The network 'graphene-atoms' was not trained"),
    # The noise is not known to better than that.
    pytest.mark.filterwarnings("ignore:.* of the contrast of the images"),
]


@pytest.fixture(scope="module")
def regions():
    """The same clean graphene in two frames of a focal series."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "studies")
        from graphene_frames import stretched_region

        box = (130, 20, HEIGHT, WIDTH)
        yield [stretched_region(REAL, NAME.format(n), PIXEL, box) for n in (21, 42)]
        del sys.modules["graphene_frames"]


@pytest.fixture(scope="module")
def atoms(regions):
    return refine_atoms(
        np.array([each.image for each in regions]),
        regions[0].detector,
        80.0,
        (-80.0, -80.0),
        regions[0].columns,
        Cs=-1e5,
        any_contrast=True,
    )


def test_the_network_finds_the_atoms_of_real_graphene(regions):
    area = HEIGHT * WIDTH * PIXEL**2
    for each in regions:
        assert len(each.columns) == pytest.approx(area / 2.62, rel=0.07)


def test_real_graphene_is_explained_by_its_atoms(atoms):
    assert 0.9 < atoms.optics.chi2 < 1.4
    assert atoms.optics.unexplained < 0.1
    # Bright atoms are overfocused where the spherical aberration is negative.
    assert (atoms.optics.defocus.value < -40).all()
    assert np.ptp(atoms.optics.defocus.value) < 5


def test_bonds_of_real_graphene_are_those_of_graphene(atoms):
    positions = atoms.columns[["y", "x"]].to_numpy()
    size = np.array([HEIGHT, WIDTH]) * PIXEL
    inside = np.all((positions > 2) & (positions < size - 2), axis=1)
    bonds = cKDTree(positions).query(positions[inside], k=4)[0][:, 1:]
    # The mean is that of the pixel size, which is from the lattice; the scatter is not.
    assert bonds.mean() == pytest.approx(1.42, abs=0.01)
    assert bonds.std() < 0.07


def test_what_is_left_of_real_images_is_noise(atoms):
    inner = atoms.residuals[:, 6:-6, 6:-6]
    assert inner.std() == pytest.approx(1, abs=0.15)
    assert np.abs(inner).max() < 6
