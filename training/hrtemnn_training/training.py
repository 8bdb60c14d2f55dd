# SPDX-License-Identifier: GPL-3.0-or-later
"""Training a recipe's network: epoch after epoch, resumable, the best one kept."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import keras
import numpy as np
import pandas as pd

from .architectures.networks import make_network
from .batches import ImageEpoch, cache_path, pixel_weights
from .generation import data_path
from .scores import f1_score
from .store import DataSet
from .whole_files import written_whole

if TYPE_CHECKING:
    from pathlib import Path

    from .recipe import Recipe

_THRESHOLD = 0.9  # of the noise paper


class TrainingError(RuntimeError):
    """A training that cannot go on, and why."""


def train(recipe: Recipe, folder: Path, *, progress: bool = True) -> pd.DataFrame:
    """Train the network of a recipe, from where an earlier run stopped.

    After each epoch ``last.keras`` (weights and optimizer) and ``history.csv`` are
    written whole, ``best.keras`` where the validation loss is the lowest of the stage
    so far, and ``history.png`` with the learning curves.

    Parameters
    ----------
    recipe
        Network, images and stages.
    folder
        Of the run, with the exit waves.
    progress
        Whether Keras shows its progress bar.

    Returns
    -------
    One row an epoch: loss, learning_rate, validation_loss, and validation_f1 or, where
    the label is a regression, validation_rmse.

    Raises
    ------
    StoreError
        If exit waves are missing.
    TrainingError
        If the loss is not finite, or the folder was trained by another recipe.
    """
    settings = recipe.training
    keras.mixed_precision.set_global_policy(settings.precision)
    keras.utils.set_random_seed(recipe.seed)
    data = {p: DataSet(data_path(folder, p)) for p in ("train", "validation")}
    _claim(folder, recipe)
    history = _read_history(folder, recipe)
    model = _resume(folder, len(history)) or _new_model(recipe)
    truth = _validation_set(recipe, data["validation"])

    for epoch in range(len(history), settings.epochs):
        stage, rate = settings.at(epoch)
        model.optimizer.learning_rate = rate
        images = ImageEpoch(
            data["train"],
            recipe.images_of(stage),
            energy=recipe.waves.energy,
            sampling=recipe.sampling,
            epoch=epoch,
            batch_size=settings.batch_size,
            object_weight=stage.object_weight,
            cache=cache_path(folder),
        )
        fitted = model.fit(
            images, initial_epoch=epoch, epochs=epoch + 1, verbose=1 if progress else 0
        )
        loss = float(fitted.history["loss"][0])
        if not math.isfinite(loss):
            raise TrainingError(
                f"The loss of epoch {epoch + 1} is {loss}. Lower the learning rate; "
                "the last good epoch is kept, and training goes on from there."
            )
        row = {
            "loss": loss,
            "learning_rate": rate,
            **_validate(model, truth, recipe, stage.object_weight),
        }
        # Losses of stages with other weights cannot be compared: the last one's count.
        best = history["validation_loss"].iloc[settings.start(epoch) :].min()
        history.loc[epoch] = row
        if not best <= row["validation_loss"]:  # nan for the first of a stage
            _save(model, folder / "best.keras")
        _save(model, folder / "last.keras")
        _write(folder / "history.csv", history.to_csv(index_label="epoch"))
        plot_history(history, folder / "history.png", recipe.images.loss)
    return history


def _claim(folder: Path, recipe: Recipe) -> None:
    """Refuse to go on with a training that another recipe began."""
    path = folder / "recipe.json"
    if path.exists():
        # Keys that are newer than the file have their defaults in it.
        other = type(recipe).model_validate_json(path.read_text(encoding="utf-8"))
        if other != recipe:
            raise TrainingError(
                f"{folder} was trained by a recipe that differs; choose another "
                "folder, or delete recipe.json, history.csv and *.keras in it."
            )
    else:
        _write(path, recipe.model_dump_json(indent=2))


def _read_history(folder: Path, recipe: Recipe) -> pd.DataFrame:
    path = folder / "history.csv"
    if path.exists():
        return pd.read_csv(path, index_col="epoch")
    score = "rmse" if recipe.images.activation == "linear" else "f1"
    columns = ["loss", "learning_rate", "validation_loss", f"validation_{score}"]
    return pd.DataFrame(columns=columns, dtype=float)


def _new_model(recipe: Recipe) -> keras.Model:
    model = network_of(recipe)
    optimizer = keras.optimizers.Adam(amsgrad=True)
    model.compile(optimizer=optimizer, loss=recipe.images.loss)
    return model


def network_of(recipe: Recipe) -> keras.Model:
    """Return the recipe's network, not trained, with the channels of its images."""
    return make_network(
        recipe.network,
        channels=recipe.images.channels,
        classes=recipe.images.num_classes,
        activation=recipe.images.activation,
    )


def _resume(folder: Path, epochs: int) -> keras.Model | None:
    path = folder / "last.keras"
    return keras.saving.load_model(path) if epochs and path.exists() else None


def _validation_set(recipe: Recipe, data: DataSet) -> tuple[np.ndarray, ...]:
    """Return the same images after every epoch, of structures not trained on."""
    images = ImageEpoch(
        data,
        recipe.images,
        energy=recipe.waves.energy,
        sampling=recipe.sampling,
        epoch=0,
        batch_size=min(recipe.training.validation_images, len(data)),
        augment=False,
    )
    return images[0]


def _validate(
    model: keras.Model,
    truth: tuple[np.ndarray, ...],
    recipe: Recipe,
    object_weight: float,
) -> dict[str, float]:
    images, labels = truth
    parameters = recipe.images
    predicted = model.predict(images, batch_size=8, verbose=0)
    if parameters.activation == "linear":
        error = float(np.mean((predicted - labels) ** 2))
        return {"validation_loss": error, "validation_rmse": math.sqrt(error)}
    classes = parameters.num_classes
    loss = keras.losses.get(parameters.loss)(
        labels.reshape(-1, classes),
        np.clip(predicted.reshape(-1, classes), 1e-7, 1 - 1e-7),
    )
    weights = pixel_weights(labels, parameters.objects, object_weight)
    objects = slice(parameters.objects)
    scores = [
        f1_score(p[..., objects] > _THRESHOLD, y[..., objects] > 0.5)
        for p, y in zip(predicted, labels, strict=True)
        if (y[..., objects] > 0.5).any()
    ]
    return {
        "validation_loss": float(
            np.mean(weights.ravel() * keras.ops.convert_to_numpy(loss))
        ),
        "validation_f1": float(np.mean(scores)),
    }


def plot_history(history: pd.DataFrame, path: Path, loss: str) -> None:
    """Draw the learning curves of a training into a picture.

    Parameters
    ----------
    history
        From `train`.
    path
        Of the picture.
    loss
        Name of the loss.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    epochs = history.index + 1
    left.plot(epochs, history["loss"], label="training")
    left.plot(epochs, history["validation_loss"], label="validation")
    left.set(xlabel="epoch", ylabel=loss.replace("_", " "), yscale="log")
    left.legend()
    if "validation_f1" in history:
        right.plot(epochs, history["validation_f1"], color="C1")
        right.set(ylabel=f"validation F1 at p > {_THRESHOLD}", ylim=(0, 1))
    else:
        right.plot(epochs, history["validation_rmse"], color="C1")
        right.set(ylabel="validation RMSE", yscale="log")
    right.set_xlabel("epoch")
    with written_whole(path) as temporary:
        figure.savefig(temporary, dpi=150)


def _save(model: keras.Model, path: Path) -> None:
    with written_whole(path) as temporary:
        model.save(temporary)


def _write(path: Path, text: str) -> None:
    with written_whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
