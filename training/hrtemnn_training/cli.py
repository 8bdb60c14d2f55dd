# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps from a recipe to a network, as commands of `hrtemnn`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .recipe import Recipe, RecipeError, read_recipe
from .whole_files import written_whole

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


@_step
def structures(recipe: Recipe, folder: Path) -> None:
    """Draw the structures of RECIPE into FOLDER."""
    from . import generation

    generation.make_structures(recipe, folder)


@_step
@click.option("--workers", "-n", type=int, help="Processes; as many as cores if unset.")
@click.option("--scheduler", help="Address of a dask.distributed cluster.")
def waves(
    recipe: Recipe, folder: Path, workers: int | None, scheduler: str | None
) -> None:
    """Compute the exit waves of the structures in FOLDER."""
    from . import generation

    generation.make_waves(recipe, folder, workers=workers, scheduler=scheduler)


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
@click.option(
    "--network",
    "path",
    help="Another network, by name or path, on the same images; its card stays.",
)
def evaluate(recipe: Recipe, folder: Path, path: str | None) -> None:
    """Score the exported network on the test structures in FOLDER.

    Writes evaluation.csv, evaluation.json and evaluation.png into FOLDER, and the
    scores into the card of FOLDER/NAME.onnx.
    """
    import json

    from hyperspy_hrtemnn.networks import load

    from . import evaluation
    from .export import write_scores

    own = folder / f"{recipe.name}.onnx"
    network = load(path or own)
    table = evaluation.evaluate(recipe, folder, network)
    scores = evaluation.summarize(table)
    stem = f"evaluation-{network.card.name}" if path else "evaluation"
    with written_whole(folder / f"{stem}.csv") as temporary:
        table.to_csv(temporary, index=False)
    text = json.dumps(scores, indent=2)
    with written_whole(folder / f"{stem}.json") as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")
    evaluation.plot_scores(table, folder / f"{stem}.png")
    if not path:
        write_scores(own, scores)
    click.echo(text)
