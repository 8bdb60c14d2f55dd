# SPDX-License-Identifier: GPL-3.0-or-later
"""Learning curves of a training: their picture, and the log that TensorBoard reads."""

from __future__ import annotations

import importlib.util
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hyperspy_hrtemnn.atomic import written_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    import pandas as pd


def plot_history(history: pd.DataFrame, path: Path, loss: str) -> None:
    """Draw the learning curves of a training into a picture.

    Parameters
    ----------
    history
        History from `train`.
    path
        Path of the picture.
    loss
        Name of the loss.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    epochs = history.index + 1
    left.plot(epochs, history["loss"], label="training")
    left.plot(epochs, history["validation_loss"], label="validation")
    # Some losses are negative, such as the cosine similarity.
    positive = (history[["loss", "validation_loss"]] > 0).all(axis=None)
    left.set(
        xlabel="epoch",
        ylabel=loss,
        yscale="log" if positive else "linear",
    )
    left.legend()
    if "validation_f1" in history:
        right.plot(epochs, history["validation_f1"], color="C1")
        right.set(ylabel="validation F1", ylim=(0, 1))
    else:
        right.plot(epochs, history["validation_rmse"], color="C1")
        right.set(ylabel="validation RMSE", yscale="log")
    right.set_xlabel("epoch")
    with written_whole(path) as temporary:
        figure.savefig(temporary, dpi=150)


@contextmanager
def tensorboard_log(
    folder: Path, epochs: int
) -> Iterator[Callable[[Mapping[str, float], int], None]]:
    """Give a function that logs the row of an epoch for TensorBoard.

    It writes into ``tensorboard`` in the folder where tensorboardX is installed (the
    extra `tensorboard`), and nothing where it is not. Keras' own callback is not used
    because it needs TensorFlow whatever the backend.

    Parameters
    ----------
    folder
        Folder of the run.
    epochs
        Epochs that are done; TensorBoard drops what an earlier run logged beyond them.
    """
    if importlib.util.find_spec("tensorboardX") is None:
        yield lambda *_: None
        return
    from tensorboardX import SummaryWriter

    with SummaryWriter(str(folder / "tensorboard"), purge_step=epochs) as writer:

        def log(row: Mapping[str, float], epoch: int) -> None:
            for name, value in row.items():
                writer.add_scalar(name, value, epoch)
            writer.flush()

        yield log
