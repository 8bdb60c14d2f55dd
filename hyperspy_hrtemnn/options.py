# SPDX-License-Identifier: GPL-3.0-or-later
"""Options: the defaults and checks of methods, functions and commands, each once.

Lengths of the options of methods are as users give them, numbers in the unit of the
signal axes or texts with a unit. Those of functions of arrays are in pixels or nm, and
their checks are here. Ground for all rooms; knows neither signals nor networks.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from .analysis import Crystal

    Window = str | tuple[str, float]
    """Any window of `scipy.signal.get_window`."""

    Length = float | str

    DeviceName = Literal["auto", "cpu", "cuda", "directml", "openvino", "coreml"]
    """What a network runs on, see `hyperspy_hrtemnn.networks.load`."""


# A year of a camera with 30 frames per second.
_MOST_FRAMES = 10**9


def changed(options: Any) -> list[str]:
    """Return the names of the options of a dataclass that are not their defaults."""
    return [
        each.name
        for each in fields(options)
        if getattr(options, each.name) != each.default
    ]


@dataclass(frozen=True)
class PredictionOptions:
    """How a network is run over an image, as `hyperspy_hrtemnn.networks.predict`.

    Parameters
    ----------
    resample
        Whether the image is brought to the sampling of the network.
    tile
        Largest height and width of a tile [pixels of the network]; by default the image
        is divided into the fewest equal tiles.
    overlap
        Pixels of the network that neighboring tiles share; by default what the network
        sees around a pixel and some for blending.
    window
        Form of the blending.

    Raises
    ------
    ValueError
        If a number of pixels is not one.
    """

    # Twice the side of the largest cameras, and more than any network sees.
    LARGEST: ClassVar[int] = 2**16

    resample: bool = True
    tile: int | None = None
    overlap: int | None = None
    window: Window = "hamming"

    def __post_init__(self) -> None:
        for name, least in (("tile", 1), ("overlap", 0)):
            value = getattr(self, name)
            # Whole numbers of any type, but not True or a text.
            fits = isinstance(value, numbers.Real) and not isinstance(value, bool)
            if value is not None and not (
                fits and least <= value <= self.LARGEST and value == int(value)
            ):
                raise ValueError(
                    f"{name} is a number of pixels from {least} to {self.LARGEST}, not "
                    f"{value!r:.40}."
                )


@dataclass(frozen=True)
class SplittingOptions:
    """How a segmented frame is split into particles.

    Parameters
    ----------
    min_separation
        Smallest distance between the centers of two touching particles [pixels].
    probability
        Pixels of at least this probability belong to a particle.
    min_area
        Particles of fewer pixels are dropped; by default below a twentieth of the
        square of `min_separation`.

    Raises
    ------
    ValueError
        If a number is out of range.
    """

    min_separation: float
    probability: float = 0.5
    min_area: float | None = None

    def __post_init__(self) -> None:
        _check_positive("min_separation", self.min_separation)
        _check_share("probability", self.probability)
        if self.min_area is not None and not 0 <= self.min_area < math.inf:
            raise ValueError(
                f"min_area has to be a finite area, 0 or more, not {self.min_area}."
            )

    @property
    def smallest_area(self) -> float:
        """Area below which particles are dropped [pixels].

        By default that of a disc a quarter as wide as the distance at which two
        particles touch. Networks leave specks of up to 0.04 of the square in noise, and
        of 0.02 in the gaps of images with particles, of which the smallest have more
        than 0.08.
        """
        return self.min_separation**2 / 20 if self.min_area is None else self.min_area


@dataclass(frozen=True)
class LinkingOptions:
    """How the particles of one frame are found again in the next.

    Parameters
    ----------
    min_overlap
        Smallest overlap of the same particle in two frames: the shared area over that
        of the smaller one, 0 to 1.
    memory
        Number of frames a particle may be missing and return with its id.
    drift
        Whether the drift of the field is found and taken out; or the drift itself
        [pixels], shape (frame, 2).
    search_range
        Farthest a particle may move by itself between two frames [pixels]; by default
        particles that overlap with nothing are new.

    Raises
    ------
    ValueError
        If a number is out of range.
    """

    min_overlap: float = 0.5
    memory: int = 0
    drift: bool | ArrayLike = True
    search_range: float | None = None

    def __post_init__(self) -> None:
        _check_share("min_overlap", self.min_overlap)
        if not (0 <= self.memory <= _MOST_FRAMES and self.memory == int(self.memory)):
            raise ValueError(
                f"memory is a number of frames up to {_MOST_FRAMES}, not {self.memory}."
            )
        if self.search_range is not None:
            _check_positive("search_range", self.search_range)


@dataclass(frozen=True)
class TrackingOptions:
    """Options of `Segmentation.track_instances`, which has their meaning."""

    min_separation: Length
    min_overlap: float = LinkingOptions.min_overlap
    probability: float | None = None
    min_area: Length | None = SplittingOptions.min_area
    memory: int = LinkingOptions.memory
    drift: bool | ArrayLike = LinkingOptions.drift
    search_range: Length | None = LinkingOptions.search_range


@dataclass(frozen=True)
class SpectrumOptions:
    """Options of `HRTEM.local_fft`, which has their meaning."""

    size: Length | None = None
    apodization: Length = "0.5 nm"


@dataclass(frozen=True)
class ReflectionOptions:
    """What is a reflection, as `hyperspy_hrtemnn.analysis.find_reflections` has it.

    Parameters
    ----------
    max_spacing
        Largest lattice spacing that is looked for [nm].
    false_alarms
        Expected number of reflections in a spectrum of noise.
    square
        Side of the square in which the intensity is averaged [1/nm].

    Raises
    ------
    ValueError
        If a number is not positive.
    """

    max_spacing: float = 0.5
    false_alarms: float = 0.01
    square: float = 0.5

    def __post_init__(self) -> None:
        for each in fields(self):
            _check_positive(each.name, getattr(self, each.name))


@dataclass(frozen=True)
class FollowingOptions:
    """How reflections are followed and indexed, as `analysis.follow_reflections`."""

    crystal: Crystal | None = None
    min_share: float = 0.05
    max_rotation: float = 15.0
    spacing_tolerance: float = 0.04
    angle_tolerance: float = 4.0


@dataclass(frozen=True)
class EventOptions:
    """What is an event of a column, as `HRTEM.count_events` has it.

    Parameters
    ----------
    min_on_axis
        Smallest probability that a particle is on a zone axis in a frame.
    probability
        Smallest probability of a column that is doubtful.
    min_frames
        Shortest duration of what an event separates, in frames that are known.
    min_probability
        Smallest probability of an event.
    false_rate
        Rate of false events of a column, per unit of time.

    Raises
    ------
    ValueError
        If a number is out of range.
    """

    min_on_axis: float = 0.5
    probability: float = 0.1
    min_frames: int = 3
    min_probability: float = 0.5
    false_rate: float = 0.0

    def __post_init__(self) -> None:
        for name in ("min_on_axis", "probability", "min_probability"):
            if not 0 < getattr(self, name) < 1:
                raise ValueError(
                    f"{name} has to be between 0 and 1, not {getattr(self, name)}."
                )
        if self.min_frames < 1 or self.min_frames != int(self.min_frames):
            raise ValueError(
                f"min_frames is a number of frames, 1 or more, not {self.min_frames}."
            )
        if not 0 <= self.false_rate < math.inf:
            raise ValueError(f"false_rate has to be 0 or more, not {self.false_rate}.")


@dataclass(frozen=True)
class LensOptions:
    """Lenses of `HRTEM.reconstruct_exitwave` and `ExitWave.simulate_images`.

    Parameters
    ----------
    Cs
        Spherical aberration.
    focal_spread
        Half width at 1/e of the distribution of focus, 1.41 standard deviations.
    blur
        Standard deviation of the Gaussian that blurs the image, in real space.
    angular_spread
        1/e width of the distribution of beam directions [mrad].
    aberrations
        All others, `hyperspy_hrtemnn.analysis.Aberration` [Å].
    """

    Cs: Length = 0.0
    focal_spread: Length = 0.0
    blur: Length = 0.0
    angular_spread: float = 0.0
    aberrations: tuple[Any, ...] = ()


@dataclass(frozen=True)
class IterationOptions:
    """Options of Gerchberg and Saxton's iterations in `HRTEM.reconstruct_exitwave`."""

    iterations: int = 60
    align: bool = True
    margin: Length | None = None
    smoothing: Length = "15 pm"
    mtf: tuple[float, float] | None = None


@dataclass(frozen=True)
class ExposureOptions:
    """Dose, detector and noise of `ExitWave.simulate_images`.

    Parameters
    ----------
    dose
        Dose of each image [e-/Å²]; by default there is no noise, and 1 = vacuum.
    mtf
        c0, the half-maximum [Nyquist frequencies], and c3, the steepness, of the MTF
        (thesis, equation 1.25); by default there is none.
    readout
        Mean of the readout noise [e-/pixel], where there is a dose.
    seed
        Seed of the noise, which is another in each image.

    Raises
    ------
    ValueError
        If a number is out of range.
    """

    dose: float | None = None
    mtf: tuple[float, float] | None = None
    readout: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.dose is not None:
            _check_positive("dose", self.dose)
        if not (self.readout >= 0 and math.isfinite(self.readout)):
            raise ValueError(f"readout cannot be negative, as {self.readout} is.")


@dataclass(frozen=True)
class CameraOptions:
    """Camera of `HRTEM.fit_optics`, which has its meaning."""

    detector: Any = None
    mtf: tuple[float, float] | None = None
    readout: float | None = None
    counts_per_electron: float | None = None
    offset: float | None = None
    dose: float | None = None


@dataclass(frozen=True)
class OpticsOptions:
    """Guesses and borders of `HRTEM.fit_optics` and `ExitWave.fit_optics`.

    Parameters
    ----------
    Cs
        Guess of the spherical aberration.
    smoothing
        Standard deviation of the Gaussian by which the wave is smoothed.
    margin
        Width of the border that is not compared; by default what defocus reaches.
    """

    Cs: Length = 0.0
    smoothing: Length = IterationOptions.smoothing
    margin: Length | None = None


@dataclass(frozen=True)
class AtomOptions:
    """Guesses of `HRTEM.refine_atoms`, and what may be in its sample.

    Parameters
    ----------
    Cs
        Guess of the spherical aberration.
    defocus
        Guess of the defocus of a single image.
    dopants
        Symbols of elements that may stand in place of others.
    vibration
        Mean square displacement of atoms along one direction.
    smoothing
        Standard deviation of the Gaussian by which the wave is smoothed.
    any_contrast
        Whether the contrast of each image is fitted, too.
    support
        What the sheet lies on.

    Raises
    ------
    ValueError
        If the dopants are not a list of texts, or the support is not a known one.
    """

    Cs: Length = OpticsOptions.Cs
    defocus: Length | None = None
    dopants: Sequence[str] = ()
    vibration: Length = "0.004 angstrom^2"
    smoothing: Length = IterationOptions.smoothing
    any_contrast: bool = False
    support: Literal["graphene"] | None = None

    def __post_init__(self) -> None:
        if self.support not in (None, "graphene"):
            raise ValueError(f"support is {self.support!r}; it is 'graphene' or None.")
        if isinstance(self.dopants, str):
            raise ValueError(
                f"dopants is the text {self.dopants!r}; give a list of the symbols of "
                f"elements, [{self.dopants!r}]."
            )
        if not isinstance(self.dopants, Iterable):
            raise ValueError(
                f"dopants is {self.dopants!r}; give a list of the symbols of elements, "
                '["W"], or an empty one, [].'
            )


def _check_positive(name: str, value: float) -> None:
    if not (value > 0 and math.isfinite(value)):
        raise ValueError(f"{name} has to be positive, not {value}.")


def _check_share(name: str, value: float) -> None:
    if not 0 < value <= 1:
        raise ValueError(f"{name} has to be in 0 to 1, not {value}.")
