# SPDX-License-Identifier: GPL-3.0-or-later
"""A mixture draws what its parts draw, each as often as its share says."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from hrtemnn_training.recipe import Recipe
from hrtemnn_training.structures import (
    AmorphousFilm,
    AnyGenerator,
    Mixture,
    SupportedParticles,
)

BARE = {"free_particles": 0, "empty": 0, "bare_support": 1, "thickness": [5, 6]}
SMALL = {"field": 40, "layers": [3, 4]}


def mixture(*parts: tuple[float, dict], **keys: object) -> Mixture:
    values = [{"share": share, "structures": part} for share, part in parts]
    return Mixture.model_validate({"parts": values, **keys})


def three(**keys: object) -> Mixture:
    return mixture(
        (3, {**SMALL, **BARE}),
        (1, {**SMALL, **BARE, "support": "MgO"}),
        (2, {"generator": "sheet", "field": 20, "boundary": 0}),
        **keys,
    )


def test_shares_come_out() -> None:
    drawn = Counter(three().make(seed).values["material"] for seed in range(90))
    for material, share in (("bare CeO2", 3), ("bare MgO", 1), ("graphene", 2)):
        expected = 90 * share / 6
        assert drawn[material] == pytest.approx(expected, abs=3 * np.sqrt(expected))


def test_a_part_gives_what_its_generator_gives_alone() -> None:
    for seed in (4, np.random.SeedSequence((7, 0, 5))):
        alone = SupportedParticles.model_validate(SMALL).make(seed)
        part = mixture((1, SMALL)).make(seed)
        np.testing.assert_array_equal(part.positions, alone.positions)
        assert part.values == alone.values


def test_the_choice_of_a_part_says_nothing_of_what_it_draws() -> None:
    """The first number of supported particles decides whether a field is bare."""
    part = {**SMALL, "particles": [1, 1], "bare_support": 0.5}
    both = mixture((1, part), (1, {**part, "support": "MgO"}))
    materials = Counter(both.make(seed).values["material"] for seed in range(160))
    for oxide in ("CeO2", "MgO"):
        assert materials[f"bare {oxide}"] == pytest.approx(40, abs=18)


def test_the_same_seed_gives_the_same_structure_twice() -> None:
    seed = np.random.SeedSequence((3, 1))
    first, again = three().make(seed), three().make(seed)
    np.testing.assert_array_equal(first.positions, again.positions)


def test_parts_have_their_own_field_or_that_of_the_mixture() -> None:
    both = mixture((1, {"field": 50}), (1, {"generator": "sheet"}), field=30)
    assert [part.structures.field for part in both.parts] == [50, 30]
    assert both.largest_field == 50
    again = TypeAdapter(AnyGenerator).validate_python(both.model_dump(mode="json"))
    assert again == both


def test_parts_get_the_purpose(tmp_path) -> None:
    database = {"generator": "database", "path": str(tmp_path)}
    of_tests = mixture((1, database), (1, SMALL)).of("test")
    assert of_tests.parts[0].structures.purpose == "test"


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([], "at least 1 item"),
        ([{"share": 0, "structures": {}}], "greater than 0"),
        ([{"structures": {"generator": "mixture", "parts": []}}], "'mixture' .*not"),
        ([{"structures": {"generator": "sheet", "layers": [1, 2]}}], "layers"),
        ("sheet", "valid tuple"),
    ],
)
def test_mixtures_that_cannot_be(parts, message) -> None:
    with pytest.raises(ValidationError, match=message):
        Mixture.model_validate({"parts": parts, "field": 60})


def test_a_recipe_names_the_key_of_a_part(recipe_values) -> None:
    parts = [{"structures": {"generator": "sheet", "vacancies": [3, 1]}}]
    recipe_values["structures"] = {"generator": "mixture", "parts": parts}
    with pytest.raises(ValidationError, match="reversed") as error:
        Recipe.model_validate(recipe_values)
    assert "vacancies" in error.value.errors()[0]["loc"]


def test_the_largest_field_has_to_fit_into_memory(recipe_values) -> None:
    parts = [{"structures": {"field": 40}}, {"structures": {"field": 900}}]
    recipe_values["structures"] = {"generator": "mixture", "parts": parts}
    recipe_values["waves"] = {"sampling": 0.1}
    with pytest.raises(ValidationError, match="the wave of a field of 900 Å"):
        Recipe.model_validate(recipe_values)


def test_labels_of_columns_need_the_same_classes_in_all_parts(recipe_values) -> None:
    alloy = {"element": "Ag", "second_element": "Co"}
    films = [{"structures": {"generator": "amorphous film"}}]
    parts = [*films, {"structures": {}}, {"structures": alloy}]
    recipe_values["structures"] = {"generator": "mixture", "parts": parts}
    Recipe.model_validate(recipe_values)  # a mask does not ask for columns
    recipe_values["images"] |= {"label": "Disk", "spotsize": 1.2}
    with pytest.raises(ValidationError, match=r"parts\.2: .* Ag, Co, .* column;"):
        Recipe.model_validate(recipe_values)
    recipe_values["structures"]["parts"] = parts[:2]
    Recipe.model_validate(recipe_values)


def test_films_have_no_columns_to_differ_in() -> None:
    assert AmorphousFilm().column_names == ()
