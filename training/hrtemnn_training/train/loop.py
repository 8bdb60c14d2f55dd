# SPDX-License-Identifier: GPL-3.0-or-later
"""Training loop: epoch after epoch, resumable, the best network kept."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pandas as pd
from tqdm import tqdm

from .files import (
    TrainingError,
    claim,
    read_history,
    restore_last,
    save_network,
    write_history,
)
from .learning_curves import plot_history, tensorboard_log
from .lessons import Lessons

if TYPE_CHECKING:
    from pathlib import Path

    from hrtemnn_training.recipe import Recipe

    from .batches import ImageEpoch
    from .distillation import Teacher


def train(
    recipe: Recipe,
    folder: Path,
    *,
    save_every: int | None = None,
    lessons: Lessons | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Train the network of a recipe, from where an earlier run stopped.

    A run that is stopped, or killed in the middle of an epoch, goes on after the last
    whole one, and gives the weights that an unbroken run gives on the same machine.

    After each epoch ``history.csv``, ``history.png`` with the learning curves and
    ``last.keras`` (weights and optimizer) are written whole, and ``best.keras`` where
    the validation loss is the lowest of the stage so far; ``tensorboard`` holds the
    same rows where tensorboardX is installed.

    Parameters
    ----------
    recipe
        Network, images and stages.
    folder
        Folder of the run, with the exit waves.
    save_every
        Keep the network of every so many epochs, as ``epoch-0010.keras``.
    lessons
        What it learns from; the simulations of the recipe if None.
    progress
        Whether to show a progress bar, with the time left for all epochs.

    Returns
    -------
    One row an epoch: loss, learning_rate, data_wait (share of the time in which the
    network waited for images), validation_loss, and validation_f1 or, where the label
    is a regression, validation_rmse.

    Raises
    ------
    StoreError
        If exit waves are missing.
    TrainingError
        If a loss is not finite, there are not enough structures for one batch, or the
        folder was trained by another recipe.
    """
    settings = recipe.training
    keras.mixed_precision.set_global_policy(settings.precision)
    keras.utils.set_random_seed(recipe.seed)
    lessons = lessons or Lessons(recipe, folder)
    steps = len(lessons.batches(0))
    if not steps:
        raise TrainingError(
            f"There are fewer structures than the {settings.batch_size} images of a "
            "batch; make training.batch_size smaller, or size.train or "
            "training.limit_data larger."
        )
    claim(folder, recipe)
    model = lessons.new_model()
    restore_last(model, folder)
    # The history may be ahead of the network: the network is written last.
    done = int(model.optimizer.iterations.numpy()) // steps
    history = read_history(folder, done)
    if done == settings.epochs:
        return history

    bar = tqdm(
        total=settings.epochs * steps,
        initial=done * steps,
        unit="batch",
        disable=not progress,
    )
    with bar, tensorboard_log(folder, done) as log:
        for epoch in range(done, settings.epochs):
            if lessons.is_over(history):
                break
            bar.set_description(f"epoch {epoch + 1} of {settings.epochs}")
            _, rate = settings.at(epoch)
            model.optimizer.learning_rate = rate
            images, teacher = lessons.batches(epoch), lessons.teacher(epoch)
            loss, waited = train_epoch(model, images, bar, teacher)
            _must_be_finite("loss", loss, epoch)
            metrics = lessons.validate(model, epoch)
            _must_be_finite("validation loss", metrics["validation_loss"], epoch)
            row = {"loss": loss, "learning_rate": rate, "data_wait": waited, **metrics}
            history = pd.concat([history, pd.DataFrame(row, index=[epoch])])
            # Losses of stages with other weights cannot be compared: this one's count.
            of_stage = history["validation_loss"].iloc[settings.start(epoch) :]
            if of_stage.idxmin() == epoch:
                save_network(model, folder / "best.keras")
            if save_every and (epoch + 1) % save_every == 0:
                save_network(model, folder / f"epoch-{epoch + 1:04d}.keras")
            write_history(history, folder)
            plot_history(history, folder / "history.png", recipe.loss_name)
            log(row, epoch)
            save_network(model, folder / "last.keras")
    return history


def train_epoch(
    model: keras.Model,
    images: ImageEpoch,
    bar: tqdm[Any],
    teacher: Teacher | None = None,
) -> tuple[float, float]:
    """Train a network on all batches of an epoch, or until the loss is not finite.

    Parameters
    ----------
    model
        Compiled.
    images
        The batches.
    bar
        Progress in batches; shows the loss and the share of time waited.
    teacher
        Network whose predictions are a part of the labels, if any.

    Returns
    -------
    Mean of the loss, and share of the time in which the network waited for images.
    """
    losses = []
    waited = 0.0
    start = asked = time.perf_counter()
    for batch in images.ahead():
        waited += time.perf_counter() - asked
        told = batch if teacher is None else teacher.relabel(*batch)
        losses.append(float(model.train_on_batch(*told)))
        asked = time.perf_counter()
        share = waited / (asked - start)
        bar.set_postfix(loss=f"{np.mean(losses):.4g}", wait=f"{share:.0%}")
        bar.update()
        if not math.isfinite(losses[-1]):
            break
    return float(np.mean(losses)), waited / (time.perf_counter() - start)


def _must_be_finite(name: str, loss: float, epoch: int) -> None:
    if not math.isfinite(loss):
        raise TrainingError(
            f"The {name} of epoch {epoch + 1} is {loss}. Lower the learning rate of "
            "its stage and begin anew with `hrtemnn train --restart`; until then the "
            "networks of the epochs before are kept."
        )
