# SPDX-License-Identifier: GPL-3.0-or-later
"""Metrics of pixels: F1, precision, recall, RMSE, PSNR, SSIM."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def f1_score(predicted: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    """Return the pixel F1 score, equation 3.5 of the thesis.

    Parameters
    ----------
    predicted, truth
        Masks of the same shape.

    Returns
    -------
    From 0 to 1; nan where both masks are empty and F1 has no meaning.
    """
    both = np.count_nonzero(predicted & truth)
    either = np.count_nonzero(predicted) + np.count_nonzero(truth)
    return ratio(2 * both, either)


def precision_recall(
    predicted: NDArray[np.bool_], truth: NDArray[np.bool_]
) -> tuple[float, float]:
    """Return pixel precision and recall, equations 3.6 and 3.7 of the thesis.

    Parameters
    ----------
    predicted, truth
        Masks of the same shape.

    Returns
    -------
    Each from 0 to 1; nan where nothing was found, or nothing is there.
    """
    both = np.count_nonzero(predicted & truth)
    return (
        ratio(both, np.count_nonzero(predicted)),
        ratio(both, np.count_nonzero(truth)),
    )


def mean_f1(
    predicted: NDArray[np.floating], truth: NDArray[np.floating], threshold: float
) -> float:
    """Return the mean F1 of the images that show an object; nan if none does.

    Parameters
    ----------
    predicted, truth
        Probabilities, shape (image, ..., class).
    threshold
        Probability above which a pixel is found to be an object's.
    """
    values = [
        f1_score(found > threshold, true > 0.5)
        for found, true in zip(predicted, truth, strict=True)
        if (true > 0.5).any()
    ]
    return float(np.mean(values)) if values else float("nan")


def ratio(part: float | np.integer, whole: float | np.integer) -> float:
    """Return a share; nan of nothing."""
    return float(part) / float(whole) if whole else float("nan")


def rmse(
    predicted: NDArray[np.floating], truth: NDArray[np.floating | np.integer]
) -> float:
    """Return the root mean square error, the root of equation 2.6 of the thesis.

    Of a wave the mean is over real and imaginary part, as in publication I.

    Parameters
    ----------
    predicted, truth
        Arrays of the same shape.
    """
    return float(np.sqrt(np.mean((predicted - truth) ** 2)))


def psnr_and_ssim(
    predicted: NDArray[np.float32], truth: NDArray[np.float32]
) -> tuple[float, float]:
    """Return the peak signal-to-noise ratio [dB] and the structural similarity.

    The mean over the images; the range of the values is that of each true image.

    Parameters
    ----------
    predicted, truth
        Images of shape (image, y, x), at least 7 pixels each way.
    """
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity

    psnr, ssim = [], []
    for image, clean in zip(predicted, truth, strict=True):
        bounds = {"data_range": float(np.ptp(clean))}
        psnr.append(peak_signal_noise_ratio(clean, image, **bounds))  # type: ignore[no-untyped-call]
        ssim.append(structural_similarity(clean, image, **bounds))  # type: ignore[no-untyped-call]
    return float(np.mean(psnr)), float(np.mean(ssim))
