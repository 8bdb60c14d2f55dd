# SPDX-License-Identifier: GPL-3.0-or-later
"""The parameters file: from what images and labels are drawn (thesis table 3.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from hyperspy_hrtemnn.networks import Range

from .microscope import Camera, Optics

if TYPE_CHECKING:
    import numpy as np


class ImageParameters(BaseModel):
    """Ranges of the microscope and kind of label; the keys of the thesis' listing A.1.

    All ranges are uniform, the dose's in its logarithm. Of the MTF (equation 1.25)
    ``mtf_c1`` is c0 and ``mtf_c2`` is C, as the values of listing A.1 have it; the
    words of table 3.2 exchange the two. C stays 0 where readout noise is simulated
    apart.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    label: Literal["Mask"] = "Mask"
    image_epochs: int = Field(
        10, ge=1, description="images of one exit wave before the same ones return"
    )
    image_size: tuple[int, int] = Field(
        (256, 256), description="(x, y) at the network's sampling [pixels]"
    )
    noise: Literal["poisson"] | None = "poisson"
    num_classes: Literal[1] = 1
    sampling: Range = Field((0.07, 0.20), description="pixel size of the camera [Å]")
    log_dose: Range = Field((1.0, 6.0), description="log10 of the dose [e-/Å²]")
    blur: Range = Field((0.1, 0.8), description="[Å]")
    focal_spread: Range = Field((5.0, 20.0), description="[Å]")
    defocus: Range = Field((-200.0, 200.0), description="positive = underfocus [Å]")
    ctf_c30: Range = Field((0.0, 124_500.0), description="spherical aberration [Å]")
    mtf: Literal["parametric"] | None = "parametric"
    mtf_c1: Range = Field((0.2, 0.6), description="c0, half-maximum of the MTF")
    mtf_c2: Range = Field((0.0, 0.0), description="C, noise floor of the MTF")
    mtf_c3: Range = Field((1.0, 5.0), description="c3, steepness of the MTF")
    readout: Range = Field((0.005, 0.015), description="N0 [e-/pixel]")
    normalizedistance: float = Field(
        12.0, gt=0, description="width of the local standardization [Å]"
    )
    seed: int = 0


def draw_conditions(
    parameters: ImageParameters, energy: float, rng: np.random.Generator
) -> tuple[Optics, Camera]:
    """Draw the lenses and the camera of one image.

    Parameters
    ----------
    parameters
        The ranges.
    energy
        Beam energy of the exit wave [keV].
    rng
        Source of the draws, always the same number of them, in the same order.
    """
    optics = Optics(
        energy=energy,
        defocus=rng.uniform(*parameters.defocus),
        Cs=rng.uniform(*parameters.ctf_c30),
        focal_spread=rng.uniform(*parameters.focal_spread),
        blur=rng.uniform(*parameters.blur),
    )
    camera = Camera(
        sampling=rng.uniform(*parameters.sampling),
        dose=10 ** rng.uniform(*parameters.log_dose),
        c0=rng.uniform(*parameters.mtf_c1),
        C=rng.uniform(*parameters.mtf_c2),
        c3=rng.uniform(*parameters.mtf_c3),
        readout=rng.uniform(*parameters.readout),
        noise=parameters.noise is not None,
        has_mtf=parameters.mtf is not None,
    )
    return optics, camera
