# SPDX-License-Identifier: GPL-3.0-or-later
"""What a release needs, beside pyproject.toml: the recipe of conda, and workflows."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest
import yaml

from hyperspy_hrtemnn import __version__

ROOT = Path(__file__).parents[1]

# Packages that have another name on conda-forge, or are several there.
CONDA = {
    "dask[array]": ["dask-core"],
    "hyperspy": ["hyperspy-base"],
    "matplotlib": ["matplotlib-base"],
    "rosettasciio[hdf5,image]": ["rosettasciio-base"],
}
# Of extras, which conda does not have: those of rosettasciio.
OF_EXTRAS = {"h5py", "imageio"}


@pytest.fixture
def project():
    tomllib = pytest.importorskip("tomllib")
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture
def recipe():
    text = (ROOT / "recipe" / "recipe.yaml").read_text(encoding="utf-8")
    return yaml.safe_load(text)


@pytest.fixture
def workflow():
    # The key "on" is a yes in YAML 1.1.
    text = (ROOT / ".github" / "workflows" / "tests.yml").read_text(encoding="utf-8")
    return yaml.safe_load(text)


def split(requirement):
    """Return the name of a requirement of pip, and the rest."""
    return re.fullmatch(r"([\w.\[\],-]+?)\s*([<>=!~].*)?", requirement).groups()


def test_the_recipe_needs_what_the_package_needs(project, recipe):
    wanted = {
        f"{name} {versions}"
        for each, versions in map(split, project["project"]["dependencies"])
        for name in CONDA.get(each, [each])
    }
    run = recipe["requirements"]["run"]
    kept = {each for each in run if each.split()[0] not in {"python", *OF_EXTRAS}}
    assert kept == wanted
    assert {each.split()[0] for each in run} >= OF_EXTRAS
    build = {" ".join(split(each)) for each in project["build-system"]["requires"]}
    assert build <= set(recipe["requirements"]["host"])


def test_recipe_and_citation_are_of_this_version(recipe):
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert recipe["context"]["version"] == citation["version"] == __version__


def test_the_address_of_the_repository_is_the_same_everywhere(project, recipe):
    (address,) = project["project"]["urls"].values()
    assert recipe["about"]["repository"] == recipe["about"]["homepage"] == address
    assert address in (ROOT / "recipe" / "README.md").read_text(encoding="utf-8")
    place = address.removeprefix("https://github.com/")
    hook = project["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]
    for each in hook["substitutions"]:
        assert f"/{place}/" in each["replacement"]


def test_no_link_of_the_readme_is_relative_on_pypi(project):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    hook = project["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]
    for each in hook["substitutions"]:
        text = re.sub(each["pattern"], each["replacement"], text)
    links = re.findall(r"(!?)\[[^\]]*\]\(([^)\s]+)\)", text)
    assert all(target.startswith(("https://", "#")) for _, target in links)
    pictures = [target for is_picture, target in links if is_picture]
    assert pictures
    assert all("https://raw.githubusercontent.com/" in each for each in pictures)


def test_each_python_is_tested_on_each_system(project, workflow):
    versions = [
        each.rpartition(" ")[2]
        for each in project["project"]["classifiers"]
        if re.search(r":: 3\.\d+$", each)
    ]
    matrix = workflow["jobs"]["tests"]["strategy"]["matrix"]
    left_out = [each["python"] for each in matrix["exclude"]]
    kept = [each for each in matrix["python"] if each not in left_out]
    tested = [*itertools.product(matrix["os"], kept)]
    tested += [(each["os"], each["python"]) for each in matrix["include"]]
    systems = ["ubuntu", "windows", "macos"]
    assert sorted(tested) == sorted(itertools.product(systems, versions))
    extras = project["project"]["optional-dependencies"]
    used = {*matrix["extra"], *(each["extra"] for each in matrix["include"])}
    assert used <= extras.keys()


def test_the_workflow_runs_ci_and_publishes_nothing(workflow):
    assert workflow["permissions"] == {"contents": "read"}
    steps = [s for job in workflow["jobs"].values() for s in job["steps"]]
    commands = [step["run"] for step in steps if "run" in step]
    assert "bash .ci/run" in commands
    assert "python -m pytest -q" in commands
    actions = {step["uses"].partition("@")[0] for step in steps if "uses" in step}
    assert actions == {"actions/checkout", "actions/setup-python"}
