# SPDX-License-Identifier: GPL-3.0-or-later
"""Local Fourier transform of one particle, cut out of its image with a soft edge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import fft

from hyperspy_hrtemnn.image_data import without_mask

from .boxes import boxes
from .crop import centroid, edge_width, smallest_crop_size

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import ArrayLike, NDArray


def local_spectrum(
    image: ArrayLike,
    mask: ArrayLike | None = None,
    *,
    size: tuple[int, int],
    apodization: float,
) -> NDArray[np.float32]:
    r"""Return the amplitude of the Fourier transform of one particle.

    With :math:`w` the mask convolved with a Gaussian of standard deviation
    `apodization` and :math:`\bar I` the mean of the image weighted by :math:`w`, the
    result is

    .. math:: A(k) = \frac{|\sum_r w(r) (I(r) - \bar I) e^{-2 \pi i k r}|}{\sum_r w(r)}

    so that it does not depend on `size` or on the area of the particle: fringes
    :math:`a \cos(2 \pi g r)` all over the particle have a reflection of height
    :math:`a / 2` at :math:`g`, and there is no peak of the mean at zero. The window is
    1/2 at the edge of the particle and 2 % two apodizations outside. Pixels of the mask
    closer than this to the border of the image, or of the crop, are left out of
    :math:`w`, because an edge that is cut would make streaks.

    Parameters
    ----------
    image
        One image, shape (y, x). Pixels without data (NaN) have no weight.
    mask
        True on the particle, shape (y, x); by default the whole image.
    size
        Shape (y, x) of the crop and of the result [pixels], more than 4 apodizations.
        The crop is centered on the centroid of the mask and is empty beyond the image.
    apodization
        Standard deviation of the Gaussian [pixels]; 0 for a hard edge.

    Returns
    -------
    Amplitudes, float32, of the shape `size`. Zero frequency is at the index ``n // 2``
    of each axis, the step is 1/n cycles per pixel. All are zero if the mask is empty or
    all of it lies too close to the border of the image.

    Raises
    ------
    ValueError
        If image and mask differ in shape, or an option is out of range.

    References
    ----------
    Thesis, section 6.1, menu item 2.
    """
    picture = without_mask(image)
    if picture.ndim != 2:
        raise ValueError(f"One image of shape (y, x) is needed, not {picture.shape}.")
    where = np.ones(picture.shape, bool) if mask is None else np.asarray(mask, bool)
    if where.shape != picture.shape:
        raise ValueError(
            f"The mask has the shape {where.shape}, the image {picture.shape}."
        )
    if min(size) < 1 or apodization < 0:
        raise ValueError(
            f"size has to be positive and apodization not negative, not {size} and "
            f"{apodization}."
        )
    if min(size) < smallest_crop_size(apodization):
        raise ValueError(
            f"A crop of {min(size)} pixels has only soft edges: for an apodization of "
            f"{apodization:g}, size has to be at least "
            f"{smallest_crop_size(apodization)}."
        )
    rows, columns = np.nonzero(where.any(axis=1))[0], np.nonzero(where.any(axis=0))[0]
    if len(rows) == 0:
        return np.zeros(size, np.float32)
    inner = where[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    center = (
        rows[0] + centroid(inner.sum(axis=1)),
        columns[0] + centroid(inner.sum(axis=0)),
    )
    source, target = _crop(picture.shape, center, size)
    window = np.zeros(size, np.float32)
    margin = edge_width(apodization)
    window[target] = where[source] & _inside(picture.shape, source, margin)
    window = _soften(window * _inside(size, np.s_[:, :], margin), apodization)
    # Only pixels of the image have a weight; there are none beyond its border.
    weight = window[target]
    part = picture[source]
    no_data = np.isnan(part) if part.dtype.kind == "f" else np.zeros(part.shape, bool)
    if no_data.any():
        part = np.where(no_data, 0, part)
        weight = np.where(no_data, np.float32(0), weight)
    total = float(weight.sum(dtype=np.float64))
    if not weight.max(initial=0) > 0:
        return np.zeros(size, np.float32)

    # The mean is subtracted in double precision, so that the contrast keeps its digits
    # where the offset is large.
    mean = float((part * weight.astype(np.float64)).sum()) / total
    field = np.zeros(size, np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        field[target] = (part - mean) * weight / total
        amplitude = _centered(np.abs(fft.rfft2(field)), size)
    if not np.isfinite(amplitude).all():
        raise ValueError(
            f"The image has values to {float(np.abs(part).max()):.3g}, whose Fourier "
            "transform is beyond the range of single precision, 3.4e38. Divide the "
            "image by a number."
        )
    return amplitude


def particle_spectra(
    image: NDArray[Any],
    labels: NDArray[np.integer],
    ids: Iterable[int],
    *,
    size: tuple[int, int],
    apodization: float,
) -> Iterator[NDArray[np.float32] | None]:
    """Yield the spectrum of each particle of a frame, or None if it is not there.

    Parameters
    ----------
    image
        One image, shape (y, x).
    labels
        Labels of its particles, integers, 0 = background, shape (y, x).
    ids
        Ids of the particles.
    size, apodization
        See `local_spectrum`.
    """
    places = boxes(labels)
    for number in ids:
        box = places.get(number)
        if box is None:
            yield None
            continue
        near = _surroundings(box, size)
        yield local_spectrum(
            image[near], labels[near] == number, size=size, apodization=apodization
        )


def _surroundings(
    box: tuple[slice, slice], shape: tuple[int, int]
) -> tuple[slice, slice]:
    """Return the part of a frame in which the whole crop of a particle lies."""
    rows, columns = (
        slice(max(part.start - n, 0), part.stop + n)
        for part, n in zip(box, shape, strict=True)
    )
    return rows, columns


def _crop(
    shape: tuple[int, ...], center: tuple[int, int], size: tuple[int, int]
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Return the slices to read from the image and to write in the crop."""
    source, target = [], []
    for length, middle, width in zip(shape, center, size, strict=True):
        start = middle - width // 2
        begin, end = max(start, 0), min(start + width, length)
        source.append(slice(begin, end))
        target.append(slice(begin - start, end - start))
    return (source[0], source[1]), (target[0], target[1])


def _inside(
    shape: tuple[int, ...], part: tuple[slice, ...], margin: int
) -> NDArray[np.bool_]:
    """Return the part of an array that is at least a margin away from its border."""
    far = []
    for length, piece in zip(shape, part, strict=True):
        index = np.arange(length)[piece]
        far.append((index >= margin) & (index < length - margin))
    return far[0][:, np.newaxis] & far[1]


def _centered(half: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Return amplitudes of `scipy.fft.rfft2` with their repetition at -k, centered.

    It takes a third of the time of the whole transform and `scipy.fft.fftshift`.
    """
    middle = size[1] // 2
    rows = fft.fftshift(np.arange(size[0]))
    full = np.empty(size, half.dtype)
    full[:, middle:] = half[rows, : size[1] - middle]
    full[:, :middle] = half[-rows, middle:0:-1]
    return full


def _soften(window: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Convolve with a Gaussian, by the FFT: its time does not depend on sigma."""
    if sigma == 0:
        return window
    # Without padding by four sigmas the opposite edge would wrap around.
    padded = [
        fft.next_fast_len(n + int(np.ceil(4 * sigma)), real=True) for n in window.shape
    ]
    spectrum = fft.rfft2(window, s=padded)
    ky, kx = fft.fftfreq(padded[0]), fft.rfftfreq(padded[1])
    decay = -2 * (np.pi * sigma) ** 2
    spectrum *= np.exp(decay * ky**2).astype(np.float32)[:, np.newaxis]
    spectrum *= np.exp(decay * kx**2).astype(np.float32)
    soft = fft.irfft2(spectrum, s=padded)[: window.shape[0], : window.shape[1]]
    # Rounding leaves 1e-8 in place of zero.
    return np.where(soft < 1e-6, np.float32(0), soft)
