# SPDX-License-Identifier: GPL-3.0-or-later
"""Exit waves of MoS2: eleven images with known lenses against three and a network.

    python benchmarks/exit_wave.py [NETWORK.onnx]

As publication I, section 6: a series of eleven images 1 nm apart, of which the first,
the middle and the last make the short one. Gerchberg-Saxton is given everything, or, as
there, all but coma and astigmatism, which the images have. Truth and reconstructions
are compared as they are and with the long wavelengths left out of both. Then 21 images
without noise over 100 nm, and with drift.
"""

from __future__ import annotations

import argparse
from time import perf_counter
from typing import TYPE_CHECKING, Any

import hyperspy.api as hs
import matplotlib.pyplot as plt
import numpy as np
from scipy.ndimage import fourier_shift

from hrtemnn_training.images.grid import Grid
from hrtemnn_training.images.wave_label import exit_wave as smoothed
from hrtemnn_training.structures import MX2Flake
from hrtemnn_training.waves.multislice import WaveSettings, exit_wave
from hyperspy_hrtemnn.analysis import (
    Aberration,
    Detector,
    Optics,
    detect_electrons,
    image_intensity,
)

if TYPE_CHECKING:
    from hyperspy_hrtemnn.signals import HRTEM, ExitWave

SAMPLING = 0.105  # [Å], the middle of publication I's range, as all that follows
ENERGY = 50.0
CS = 5e4
FOCAL_SPREAD = 12.0
BLUR = 0.159
ABERRATIONS = (Aberration(1, 2, 12.0, 0.7), Aberration(2, 1, 300.0, 2.1))
MTF = (0.4, 2.5)
CUTOFF = "0.9 angstrom"

KNOWN = {
    "method": "gerchberg-saxton",
    "energy": ENERGY,
    "Cs": CS / 10,
    "focal_spread": FOCAL_SPREAD / 10,
    "blur": BLUR / 10,
    "show_progressbar": False,
}


class Sample:
    """A flake of MoS2, its exit wave and focal series of it.

    Parameters
    ----------
    size
        Pixels of the images, each way.
    supported
        Whether there is graphene.
    seed
        Of the flake.
    """

    def __init__(self, size: int, *, supported: bool, seed: int) -> None:
        field = size * SAMPLING
        flake = MX2Flake(
            field=field,
            side=(max(20, 0.6 * field), max(20.1, 0.9 * field)),
            offset=(-0.05, 0.05),
            supported=float(supported),
        ).make(seed)
        settings = WaveSettings(
            energy=ENERGY,
            sampling=0.05,
            slice_thickness=0.5,
            vibrations={"method": "uniform smearing", "mean_square": 0.003},
        )
        self.shape = (size, size)
        self.extent = (field, field)
        self.wave = exit_wave(flake, settings)
        # The first pixels of wave and image are at the same place.
        corner = (-SAMPLING / 2, -SAMPLING / 2)
        parts = smoothed(self.wave, self.extent, Grid(corner, self.extent, self.shape))
        truth = hs.signals.ComplexSignal2D(parts[..., 0] + 1j * parts[..., 1])
        truth.set_signal_type("exit_wave")
        self.truth: ExitWave = _calibrated(truth)

    def series(
        self,
        defocus: np.ndarray,
        *,
        dose: float | None,
        aberrations: tuple[Aberration, ...] = ABERRATIONS,
        drift: float = 0.0,
    ) -> HRTEM:
        """Return images at evenly spaced defocus [Å]; drift is the largest [Å]."""
        rng = np.random.default_rng(0)
        detector = Detector(
            SAMPLING, dose or SAMPLING**-2, *MTF, noise=dose is not None
        )
        images = []
        for each in defocus:
            optics = Optics(
                ENERGY, float(each), CS, FOCAL_SPREAD, BLUR, aberrations=aberrations
            )
            moved = rng.uniform(-drift, drift, 2) / self.extent * self.wave.shape
            spectrum = fourier_shift(np.fft.fft2(self.wave), moved)
            wave = np.fft.ifft2(spectrum).astype(np.complex64)
            image = image_intensity(wave, self.extent, optics, self.shape)
            images.append(
                image if dose is None else detect_electrons(image, detector, rng)
            )
        made: HRTEM = _calibrated(hs.signals.Signal2D(np.stack(images)))
        made.set_signal_type("HRTEM")
        axis = made.axes_manager.navigation_axes[0]
        axis.name, axis.units = "defocus", "nm"
        axis.offset, axis.scale = defocus[0] / 10, (defocus[1] - defocus[0]) / 10
        return made


def _calibrated(signal: Any) -> Any:
    for axis, name in zip(signal.axes_manager.signal_axes, "xy", strict=True):
        axis.name, axis.scale, axis.units = name, SAMPLING / 10, "nm"
    signal.metadata.set_item("Acquisition_instrument.TEM.beam_energy", ENERGY)
    return signal


def reconstruct(series: HRTEM, **options: Any) -> tuple[ExitWave, float]:
    """Return the wave and the time it took [s]."""
    start = perf_counter()
    wave = series.reconstruct_exitwave(**options)
    return wave, perf_counter() - start


def report(name: str, wave: ExitWave, truth: ExitWave, seconds: float) -> str:
    """Print the differences from the truth, with and without long wavelengths.

    Returns
    -------
    The name with both RMSE of the registered waves, as a title.
    """
    quiet = {"show_progressbar": False}
    whole = wave.compare(truth, **quiet).iloc[0]
    short = wave.compare(truth, cutoff=CUTOFF, **quiet).iloc[0]
    print(
        f"{name:44s} RMSE registered {whole['rmse_registered']:.4f}, as they are "
        f"{whole['rmse']:.4f} (real {whole['real']:.4f}, imaginary "
        f"{whole['imaginary']:.4f}), without long wavelengths "
        f"{short['rmse_registered']:.4f} and {short['rmse']:.4f}; {seconds:.1f} s",
        flush=True,
    )
    both = (each["rmse_registered"] for each in (whole, short))
    return "{}\nRMSE registered {:.4f}, short waves {:.4f}".format(name, *both)


def draw(series: HRTEM, waves: dict[str, ExitWave], path: str) -> None:
    """Draw the first and the last image, and the imaginary part of each wave."""
    images = {"first image": series.inav[0].data, "last image": series.inav[-1].data}
    figure, axes = plt.subplots(
        2, 4, figsize=(14, 7.6), sharex=True, sharey=True, layout="constrained"
    )
    height, width = (n * SAMPLING / 10 for n in series.inav[0].data.shape)
    extent = (0, width, height, 0)
    panels = iter(axes.flat)
    for name, image in images.items():
        ax = next(panels)
        ax.imshow(image, cmap="gray", extent=extent)
        ax.set_title(name, fontsize="small")
    for name, wave in waves.items():
        ax = next(panels)
        shown = ax.imshow(wave.data.imag, vmin=-0.2, vmax=0.7, extent=extent)
        ax.set_title(name, fontsize="small")
    figure.colorbar(shown, ax=axes, label="imaginary part", shrink=0.6)
    for ax in panels:
        ax.set_axis_off()
    axes[1, 0].set(xlabel="x (nm)", ylabel="y (nm)")
    figure.savefig(path, dpi=80)


def main() -> None:
    """Print the comparison and write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network", nargs="?", help="name or path")
    parser.add_argument("--size", type=int, default=512, help="pixels of the images")
    parser.add_argument("--dose", type=float, default=10**4.5, help="[e-/Å²]")
    parser.add_argument("--supported", action="store_true", help="on graphene")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--picture", default="exit_wave.png")
    options = parser.parse_args()
    sample = Sample(options.size, supported=options.supported, seed=options.seed)
    vacuum = sample.truth.deepcopy()
    vacuum.data[:] = 1
    report("nothing: vacuum everywhere", vacuum, sample.truth, 0.0)

    series = sample.series(np.linspace(-50, 50, 11), dose=options.dose)
    all_known = {**KNOWN, "mtf": MTF, "aberrations": ABERRATIONS}
    waves = {"truth": sample.truth}
    for name, images, known in (
        ("11 images, all known", series, all_known),
        ("11 images, no coma and astigmatism known", series, {**KNOWN, "mtf": MTF}),
        ("3 images, all known", _three(series), all_known),
        ("3 images, network", _three(series), {"model": options.network}),
    ):
        if known.get("model", "") is None:
            continue
        wave, seconds = reconstruct(images, **known)
        waves[report(name, wave, sample.truth, seconds)] = wave
    draw(series, waves, options.picture)

    for drift in (0.0, 5.0):
        long = sample.series(
            np.linspace(-500, 500, 21), dose=None, aberrations=(), drift=drift
        )
        # The first place is that of the middle image.
        wave, seconds = reconstruct(long, **KNOWN, align=drift > 0, margin=0)
        name = f"21 images, no noise, drift up to {2 * drift / 10:g} nm"
        truth = sample.truth if not drift else _at_middle(sample, drift)
        report(name, wave, truth, seconds)


def _three(series: HRTEM) -> HRTEM:
    """Return the first, the middle and the last image."""
    three: HRTEM = series.inav[:: (series.axes_manager[0].size - 1) // 2]
    return three


def _at_middle(sample: Sample, drift: float) -> ExitWave:
    """Return the truth where it is in the middle image of 21."""
    rng = np.random.default_rng(0)
    moves = [rng.uniform(-drift, drift, 2) for _ in range(21)]
    spectrum = fourier_shift(np.fft.fft2(sample.truth.data), moves[10] / SAMPLING)
    truth: ExitWave = sample.truth.deepcopy()
    truth.data = np.fft.ifft2(spectrum)
    return truth


if __name__ == "__main__":
    main()
