# SPDX-License-Identifier: GPL-3.0-or-later
"""The code of pages of the documentation, on a small movie in place of theirs."""

from __future__ import annotations

import re
from pathlib import Path

import hyperspy.api as hs
import matplotlib.pyplot as plt
import pytest

from hyperspy_hrtemnn.data import au_ceo2_movie

DOCS = Path(__file__).parents[1] / "docs"
BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Return a function that runs all blocks of a page, one after the other."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(hs.preferences.General, "show_progressbar", False)
    load = hs.load

    def load_or_stand_in(name, **options):
        if Path(name).exists():  # what the page wrote itself
            return load(name, **options)
        return au_ceo2_movie(lazy=options.get("lazy", False)).inav[:2]

    monkeypatch.setattr(hs, "load", load_or_stand_in)

    def run_page(name):
        names = {}
        for block in BLOCK.findall((DOCS / name).read_text(encoding="utf-8")):
            exec(compile(block, name, "exec"), names)  # noqa: S102
        return names

    yield run_page
    plt.close("all")


def test_the_page_on_particles(run):
    names = run("particles.md")
    ids = sorted(names["properties"]["id"].unique())
    assert len(ids) > 1
    assert set(names["peaks"]["id"]) == {names["largest"]}
    assert len(set(names["all_peaks"]["id"])) > 1
    assert names["particles"]._lazy
    assert names["particles"].ids() == ids


def test_the_page_on_long_movies(run, tmp_path):
    # A camera of three frames a second, the second of which is missing.
    for frame, second, number in ((0, 0, 0), (1, 0, 2), (2, 1, 0)):
        parts = "Hour_00", "Minute_00", f"Second_{second:02d}"
        inside = tmp_path.joinpath("heating_03", *parts)
        inside.mkdir(parents=True, exist_ok=True)
        name = f"heating_03_{'_'.join(parts)}_Frame_{number:04d}.hspy"
        au_ceo2_movie().inav[frame].save(inside / name)
    with pytest.warns(UserWarning, match="1 frames are missing: 1 after heating_03"):
        names = run("long_movies.md")
    assert names["movie"].metadata.HRTEMNN.In_situ.frames_per_second == 3
    times = names["properties"]["time"].unique()
    assert times.tolist() == pytest.approx([0, 2 / 3, 1])
    assert len(names["reflections"]) > 0
    assert names["fft"].metadata.HRTEMNN.ids == [1, 2, 3]


def test_the_page_on_the_zone_axis(run):
    names = run("au-zone-axis.md")
    assert set(names["table"]["id"]) == set(names["particles"].ids())
    assert names["table"]["probability"].between(0, 1).all()
