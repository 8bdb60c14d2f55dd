# SPDX-License-Identifier: GPL-3.0-or-later
"""Atoms refined from focal series, against the network, iterations and a filter.

    python benchmarks/refine_atoms.py exitwave --folder FOLDER --series 24

with, for example, ``--methods refined --doses 1e3 1e4``, ``--methods refined --drift
10``, ``--report --picture atoms.png``, ``--compare``, which prints all variants,
``--markdown``, which prints rows for ``docs/atoms.md``, or ``--gallery series.png``,
which draws one series as all methods see it.

Series of held-out structures of a recipe, three images each, in the recipe's own
conditions. Nothing is known of the lenses but a guess of the defocus, up to 2 nm off,
and of Cs, up to 1.5 um off; only Gerchberg-Saxton is given the true ones. FOLDER keeps
the exit waves, and a row of a CSV file for each series that a method has seen: a run
that was ended goes on where it was. Options for variants change one thing each: what is
imaged, how, or what the user says of it.

The plane of a wave is a convention, that of the simulation is 2 Å behind the highest
atom: errors of waves are given as they are, registered, and registered along the beam,
too. A wave failed if it is twice as far off as the mark of its dose; a series is
flagged if the method warned or refused. Columns are those of the sheet; what is below
it, which only the refinement finds, has scores of its own.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pandas as pd

from focal_series.cases import HELD_OUT, Cases
from focal_series.column_scores import of_support
from focal_series.gallery import write_gallery
from focal_series.matched_filter import MatchedFilter
from focal_series.measuring import measured
from focal_series.methods import NetworkAlone, Refined, gerchberg_saxton
from focal_series.page_rows import page_rows
from focal_series.pictures import write_picture
from focal_series.report import (
    column_table,
    lens_table,
    reliability_table,
    side_table,
    support_table,
    variant_table,
    wave_table,
)
from focal_series.scores import score
from focal_series.starts import displaced, found_by
from focal_series.tables import GrowingTable
from focal_series.variants import Variant
from hrtemnn_training.recipe import read_recipe
from hyperspy_hrtemnn.networks import load

if TYPE_CHECKING:
    from collections.abc import Callable

    from focal_series.answers import Answer
    from focal_series.cases import Case
    from hyperspy_hrtemnn.networks import Network

RECIPES = {
    "exitwave": "mos2-exitwave",
    "columns": "mos2-columns",
    "graphene": "mos2-graphene-exitwave",
}
COLUMNS = "mos2-columns"  # the network that finds columns
WAVES = {"graphene": "mos2-graphene-exitwave"}  # the network of waves, if not:
WAVE = "mos2-exitwave"

SUPPORTS: dict[str, Literal["graphene"]] = {"graphene": "graphene"}

METHODS = ("network", "gerchberg-saxton", "matched filter", "refined")

TUNED_ON = 16  # series, of the matched filter
FOR_TUNING = 100_000  # from the seeds of the series to those of these


@dataclass(frozen=True)
class Benchmark:
    """Series of one recipe in one variant, and where their rows are.

    Parameters
    ----------
    name
        Key of the recipe.
    variant
        What differs from the recipe.
    start
        What the refinement begins with, "network" or "displaced".
    folder
        Folder of the waves and the tables.
    """

    name: str
    variant: Variant
    start: str
    folder: Path

    def cases(self, first: int = HELD_OUT, kind: str = "") -> Cases:
        """Return the series, or those of other seeds."""
        recipes = Path(__file__).parents[1] / "training" / "recipes"
        recipe = read_recipe(recipes / f"{RECIPES[self.name]}.json")
        parts = (self.name, kind, self.variant.of_waves)
        waves = self.folder / "_".join(filter(None, parts))
        return Cases(self.variant.of(recipe), self.variant, waves, first)

    def method(self, method: str) -> Callable[[Case], Answer]:
        """Return a method by its name, as it is used on this recipe."""
        if method == "gerchberg-saxton":
            return gerchberg_saxton
        if method == "matched filter":
            cases = self.cases(HELD_OUT + FOR_TUNING, "tuning")
            tuning = [cases.make(number) for number in range(TUNED_ON)]
            return MatchedFilter(cases.recipe, tuning)
        start = found_by(_network(COLUMNS))
        if method == "network":
            return NetworkAlone(_network(WAVES.get(self.name, WAVE)), start)
        if self.start == "displaced":
            start = displaced
        return Refined(start, self.variant, SUPPORTS.get(self.name))

    def table(self, method: str, kind: str = "series") -> GrowingTable:
        """Return the rows of a method: of series, sites or lenses."""
        started = f"from-{self.start}" if method == "refined" else ""
        parts = (self.name, self.variant.name, method.replace(" ", "-"), started, kind)
        file = "_".join(filter(None, parts)) + ".csv"
        return GrowingTable(self.folder / "results" / file)

    def draw(self, number: int, dose: float | None, path: Path) -> None:
        """Draw what all methods say of one series."""
        case = self.cases().make(number, dose)
        methods = {name: self.method(name) for name in METHODS}
        answers = {name: measured(each, case).answer for name, each in methods.items()}
        write_gallery(path, case, answers)

    def seen(self) -> dict[str, pd.DataFrame]:
        """Return the rows of the series that each method has seen."""
        methods = {method: self.table(method).rows for method in METHODS}
        methods = {method: rows for method, rows in methods.items() if len(rows)}
        if not methods:
            sys.exit("There are no rows yet; run it first.")
        return methods

    def run(self, method: str, numbers: range, doses: list[float | None]) -> None:
        """Score a method on the series that it has no rows of."""
        series, sites, lenses = tables = tuple(
            self.table(method, kind) for kind in ("series", "sites", "lenses")
        )
        for table in (sites, lenses):  # of a series that was not finished
            table.keep(series.keys())
        asked = [
            (number, "drawn" if dose is None else f"{dose:g}", dose)
            for number in numbers
            for dose in doses
        ]
        missing = [each for each in asked if each[:2] not in series.keys()]  # noqa: SIM118
        if not missing:
            return
        answer, cases = self.method(method), self.cases()
        for number, text, dose in missing:
            case = cases.make(number, dose)
            found = score(measured(answer, case), case)
            for table, rows in zip(tables[::-1], found[::-1], strict=True):
                table.add(rows.assign(number=number, asked=text))
            print(f"{method} {number} {text}: {_shown(found[0])}", flush=True)


@cache
def _network(name: str) -> Network:
    return load(name).averaged()


def _shown(row: pd.DataFrame) -> str:
    wanted = ["dose", "registered", "raw", "wrong", "missing", "extra", "wrong_sides"]
    wanted += ["position_registered", "pull_registered", "chi2", "seconds", "memory"]
    values = row.iloc[0].reindex(wanted).dropna()
    texts = [f"{name} {value:.4g}" for name, value in values.items()]
    return ", ".join([*texts, *row.iloc[0][["refused", "warned"]]])


def report(benchmark: Benchmark, picture: Path | None) -> None:
    """Print what the rows of all methods say, and draw it."""
    methods = benchmark.seen()
    print(f"\n{RECIPES[benchmark.name]}, {benchmark.variant.name}, ", end="")
    print(f"refined from the columns of: {benchmark.start}")
    waves = wave_table(methods, on_graphene=benchmark.name == "graphene")
    for table in (waves, column_table(methods)):
        print(f"\n{table.round(4).to_string()}")
    lenses = benchmark.table("refined", "lenses").rows
    sites = benchmark.table("refined", "sites").rows
    if "carbon_columns" in (refined := methods.get("refined", pd.DataFrame())):
        print(f"\n{support_table(refined).round(4).to_string()}")
    if "sides" in refined:
        print(f"\n{side_table(refined).round(3).to_string()}")
    if len(lenses):
        print(f"\n{lens_table(lenses).round(4).to_string()}")
    if not len(sites):
        sheet = None
    else:
        below = of_support(sites)
        sheet = sites[~below]
        for each in (sheet, sites[below]):
            if len(each):
                print(f"\n{reliability_table(each).round(4).to_string()}")
    if picture is not None:
        write_picture(picture, methods, sheet)


def report_variants(benchmark: Benchmark) -> None:
    """Print what the refinement reaches in all variants that there are rows of."""
    head = f"{benchmark.name}_"
    found = {}
    for path in sorted(
        (benchmark.folder / "results").glob(f"{head}*_refined_*_series.csv")
    ):
        variant, start = path.stem.removeprefix(head).split("_refined_")
        rows = GrowingTable(path).rows
        found[f"{variant}, {start.removesuffix('_series')}"] = rows
    plain = benchmark.table("refined").rows
    print(f"\n{variant_table(plain, found).round(4).to_string()}")


def parser() -> argparse.ArgumentParser:
    """Return the options of the command line."""
    made = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("recipe", choices=RECIPES)
    made.add_argument("--folder", type=Path, required=True)
    made.add_argument("--series", type=int, default=24)
    made.add_argument("--first", type=int, default=0, help="number of the first one")
    made.add_argument("--doses", type=float, nargs="+", help="[e-/Å²]; else drawn")
    made.add_argument("--methods", choices=METHODS, nargs="+", default=METHODS)
    made.add_argument("--start", choices=["network", "displaced"], default="network")
    made.add_argument("--report", action="store_true", help="print, run nothing")
    made.add_argument(
        "--compare", action="store_true", help="print all variants, run nothing"
    )
    made.add_argument("--picture", type=Path)
    made.add_argument(
        "--markdown", action="store_true", help="print rows for docs/atoms.md only"
    )
    made.add_argument(
        "--gallery", type=Path, help="draw the first series as all methods see it"
    )
    add = partial(made.add_argument_group("variants").add_argument)
    add("--drift", type=float, default=0.0, help="from image to image, at most [Å]")
    add("--camera", choices=["known", "fitted"], default="known")
    add("--gain-error", type=float, default=0.0, help="share, such as 0.05")
    add("--dose-error", type=float, default=0.0, help="share, such as 0.05")
    add("--cut", action="store_true", help="flakes larger than the images")
    add("--astigmatism", type=float, nargs=2, help="from 20 to 100, say [Å]")
    add("--energy", type=float, help="[keV]")
    add("--formula", default="MoS2")
    add("--simulator", choices=["recipe", "abtem"], default="recipe")
    return made


def main() -> None:
    """Run what is missing and print the report."""
    options = parser().parse_args()
    variant = Variant(
        drift=options.drift,
        camera=options.camera,
        gain_error=options.gain_error,
        dose_error=options.dose_error,
        cut=options.cut,
        astigmatism=options.astigmatism and tuple(options.astigmatism),
        energy=options.energy,
        formula=options.formula,
        simulator=options.simulator,
    )
    benchmark = Benchmark(options.recipe, variant, options.start, options.folder)
    if options.markdown:
        print(page_rows(RECIPES[benchmark.name], benchmark.seen()))
        return
    if options.compare:
        report_variants(benchmark)
        return
    if options.gallery is not None:
        dose = (options.doses or [None])[0]
        benchmark.draw(options.first, dose, options.gallery)
        return
    numbers = range(options.first, options.first + options.series)
    for method in () if options.report else options.methods:
        benchmark.run(method, numbers, options.doses or [None])
    report(benchmark, options.picture)


if __name__ == "__main__":
    main()
