# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameters file of a measured detector, for simulations with its noise."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hyperspy_hrtemnn.atomic import written_whole
from hyperspy_hrtemnn.user_warnings import warn_user

if TYPE_CHECKING:
    import pandas as pd

    from .readout import ReadoutFit

# Section 3.2 of the noise paper varies N0 by this share.
_READOUT_SPREAD = 0.5

# Limits for a measured N0: its relative error, and R2 of equation 2 or the deviation
# from it in standard errors; frames of one dose do not have an R2.
_LARGEST_ERROR = 0.5
_LEAST_R2 = 0.5
_LARGEST_DEVIATION = 3.0

# A list of numbers over several lines; texts have no line breaks.
_NUMBERS = re.compile(r"\[\n([-+\d.eE,\s]+)\n\s*\]")


def detector_parameters(
    table: pd.DataFrame, readout: ReadoutFit, min_R2: float = 0.98
) -> dict[str, Any]:
    """Return the keys of a parameters file that simulate a detector as it was measured.

    This is the inverse of `hyperspy_hrtemnn.analysis.detect_electrons`. ``mtf_c1`` and
    ``mtf_c3`` are the lowest and highest c0 and c3 of the frames. ``readout`` is N0
    +- 50 % (noise paper, section 3.2), or +- its error if that is more. ``mtf_c2``, a
    noise floor of the MTF itself, is 0, because the readout noise is simulated
    separately. The paper found that networks are better with a c0 up to 0.6 beside the
    measured range (its MTF 4); this is left to the user.

    Parameters
    ----------
    table
        Table with ``c0``, ``c3`` and ``R2`` of each frame.
    readout
        Fit from `fit_readout`.
    min_R2
        Smallest R2 of the frames that are used.

    Raises
    ------
    ValueError
        If no frame has such an R2.

    Warns
    -----
    UserWarning
        If N0 is uncertain, or the frames do not follow equation 2.
    """
    good = table[table["R2"] >= min_R2]
    if good.empty:
        raise ValueError(
            f"No frame has an MTF that is fitted with R2 of {min_R2:g}; the best has "
            f"{table['R2'].max():.3f}. Give a larger region of vacuum, frames of "
            "higher dose, or a lower min_R2. For a detector with a flat spectrum, "
            'set "mtf" to null.'
        )
    fault = _fault(readout)
    if fault:
        warn_user(fault)  # the caller of the method of DetectorFit
    spread = max(_READOUT_SPREAD * readout.N0, readout.N0_error)
    return {
        "mtf": "parametric",
        "mtf_c1": _range(good["c0"].min(), good["c0"].max()),
        "mtf_c2": [0.0, 0.0],
        "mtf_c3": _range(good["c3"].min(), good["c3"].max()),
        "readout": _range(max(readout.N0 - spread, 0.0), readout.N0 + spread),
    }


def read_parameters_file(path: Path) -> dict[str, Any]:
    """Return the content of a parameters file or recipe; {} if it does not exist.

    Raises
    ------
    ValueError
        If the file exists and is neither.
    """
    content: Any = {}
    if path.exists():
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(f"{path} exists and is not JSON: {error}") from error
    images = content.get("images", content) if isinstance(content, dict) else None
    if not isinstance(images, dict):
        raise ValueError(f"{path} exists and is not a parameters file or recipe.")
    return content  # type: ignore[no-any-return]


def write_parameters_file(path: str | Path, parameters: dict[str, Any]) -> None:
    """Write keys into a parameters file, or those of the images of a recipe.

    Parameters
    ----------
    path
        Path of the JSON file, which is written as a whole or not at all. A file that
        exists keeps its other keys.
    parameters
        Keys and values to write.

    Raises
    ------
    ValueError
        If the file exists and is not a JSON object.
    """
    path = Path(path)
    content = read_parameters_file(path)
    content.get("images", content).update(parameters)
    # Ranges on one line, as people write them.
    text = _NUMBERS.sub(
        lambda found: f"[{' '.join(found[1].split())}]",
        json.dumps(content, indent=2, ensure_ascii=False),
    )
    with written_whole(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def _fault(readout: ReadoutFit) -> str:
    """Say what is wrong with a readout noise, if anything."""
    N0, error = readout.N0, readout.N0_error
    measured = f"The readout noise is {N0:.2g} ± {error:.1g} e-/pixel"
    if readout.R2 < _LEAST_R2 and readout.deviation > _LARGEST_DEVIATION:
        return (
            f"{measured}, but the frames do not follow equation 2 (R2 = "
            f"{readout.R2:.2f}, {readout.deviation:.0f} standard errors off). Is the "
            "offset right, the counts of a pixel without beam, and the counts per "
            "electron?"
        )
    if error > _LARGEST_ERROR * N0:
        return (
            f"{measured}: it is hardly measured, or zero. Check offset and counts per "
            "electron; frames of lower dose or a larger region give a better value."
        )
    return ""


def _range(low: float, high: float) -> list[float]:
    return [float(f"{value:.3g}") for value in (low, high)]
