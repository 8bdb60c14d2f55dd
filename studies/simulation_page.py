# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw the pictures of ``docs/simulation.md`` and list its keys.

    python studies/simulation_page.py

One picture of the generators, one of the same exit wave under different microscopes and
cameras, and the keys with their defaults. Takes a minute on two cores. Needs the extra
`training`.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import ase.db
import numpy as np
from ase.build import graphene, mx2
from matplotlib.figure import Figure
from matplotlib.patches import Polygon
from mpl_toolkits.axes_grid1.anchored_artists import AnchoredSizeBar
from pydantic import ValidationError

from hrtemnn_training.parameters import ImageParameters
from hrtemnn_training.structures import (
    AlloyParticle,
    AmorphousFilm,
    Database,
    Mixture,
    MX2Flake,
    Nanotube,
    Part,
    ParticlesOnFilm,
    Sheet,
    SupportedParticles,
    TiltedParticle,
)
from hrtemnn_training.wave_loss_settings import RegisteredWave
from hrtemnn_training.waves.multislice import WaveSettings, exit_wave
from hyperspy_hrtemnn.analysis import (
    Aberration,
    Detector,
    Optics,
    detect_electrons,
    image_intensity,
)
from pages import DOCS, PICTURES, replace_part, table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pydantic import BaseModel

    from hrtemnn_training.structures import Generator, Structure

SAMPLING = 0.15  # of all cameras [Å]
GENERATORS = (
    SupportedParticles,
    ParticlesOnFilm,
    TiltedParticle,
    AlloyParticle,
    AmorphousFilm,
    MX2Flake,
    Sheet,
    Nanotube,
    Database,
    Mixture,
)
LIGHT = WaveSettings(energy=80)
HEAVY = WaveSettings(energy=300)


def database(folder: Path) -> Database:
    """Return a generator that draws from a database of a few sheets."""
    with ase.db.connect(folder / "sheets.db") as sheets:
        for formula in ("WSe2", "MoTe2", "TiS2"):
            sheets.write(mx2(formula, vacuum=5.0))
        sheets.write(graphene(vacuum=5.0))
    return Database(path=folder / "sheets.db", field=50, axis_tilt=(0, 3))


def generators(folder: Path) -> dict[str, tuple[Generator, int, WaveSettings]]:
    """Return generators with a seed and the waves' settings, by title."""
    particles = {"field": 90.0, "empty": 0, "bare_support": 0}
    alloy = {"element": "Ag", "second_element": "Co"}
    carbon = {"films": {"amorphous carbon": 1}, "particles": (5, 6)}
    graphite = {"films": {"graphene": 1}, "particles": (5, 6)}
    shapes = {"twin": 1, "decahedron": 1, "icosahedron": 1}
    return {
        "Au on CeO2": (SupportedParticles(**particles), 1, HEAVY),
        "Au on anatase, all shapes": (
            SupportedParticles(support="anatase", shapes=shapes, **particles),
            5,
            HEAVY,
        ),
        "Pt on MgO": (
            SupportedParticles(element="Pt", support="MgO", **particles),
            2,
            HEAVY,
        ),
        "Pt on gamma-Al2O3, any orientation": (
            SupportedParticles(
                element="Pt",
                support="gamma-Al2O3",
                support_orientation="any",
                **particles,
            ),
            4,
            HEAVY,
        ),
        "Co, which is hcp, on amorphous SiO2": (
            SupportedParticles(
                element="Co",
                orientations={"[11-20]": 1},
                support="amorphous SiO2",
                **particles,
            ),
            1,
            HEAVY,
        ),
        "Fe, which is bcc, on ZrO2": (
            ParticlesOnFilm(
                field=90, element="Fe", films={"ZrO2": 1}, particles=(5, 6)
            ),
            1,
            HEAVY,
        ),
        "Au on CeO2, contaminated": (
            Mixture(
                contamination=1,
                parts=(Part(structures=SupportedParticles(**particles)),),
            ),
            2,
            HEAVY,
        ),
        "Au on amorphous carbon": (
            ParticlesOnFilm(field=90, thickness=(20, 20), **carbon),
            1,
            HEAVY,
        ),
        "Ag-Co on graphene": (
            ParticlesOnFilm(field=90, shapes=shapes, **graphite, **alloy),
            2,
            HEAVY,
        ),
        "MoS2 flake": (MX2Flake(field=60, supported=0, vacancies=(3, 3)), 1, LIGHT),
        "MoS2 on graphene": (MX2Flake(field=60, supported=1), 4, LIGHT),
        "graphene, grain boundary": (Sheet(field=50, boundary=1), 1, LIGHT),
        "hBN with vacancies": (
            Sheet(field=50, material="hBN", boundary=0, vacancies=(2, 2)),
            1,
            LIGHT,
        ),
        "nanotubes": (Nanotube(field=60, tubes=(2, 2), double_walled=1), 7, LIGHT),
        "amorphous carbon": (AmorphousFilm(field=60), 1, LIGHT),
        "MoTe2 from a database": (database(folder), 1, LIGHT),
    }


def show(axes: Axes, image: np.ndarray, title: str, sampling: float) -> None:
    """Draw an image with a scale bar of 1 nm."""
    low, high = np.percentile(image, [1, 99])
    axes.imshow(image, cmap="gray", vmin=low, vmax=high)
    axes.set_title(title, fontsize=9)
    axes.set_axis_off()
    bar = AnchoredSizeBar(
        axes.transData, 10 / sampling, "1 nm", "lower right", size_vertical=3
    )
    axes.add_artist(bar)


def see(
    structure: Structure, wave: np.ndarray, optics: Optics, detector: Detector
) -> np.ndarray:
    """Return the counts of a camera over the whole field."""
    extent = (structure.box[1], structure.box[0])
    y, x = (round(length / detector.sampling) for length in extent)
    return detect_electrons(
        image_intensity(wave, extent, optics, (y, x)),
        detector,
        np.random.default_rng(0),
    )


def draw_generators(path: Path) -> None:
    """Draw a structure of every generator, with the outlines of its particles."""
    figure = Figure(figsize=(12, 12.8), layout="constrained")
    all_axes = figure.subplots(4, 4)
    with tempfile.TemporaryDirectory() as folder:
        for axes, (title, (generator, seed, settings)) in zip(
            all_axes.flat, generators(Path(folder)).items(), strict=True
        ):
            structure = generator.make(seed)
            optics = Optics(
                energy=settings.energy_of(0), defocus=60, Cs=1e4, focal_spread=8
            )
            dose = 8e3 if settings is HEAVY else 1e5
            detector = Detector(sampling=SAMPLING, dose=dose, mtf_c0=0.5, mtf_c3=2.5)
            image = see(structure, exit_wave(structure, settings), optics, detector)
            show(axes, image, title, SAMPLING)
            for outline in structure.outlines:
                corners = outline / SAMPLING - 0.5
                axes.add_patch(Polygon(corners, fill=False, color="tab:orange", lw=0.8))
    figure.savefig(path, dpi=110)


def draw_outlines(path: Path) -> None:
    """Draw both kinds of outlines of the same particles."""
    keys = {"field": 70.0, "empty": 0, "bare_support": 0, "free_particles": 0}
    small = keys | {"layers": (4, 6)}
    turned = keys | {"orientations": {"any": 1}, "layers": (8, 14)}
    cases: dict[str, tuple[SupportedParticles, int]] = {
        "Au on CeO2": (SupportedParticles(**keys), 4),
        "Pt in any orientation": (
            SupportedParticles(element="Pt", **turned),
            2,
        ),
        "small Pt": (SupportedParticles(element="Pt", **small), 3),
        "Ti in any orientation": (
            SupportedParticles(element="Ti", **turned),
            6,
        ),
    }
    optics = Optics(energy=HEAVY.energy_of(0), defocus=60, Cs=1e4, focal_spread=8)
    detector = Detector(sampling=SAMPLING, dose=8e3, mtf_c0=0.5, mtf_c3=2.5)
    figure = Figure(figsize=(12, 3.4), layout="constrained")
    for axes, (title, (generator, seed)) in zip(
        figure.subplots(1, 4), cases.items(), strict=True
    ):
        structure = generator.make(seed)
        wave = exit_wave(structure, HEAVY)
        show(axes, see(structure, wave, optics, detector), title, SAMPLING)
        contours = generator.model_copy(update={"outline": "phase"}).make(seed)
        for outlines, color in (
            (structure.outlines, "tab:orange"),
            (contours.outlines, "tab:cyan"),
        ):
            for outline in outlines:
                corners = outline / SAMPLING - 0.5
                axes.add_patch(Polygon(corners, fill=False, color=color, lw=1))
    figure.savefig(path, dpi=90)


def draw_microscopes(path: Path) -> None:
    """Draw one exit wave under different lenses and cameras."""
    structure = SupportedParticles(field=80, empty=0, bare_support=0).make(1)
    wave = exit_wave(structure, HEAVY)
    optics = Optics(energy=300, defocus=60, Cs=1e4, focal_spread=8)
    detector = Detector(
        sampling=SAMPLING, dose=1e4, mtf_c0=0.5, mtf_c3=2.5, readout=0.01
    )
    coma = (Aberration(2, 1, 3000.0, 0.5), Aberration(1, 2, 60.0, 1.0))
    cases = {
        "underfocus 60 Å, 10⁴ e⁻/Å²": (optics, detector),
        "overfocus 60 Å": (replace(optics, defocus=-60), detector),
        "underfocus 200 Å": (replace(optics, defocus=200), detector),
        "Cs 0.1 mm": (replace(optics, Cs=1e6), detector),
        "astigmatism 60 Å, coma 0.3 µm": (replace(optics, aberrations=coma), detector),
        "focal spread 40 Å": (replace(optics, focal_spread=40), detector),
        "200 e⁻/Å²": (optics, replace(detector, dose=200)),
        "200 e⁻/Å², MTF c0 0.15": (optics, replace(detector, dose=200, mtf_c0=0.15)),
    }
    figure = Figure(figsize=(12, 6.4), layout="constrained")
    for axes, (title, (lenses, detector)) in zip(
        figure.subplots(2, 4).flat, cases.items(), strict=True
    ):
        show(axes, see(structure, wave, lenses, detector), title, SAMPLING)
    figure.savefig(path, dpi=110)


def keys(model: type[BaseModel]) -> str:
    """Return a table of the keys of a part of a recipe."""
    rows = []
    for name, field in model.model_fields.items():
        if name == "generator":
            continue
        default = "needed"
        if not field.is_required():
            made = model.model_construct()
            # What is off is left out of what is written of images.
            values = {name: getattr(made, name)} | made.model_dump(mode="json")
            default = f"`{json.dumps(values[name], ensure_ascii=False)}`"
        rows.append([f"`{name}`", default, field.description or ""])
    return table(["key", "if not given", ""], rows)


def refusal() -> str:
    """Return what is said of wrong keys."""
    try:
        ImageParameters.model_validate({"dose": [1, 2], "defocus": [50, -50]})
    except ValidationError as error:
        lines = [f"{e['loc'][0]}: {e['msg']}" for e in error.errors()]
        return "\n".join(["```", *lines, "```"])
    raise AssertionError("Wrong keys were taken.")


def list_keys(page: Path) -> None:
    """Write the keys of all generators, the images and the loss into the page."""
    parts = []
    for generator in GENERATORS:
        name = generator.model_fields["generator"].default
        title = str(generator.__doc__).split("\n")[0]
        parts.append(f"### {name}\n\n{title}\n\n{keys(generator)}")
    replace_part(page, "generators", "\n\n".join(parts))
    replace_part(page, "loss", keys(RegisteredWave))
    replace_part(page, "parameters", f"{refusal()}\n\n{keys(ImageParameters)}")


if __name__ == "__main__":
    list_keys(DOCS / "simulation.md")
    draw_generators(PICTURES / "generators.png")
    draw_outlines(PICTURES / "outlines.png")
    draw_microscopes(PICTURES / "microscopes.png")
