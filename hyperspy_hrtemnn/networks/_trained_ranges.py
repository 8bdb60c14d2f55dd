# SPDX-License-Identifier: GPL-3.0-or-later
"""Trained ranges: the conditions of the images that a network was trained on."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from hyperspy_hrtemnn.ranges import Energy, energy_text

# A public name of `networks`, too.
from hyperspy_hrtemnn.ranges import Range as Range  # noqa: PLC0414


class TrainedRanges(BaseModel):
    """Conditions for which a network was trained; outside of them it guesses.

    None is what nobody knows, as of a network that was trained on recorded images.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    sampling: Range | None = Field(None, description="pixel size of the images [Å]")
    energy: Energy | None = Field(None, description="beam energy [keV]")
    dose: Range | None = Field(None, description="frame dose [e-/Å²]")
    defocus: Range | None = Field(
        None, description="defocus, positive = underfocus [Å]"
    )
    Cs: Range | None = Field(None, description="spherical aberration [Å]")
    focal_spread: Range | None = Field(None, description="focal spread [Å]")
    blur: Range | None = Field(
        None,
        description="standard deviation of the blur in the image, in real space [Å]",
    )
    mtf_c0: Range | None = Field(
        None, description="half-maximum of the MTF [Nyquist frequencies]"
    )
    mtf_c3: Range | None = Field(None, description="steepness of the MTF")
    readout: Range | None = Field(None, description="readout noise N0 [e-/pixel]")

    @property
    def text(self) -> str:
        """Beam energy and pixel size, of each what is known, as a text."""
        parts = []
        if self.energy is not None:
            parts.append(energy_text(self.energy))
        if self.sampling is not None:
            parts.append("pixels of {:g} to {:g} Å".format(*self.sampling))
        return ", ".join(parts) or "conditions that its card does not know"
