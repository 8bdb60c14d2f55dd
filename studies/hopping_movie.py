# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulated movie of a gold particle whose surface columns hop, with every event.

A truncated octahedron of 3 nm lies on CeO2 with a {111} facet and is seen along [110].
Some short columns are on its surface. Each of them leaves its site at a constant rate:
it jumps to a free site nearby, or its atoms spread out and it vanishes, and another
one appears elsewhere. The specimen drifts. Once the particle tilts away from its zone
axis and comes back, turned by some degrees in the plane.

Every frame is an own image of an own structure: multislice, lenses, dose, camera.
Structures that come twice are computed once.

Not a script: `events.py` makes the movie with it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import hyperspy.api as hs
import numpy as np
import pandas as pd
import scipy.fft
from scipy.spatial.transform import Rotation
from tqdm import trange

from hrtemnn_training.structures import (
    assemble,
    lattice_constant,
    make_support,
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

    from hyperspy_hrtemnn.signals import HRTEM

    Site = tuple[int, int]
    Kind = Literal["appears", "vanishes", "jumps"]

BOX = 72.0  # of the multislice [Å]
SIDE = 56.0  # of a frame, from the middle of the box [Å]
PIXEL = 0.16  # [Å]
TIME = 0.1  # from frame to frame [s]
SETTINGS = WaveSettings(sampling=0.2, slice_thickness=2)
OPTICS = Optics(energy=300, defocus=60, Cs=-5e4, focal_spread=12, blur=0.1)

A = lattice_constant("Au")
STEP = A / np.sqrt(8), A / 2  # between the rows of columns, along [1-10] and [001] [Å]
# Of the particle: planes {200} and {222} from the middle to its facets.
LARGEST, SUM = 8, 11
NEIGHBORS = ((1, 1), (1, -1), (-1, 1), (-1, -1), (2, 0), (-2, 0))
LEAST_NEIGHBORS = 2  # of a site on the surface
ATOMS = 4  # in a column that hops; the longest of the particle has 11
MOVERS = 6
ABOVE = 4.0  # height over the support from which on columns hop [Å]
# [111] of the plane of the image, which points to the support.
FACING = np.degrees(np.arctan2(STEP[1], STEP[0]))

DWELL = 70.0  # mean time of a column on its site [frames]
JUMPS = 0.7  # share of the columns that jump when they leave
FARTHEST_JUMP = 5.1  # [Å]

TILTED = (0.45, 0.55)  # when the particle is off its zone axis, share of the movie
FARTHEST_TILT = 9.0  # [degrees]
TURN = 4.0  # in the plane, when it comes back [degrees]


def detector(dose: float) -> Detector:
    """Return the camera at a dose of a frame [e-/Å²]."""
    return Detector(sampling=PIXEL, dose=dose, mtf_c0=0.35, mtf_c3=2.5, readout=0.01)


def columns_of_particle() -> dict[Site, tuple[float, ...]]:
    """Return the places along the beam of the atoms of each column [Å]."""
    number = np.arange(-2 * LARGEST, 2 * LARGEST + 1)
    h, k, l = (c.ravel() for c in np.meshgrid(number, number, number))  # noqa: E741
    inside = np.abs([h, k, l]).max(axis=0) <= LARGEST
    inside &= np.abs([h, k, l]).sum(axis=0) <= SUM
    inside &= (h + k + l) % 2 == 0
    columns: dict[Site, list[float]] = {}
    for p, q, s in zip((h - k)[inside], l[inside], (h + k)[inside], strict=True):
        columns.setdefault((int(p), int(q)), []).append(float(s) * STEP[0])
    return {site: tuple(sorted(z)) for site, z in columns.items()}


PARTICLE = columns_of_particle()
FIXED = frozenset(PARTICLE)


def atoms_of_mover(site: Site) -> tuple[float, ...]:
    """Return the places along the beam of the atoms of a column that hops [Å]."""
    first = site[0] % 2 - ATOMS + 1
    return tuple((first + 2 * n + (ATOMS % 2 == 0)) * STEP[0] for n in range(ATOMS))


def place(site: Site) -> NDArray[np.float64]:
    """Return where a column is in the image, from the middle of the particle [Å]."""
    angle = np.radians(FACING)
    u, v = site[0] * STEP[0], site[1] * STEP[1]
    return np.array(
        [u * np.cos(angle) - v * np.sin(angle), u * np.sin(angle) + v * np.cos(angle)]
    )


BOTTOM = min(place(site)[1] for site in PARTICLE)


def neighbors(site: Site) -> list[Site]:
    """Return the six sites around one."""
    return [(site[0] + p, site[1] + q) for p, q in NEIGHBORS]


def surface_sites() -> list[Site]:
    """Return the sites on the particle on which a column can be."""
    free = {s for site in FIXED for s in neighbors(site)} - FIXED
    return sorted(
        site
        for site in free
        if sum(n in FIXED for n in neighbors(site)) >= LEAST_NEIGHBORS
        and place(site)[1] - BOTTOM >= ABOVE
    )


@dataclass
class Diffusion:
    """Where the columns that hop are in each frame, and all that happened.

    Parameters
    ----------
    sites
        Sites with a column that hops, in each frame.
    events
        A row for each event: ``frame``, the first after it, ``kind``, and the sites
        ``start`` and ``end``, None where there is none.
    """

    sites: list[frozenset[Site]] = field(default_factory=list)
    events: list[tuple[int, Kind, Site | None, Site | None]] = field(
        default_factory=list
    )


def diffuse(frames: int, seed: int, *, still: bool = False) -> Diffusion:
    """Let columns hop on the surface.

    Parameters
    ----------
    frames
        Number of frames.
    seed
        Seed of all that happens.
    still
        Whether nothing happens.
    """
    rng = np.random.default_rng(seed)
    movers: list[Site] = []
    while len(movers) < MOVERS:
        movers.append(_drawn(_free(movers), rng))
    found = Diffusion()
    for frame in range(frames):
        if frame and not still:
            for site in movers.copy():  # it changes
                if rng.random() < 1 / DWELL:
                    _leave(site, movers, frame, found, rng)
            # What spread out comes together elsewhere at the rate of a column.
            for _ in range(MOVERS - len(movers)):
                if rng.random() < 1 / DWELL:
                    site = _drawn(_free(movers), rng)
                    movers.append(site)
                    found.events.append((frame, "appears", None, site))
        found.sites.append(frozenset(movers))
    return found


def _free(movers: list[Site]) -> list[Site]:
    """Return the free sites on the particle, none of them on a column that hops."""
    return [site for site in surface_sites() if site not in movers]


def _drawn(sites: list[Site], rng: np.random.Generator) -> Site:
    return sites[rng.integers(len(sites))]


def _leave(
    site: Site,
    movers: list[Site],
    frame: int,
    found: Diffusion,
    rng: np.random.Generator,
) -> None:
    near = [
        other
        for other in _free(movers)
        if np.linalg.norm(place(other) - place(site)) <= FARTHEST_JUMP
    ]
    movers.remove(site)
    if near and rng.random() < JUMPS:
        end = _drawn(near, rng)
        movers.append(end)
        found.events.append((frame, "jumps", site, end))
    else:
        found.events.append((frame, "vanishes", site, None))


@dataclass(frozen=True)
class Motion:
    """How the particle lies in each frame.

    Parameters
    ----------
    drift
        Shift of the field (x, y) [Å], shape (frame, 2).
    angle
        Tilt off the zone axis [degrees], shape (frame,).
    turn
        Turn in the plane of the image [degrees], shape (frame,).
    """

    drift: NDArray[np.float64]
    angle: NDArray[np.float64]
    turn: NDArray[np.float64]


def move(frames: int, seed: int) -> Motion:
    """Return the drift of the field, and the tilt of the particle away and back."""
    rng = np.random.default_rng((seed, 1))
    drift = np.cumsum(rng.normal(0, 0.25, (frames, 2)), axis=0)
    # A stage that is corrected: it stays in view.
    drift -= np.linspace(0, 1, frames)[:, np.newaxis] * drift[-1]
    drift *= min(1.0, 5.0 / np.abs(drift).max(initial=1e-9))
    phase = (np.arange(frames) / frames - TILTED[0]) / (TILTED[1] - TILTED[0])
    phase = np.clip(phase, 0, 1)
    # In steps, so that few structures differ.
    angle = np.round(FARTHEST_TILT * np.sin(np.pi * phase) ** 2)
    turn = np.where(phase < 0.5, 0.0, TURN)
    return Motion(drift, angle, turn)


@lru_cache(maxsize=8)
def wave_of(
    movers: frozenset[Site], angle: float, turn: float
) -> NDArray[np.complex64]:
    """Return the exit wave of the particle on its support, shape (y, x)."""
    columns = {**PARTICLE, **{site: atoms_of_mover(site) for site in movers}}
    atoms = np.array(
        [(*place(site), z) for site, heights in columns.items() for z in heights]
    )
    spin = Rotation.from_euler("z", turn, degrees=True).as_matrix()
    atoms = atoms @ (spin @ tilt(angle, 30)).T
    support = make_support(BOX, 20.0, (0.5, 0.5), np.random.default_rng(3))
    surface = 0.62 * BOX
    # The slab reaches down from y = 0; in images y points down.
    slab = support[0] * [1, -1, 1] + [BOX / 2, surface, 0]
    middle = np.array([BOX / 2, surface - 2.3 + BOTTOM, 0])
    structure = assemble(
        (slab, support[1]),
        [(atoms * [1, -1, 1] + middle, np.full(len(atoms), 79, np.uint8))],
        BOX,
    )
    return exit_wave(structure, SETTINGS)


def place_in_frame(site: Site, motion: Motion, frame: int) -> NDArray[np.float64]:
    """Return where a column is in a frame, (x, y) from its first pixel [nm]."""
    spin = np.radians(motion.turn[frame])
    x, y = place(site)
    turned = np.array(
        [x * np.cos(spin) - y * np.sin(spin), x * np.sin(spin) + y * np.cos(spin)]
    )
    middle = np.array([BOX / 2, 0.62 * BOX - 2.3 + BOTTOM])
    corner = (BOX - SIDE) / 2 + PIXEL / 2
    return np.asarray((middle + turned * [1, -1] + motion.drift[frame] - corner) / 10)


def simulate(
    diffusion: Diffusion, motion: Motion, dose: float, seed: int
) -> NDArray[np.float32]:
    """Return the frames in electrons, shape (frame, y, x)."""
    rng = np.random.default_rng((seed, 2))
    pixels, cut = round(BOX / PIXEL), round((BOX - SIDE) / 2 / PIXEL)
    camera = detector(dose)
    images = []
    for frame in trange(len(diffusion.sites), desc="frames", unit="frame"):
        wave = wave_of(
            diffusion.sites[frame],
            float(motion.angle[frame]),
            float(motion.turn[frame]),
        )
        moved = _moved(wave, motion.drift[frame])
        image = image_intensity(moved, (BOX, BOX), OPTICS, (pixels, pixels))
        seen = detect_electrons(image, camera, rng)
        images.append(seen[cut : pixels - cut, cut : pixels - cut])
    return np.stack(images)


def _moved(
    wave: NDArray[np.complex64], shift: NDArray[np.float64]
) -> NDArray[np.complex64]:
    y, x = (scipy.fft.fftfreq(n, BOX / n) for n in wave.shape)
    phase = np.exp(-2j * np.pi * (y[:, np.newaxis] * shift[1] + x * shift[0]))
    return np.asarray(scipy.fft.ifft2(scipy.fft.fft2(wave) * phase), np.complex64)


def as_signal(frames: NDArray[np.float32], title: str) -> HRTEM:
    """Return the frames as a movie with its axes and energy."""
    signal = hs.signals.Signal2D(frames)
    signal.set_signal_type("HRTEM")
    for axis, name in zip(signal.axes_manager.signal_axes, "xy", strict=True):
        axis.name, axis.scale, axis.units = name, PIXEL / 10, "nm"
    time = signal.axes_manager[0]
    time.name, time.scale, time.units = "time", TIME, "s"
    signal.metadata.set_item("Acquisition_instrument.TEM.beam_energy", OPTICS.energy)
    signal.metadata.General.title = title
    result: HRTEM = signal
    return result


def true_events(diffusion: Diffusion, motion: Motion) -> pd.DataFrame:
    """Return all events with the places (x, y) of their ends [nm].

    Returns
    -------
    ``frame``, ``kind``, ``x`` and ``y`` of the site at which a column is after the
    event, of one that vanishes before it, and ``x_from`` and ``y_from`` of a jump.
    """
    rows = []
    for frame, kind, start, end in diffusion.events:
        x, y = place_in_frame(end or start, motion, frame)  # type: ignore[arg-type]
        row = {"frame": frame, "kind": kind, "x": x, "y": y}
        if kind == "jumps" and start is not None:
            row["x_from"], row["y_from"] = place_in_frame(start, motion, frame)
        rows.append(row)
    names = ["frame", "kind", "x", "y", "x_from", "y_from"]
    return pd.DataFrame(rows, columns=names)
