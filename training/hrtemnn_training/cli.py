# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps from a recipe to a network, as commands of `hrtemnn`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .recipe import Recipe, RecipeError, read_recipe

if TYPE_CHECKING:
    from collections.abc import Callable


class _RecipeFile(click.ParamType):  # type: ignore[type-arg]
    """A recipe, read and checked before anything starts."""

    name = "recipe"

    def convert(self, value: Any, param: Any, ctx: Any) -> Recipe:  # noqa: ARG002
        try:
            return read_recipe(value)
        except RecipeError as error:
            raise click.ClickException(str(error)) from None


_NUMPROC = "Processes; as many as cores if unset."
_SCHEDULER = "Address of a dask.distributed cluster to work on instead."


def _step(function: Callable[..., Any]) -> click.Command:
    """Give a command its recipe and its run folder, and turn errors into one line."""
    name = function.__name__

    @click.command(name, help=function.__doc__)
    @click.argument("recipe", type=_RecipeFile())
    @click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
    def command(**options: Any) -> None:
        try:
            function(**options)
        except (OSError, RuntimeError, ValueError) as error:
            raise click.ClickException(str(error)) from error

    command.params += getattr(function, "__click_params__", [])[::-1]
    return command


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


@_step
def train(recipe: Recipe, folder: Path) -> None:
    """Train the network of RECIPE on the exit waves in FOLDER."""
    from . import training

    training.train(recipe, folder)


@_step
@click.option("--cache", is_flag=True, help="Form all images of the training, too.")
def images(recipe: Recipe, folder: Path, cache: bool) -> None:
    """Draw training images with their labels into FOLDER/debug, to look at.

    As many as the key debug of the recipe says. Training forms its images when it needs
    them first and keeps them; --cache forms them beforehand, for a GPU not to wait.
    """
    from . import batches, pictures

    click.echo(pictures.draw_images(recipe, folder))
    if cache:
        batches.form_images(recipe, folder)


@_step
def export(recipe: Recipe, folder: Path) -> None:
    """Write the best epoch of the training in FOLDER as an ONNX file."""
    from . import export as exporting

    click.echo(exporting.export(recipe, folder))


@_step
@click.argument("networks", nargs=-1)
@click.option(
    "--against",
    multiple=True,
    default=("dose",),
    show_default=True,
    help="Condition in whose bins the scores are given: dose, defocus, sampling, ...",
)
def evaluate(
    recipe: Recipe, folder: Path, networks: tuple[str, ...], against: tuple[str, ...]
) -> None:
    """Score networks, and their rivals without one, on the test structures in FOLDER.

    What is scored follows from the label of RECIPE. Without NETWORKS the exported
    network of FOLDER: evaluation.csv, .json and .png go into FOLDER and the scores into
    its card. NETWORKS, by name or path, are compared on the same images in
    comparison.csv, .json and .png.
    """
    _evaluate(recipe, folder, networks, against)


@_step
@click.option("--numproc", "-n", "processes", type=click.IntRange(1), help=_NUMPROC)
@click.option("--scheduler", help=_SCHEDULER)
def make(recipe: Recipe, folder: Path, **work: Any) -> None:
    """Make the network of RECIPE in FOLDER: all steps, going on where they stopped."""
    from . import export as exporting
    from . import generation, training

    generation.make_structures(recipe, folder, **work)
    generation.make_waves(recipe, folder, **work)
    training.train(recipe, folder)
    click.echo(exporting.export(recipe, folder))
    _evaluate(recipe, folder)


def _evaluate(
    recipe: Recipe,
    folder: Path,
    networks: tuple[str, ...] = (),
    against: tuple[str, ...] = ("dose",),
) -> None:
    from .evaluation_report import report, table_of
    from .tasks import task_of

    summary = report(recipe, folder, networks, against=against)
    click.echo(table_of(summary, task_of(recipe).plotted))
