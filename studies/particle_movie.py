# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulated movie of gold particles that vaporize on carbon, the beam on and off.

As in the experiment of figure 6.6 of the thesis, all particles lose area at the same
rate at a constant temperature, also while the beam is off. The specimen drifts, and one
particle, a twin, moves and rocks as that of figure 6.5 does.

Not a script: `particles.py` makes the movie with it, in about ten minutes on two cores.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import hyperspy.api as hs
import numpy as np
import scipy.fft
from scipy.spatial.transform import Rotation
from tqdm import tqdm

from hrtemnn_training.structures import (
    AmorphousFilm,
    assemble,
    lattice_constant,
    make_shape,
    tilt,
)
from hrtemnn_training.waves.multislice import WaveSettings, exit_wave
from hyperspy_hrtemnn.analysis import (
    Detector,
    Optics,
    detect_electrons,
    image_intensity,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hrtemnn_training.structures import Shape
    from hyperspy_hrtemnn.signals import HRTEM

GOLD = 79
FIELD = 480.0  # [Å]
BOX = 96.0  # around a particle [Å]
GRID = 0.25  # of the multislice; the waves keep two thirds of its frequencies [Å]
PIXEL = 0.3  # of the camera [Å]
SETTINGS = WaveSettings(sampling=GRID, slice_thickness=2)
OPTICS = Optics(energy=300, defocus=70, Cs=-5e4, focal_spread=12, blur=0.0637)
DETECTOR = Detector(sampling=PIXEL, dose=600, mtf_c0=0.35, mtf_c3=2.5, readout=0.01)

ON = 12  # frames, one a second, before the beam is turned off
OFF = 20.0  # how long it is off [s]
INTERVALS = 3
TIMES = np.concatenate([np.arange(ON) + i * (ON + OFF) for i in range(INTERVALS)])

LOSS = 12.0  # of projected area [Å²/s]
PARTICLES = 11
RADII = (13.0, 26.0)  # at the start [Å]
HERO = 25.0  # radius of the twin [Å]
ROCKING = (15, 21)  # frames in which it is off its zone axis
FARTHEST = 9.0  # by which it is then tilted [degrees]


class Particle(NamedTuple):
    """Atoms around their middle, where that is, and the radius at the start."""

    atoms: NDArray[np.float64]
    center: NDArray[np.float64]
    radius: float
    shape: str


def particles(rng: np.random.Generator) -> list[Particle]:
    """Draw the particles, the twin first, none near another."""
    a = lattice_constant("Au")
    drawn = [
        Particle(
            _round("twin", "[110]", HERO, a, rng), np.array([200.0, 230.0]), HERO, ""
        )
    ]
    shapes: tuple[Shape, ...] = ("single crystal", "twin", "decahedron", "icosahedron")
    while len(drawn) <= PARTICLES:
        radius = rng.uniform(*RADII)
        center = rng.uniform(radius + 20, FIELD - radius - 20, 2)
        apart = [np.hypot(*(center - p.center)) - p.radius - radius for p in drawn]
        if min(apart) > 12:
            shape = shapes[rng.integers(len(shapes))]
            upright = "[110]" if rng.random() < 0.3 else "any"
            atoms = _round(shape, upright, radius, a, rng)
            drawn.append(Particle(atoms, center, radius, shape))
    return drawn


def make_movie(seed: int = 11) -> tuple[HRTEM, list[Particle]]:
    """Return the movie, shape (time, y, x), and its particles.

    About ten minutes on two cores.
    """
    rng = np.random.default_rng(seed)
    drawn = particles(rng)
    film = AmorphousFilm(field=FIELD, thickness=(25, 25)).make(seed)
    carbon = scipy.fft.fft2(exit_wave(film, SETTINGS))
    drift = np.cumsum(rng.normal(0, 0.6, (len(TIMES), 2)), axis=0)
    for number in range(1, INTERVALS):  # without a beam nobody corrects it
        drift[number * ON :] += rng.uniform(-25, 25, 2)
    jumps = np.cumsum(rng.normal(0, 0.8, (len(TIMES), 2)), axis=0)
    turns = np.cumsum(rng.normal(0, 0.7, len(TIMES)))
    pixels = round(FIELD / PIXEL)
    frames = []
    for frame, time in enumerate(tqdm(TIMES, desc="frames", unit="frame")):
        wave = _moved(carbon, drift[frame])
        for number, particle in enumerate(drawn):
            atoms = _left(particle, time)
            place = particle.center + drift[frame]
            if number == 0:
                atoms = _rocked(atoms, frame, turns[frame])
                place = place + jumps[frame]
            if len(atoms):
                _put(wave, atoms, place)
        image = image_intensity(wave, (FIELD, FIELD), OPTICS, (pixels, pixels))
        frames.append(detect_electrons(image, DETECTOR, rng))
    return _signal(np.stack(frames)), drawn


def _round(
    shape: Shape, orientation: str, radius: float, a: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return a particle cut to a sphere, turned about the beam."""
    # Large enough to contain the sphere, whatever the shape.
    layers = round(2 * np.sqrt(3) * radius / a) + 3
    atoms = make_shape(shape, orientation, (layers, layers), a, rng)  # type: ignore[arg-type]
    turn = Rotation.from_euler("z", rng.uniform(0, 360), degrees=True).as_matrix()
    return np.asarray(atoms[np.linalg.norm(atoms, axis=1) <= radius] @ turn.T)


def _left(particle: Particle, time: float) -> NDArray[np.float64]:
    """Return the atoms that are left: the outermost go first."""
    square = particle.radius**2 - LOSS * time / np.pi
    return np.asarray(particle.atoms[(particle.atoms**2).sum(axis=1) <= square])


def _rocked(atoms: NDArray[np.float64], frame: int, turn: float) -> NDArray[np.float64]:
    first, last = ROCKING
    phase = np.clip((frame - first) / (last - first), 0, 1)
    off = tilt(FARTHEST * np.sin(np.pi * phase) ** 2, 40.0)
    spin = Rotation.from_euler("z", turn, degrees=True).as_matrix()
    return np.asarray(atoms @ (spin @ off).T)


def _put(
    wave: NDArray[np.complex64], atoms: NDArray[np.float64], place: NDArray[np.float64]
) -> None:
    """Multiply the wave by that of a particle: both are thin."""
    n = round(BOX * len(wave) / FIELD)
    corner = np.round((place - BOX / 2) * len(wave) / FIELD).astype(int)
    middle = place - corner * FIELD / len(wave)
    positions = np.append(middle[::-1], BOX / 2) + atoms
    numbers = np.full(len(atoms), GOLD, np.uint8)
    structure = assemble(None, [(positions, numbers)], BOX)
    rows, columns = ((start + np.arange(n)) % len(wave) for start in corner)
    wave[np.ix_(rows, columns)] *= exit_wave(structure, SETTINGS)


def _moved(
    spectrum: NDArray[np.complex64], shift: NDArray[np.float64]
) -> NDArray[np.complex64]:
    y, x = (scipy.fft.fftfreq(n, FIELD / n) for n in spectrum.shape)
    phase = np.exp(-2j * np.pi * (y[:, np.newaxis] * shift[0] + x * shift[1]))
    return np.asarray(scipy.fft.ifft2(spectrum * phase), np.complex64)


def _signal(frames: NDArray[np.float32]) -> HRTEM:
    signal = hs.signals.Signal2D(frames)
    signal.set_signal_type("HRTEM")
    for axis, name in zip(signal.axes_manager.signal_axes, "xy", strict=True):
        axis.name, axis.scale, axis.units = name, PIXEL / 10, "nm"
    time = signal.axes_manager[0]
    time.convert_to_non_uniform_axis()
    time.axis, time.name, time.units = TIMES, "time", "s"
    signal.metadata.set_item("Acquisition_instrument.TEM.beam_energy", OPTICS.energy)
    signal.metadata.General.title = "vaporizing gold"
    result: HRTEM = signal
    return result
