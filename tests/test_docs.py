# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages and the scripts that write them."""

from __future__ import annotations

import ast
import importlib
import re
import sys
from pathlib import Path

import pytest

from hyperspy_hrtemnn import networks
from hyperspy_hrtemnn.ranges import energy_range

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    path
    for folder in (
        ".",
        "docs",
        "docs/notebooks",
        "docs/reference",
        "benchmarks",
        "changelog",
        "recipe",
    )
    for path in (ROOT / folder).glob("*.md")
)
INDEX = ROOT / "docs" / "index.md"
# What the build of the site leaves among the pages.
GENERATED = ROOT / "docs" / "reference" / "generated"
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.md"))
# The packages whose names are for everybody.
ROOMS = ("analysis", "data", "networks", "plots", "signals")
BLOCK = re.DOTALL | re.MULTILINE
STUDIES = sorted((ROOT / "studies").glob("*.py"))
# The target of [text](target), and of ![text](target) as well.
LINK = re.compile(r"\]\(([^)\s]+)\)")
# A file of the repository, as in `python studies/mos2.py`.
FILE = re.compile(
    r"\b(?:benchmarks|docs|dragonfly_macros|examples|hyperspy_hrtemnn|studies|tests|training)"
    r"/(?!NAME)[\w./-]+\.(?:json|md|py)\b"
)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@pytest.fixture
def pages(monkeypatch):
    """The module of the studies that writes parts of pages."""
    monkeypatch.syspath_prepend(ROOT / "studies")
    import pages

    yield pages
    del sys.modules["pages"]


def links(page):
    """Return the relative links and pictures of a page."""
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.DOTALL | re.M)
    return [t for t in LINK.findall(text) if "://" not in t and "mailto:" not in t]


def anchors(page):
    """Return the names of the headings of a page, as GitHub makes them."""
    headings = HEADING.findall(page.read_text("utf-8"))
    kept = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in kept}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_and_picture_of_a_page_exists(page):
    for target in links(page):
        name, _, anchor = target.partition("#")
        path = page.parent / name if name else page
        assert path.exists(), target
        assert not anchor or anchor in anchors(path), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_a_page_names_exists(page):
    for name in FILE.findall(page.read_text("utf-8")):
        assert (ROOT / name).exists(), name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_that_installs_the_package_by_its_name_says_that_it_is_not_there(page):
    text = " ".join(page.read_text("utf-8").split())
    if re.search(r"(pip|conda) install[^`]*hyperspy-hrtemnn", text):
        assert "not on PyPI yet" in text


def test_every_picture_is_on_a_page():
    shown = {(page.parent / t).resolve() for page in PAGES for t in links(page)}
    drawn = {path.resolve() for path in (ROOT / "docs" / "pictures").rglob("*.png")}
    assert not drawn - shown


def test_every_page_is_linked():
    linked = {(page.parent / t).resolve() for page in PAGES for t in links(page)}
    assert not set((ROOT / "docs").rglob("*.md")) - linked - {INDEX}


def test_every_page_is_in_one_toctree():
    trees = re.findall(r"^```{toctree}\n(.*?)^```", INDEX.read_text("utf-8"), BLOCK)
    named = [name for tree in trees for name in tree.split("\n\n")[1].split()]
    pages = (ROOT / "docs").rglob("*.md")
    names = {
        page.relative_to(ROOT / "docs").with_suffix("").as_posix() for page in pages
    }
    assert sorted(named) == sorted(names - {"index"})


def test_docs_are_prose_and_pictures():
    files = [path for path in (ROOT / "docs").rglob("*") if path.is_file()]
    kinds = {
        path.suffix
        for path in files
        if GENERATED not in path.parents and "__pycache__" not in path.parts
    }
    # And what makes the site of them: its settings, templates and style.
    assert kinds == {".md", ".png", ".py", ".rst", ".css"}


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.stem)
def test_notebooks_are_texts_of_code_that_compiles(notebook):
    text = notebook.read_text("utf-8")
    assert text.startswith("---\nfile_format: mystnb\n")
    cells = re.findall(r"^```{code-cell}\n((?::.*\n)*)(.*?)^```", text, BLOCK)
    assert cells
    for _, code in cells:
        ast.parse(re.sub(r"^!", "# !", code, flags=re.MULTILINE))


def public_names(package):
    """Return the names that a package exports, of the file that types it."""
    tree = ast.parse((ROOT / package / "__init__.pyi").read_text("utf-8"))
    (names,) = (n.value for n in tree.body if isinstance(n, ast.Assign))
    return {f"{package.replace('/', '.')}.{name}" for name in ast.literal_eval(names)}


def test_every_public_name_is_in_the_reference():
    listed = set()
    for page in (ROOT / "docs" / "reference").glob("*.md"):
        for block in re.findall(
            r"^```{eval-rst}\n(.*?)^```", page.read_text("utf-8"), BLOCK
        ):
            (module,) = re.findall(r"currentmodule:: (\S+)", block)
            listed |= {f"{module}.{n}" for n in re.findall(r"^   (\w+)$", block, BLOCK)}
    exported = set().union(*(public_names(f"hyperspy_hrtemnn/{p}") for p in ROOMS))
    assert not exported - listed
    beside = {name for name in listed if name.split(".")[1] not in ROOMS}
    assert listed - beside == exported
    assert all(
        hasattr(importlib.import_module(module), thing)
        for module, _, thing in (name.rpartition(".") for name in beside)
    )


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.stem)
def test_studies_import_public_names_only(study):
    for node in ast.walk(ast.parse(study.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            names = [*str(node.module).split("."), *(a.name for a in node.names)]
        elif isinstance(node, ast.Import):
            names = [part for alias in node.names for part in alias.name.split(".")]
        else:
            continue
        private = [n for n in names if n.startswith("_") and n != "__future__"]
        assert not private, f"line {node.lineno}: {', '.join(private)}"


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.stem)
def test_studies_say_how_they_are_called_and_how_long_they_take(study):
    head = str(ast.get_docstring(ast.parse(study.read_text("utf-8"))))
    if "Not a script" not in head:
        assert f"python studies/{study.name}" in head
        assert re.search(r"\b[Tt]akes?\s+\w+", head)


def test_a_table_has_numbers_of_three_digits_and_dashes(pages):
    rows = [["a", 0.123456, None], ["", 0.0123456, "b"]]
    assert pages.table(["name", "", "c"], rows).splitlines() == [
        "| name | | c |",
        "|---|---|---|",
        "| a | 0.123 | – |",
        "| | 0.0123 | b |",
    ]


def test_only_what_is_between_the_markers_is_replaced(pages, tmp_path):
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- from the x -->\nold\n<!-- end of the x -->\nafter\n")
    pages.replace_part(page, "x", "new")
    assert page.read_text() == (
        "before\n<!-- from the x -->\n\nnew\n\n<!-- end of the x -->\nafter\n"
    )


def test_every_promise_names_tests_that_exist():
    text = (ROOT / "docs" / "promises.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text)
    assert named
    for path, name in named:
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        functions = {n.name for n in tree.body if isinstance(n, ast.FunctionDef)}
        assert name in functions, f"{path}::{name}"
    # A row without a test is not a promise.
    for row in re.findall(r"^\| (?!you may|---)(.*)$", text, re.MULTILINE):
        assert "::test_" in row, row


def test_the_first_page_has_each_network_with_the_ranges_of_its_card():
    row = re.compile(
        r"^\| \[`([\w-]+)`\]\(\1\.md\) \| [^|]+ \| (.+) to (.+) "
        r"\| (\d+)(?: to (\d+))? \|$"
    )
    rows = filter(None, map(row.match, INDEX.read_text("utf-8").splitlines()))
    told = {m[1]: tuple(float(n) for n in m.groups()[1:] if n) for m in rows}
    assert set(told) == set(networks.available())
    for name, numbers in told.items():
        ranges = networks.load(name).card.ranges
        energies = sorted(set(energy_range(ranges.energy)))
        assert numbers == (*ranges.sampling, *energies), name
