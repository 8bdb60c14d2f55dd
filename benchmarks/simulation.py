# SPDX-License-Identifier: GPL-3.0-or-later
"""Exit waves with ten images each, per hour, against calling abTEM plainly in a loop.

    python benchmarks/simulation.py [STRUCTURES]

Needs the extra `benchmark`. Both get the same structures, of the shipped recipe's
kind, and give ten noisy images of the whole field with other conditions each; ours
also applies the MTF and the readout noise of the detector. Drawing the structures,
which is the same for both, is timed apart.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from multiprocessing import get_context

import abtem
import numpy as np
import psutil
from ase import Atoms
from threadpoolctl import threadpool_limits

from hrtemnn_training.images.conditions import draw_conditions
from hrtemnn_training.images.exposure import RIM, expose
from hrtemnn_training.parameters import ImageParameters
from hrtemnn_training.store import Specimen
from hrtemnn_training.structures import Structure, SupportedParticles
from hrtemnn_training.waves.multislice import WaveSettings, exit_wave

IMAGES = 10
SETTINGS = WaveSettings()
ENERGY = SETTINGS.energy_of(0)
PARAMETERS = ImageParameters()


def plain(structure: Structure, seed: int) -> np.ndarray:
    """Return the exit wave, [x, y], after making images as abTEM's tutorial does."""
    # Not abTEM's own FFTW_MEASURE, which here measures a plan for each image size and
    # then takes many times as long.
    abtem.config.set({"fftw.planning_effort": "FFTW_ESTIMATE"})
    atoms = Atoms(structure.numbers, structure.positions, cell=structure.box, pbc=True)
    potential = abtem.Potential(
        atoms, sampling=SETTINGS.sampling, parametrization=SETTINGS.parametrization
    )
    wave = abtem.PlaneWave(energy=ENERGY * 1e3).multislice(potential)
    wave = wave.compute()
    rng = np.random.default_rng(seed)
    for _ in range(IMAGES):
        drawn = draw_conditions(PARAMETERS, ENERGY, rng)
        (optics,), detector = drawn.optics, drawn.detector
        ctf = abtem.CTF(
            defocus=optics.defocus,
            Cs=optics.Cs,
            focal_spread=optics.focal_spread,
            energy=ENERGY * 1e3,
        )
        image = wave.apply_ctf(ctf).intensity().interpolate(sampling=detector.sampling)
        image.poisson_noise(dose_per_area=detector.dose).compute()
    return np.asarray(wave.array)


def ours(structure: Structure, seed: int) -> np.ndarray:
    """Return the exit wave, [y, x], after making the images."""
    with threadpool_limits(1):
        wave = exit_wave(structure, SETTINGS)
        x, y, _ = structure.box
        specimen = Specimen(
            wave,
            (y, x),
            ENERGY,
            structure.outlines,
            structure.kinds,
            structure.sites,
            structure.values,
        )
        rng = np.random.default_rng(seed)
        for _ in range(IMAGES):
            drawn = draw_conditions(PARAMETERS, ENERGY, rng)
            expose(
                specimen, drawn.optics, drawn.detector, (y - 2 * RIM, x - 2 * RIM), rng
            )
    return wave


class PeakMemory:
    """Largest resident memory of this process and its children, while it is entered."""

    def __enter__(self) -> PeakMemory:
        self.peak = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        this = psutil.Process()
        while not self._stop.wait(0.05):
            processes = (this, *this.children(recursive=True))
            # A child may end between the listing and the look at it.
            with suppress(psutil.NoSuchProcess):
                total = sum(process.memory_info().rss for process in processes)
                self.peak = max(self.peak, total)


def main() -> None:
    """Print structures an hour, their ratio, and how far the waves are apart."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 24
    abtem.config.set(
        {"precision": "float32", "device": "cpu", "diagnostics.progress_bar": False}
    )
    start = time.perf_counter()
    structures = [SupportedParticles(empty=0).make(seed) for seed in range(count)]
    drawing = time.perf_counter() - start
    plain(structures[0], 0)

    start = time.perf_counter()
    with PeakMemory() as plainly:
        expected = [plain(structure, i) for i, structure in enumerate(structures)]
    plain_time = time.perf_counter() - start

    cores = os.cpu_count() or 1
    # Spawned, as the workers of dask are: nothing of this process' memory is theirs.
    with ProcessPoolExecutor(cores, mp_context=get_context("spawn")) as pool:
        list(pool.map(ours, structures[:cores], range(cores)))
        start = time.perf_counter()
        with PeakMemory() as spread:
            waves = list(pool.map(ours, structures, range(count)))
        our_time = time.perf_counter() - start

    apart = max(
        float(np.sqrt(np.mean(np.abs(wave.T - _cut(reference, wave.T.shape)) ** 2)))
        for wave, reference in zip(waves, expected, strict=True)
    )
    atoms = np.mean([len(structure.numbers) for structure in structures])
    print(
        f"{count} structures of {atoms:.0f} atoms, {IMAGES} images each, {cores} cores"
    )
    print(f"drawing the structures  {3600 * count / drawing:8.0f} an hour, one process")
    print(f"abTEM in a loop         {3600 * count / plain_time:8.0f} an hour")
    print(f"ours                    {3600 * count / our_time:8.0f} an hour")
    print(f"ratio                   {plain_time / our_time:8.2f}")
    print(f"largest RMS difference of the waves {apart:.1e}")
    for name, memory in (("abTEM", plainly), ("ours", spread)):
        print(f"peak memory, {name:5} {memory.peak / 2**20:8.0f} MiB")


def _cut(wave: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return a wave on the grid of ours, which has the aperture's frequencies only."""
    spectrum = np.fft.fftshift(np.fft.fft2(wave))
    starts = [n // 2 - m // 2 for n, m in zip(wave.shape, shape, strict=True)]
    kept = spectrum[tuple(slice(a, a + m) for a, m in zip(starts, shape, strict=True))]
    scale = np.prod(shape) / np.prod(wave.shape)
    return np.fft.ifft2(np.fft.ifftshift(kept)) * scale


if __name__ == "__main__":
    main()
