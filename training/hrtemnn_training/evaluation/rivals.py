# SPDX-License-Identifier: GPL-3.0-or-later
"""What does without a network: the honest rivals, tuned on validation images.

They see the same standardized images as the network and answer in the same form.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.ndimage import gaussian_filter

from hrtemnn_training.images.wave_label import exit_wave
from hrtemnn_training.scores import rmse

from .column_rivals import tune_matched_filter
from .column_tasks import AtomicColumns, Heights
from .height_rival import fit_heights
from .mask_rival import tune_threshold
from .mask_task import Masks
from .pixel_tasks import CleanImages, ExitWaves
from .tasks import ImageClasses, ImageValues
from .zone_axis import ZoneAxes, tune_brightness_ratio

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from hrtemnn_training.store import DataSet

    from .shots import Shot
    from .tasks import Task

    Rival = Callable[[Shot], Any]

_FILTERS = tuple(np.geomspace(0.1, 3.0, 16))
"""Standard deviations of the Gaussian filters of clean images [Å]."""


def rivals_of(
    task: Task, validation: Sequence[Shot], data: DataSet, rng: np.random.Generator
) -> dict[str, Rival]:
    """Return the rivals of a network, by name.

    Parameters
    ----------
    task
        What is asked.
    validation
        Images to tune them on, of no structure they are scored on.
    data
        The test set, whose waves are scrambled.
    rng
        Source of the scrambling.
    """
    rivals: dict[str, Rival] = {}
    match task:
        case Masks():
            rivals["threshold"] = tune_threshold(task, validation)
        case AtomicColumns():
            rivals["matched filter"] = tune_matched_filter(validation)
        case Heights():
            rivals["fitted brightness"] = fit_heights(validation)
        case ExitWaves():
            rivals["constant wave"] = constant_wave
            if len(data) > 1:  # one wave cannot be exchanged with another
                rivals["Y-scramble"] = scramble(data, rng)
        case CleanImages():
            rivals["Gaussian filter"] = tune_filter(task, validation)
        case ZoneAxes():
            rivals["brightness ratio"] = tune_brightness_ratio(task, validation)
        case ImageClasses():
            rivals["most common"] = most_common(task, validation)
        case ImageValues():
            rivals["mean"] = mean_value(task, validation)
    return rivals


def constant_wave(shot: Shot) -> NDArray[np.float32]:
    """Return the wave of the vacuum, shape (2, y, x)."""
    wave = np.zeros((2, *shot.grid.shape), np.float32)
    wave[0] = 1
    return wave


def scramble(data: DataSet, rng: np.random.Generator) -> Rival:
    """Return the Y-scramble of publication I: the true wave of another structure."""
    steps = rng.integers(1, len(data), len(data))

    def rival(shot: Shot) -> NDArray[np.float32]:
        other = data.read_sample(int(shot.index + steps[shot.index]) % len(data))
        return np.moveaxis(exit_wave(other.wave, other.extent, shot.grid), -1, 0)

    return rival


def tune_filter(task: CleanImages, validation: Sequence[Shot]) -> Rival:
    """Return the Gaussian filter with the least mean RMSE."""
    truths = [task.truth(shot) for shot in validation]

    def error(width: float) -> float:
        pairs = zip(validation, truths, strict=True)
        return float(np.mean([rmse(_smooth(s, width), truth) for s, truth in pairs]))

    width = min(_FILTERS, key=error)
    return lambda shot: _smooth(shot, width)


def _smooth(shot: Shot, width: float) -> NDArray[np.float32]:
    sigma = width / shot.sampling
    return np.stack([gaussian_filter(image, sigma) for image in shot.standardized])


def mean_value(task: ImageValues, validation: Sequence[Shot]) -> Rival:
    """Return the mean of the values, whatever the image."""
    mean = np.mean([task.truth(shot) for shot in validation], axis=0)
    return lambda _: mean


def most_common(task: ImageClasses, validation: Sequence[Shot]) -> Rival:
    """Return the most common class, whatever the image."""
    counts = Counter(int(task.truth(shot).argmax()) for shot in validation)
    answer = np.zeros(len(task.parameters.categories), np.float32)
    answer[counts.most_common(1)[0][0]] = 1
    return lambda _: answer
