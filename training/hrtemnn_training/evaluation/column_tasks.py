# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores of answers about atomic columns: where they are, and of how many atoms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hrtemnn_training.images.labels import pixel_label
from hrtemnn_training.images.site_labels import column_heights
from hrtemnn_training.scores import f1_score, rmse
from hyperspy_hrtemnn.analysis import find_columns

from .column_scores import atomic_scores, confusion, match, reach_of
from .pixel_tasks import ask_pixels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.networks import Network

    from .shots import Shot

_HALF = 0.5
_AROUND = 2.0  # an image, where columns may be matched but do not count [Å]


@dataclass(frozen=True)
class ColumnAnswer:
    """Columns that were found.

    Parameters
    ----------
    positions
        (row, column) in the pixels of the camera, shape (column, 2).
    classes
        Of each, shape (column,).
    probabilities
        What they were found in, shape (class, y, x), if there was such a thing.
    """

    positions: NDArray[np.floating]
    classes: NDArray[np.integer]
    probabilities: NDArray[np.floating] | None = None


@dataclass(frozen=True)
class AtomicColumns:
    """Where columns of each class are.

    Parameters
    ----------
    names
        Of the classes, without the background.
    """

    names: tuple[str, ...]
    plotted: ClassVar[tuple[str, ...]] = ("atomic_f1", "perfect", "position_error")

    def ask(self, network: Network, shot: Shot) -> ColumnAnswer:
        """Return the columns in a network's probabilities."""
        probabilities = ask_pixels(network, shot)[: len(self.names)]
        found = find_columns(probabilities)
        return ColumnAnswer(found.positions, found.classes, probabilities)

    def score(self, answer: ColumnAnswer, shot: Shot) -> dict[str, float]:
        """Return atomic F1, precision and recall, and the confusion of the classes.

        A column counts if it is at least the reach of a match away from the edges of
        the image. ``perfect`` is 1 where atomic F1 is exactly 1, so that its mean is
        the share of such images. The position error is the root mean square of the
        distances of matched columns [Å]. ``A as B`` is the number of columns of class A
        that were found as B, ``none`` for what is not there or was missed.
        """
        truth, true_classes = true_columns(shot)
        found = (answer.positions + 0.5) * shot.grid.pixel
        found_classes = answer.classes
        reach = reach_of(truth)
        pairs = match(found, truth, reach, found_classes, true_classes)
        matrix = confusion(
            pairs,
            found_classes,
            true_classes,
            len(self.names),
            found_counts=within(found, shot, reach),
            truth_counts=within(truth, shot, reach),
        )
        off = found[pairs[0]] - truth[pairs[1]]
        scores = atomic_scores(matrix, self.names)
        f1 = scores["atomic_f1"]
        scores |= {
            "perfect": f1 if np.isnan(f1) else float(f1 == 1),
            "position_error": float(np.sqrt(np.mean(np.sum(off**2, axis=1))))
            if len(off)
            else np.nan,
        }
        if answer.probabilities is not None:
            label = pixel_label(shot.sample, shot.parameters, shot.grid)
            true = np.moveaxis(label, -1, 0)[: len(self.names)] > _HALF
            scores["pixel_f1"] = f1_score(answer.probabilities > _HALF, true)
        if len(self.names) > 1:
            names = (*self.names, "none")
            scores |= {
                f"{true} as {other}": int(matrix[i, j])
                for i, true in enumerate(names)
                for j, other in enumerate(names)
                if (i, j) != (len(self.names),) * 2
            }
        return scores


def true_columns(shot: Shot) -> tuple[NDArray[np.float64], NDArray[np.integer]]:
    """Return place (y, x) and class of the columns in and just around an image.

    Places are from the upper left corner of the image [Å].
    """
    sites = shot.sample.sites
    positions = _places(shot)
    near = within(positions, shot, -_AROUND)
    return positions[near], sites.classes[near].astype(np.intp)


def _places(shot: Shot) -> NDArray[np.float64]:
    return np.asarray(shot.sample.sites.positions[:, ::-1] - shot.exposure.corner)


def within(
    positions: NDArray[np.floating], shot: Shot, margin: float
) -> NDArray[np.bool_]:
    """Return which places (y, x) are that far inside the image, all in Å."""
    size = np.asarray(shot.exposure.size)
    return np.asarray(
        np.all((positions >= margin) & (positions <= size - margin), axis=1)
    )


@dataclass(frozen=True)
class Heights:
    """Atoms in columns; an answer is a map of them, shape (1, y, x)."""

    plotted: ClassVar[tuple[str, ...]] = ("height_rmse", "height_accuracy")

    def ask(self, network: Network, shot: Shot) -> NDArray[np.float32]:
        """Return a network's answer."""
        return ask_pixels(network, shot)

    def score(self, answer: NDArray[np.floating], shot: Shot) -> dict[str, float]:
        """Return errors of the heights of the true columns, and of the pixels.

        The height of a column is the median over its disc; it is right if it rounds
        to the number of its atoms.
        """
        diameter = shot.parameters.spotsize
        label = column_heights(shot.sample.sites, diameter, shot.grid)
        scores = {"rmse": rmse(answer[0], label[..., 0])}
        truth = shot.sample.sites.heights[seen_columns(shot)]
        found = read_columns(answer[0], shot)
        if len(truth):
            scores["height_rmse"] = rmse(found, truth)
            scores["height_accuracy"] = float(np.mean(np.rint(found) == truth))
        return scores


def seen_columns(shot: Shot) -> NDArray[np.bool_]:
    """Return which columns of the sample have their whole disc in the image."""
    return within(_places(shot), shot, shot.parameters.spotsize / 2)


def read_columns(image: NDArray[np.floating], shot: Shot) -> NDArray[np.float64]:
    """Return the median of an image of the camera over the disc of each column."""
    positions = shot.sample.sites.positions[seen_columns(shot)]
    centers = np.rint(shot.grid.indices(positions)).astype(int)
    radius = shot.parameters.spotsize / 2
    side = int(np.ceil(radius / shot.pixel))
    window = np.mgrid[-side : side + 1, -side : side + 1].reshape(2, -1).T
    window = window[np.hypot(*window.T) * shot.pixel <= radius]
    rows, columns = np.moveaxis(centers[:, np.newaxis] + window, -1, 0)
    rows = np.clip(rows, 0, image.shape[0] - 1)
    columns = np.clip(columns, 0, image.shape[1] - 1)
    return np.asarray(np.median(image[rows, columns], axis=1))
