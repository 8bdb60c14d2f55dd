# SPDX-License-Identifier: GPL-3.0-or-later
"""Fine-tuning: from a network and a few labeled images to a network for them."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hrtemnn_training.evaluation.comparison import check_fit
from hrtemnn_training.export.cards import change_card
from hrtemnn_training.export.onnx_file import export
from hrtemnn_training.file_names import check_file_name
from hrtemnn_training.generation import data_path, make_structures, make_waves
from hrtemnn_training.recipe import read_recipe
from hrtemnn_training.store import DataSet
from hrtemnn_training.train.files import TrainingError
from hrtemnn_training.train.loop import train
from hyperspy_hrtemnn.atomic import check_replaceable, written_whole
from hyperspy_hrtemnn.jobs.labeled_images import pair_files, read_labeled_image
from hyperspy_hrtemnn.locks import locked
from hyperspy_hrtemnn.networks import load

from .card import AFTER, BEFORE, OTHERWISE, tuned_card, tuning_scores
from .frames import make_frames
from .mixed_lessons import MixedLessons
from .own_recipe import recipe_of, tuning_recipe
from .pictures import draw_left_out
from .scores import Judged
from .settings import TuningSettings
from .work_folder import begin, describe

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from hrtemnn_training.recipe import Recipe
    from hrtemnn_training.structures import Purpose
    from hyperspy_hrtemnn.networks import Card, Network


_SETS: tuple[Purpose, ...] = ("train", "validation")


@dataclass(frozen=True)
class Tuned:
    """A network that was fine-tuned, and what came of it.

    Parameters
    ----------
    path
        The ONNX file.
    folder
        What the training has left: ``history.csv``, ``left_out.png``, and more.
    scores
        What the card says of the fine-tuning.
    """

    path: Path
    folder: Path
    scores: dict[str, Any]


def finetune(
    network: str | Path,
    images: Path,
    labels: Path,
    out: Path,
    *,
    sampling: float | str | None = None,
    simulations: Path | None = None,
    recipe: Path | None = None,
    settings: TuningSettings | None = None,
    processes: int | None = None,
    force: bool = False,
    progress: bool = True,
) -> Tuned:
    """Train a network further on a few images that someone has labeled.

    Batches are one half crops of the images and one half simulations by the recipe of
    the network, so that what it knows is not forgotten. A part of the images is left
    out: it says when to stop, and how much better the network has become. A run that
    was stopped goes on from its last epoch when it is called again.

    Parameters
    ----------
    network
        Name of a shipped network, or path of an ONNX file that this package exported.
    images, labels
        Folders; an image and its label have the same stem. See `read_labeled_image`.
    out
        The ONNX file to write. The folder ``NAME_finetuning`` beside it, after its
        name, gets what the training leaves.
    sampling
        Pixel size of all images in place of the files', a number in Å or a text with a
        unit.
    simulations
        Folder of a run whose exit waves are used, and made where they are missing; by
        default ``simulations`` in the folder beside `out`.
    recipe
        File of the recipe of the network; by default the run's beside its file, or
        that of the package with the name that its card says.
    settings
        How it is trained.
    processes
        Processes that make simulations; as many as cores if None.
    force
        Whether to replace `out`, and what another fine-tuning has left beside it.
    progress
        Whether to show progress bars.

    Raises
    ------
    NetworkError
        If there is no such network.
    ValueError
        If the network, the images, the labels or the simulations do not fit each other,
        or `out` exists.
    TrainingError
        If the training did not make the left-out parts better; nothing is written then.
    """
    settings = settings or TuningSettings()
    name = _check_out(out, force=force)
    source = load(network, "cpu")
    _check_task(source.card)
    base = read_recipe(recipe) if recipe else recipe_of(source)
    _check_recipe(source, base)
    pairs = pair_files(images, labels)
    read = [read_labeled_image(*pair, sampling=sampling) for pair in pairs]
    frames = make_frames(read, base.label, source.card, settings)
    # What cannot be segmented is refused here, before the work.
    seen = Judged(source, frames, base)
    folder = out.with_name(f"{name}_finetuning")
    waves = simulations or folder / "simulations"
    with locked(out):
        tuned = tuning_recipe(base, settings, _sizes(waves, settings))
        files = [path for pair in pairs for path in pair]
        job = describe(
            source, tuned, settings, files=files, sampling=sampling, waves=waves
        )
        begin(folder, job, force=force)
        _simulate(tuned, waves, processes, progress=progress)
        lessons = MixedLessons(
            tuned, folder, waves, network=source, frames=frames, settings=settings
        )
        try:
            history = train(tuned, folder, lessons=lessons, progress=progress)
        except TrainingError as error:
            raise TrainingError(
                f"{error} A fine-tuning begins anew when {folder} is deleted."
            ) from error
        best = _best(history, lessons.before)
        result = load(export(tuned, folder), "cpu")
        found = Judged(result, frames, tuned)
        threshold = found.threshold(waves)
        shown = {BEFORE: (seen, source.card.unbiased_threshold)}
        if (other := seen.threshold_of_trained()) is not None:
            shown[OTHERWISE] = seen, other
        shown[AFTER] = found, threshold or result.card.unbiased_threshold
        losses = {BEFORE: lessons.before, AFTER: dict(history.iloc[best])}
        scores = tuning_scores(
            source,
            frames,
            structures=settings.train,
            epoch=best,
            losses=losses,
            judged=shown,
        )
        card = tuned_card(
            name, source, result.card, frames, threshold=threshold, scores=scores
        )
        draw_left_out(frames, shown, base.label.objects, folder / "left_out.png")
        change_card(result.path, lambda _: card)
        with written_whole(out) as temporary:
            shutil.copyfile(result.path, temporary)
    return Tuned(out, folder, scores)


def _check_out(out: Path, *, force: bool) -> str:
    """Return the name of the network to write; raise a ValueError if none can be."""
    if out.suffix != ".onnx":
        raise ValueError(f"--out is {out}; its name must end with .onnx.")
    try:
        name = check_file_name(out.stem)
    except ValueError as error:
        raise ValueError(f"--out is {out}: {error}.") from None
    check_replaceable(out)
    if os.path.lexists(out) and not force:
        raise ValueError(f"{out} exists; --force replaces it.")
    return name


def _check_task(card: Card) -> None:
    """Raise a ValueError if nobody can draw labels for a network."""
    if card.task != "segmentation":
        raise ValueError(
            f"{card.name!r} is for the task {card.task}, and nobody can draw its "
            "answer by hand; only networks of masks and of columns can be fine-tuned."
        )


def _check_recipe(network: Network, recipe: Recipe) -> None:
    """Raise a ValueError if a recipe is not that of a network."""
    card = network.card
    check_fit(card.name, network, recipe)
    if card.classes != recipe.classes or card.sampling != recipe.sampling:
        raise ValueError(
            f"{card.name!r} finds {', '.join(card.classes)} at {card.sampling:g} Å, "
            f"and the recipe {recipe.name!r} is for {', '.join(recipe.classes)} at "
            f"{recipe.sampling:g} Å; give the one it was trained by with --recipe."
        )


def _sizes(waves: Path, settings: TuningSettings) -> dict[Purpose, int]:
    """Return how many structures each set has: those that are there, or a few."""
    sizes: dict[Purpose, int] = {
        "train": settings.train,
        "validation": settings.validation,
    }
    for purpose, few in sizes.items():
        path = data_path(waves, purpose)
        if path.exists():
            # A larger set is that of a run, and stays as large.
            sizes[purpose] = max(few, len(DataSet(path, "a")))
    return sizes


def _simulate(
    recipe: Recipe, waves: Path, processes: int | None, *, progress: bool
) -> None:
    for make in (make_structures, make_waves):
        make(recipe, waves, purposes=_SETS, processes=processes, progress=progress)


def _best(history: pd.DataFrame, before: dict[str, float]) -> int:
    """Return the best epoch; raise a TrainingError if none was better than before."""
    best = int(history["validation_loss"].to_numpy().argmin())
    loss = history["validation_loss"].iloc[best]
    if not loss < before["validation_loss"]:
        raise TrainingError(
            f"None of {len(history)} epochs made the network better: the loss on what "
            f"was left out was {before['validation_loss']:.4g}, and is {loss:.4g} at "
            "best. Nothing was written. Look whether the labels fit the images, give "
            "more images, or more --minutes."
        )
    return best
