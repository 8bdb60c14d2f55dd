# SPDX-License-Identifier: GPL-3.0-or-later
"""What the site makes of links and docstrings; CI builds it, and a warning fails."""

from __future__ import annotations

import os
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def site(monkeypatch):
    """Return the names of the settings, and undo what they set in the environment."""
    monkeypatch.setattr(os, "environ", dict(os.environ))
    return runpy.run_path(str(ROOT / "docs" / "conf.py"))


def on_the_site(site, docname, text):
    source = [text]
    site["links_of_the_site"](SimpleNamespace(srcdir=ROOT / "docs"), docname, source)
    return source[0]


def test_links_lead_to_the_page_that_the_site_makes_of_a_file(site):
    for docname, link in (
        ("particles", "[a](benchmarks.md)"),
        ("notebooks/columns", "[a](../benchmarks.md)"),
    ):
        text = f"[a]({'../' * docname.count('/')}../benchmarks/README.md)"
        assert on_the_site(site, docname, text) == link


def test_links_between_pages_and_to_other_sites_stay(site):
    text = "[a](atoms.md#on-graphene) ![b](pictures/fft.png) [c](https://d.org) [e](#f)"
    assert on_the_site(site, "particles", text) == text


def test_files_that_are_not_pages_are_downloads(site):
    recipe = "[a](../training/recipes/au-dose.json)"
    assert on_the_site(site, "dose", recipe) == recipe
    # A text would otherwise be taken for a page that is missing.
    assert on_the_site(site, "dose", "[a](../README.md)") == "[a](path:../README.md)"


def test_a_page_of_another_folder_has_its_links_moved(site):
    text = on_the_site(site, "contributing", "This page shows another.")
    assert text.startswith("# Contributing\n")
    assert "](new_label.md)" in text
    assert "](../training/hrtemnn_training/structures/_film.py)" in text
    assert "](docs/" not in text


def test_the_type_of_a_result_comes_from_the_signature(site):
    def areas() -> list[float]:
        return []

    lines = [
        "Return.",
        "",
        "Returns",
        "-------",
        "Areas,",
        "in nm.",
        "",
        "Raises",
        "---",
    ]
    site["with_the_type"](None, "function", "areas", areas, None, lines)
    assert lines[4:7] == ["list[float]", "    Areas,", "    in nm."]
    assert lines[-2:] == ["Raises", "---"]
