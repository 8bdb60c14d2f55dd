# SPDX-License-Identifier: GPL-3.0-or-later
"""Local change: by how much chi² changes if something else stands on a site.

A column changes the images around itself only, so that boxes suffice in which the
lenses and the whitening are convolutions; within them the change is exact.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.fft

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from hyperspy_hrtemnn.analysis.refinement.lensed_wave import LensedWave
    from hyperspy_hrtemnn.analysis.refinement.working_grid import Number

    from .sheet_fit import SheetFit
    from .sheet_state import SheetState

# Frequency up to which the lenses spread a column within the box [1/Å].
_SPREAD = 0.6

# Steps towards the best position of what stands on a site, their largest length, and
# the length below which the first one is enough: probabilities change by 0.003 [Å].
_STEPS, _LONGEST, _SHORT = 2, 0.2, 0.02

# What a wave of the focal spread has to add to chi², a column, to be looked at: in MoS2
# at 50 keV with 12 Å and 10^4 electrons/Å² the second adds 0.03, the third 0.0001.
_LEAST = 0.01


@dataclass(frozen=True)
class Hypothesis:
    """What may stand on a site, where it fits best, and how well.

    Parameters
    ----------
    kind
        Number of the occupant.
    site
        Best position (y, x) of the site [Å].
    value
        Change of half of chi² and of the squares of what is expected of the position.
    curvature
        Half the second derivatives of these by the position [1/Å²], shape (2, 2).
    """

    kind: int
    site: NDArray[np.float64]
    value: float
    curvature: NDArray[np.float64]


class LocalChange:
    """Changes of chi² by changes of single columns of a state.

    Parameters
    ----------
    fit
        Images and model.
    state, vector
        Columns and lenses.
    """

    def __init__(
        self, fit: SheetFit, state: SheetState, vector: NDArray[np.float64]
    ) -> None:
        self.fit, self.state = fit, state
        model, columns = fit.model, fit.model.columns
        self.stamps = model.stamps(state)
        self.spectra = columns.spectra(state.normal)
        self.wave = model.wave(self.stamps)
        residuals = fit.with_wave(state)
        series, forward = residuals.series, residuals.model
        parameters = forward.parameters
        defocus = float(np.abs(vector[parameters.places("defocus")]).max())
        reach = columns.wavelength * _SPREAD * defocus / min(columns.pixel)
        self.box = scipy.fft.next_fast_len(columns.size + 2 * math.ceil(reach))
        self.box += self.box % 2
        self.margin = (self.box - columns.size) // 2
        self.images = []
        for image, spectrum in enumerate(residuals.spectra(vector)):
            shift = vector[
                [parameters.place(name, image) for name in ("shift_y", "shift_x")]
            ]
            steps = np.round(shift / columns.pixel).astype(int)
            lensed = forward.lensed(vector, image)
            stretch = float(forward.stretch(vector, image))
            seen = _seen_waves(lensed, stretch, len(state))
            pull = series.by_image(series.compared(spectrum), image)  # type: ignore[arg-type]
            self.images.append(
                _Image(
                    stretch=stretch,
                    weights=lensed.focal.weights[seen],
                    waves=np.stack(
                        [self._moved(each, steps) for each in lensed.waves[seen]]
                    ),
                    pull=self._moved(pull, steps),
                    mask=self._moved(series.mask, steps),
                    whole=self._moved(series.mask, steps) == 1,
                    transfers=np.stack(
                        [
                            self._kernel(scipy.fft.ifft2(each), -steps)
                            for each in lensed.transfers[seen]
                        ]
                    ),
                    whitening=self._kernel(
                        scipy.fft.irfft2(series.weights[image], series.grid.shape)
                        / math.sqrt(series.mask.size),
                        np.zeros(2, int),
                    ),
                )
            )

    def derivatives(self, column: int) -> NDArray[np.float32]:
        """Return what a column changes of the whitened images, in its box.

        Parameters
        ----------
        column
            Number of the column.

        Returns
        -------
        Derivatives by its position (y, x) and by its strength, shape
        (3, image, y, x).
        """
        corner = self.stamps.corners[column]
        site, kind = self.state.sites[column], int(self.state.kinds[column])
        changes = self._wave_changes(
            column, corner, [kind], site[np.newaxis], slopes=True
        )
        size, margin = self.fit.model.columns.size, self.margin
        window = tuple(slice(c, c + size) for c in corner)
        inner = slice(margin, margin + size)
        own = self.stamps.waves[column]
        changes[0, 0, inner, inner] = self.wave[window] / (1 + own) * own
        spectrum = scipy.fft.fft2(changes[0, [1, 2, 0]])
        rows, columns = (slice(c, c + self.box) for c in corner)
        found = []
        for image in self.images:
            brighter = np.zeros(spectrum.shape, np.float32)
            for factor, wave, transfer in image.parts(rows, columns):
                passed = scipy.fft.ifft2(spectrum * transfer)
                brighter += 2 * factor * (wave.conj() * passed).real
            found.append(image.whitened(brighter, rows, columns))
        return np.stack(found, axis=1)

    def values(
        self, column: int | None, kinds: list[int], sites: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the changes of half of chi² by other occupants at given positions.

        Parameters
        ----------
        column
            Number of the column that is replaced, None for one that is added.
        kinds
            Numbers of the occupants, shape (hypothesis,).
        sites
            Position (y, x) of the site of each [Å], shape (hypothesis, 2).
        """
        corner = self._corner(column, sites)
        return self._changes(column, corner, kinds, sites, slopes=False)[0]

    def best(
        self,
        column: int | None,
        kinds: list[int],
        sites: NDArray[np.float64],
        predicted: NDArray[np.float64],
        spread: float,
    ) -> list[Hypothesis]:
        """Return occupants where they fit best, by steps of Newton's method.

        Parameters
        ----------
        column, kinds, sites
            As of `values`, the positions to start from.
        predicted, spread
            Where the site is expected [Å], and the standard deviation of that.
        """
        corner, sites = self._corner(column, sites), sites.copy()
        values, curvatures = np.zeros(len(kinds)), np.zeros((len(kinds), 2, 2))
        left = np.arange(len(kinds))
        for _ in range(_STEPS):
            value, slopes, curvature = self._changes(
                column, corner, [kinds[n] for n in left], sites[left], slopes=True
            )
            off = sites[left] - predicted
            value += np.sum(off**2, axis=1) / (2 * spread**2)
            slopes += off / spread**2
            curvature += np.eye(2) / spread**2
            moves = -np.linalg.solve(curvature, slopes[..., np.newaxis])[..., 0]
            lengths = np.hypot(*moves.T)
            moves *= np.minimum(1, _LONGEST / np.maximum(lengths, 1e-9))[:, np.newaxis]
            # The last step is so short that its gain is that of a parabola.
            bend = np.einsum("hn,hnm,hm->h", moves, curvature, moves) / 2
            values[left] = value + np.sum(slopes * moves, axis=1) + bend
            curvatures[left] = curvature
            sites[left] += moves
            left = left[lengths > _SHORT]
            if not len(left):
                break
        return [
            Hypothesis(*each)
            for each in zip(kinds, sites, values.tolist(), curvatures, strict=True)
        ]

    def _changes(
        self,
        column: int | None,
        corner: NDArray[np.intp],
        kinds: list[int],
        sites: NDArray[np.float64],
        *,
        slopes: bool,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return values, slopes and curvatures by the position of the site."""
        changes = self._wave_changes(column, corner, kinds, sites, slopes)
        count = len(kinds)
        value, slope = np.zeros(count), np.zeros((count, 2))
        curvature = np.zeros((count, 2, 2))
        rows, columns = (slice(c, c + self.box) for c in corner)
        spectrum = scipy.fft.fft2(changes)
        for image in self.images:
            brighter = np.zeros((count, self.box, self.box), np.float32)
            by_site = np.zeros((count, 2, self.box, self.box), np.float32)
            for factor, wave, transfer in image.parts(rows, columns):
                passed = scipy.fft.ifft2(spectrum * transfer)
                first = passed[:, 0]
                # What the intensity |wave + first|² is more than |wave|².
                brighter += factor * ((2 * wave + first).conj() * first).real
                if slopes:
                    changed = (2 * factor * (wave + first).conj())[:, np.newaxis]
                    by_site += (changed * passed[:, 1:]).real
            pull = image.pull[rows, columns].ravel()
            seen = image.seen(brighter, rows, columns)
            value += brighter.reshape(count, -1) @ pull
            value += np.einsum("hp,hp->h", seen, seen) / 2
            if slopes:
                seen_by = image.seen(by_site, rows, columns)
                slope += by_site.reshape(count, 2, -1) @ pull
                slope += np.einsum("hp,hnp->hn", seen, seen_by)
                curvature += seen_by @ seen_by.swapaxes(1, 2)
        return value, slope, curvature

    def _corner(
        self, column: int | None, sites: NDArray[np.float64]
    ) -> NDArray[np.intp]:
        """Return the first row and column of the window, and of the padded box."""
        if column is not None:
            return np.asarray(self.stamps.corners[column])
        middle = sites.mean(axis=0, keepdims=True)
        return np.asarray(self.fit.model.corners(middle)[0])

    def _wave_changes(
        self,
        column: int | None,
        corner: NDArray[np.intp],
        kinds: list[int],
        sites: NDArray[np.float64],
        slopes: bool,
    ) -> NDArray[np.complex64]:
        """Return changes of the wave in the box, and derivatives by the site.

        Shape (hypothesis, 1 or 3, y, x).
        """
        model, columns = self.fit.model, self.fit.model.columns
        size, margin = columns.size, self.margin
        window = tuple(slice(c, c + size) for c in corner)
        old = self.stamps.waves[column] if column is not None else np.complex64(0)
        base = self.wave[window] / (1 + old)
        spectra = model.moved_spectra(self.state, self.spectra, kinds, sites, corner)
        waves = [spectra]
        if slopes:
            turn = np.complex64(-2j * np.pi)
            waves += [
                spectra * (turn * columns.ky[:, np.newaxis]),
                spectra * (turn * columns.kx),
            ]
        stamps = scipy.fft.ifft2(np.stack(waves, axis=1)) * columns.taper
        stamps[:, 0] -= old
        changes = np.zeros((*stamps.shape[:2], self.box, self.box), np.complex64)
        inner = slice(margin, margin + size)
        changes[..., inner, inner] = base * stamps
        return changes

    def _moved(
        self, array: NDArray[Number], steps: NDArray[np.intp]
    ) -> NDArray[Number]:
        """Return an array with a border, so that boxes are in it, moved back."""
        moved = np.roll(array, tuple(-steps), (0, 1))
        return np.pad(moved, self.margin, mode="wrap")

    def _kernel(
        self, kernel: NDArray[np.inexact], steps: NDArray[np.intp]
    ) -> NDArray[np.complex64]:
        """Return the spectrum of a kernel that is cut to the box."""
        half = self.box // 2
        rows, columns = (
            (np.arange(-half, half) - step) % n
            for step, n in zip(steps, kernel.shape, strict=True)
        )
        cut = np.fft.ifftshift(kernel[np.ix_(rows, columns)])
        return np.asarray(scipy.fft.fft2(cut), np.complex64)


def _seen_waves(lensed: LensedWave, stretch: float, columns: int) -> NDArray[np.intp]:
    """Return the numbers of the waves whose intensity noise does not hide."""
    intensities = lensed.focal.weights[:, np.newaxis, np.newaxis] * lensed.intensities()
    seen = stretch * np.sum(intensities**2, axis=(1, 2)) > _LEAST * columns
    # The first one has the vacuum.
    seen[0] = True
    return np.flatnonzero(seen)


@dataclass(frozen=True)
class _Image:
    """An image of a state: what passed, and what pulls at it, with a border.

    Its waves are those of `LensedWave`.
    """

    stretch: float
    weights: NDArray[np.float32]
    waves: NDArray[np.complex64]
    pull: NDArray[np.float32]
    mask: NDArray[np.float32]
    transfers: NDArray[np.complex64]
    whitening: NDArray[np.complex64]
    whole: NDArray[np.bool_]

    def parts(
        self, rows: slice, columns: slice
    ) -> Iterator[tuple[np.float32, NDArray[np.complex64], NDArray[np.complex64]]]:
        """Yield the factor of each intensity, its wave in a box, and its transfer."""
        factors = np.float32(self.stretch) * self.weights
        yield from zip(
            factors, self.waves[:, rows, columns], self.transfers, strict=True
        )

    def seen(
        self, change: NDArray[np.float32], rows: slice, columns: slice
    ) -> NDArray[np.float32]:
        """Return numbers whose products are those of whitened changes in a box.

        Shape (..., number): those of the spectrum, which are independent of each other,
        or of the pixels where some are not compared.
        """
        if not self.whole[rows, columns].all():
            pixels = self.whitened(change, rows, columns)
            return pixels.reshape(*change.shape[:-2], -1)
        spectrum = scipy.fft.rfft2(change, norm="ortho")
        spectrum *= self.whitening[:, : spectrum.shape[-1]]
        # Frequencies stand for their opposites, too, but for the first and last column.
        spectrum[..., 1:-1] *= np.float32(np.sqrt(2))
        numbers = spectrum.reshape(*change.shape[:-2], -1).view(np.float32)
        return np.asarray(numbers)

    def whitened(
        self, change: NDArray[np.float32], rows: slice, columns: slice
    ) -> NDArray[np.float32]:
        """Return a change of the image in a box, in units of noise."""
        size = change.shape[-1]
        kernel = self.whitening[:, : size // 2 + 1]
        spectrum = scipy.fft.rfft2(change) * kernel
        seen = scipy.fft.irfft2(spectrum, (size, size))
        return np.asarray(self.mask[rows, columns] * seen, np.float32)
