# SPDX-License-Identifier: GPL-3.0-or-later
"""Reconstruction of the exit wave from a focal series with known lenses."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.fft
from scipy.ndimage import fourier_gaussian

from hyperspy_hrtemnn.analysis.microscope.detector import (
    checked_mtf,
    share_undone,
    undo_mtf,
)
from hyperspy_hrtemnn.analysis.microscope.optics import transfer_function, wavelength
from hyperspy_hrtemnn.image_data import without_mask

from .alignment import align as align_images
from .alignment import ramp, refine
from .search import WaveSearch
from .vacuum import vacuum_value

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

    from hyperspy_hrtemnn.analysis.microscope.optics import Optics

# Iterations after which the images are registered again.
_REFINED_AFTER = (5, 15, 35)

# Drift for which the margin has room [Å].
_DRIFT = 10.0

# Frequencies with an envelope below this do not add to the margin.
_SEEN = 0.1


@dataclass(frozen=True)
class ExitWaveReconstruction:
    """An exit wave, and the errors and drifts of its reconstruction.

    Parameters
    ----------
    wave
        Exit wave, complex64, shape (y, x); 1 = vacuum.
    errors
        Root mean square difference of the amplitudes of the images and of those that
        the wave makes, one for each iteration; the amplitude in vacuum is 1.
    drift
        Drift (y, x) of the sample in each image, relative to the middle image [Å],
        shape (image, 2).
    """

    wave: NDArray[np.complex64]
    errors: NDArray[np.float64]
    drift: NDArray[np.float64]


def reconstruct_exit_wave(
    images: ArrayLike,
    sampling: float,
    optics: Sequence[Optics],
    *,
    iterations: int = 60,
    align: bool = True,
    margin: float | None = None,
    smoothing: float = 0.15,
    mtf: tuple[float, float] | None = None,
    callback: Callable[[int, float], None] | None = None,
) -> ExitWaveReconstruction:
    r"""Reconstruct the exit wave from a focal series with known lenses.

    Iterative wave function reconstruction: the wave is propagated to each image, its
    amplitude is replaced by the measured one, and it is propagated back, as Gerchberg
    and Saxton do between two planes. There are three additions.

    Partial coherence. With :math:`T_n` the transfer function of image n with its
    envelopes and :math:`w_n` its corrected wave, the waves are combined to the most
    probable one,

    .. math:: \psi = 1 + \frac{\sum_n T_n^* (w_n - T_n)}{\sum_n |T_n|^2 + \sigma^2 / S}

    so that a frequency is deconvolved as far as it is above the noise. The noise
    :math:`\sigma^2` is the difference between the images and those of the wave, and the
    power :math:`S` of each ring of frequencies is that of the wave, both updated at
    each iteration.

    Speed. This is the point to which the slowest step would go. A step here is as long
    as the sensitivity of the images to amplitude and phase allows (`WeakObject`), and
    continues in the direction of the last step while the error falls. Without these,
    long wavelengths take thousands of iterations.

    Drift. Each image is registered to the one that the wave makes; see `alignment`.

    Focal spread. It damps the wave by the temporal envelope, for the iterations know
    the wave linearly; images add up over focus, and what this adds to them is left.

    Images do not show the constant phase of the wave. It is set to 0, and the amplitude
    to 1, in the vacuum, or where the wave is flattest; see `vacuum_value`.

    Parameters
    ----------
    images
        Intensities in any unit, shape (image, y, x), two or more, in the order of
        their defocus.
    sampling
        Pixel size [Å].
    optics
        Energy and lenses of each image.
    iterations
        Number of times that the wave is corrected by all images. Noisy images need 30;
        the long wavelengths of a series over 10 nm without noise need hundreds.
    align
        Whether the images have drifted. Each is registered to the image that the wave
        of those nearer to the middle one makes. With steps longer than 20 nm this wave
        may be too uncertain, and a wrong drift may be found; the errors are then higher
        at the end than without alignment.
    margin
        Width of the border that is reconstructed beyond the images, because a defocused
        image shows its surroundings, and cut off at the end [Å]. The default is the
        distance to which the largest defocus carries what the lenses transfer, and 10 Å
        for the drift; 0 for periodic images.
    smoothing
        Standard deviation of the Gaussian with which the wave is convolved at the end
        [Å]: 15 pm by default, as in publication I and for the networks.
    mtf
        c0, the half-maximum in Nyquist frequencies, and c3, the steepness, of the
        detector's MTF (thesis, equation 1.25), which is removed from the images first;
        by default there is no MTF.
    callback
        Function that is called after each iteration with its number, from 1, and its
        error.

    Raises
    ------
    ValueError
        If the number of images is not that of `optics` or is one, a number is out of
        range, or an image has NaN or infinite pixels, or no intensity.

    References
    ----------
    L. J. Allen, W. McBride, N. L. O'Leary, M. P. Oxley, Exit wave reconstruction at
    atomic resolution, Ultramicroscopy 100, 91 (2004). B. O'Donoghue, E. Candès,
    Adaptive restart for accelerated gradient schemes, Found. Comput. Math. 15, 715
    (2015). Publication I, section 2, for the smoothing.
    """
    if not (sampling > 0 and math.isfinite(sampling)) or iterations < 1:
        raise ValueError(
            "sampling has to be positive and iterations at least 1, not "
            f"{sampling} and {iterations}."
        )
    if mtf is not None:
        checked_mtf(mtf)
    if smoothing < 0 or (margin is not None and margin < 0):
        raise ValueError(
            f"smoothing and margin cannot be negative, not {smoothing} and {margin}."
        )
    amplitudes = _amplitudes(images, len(optics), mtf)
    height, width = amplitudes.shape[1:]
    noisy = 1.0 if mtf is None else share_undone((height, width), *mtf)
    beyond = margin
    if beyond is None:
        beyond = _reach(optics, sampling) + (_DRIFT if align else 0)
    shape = tuple(
        scipy.fft.next_fast_len(n + math.ceil(beyond / sampling)) if beyond else n
        for n in (height, width)
    )
    extent = (shape[0] * sampling, shape[1] * sampling)
    transfer = np.stack([transfer_function(shape, extent, o) for o in optics])
    drift = np.zeros((len(optics), 2))
    if align:
        drift += align_images(amplitudes, transfer, extent, sampling, noisy)
    search = WaveSearch(amplitudes, transfer, extent, noisy)
    errors = np.zeros(iterations)
    for number in range(1, iterations + 1):
        errors[number - 1] = search.step()
        if align and number in _REFINED_AFTER:
            drift += refine(search, extent, sampling)
        if callback is not None:
            callback(number, errors[number - 1])
    # The wave has the mean position of the images; it is moved to that of the middle
    # one.
    middle = drift[len(drift) // 2].copy()
    moved = search.spectrum * ramp(shape, extent, middle)
    smooth = fourier_gaussian(moved, smoothing / sampling)
    wave = scipy.fft.ifft2(smooth, norm="forward", workers=-1)[:height, :width]
    return ExitWaveReconstruction(
        wave=np.asarray(wave / vacuum_value(wave, sampling), np.complex64),
        errors=errors,
        drift=drift - middle,
    )


def _amplitudes(
    images: ArrayLike, count: int, mtf: tuple[float, float] | None
) -> NDArray[np.float32]:
    """Return the amplitudes of valid images, their mean intensity set to 1."""
    stack: NDArray[Any] = without_mask(images)
    if stack.ndim != 3 or len(stack) != count or count < 2:
        raise ValueError(
            "A focal series of two images or more, shape (image, y, x), is needed, and "
            f"the lenses of each image; there are {count} lenses, and the images have "
            f"the shape {stack.shape}."
        )
    stack = stack.astype(np.float32)
    for number, image in enumerate(stack):
        if not np.isfinite(image).all() or image.mean() <= 0:
            raise ValueError(
                f"Image {number} of the series has NaN or infinite pixels, or no "
                "intensity. Replace the pixels, for example by the median of their "
                "neighbors, or leave the image out."
            )
    if mtf is not None:
        stack = np.stack([undo_mtf(image, *mtf) for image in stack])
    # Deconvolution can make noise negative.
    stack = np.maximum(stack, 0) / stack.mean(axis=(1, 2), keepdims=True)
    return np.asarray(np.sqrt(stack), np.float32)


def _reach(optics: Sequence[Optics], sampling: float) -> float:
    """Return how far the lenses displace what they transfer [Å]."""
    count = 400
    frequency = scipy.fft.rfftfreq(count, sampling)
    line = ((1, count), (1.0, count * sampling))
    reach = 0.0
    for lenses in optics:
        passed = np.abs(transfer_function(*line, lenses)[0, : len(frequency)]) > _SEEN
        farthest = float(frequency[passed].max())
        reach = max(reach, abs(lenses.defocus) * wavelength(lenses.energy) * farthest)
    return reach
