# SPDX-License-Identifier: GPL-3.0-or-later
"""The rooms of the package and the arrows between them, from the imports alone."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = {
    "hyperspy_hrtemnn": ROOT / "hyperspy_hrtemnn",
    "hrtemnn_training": ROOT / "training" / "hrtemnn_training",
    "dragonfly_macros": ROOT / "dragonfly_macros",
}

# What a room may import of the package's other rooms; modules beside the rooms, such as
# options and bad_frames, are ground for all.
FLOORS = {
    "image_data": set(),
    "analysis": {"image_data"},
    "networks": {"image_data"},
    "plots": {"analysis"},
    "io": set(),
    "data": {"signals"},
    "signals": {"image_data", "analysis", "networks", "plots", "io", "data"},
    # HyperSpy alone imports it, by name.
    "widgets": set(),
    "jobs": {"signals", "analysis", "networks", "plots", "io"},
}


def module_name(package, path):
    parts = (package, *path.relative_to(PACKAGES[package]).with_suffix("").parts)
    return ".".join(parts).removesuffix(".__init__")


MODULES = {
    module_name(package, path): path
    for package, folder in PACKAGES.items()
    for path in folder.rglob("*.py")
}


def imported(name, path):
    """Return the modules of ours that a module imports, for types, too."""
    inside = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            base = inside[: len(inside) - node.level + 1] if node.level else []
            source = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                full = f"{source}.{alias.name}"
                found.add(full if full in MODULES else source)
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
    return (found & MODULES.keys()) - {name}


ARROWS = {name: imported(name, path) for name, path in MODULES.items()}


def room(name):
    parts = name.split(".")
    inside = parts[0] == "hyperspy_hrtemnn" and len(parts) > 1 and parts[1] in FLOORS
    return parts[1] if inside else None


def test_arrows_point_down():
    up = {
        (name, target)
        for name, targets in ARROWS.items()
        for target in targets
        if room(name) is not None
        and room(target) is not None
        and room(target) != room(name)
        and room(target) not in FLOORS[room(name)]
    }
    assert not up


def test_no_module_needs_itself_by_way_of_others():
    reached: dict[str, set[str]] = {}

    def behind(name, above=()):
        assert name not in above, f"a circle: {' -> '.join([*above, name])}"
        if name not in reached:
            reached[name] = set()
            for target in ARROWS[name]:
                behind(target, (*above, name))

    for name in ARROWS:
        behind(name)


def test_topics_of_signals_import_no_class():
    classes = {"_hrtem", "_segmentation", "_instances", "_exit_wave", "_local_fft"}
    wrong = {
        (name, target)
        for name, targets in ARROWS.items()
        for target in targets
        if name.startswith("hyperspy_hrtemnn.signals._")
        and len(name.split(".")) > 3
        and target.split(".")[2:]
        and target.split(".")[-1] in classes
        and target.startswith("hyperspy_hrtemnn.signals.")
        and len(target.split(".")) == 3
    }
    assert not wrong


@pytest.mark.parametrize("package", ["hyperspy_hrtemnn", "hrtemnn_training"])
def test_private_modules_are_imported_in_their_room_only(package):
    """Jobs belong to the signals: they do with files what those do in memory."""
    wrong = set()
    for name, targets in ARROWS.items():
        for target in targets:
            parts = target.split(".")
            private = [i for i, part in enumerate(parts) if part.startswith("_")]
            if parts[0] != package or not private:
                continue
            home = ".".join(parts[: private[0]])
            at_home = name == home or name.startswith(f"{home}.")
            if not at_home and not (room(name) == "jobs" and room(target) == "signals"):
                wrong.add((name, target))
    assert not wrong
