# SPDX-License-Identifier: GPL-3.0-or-later
"""Command `hrtemnn finetune`: a network that learns from a few labeled images."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from hrtemnn_training.recipe import RecipeError
from hrtemnn_training.stops import explain
from hyperspy_hrtemnn.command_options import FILE, sampling_option

from .settings import TuningSettings

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.argument("network")
@click.option(
    "--images",
    required=True,
    type=_FOLDER,
    help="Folder of images, or focal series, that HyperSpy reads.",
)
@click.option(
    "--labels",
    required=True,
    type=_FOLDER,
    help="Folder of their labels, each named as its image: masks (0 = background), "
    ".zip files of outlines of ImageJ, or for columns .csv files with x and y.",
)
@click.option("--out", required=True, type=FILE, help="The .onnx file to write.")
@sampling_option
@click.option(
    "--minutes",
    type=float,
    default=TuningSettings.minutes,
    show_default=True,
    help="Longest time of the training; simulations are made before it.",
)
@click.option(
    "--simulations",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of a run of the recipe, whose exit waves are used, or made if there "
    "are none; by default they are made beside OUT.",
)
@click.option(
    "--recipe",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Recipe of NETWORK; by default that of the package, or of the run.",
)
@click.option(
    "--numproc",
    "-n",
    "processes",
    type=click.IntRange(1),
    help="Processes that make simulations; as many as cores if unset.",
)
@click.option("--force", is_flag=True, help="Replace OUT and another fine-tuning.")
def finetune(
    *,
    network: str,
    images: Path,
    labels: Path,
    out: Path,
    sampling: str | None,
    minutes: float,
    simulations: Path | None,
    recipe: Path | None,
    processes: int | None,
    force: bool,
) -> None:
    """Train NETWORK further on a few images of your own.

    NETWORK is a name or a file that this package has exported. Every step sees your
    images and simulations. A quarter of your images is left out and says how much
    better the network becomes. The same command goes on where it was stopped.
    """
    from .tune import finetune as tune

    folder = out.with_name(f"{out.stem}_finetuning")
    try:
        tuned = tune(
            network,
            images,
            labels,
            out,
            sampling=sampling,
            simulations=simulations,
            recipe=recipe,
            settings=TuningSettings(minutes=minutes),
            processes=processes,
            force=force,
        )
    except KeyboardInterrupt as stop:
        click.echo(f"\n{explain(stop, 'finetune', folder)}", err=True)
        sys.exit(130)
    except (RuntimeError, RecipeError, ValueError, OSError, MemoryError) as error:
        line = explain(error, "finetune", folder)
        raise click.ClickException(line or str(error)) from error
    for title, scores in tuned.scores.items():
        if isinstance(scores, dict):
            values = ", ".join(f"{k} {v}" for k, v in scores.items())
            click.echo(f"{title}: {values}")
    click.echo(tuned.path)
