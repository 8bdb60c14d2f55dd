# SPDX-License-Identifier: GPL-3.0-or-later
"""The values of a structure say which material it shows."""

from __future__ import annotations

import pytest

from hrtemnn_training.structures import (
    AmorphousFilm,
    Generator,
    MX2Flake,
    ParticlesOnFilm,
    Sheet,
    SupportedParticles,
    TiltedParticle,
)

SMALL = {"field": 46, "layers": (3, 4)}
SURE = {"empty": 0, "bare_support": 0, "free_particles": 0, "support_offset": (0, 0)}
ON_GRAPHENE = {"films": {"graphene": 1}}


@pytest.mark.parametrize(
    ("generator", "material"),
    [
        (SupportedParticles(**SMALL, **SURE), "Au on CeO2"),
        (
            SupportedParticles(
                **SMALL, **SURE, element="Ag", second_element="Co", support="MgO"
            ),
            "Ag-Co on MgO",
        ),
        (SupportedParticles(**SMALL, **SURE | {"bare_support": 1}), "bare CeO2"),
        (SupportedParticles(**SMALL, **SURE | {"free_particles": 1}), "Au"),
        (SupportedParticles(**SMALL, **SURE | {"empty": 1}), "vacuum"),
        (ParticlesOnFilm(**SMALL, **ON_GRAPHENE, particles=(1, 1)), "Au on graphene"),
        (ParticlesOnFilm(**SMALL, **ON_GRAPHENE, particles=(0, 0)), "bare graphene"),
        (TiltedParticle(**SMALL, supports={"none": 1}), "Au"),
        (AmorphousFilm(field=20, thickness=(5, 5)), "bare amorphous carbon"),
        (MX2Flake(field=46, supported=1), "MoS2 on graphene"),
        (Sheet(field=30), "graphene"),
    ],
)
def test_a_field_says_of_what_it_is(generator: Generator, material: str) -> None:
    assert generator.make(1).values["material"] == material
