# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands of `hrtemnn` that lead from a recipe to a network."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hyperspy_hrtemnn.command_options import device_option

from .file_names import check_file_name
from .json_files import parse_json, read_json, shown
from .recipe import (
    Recipe,
    RecipeError,
    change_images,
    change_training,
    read_recipe,
)
from .stops import explain

if TYPE_CHECKING:
    from collections.abc import Callable

    from hyperspy_hrtemnn.networks import Limits

    from .parameters import ImageParameters


class _RecipeFile(click.ParamType):  # type: ignore[type-arg]
    """A recipe, read and checked before anything starts."""

    name = "recipe"

    def convert(self, value: Any, param: Any, ctx: Any) -> Recipe:  # noqa: ARG002
        try:
            return read_recipe(value)
        except RecipeError as error:
            raise click.ClickException(str(error)) from None


class _Options(click.ParamType):  # type: ignore[type-arg]
    """Keys and values, as JSON or the path of a JSON file."""

    name = "json"

    def convert(self, value: Any, param: Any, ctx: Any) -> dict[str, Any]:
        try:
            if value.lstrip().startswith("{"):
                return parse_json(value)
            return parse_json(read_json(Path(value)))
        except OSError as error:
            self.fail(
                f"{shown(value)!r} is not a JSON object, and not a file that can be "
                f"read: {error.strerror}",
                param,
                ctx,
            )
        except ValueError as error:
            self.fail(f"{shown(value)!r} cannot be used: {error}", param, ctx)


class _FileName(click.ParamType):  # type: ignore[type-arg]
    """A name for files in the folder of a run."""

    name = "name"

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        try:
            return check_file_name(value)
        except ValueError as error:
            self.fail(f"{shown(value)!r} cannot be used: {error}", param, ctx)


_NUMPROC = "Processes; as many as cores if unset."
_SCHEDULER = (
    "Address of a dask.distributed cluster to work on instead, which is trusted: it "
    "can run code here."
)


def _step(function: Callable[..., Any]) -> click.Command:
    """Give a command its recipe and its run folder, and turn errors into one line.

    Errors that nobody foresaw are left to the group of all commands.
    """
    name = function.__name__.replace("_", "-")

    @click.command(name, help=function.__doc__)
    @click.argument("recipe", type=_RecipeFile())
    @click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
    def command(**options: Any) -> None:
        try:
            with warnings.catch_warnings():
                warnings.showwarning = _print_line  # type: ignore[assignment]
                function(**options)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except (Exception, KeyboardInterrupt) as error:
            line = explain(error, name, options["folder"])
            if isinstance(error, KeyboardInterrupt):
                click.echo(f"\n{line}", err=True)
                sys.exit(130)
            if line is None and isinstance(error, (OSError, RuntimeError, ValueError)):
                line = shown(str(error), longest=5000)
            if line is None:
                raise
            raise click.ClickException(line) from error

    command.params += getattr(function, "__click_params__", [])[::-1]
    return command


def _print_line(message: Warning | str, *_: object) -> None:
    click.echo(f"Warning: {shown(str(message), longest=5000)}", err=True)


def _spread(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a step the options of work that is spread over processes and sets."""
    for option in (
        click.option(
            "--train/--test",
            default=None,
            help="Only the training set, or only the sets for validation and test.",
        ),
        click.option(
            "--numproc",
            "-n",
            "processes",
            type=click.IntRange(1),
            help=_NUMPROC,
        ),
        click.option("--scheduler", help=_SCHEDULER),
    ):
        function = option(function)
    return function


def _purposes(train: bool | None) -> tuple[Any, ...]:
    if train is None:
        return ("train", "validation", "test")
    return ("train",) if train else ("validation", "test")


@_step
@_spread
@click.option("--seed", type=click.IntRange(0), help="Instead of the recipe's.")
def structures(
    recipe: Recipe, folder: Path, seed: int | None, train: bool | None, **work: Any
) -> None:
    """Draw the structures of RECIPE into FOLDER."""
    from . import generation

    if seed is not None:
        recipe = recipe.model_copy(update={"seed": seed})
    generation.make_structures(recipe, folder, purposes=_purposes(train), **work)


@_step
@_spread
def waves(recipe: Recipe, folder: Path, train: bool | None, **work: Any) -> None:
    """Compute the exit waves of the structures in FOLDER."""
    from . import generation

    generation.make_waves(recipe, folder, purposes=_purposes(train), **work)


@click.command()
@click.argument("trajectory", type=click.Path(exists=True, dir_okay=False))
@click.option(
    "--bond",
    "bonds",
    type=(str, str, click.FloatRange(0, min_open=True)),
    multiple=True,
    required=True,
    help="Two elements and the longest distance that is a bond [Å], such as Mo S 3.0.",
)
@click.option(
    "--edge",
    type=(str, str),
    help="Elements of atoms at edges, which are to vibrate along them, and of their "
    "neighbors, such as S Mo.",
)
def vibrations(
    trajectory: str,
    bonds: tuple[tuple[str, str, float], ...],
    edge: tuple[str, str] | None,
) -> None:
    """Measure the vibrations in TRAJECTORY, any that ASE reads, for a recipe.

    Prints the key vibrations of waves: the amplitudes of each element with each number
    of bonds.
    """
    from ase.io.formats import UnknownFileTypeError

    from .waves.local_frozen_phonons import LocalFrozenPhonons

    try:
        measured = LocalFrozenPhonons.measure(trajectory, bonds, edge)
    except UnknownFileTypeError:
        raise click.ClickException(f"ASE cannot read {trajectory}.") from None
    except (OSError, ValueError) as error:
        raise click.ClickException(f"{trajectory}: {error}") from None
    click.echo(measured.model_dump_json(exclude_unset=True))


@_step
@click.option(
    "--restart",
    is_flag=True,
    help="Begin anew: delete what an earlier training left in FOLDER.",
)
@click.option(
    "--epochsave",
    type=click.IntRange(1),
    help="Keep the network of every so many epochs, as epoch-0010.keras.",
)
@click.option(
    "--limitdata",
    type=click.IntRange(1),
    help="Train on the first so many structures only.",
)
@click.option(
    "--regularize",
    type=click.FloatRange(0),
    help="L2 regularization: this times the squares of the kernels is added to the "
    "loss.",
)
@click.option(
    "--adam",
    type=_Options(),
    help="Adam with these arguments, such as "
    '\'{"learning_rate": 0.001, "beta_1": 0.8}\'; a learning rate is for all stages.',
)
@click.option(
    "--rmsprop",
    type=click.FloatRange(0, min_open=True),
    help="RMSprop with this learning rate in all stages.",
)
def train(
    recipe: Recipe,
    folder: Path,
    *,
    restart: bool,
    epochsave: int | None,
    limitdata: int | None,
    regularize: float | None,
    adam: dict[str, Any] | None,
    rmsprop: float | None,
) -> None:
    """Train the network of RECIPE on the exit waves in FOLDER.

    It goes on where an earlier training stopped, with the same RECIPE and options.
    Options take the place of what RECIPE says; FOLDER/recipe.json has all that counts.
    """
    changes: dict[str, Any] = {}
    if adam is not None and rmsprop is not None:
        raise click.UsageError("Choose one of --adam and --rmsprop.")
    if adam is not None:
        changes["learning_rate"] = adam.pop("learning_rate", None)
        changes |= {"optimizer": "adam", "optimizer_options": adam}
    if rmsprop is not None:
        changes["learning_rate"] = rmsprop
        changes |= {"optimizer": "rmsprop", "optimizer_options": {}}
    if limitdata is not None:
        changes["limit_data"] = limitdata
    if regularize is not None:
        changes["regularize"] = regularize
    if changes:
        recipe = change_training(recipe, **changes)

    from .train import files, loop

    if restart:
        for path in files.delete_training(folder):
            click.echo(f"deleted {path}")
    loop.train(recipe, folder, save_every=epochsave)


@_step
@click.option("--cache", is_flag=True, help="Form all images of the training, too.")
def images(recipe: Recipe, folder: Path, cache: bool) -> None:
    """Draw training images with their labels into FOLDER/debug, to look at.

    As many as the key debug of the recipe says. Training forms its images when it needs
    them first and keeps them; --cache forms them beforehand, for a GPU not to wait.
    """
    from .train import batches, pictures

    click.echo(pictures.draw_images(recipe, folder))
    if cache:
        batches.form_images(recipe, folder)


@_step
@click.option(
    "--bioimageio",
    is_flag=True,
    help="Write it as a package of bioimage.io, a .zip file, too.",
)
def export(recipe: Recipe, folder: Path, bioimageio: bool) -> None:
    """Write the best epoch of the training in FOLDER as an ONNX file.

    The object_weight of its stage is taken out of its predictions.
    """
    from hyperspy_hrtemnn.networks import write_bioimageio

    from .export import onnx_file
    from .train import files

    trained = files.trained_recipe(folder, recipe)
    if (folder / "best.keras").exists():
        files.check_network(folder / "best.keras", files.ANEW)
    path = onnx_file.export(trained, folder)
    click.echo(path)
    if bioimageio:
        package = path.with_suffix(".zip")
        write_bioimageio(path, package, overwrite=True)
        click.echo(package)


@_step
@click.argument("networks", nargs=-1)
@click.option(
    "--against",
    multiple=True,
    default=("dose",),
    show_default=True,
    help="Condition in whose bins the metrics are given: dose, defocus, sampling, ...",
)
@click.option(
    "--averaged",
    is_flag=True,
    help="Measure each network once more, averaged over eight orientations of images.",
)
@click.option(
    "--images",
    type=_Options(),
    help="Other conditions for the test images, such as "
    "'{\"defocus\": [100, 200]}', to see what happens outside the trained ranges.",
)
@device_option
def evaluate(
    recipe: Recipe,
    folder: Path,
    *,
    networks: tuple[str, ...],
    against: tuple[str, ...],
    averaged: bool,
    images: dict[str, Any] | None,
    device: str | None,
) -> None:
    """Measure networks, and baselines without one, on the test structures in FOLDER.

    The metrics follow from the label of RECIPE. Without NETWORKS the exported
    network of FOLDER: evaluation.csv, .json and .png go into FOLDER and the scores into
    its card, with the threshold of unbiased area of a mask, which is measured first, on
    validation structures. NETWORKS, by name or path, are compared on the same images in
    comparison.csv, .json and .png, and so is the network of FOLDER with --images. A
    network that takes fewer images than the focal series of RECIPE gets its first ones.
    """
    changed = None if images is None else change_images(recipe, images)
    _evaluate(
        recipe, folder, networks, against, changed, averaged=averaged, device=device
    )


@_step
@click.argument("networks", nargs=-1)
@click.option(
    "--doses",
    type=(float, float),
    default=(5, 2000),
    show_default=True,
    help="Lowest and highest dose [e-/Å²].",
)
@click.option(
    "--steps",
    type=click.IntRange(2),
    default=20,
    show_default=True,
    help="Number of doses, logarithmic from the lowest to the highest.",
)
@click.option(
    "--frames",
    type=click.IntRange(1),
    default=2,
    show_default=True,
    help="Frames of each dose, which differ in their noise.",
)
@click.option(
    "--structures",
    type=click.IntRange(1),
    help="Only the first so many test structures with a particle.",
)
@click.option(
    "--images",
    type=_Options(),
    help="Another microscope or camera than the recipe's ranges, such as "
    '\'{"mtf_c1": [0.2, 0.3], "defocus": [48, 50]}\', or the file that '
    "hrtemnn detector writes.",
)
@click.option(
    "--stem",
    type=_FileName(),
    default="dose",
    show_default=True,
    help="Beginning of the names of the files.",
)
@device_option
def dose_study(
    recipe: Recipe,
    folder: Path,
    *,
    device: str | None,
    networks: tuple[str, ...],
    doses: tuple[float, float],
    images: dict[str, Any] | None,
    stem: str,
    **plan: Any,
) -> None:
    """Find the doses at which networks begin to see particles and see them whole.

    The test structures in FOLDER are imaged at rising dose, each with one microscope
    and one camera. NETWORKS by name or path; without any, the exported network of
    FOLDER, which gets dose.csv, a row for each frame; dose-limits.csv, for each
    structure the dose from which on half of the true area is found and that from which
    on the area stays; dose.json, their medians and spread; dose.png and
    dose-frames.png.
    """
    from .evaluation.dose.report import study_doses
    from .evaluation.dose.series import DosePlan

    changed = None if images is None else change_images(recipe, images)
    summary = study_doses(
        recipe,
        folder,
        networks,
        plan=DosePlan(*doses, **plan),
        images=changed,
        stem=stem,
        device=device,
    )
    for name, limits in summary.items():
        for limit, values in limits.items():
            numbers = "  ".join(f"{key} {value}" for key, value in values.items())
            click.echo(f"{name}  {limit.replace('_', ' ')}: {numbers}")


@_step
@click.option(
    "--network",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="ONNX file whose card gets the limits; by default that of FOLDER.",
)
@click.option(
    "--condition",
    "names",
    multiple=True,
    help="Condition to sweep, such as defocus; several times for several. All by "
    "default.",
)
@click.option(
    "--structures",
    type=click.IntRange(2),
    default=24,
    show_default=True,
    help="Test structures at each value.",
)
@click.option("--numproc", "-n", "processes", type=click.IntRange(1), help=_NUMPROC)
@device_option
def domain(
    recipe: Recipe, folder: Path, *, network: Path | None, **options: Any
) -> None:
    """Find out how far beyond the training of RECIPE its network in FOLDER holds.

    One condition after another leaves its range: dose, pixel size, defocus, spherical
    aberration, astigmatism, focal spread, blur, beam energy, vibrations, tilt and
    support. FOLDER gets domain.csv and domain.png; the card of the network gets the
    values at which its score is 5 and 20 percent worse, by which `segment` warns.
    """
    from hyperspy_hrtemnn.networks import load

    from .evaluation.domain.report import study_domain

    path = network or folder / f"{recipe.name}.onnx"
    study_domain(recipe, folder, path, **options)
    for name, limits in load(path).card.limits.items():
        click.echo(f"{name}: {_limits_text(limits)}")


def _limits_text(limits: Limits) -> str:
    def span(ends: tuple[float | None, float | None]) -> str:
        low, high = (
            f"{swept:g} or beyond" if end is None else f"{end:g}"
            for end, swept in zip(ends, limits.swept, strict=True)
        )
        return f"{low} to {high}"

    return (
        f"5 % worse outside {span(limits.less_by_5)}, 20 % outside "
        f"{span(limits.less_by_20)}"
    )


@_step
@click.option(
    "--network",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="ONNX file that gets the guard; by default that of FOLDER.",
)
@click.option(
    "--crystal",
    "crystals",
    type=(str, click.Path(exists=True, file_okay=False, path_type=Path)),
    multiple=True,
    help="Name of another crystal and the folder of a run with its exit waves, which "
    "have to be foreign, too; several times for several.",
)
@click.option(
    "--images",
    type=click.IntRange(1),
    default=3000,
    show_default=True,
    help="Images of the training structures.",
)
@click.option(
    "--held-out",
    type=click.IntRange(1),
    default=1500,
    show_default=True,
    help="Images of the validation structures, and as many of the test structures.",
)
@click.option(
    "--foreign",
    type=click.IntRange(1),
    default=100,
    show_default=True,
    help="Images of each foreign kind.",
)
def guard(
    recipe: Recipe,
    folder: Path,
    *,
    network: Path | None,
    crystals: tuple[tuple[str, Path], ...],
    **plan: int,
) -> None:
    """Give the network of RECIPE in FOLDER a guard: it says which images are foreign.

    Images of the training structures show what the network computes for images like
    those of its training; those of the validation structures where the threshold is,
    which 1 % of their regions exceed; those of the test structures, and foreign ones,
    how often it alarms. The ONNX file gets the guard as a second output, and its card
    what was measured. FOLDER gets guard.csv, a row for each region of the test.
    """
    from .evaluation.guard.report import Plan, make_guard

    path = network or folder / f"{recipe.name}.onnx"
    known = make_guard(recipe, folder, path, plan=Plan(**plan), crystals=dict(crystals))
    click.echo(f"false alarms: {known.false_alarms:.1%}")
    for kind, share in known.alarms.items():
        click.echo(f"{kind}: {share:.1%}")


@_step
@click.option("--numproc", "-n", "processes", type=click.IntRange(1), help=_NUMPROC)
@click.option("--scheduler", help=_SCHEDULER)
@click.option(
    "--dry-run",
    is_flag=True,
    help="Make nothing: estimate disk and hours, and say what is there.",
)
def make(recipe: Recipe, folder: Path, *, dry_run: bool, **work: Any) -> None:
    """Make the network of RECIPE in FOLDER: all steps, going on where they stopped."""
    if dry_run:
        from .forecast import forecast

        if work["scheduler"] is not None:
            raise click.UsageError("--dry-run measures this machine, no --scheduler.")
        click.echo(forecast(recipe, folder, work["processes"]))
        return
    from . import generation
    from .export import onnx_file
    from .train import loop

    generation.make_structures(recipe, folder, **work)
    generation.make_waves(recipe, folder, **work)
    loop.train(recipe, folder)
    click.echo(onnx_file.export(recipe, folder))
    _evaluate(recipe, folder)


def _evaluate(
    recipe: Recipe,
    folder: Path,
    networks: tuple[str, ...] = (),
    against: tuple[str, ...] = ("dose",),
    images: ImageParameters | None = None,
    *,
    averaged: bool = False,
    device: str | None = None,
) -> None:
    from .evaluation.report import report, table_of

    summary = report(
        recipe,
        folder,
        networks,
        images=images,
        against=against,
        averaged=averaged,
        device=device,
    )
    click.echo(table_of(summary, recipe.label.plotted))
