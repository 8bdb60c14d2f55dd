# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels are found by name, and nothing outside of their room asks which one it is."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import hrtemnn_training
from hrtemnn_training.labels import LABELS, find_label
from hyperspy_hrtemnn.networks import Card

TRAINING = Path(hrtemnn_training.__file__).parent
TASKS = Card.model_fields["task"].annotation.__args__


def test_labels_are_found_by_name_and_by_that_of_the_listing() -> None:
    assert all(find_label(name).name == name for name in LABELS)
    assert find_label("Blob") is LABELS["Gaussian"]
    with pytest.raises(ValueError, match="no label 'Masks', only Mask, Disk, Gauss"):
        find_label("Masks")


@pytest.mark.parametrize("name", LABELS)
def test_every_label_says_what_cards_and_reports_ask(name) -> None:
    kind = LABELS[name]
    assert kind.task in TASKS
    assert kind.plotted
    views = {"zone axis", "chirality", "chemical order"}
    assert kind.per_image == (kind.task in views or kind.task.startswith("image "))
    assert not (kind.weighs_objects and kind.per_image)


def test_no_other_room_asks_for_a_label_by_its_name() -> None:
    asked = []
    for path in TRAINING.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        compared = [node for node in ast.walk(tree) if isinstance(node, ast.Compare)]
        texts = {
            leaf.value
            for node in compared
            for leaf in ast.walk(node)
            if isinstance(leaf, ast.Constant) and isinstance(leaf.value, str)
        }
        asked += [(path.name, text) for text in texts & set(LABELS)]
    assert asked == []


@pytest.mark.parametrize("room", ["images", "metrics", "baselines"])
def test_rooms_below_the_labels_do_not_import_them(room) -> None:
    for path in (TRAINING / room).glob("*.py"):
        text = path.read_text(encoding="utf-8")
        for above in ("labels", "parameters", "recipe", "evaluation"):
            assert f"from hrtemnn_training.{above}" not in text, path
