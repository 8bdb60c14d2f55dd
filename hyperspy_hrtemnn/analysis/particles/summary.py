# SPDX-License-Identifier: GPL-3.0-or-later
"""Summary of particles: one row for each, from the table of all frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from hyperspy_hrtemnn.analysis.kinds_of_tables import check_properties

if TYPE_CHECKING:
    from numpy.typing import NDArray


def summarize_particles(properties: pd.DataFrame) -> pd.DataFrame:
    """Sum up what is known of each particle over all frames.

    Parameters
    ----------
    properties
        Table of `Instances.properties` or `HRTEM.follow_particles`: a row for each
        particle in each frame. Its ``attrs["units"]`` are passed on.

    Returns
    -------
    A row for each particle, by ascending id, with the columns

    ================================= ===========================================
    ``id``                            the particle
    ``frames``                        number of frames in which it was found
    ``first_frame``, ``last_frame``   first and last of these
    ``first_time``, ``last_time``     their times, if the table has a time
    ``mean_area``, ``std_area``       mean and standard deviation of its area over
                                      the frames; NaN for a single frame
    ``first_area``, ``last_area``     area in the first and in the last frame
    ``mean_equivalent_diameter``      mean diameter of the disc of its area
    ``displacement``                  distance between the first and the last
                                      place, without the drift of the field, if
                                      the table has places without drift
    ``mean_intensity``                mean over the frames, if the table has it
    ``frames_at_border``              number of frames in which the border may cut
                                      the particle, and its area is a part
    ================================= ===========================================

    Raises
    ------
    ValueError
        If the table has not the columns of a table of properties.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from hyperspy_hrtemnn.analysis import particle_properties
    >>> labels = np.zeros((5, 9), dtype=int)
    >>> labels[1:4, 2:8] = 3
    >>> frames = [particle_properties(labels[:n]).assign(frame=n) for n in (3, 5)]
    >>> summary = summarize_particles(pd.concat(frames))
    >>> summary[["id", "frames", "first_area", "last_area", "frames_at_border"]]
       id  frames  first_area  last_area  frames_at_border
    0   3       2        12.0       18.0                 1
    """
    check_properties(properties, "equivalent_diameter", "touches_border")
    rows = properties.sort_values(["id", "frame"], kind="stable")
    of_each = rows.groupby("id")
    first, last = of_each.nth(0).set_index("id"), of_each.nth(-1).set_index("id")
    columns: dict[str, pd.Series] = {"frames": of_each.size()}
    for name in ("frame", "time"):
        if name in rows:
            columns |= {f"first_{name}": first[name], f"last_{name}": last[name]}
    columns |= {
        "mean_area": of_each["area"].mean(),
        "std_area": of_each["area"].std(),
        "first_area": first["area"],
        "last_area": last["area"],
        "mean_equivalent_diameter": of_each["equivalent_diameter"].mean(),
    }
    if "x_corrected" in rows:
        columns["displacement"] = pd.Series(_distance(first, last), first.index)
    if "mean_intensity" in rows:
        columns["mean_intensity"] = of_each["mean_intensity"].mean()
    columns["frames_at_border"] = of_each["touches_border"].sum()
    table = pd.DataFrame(columns).rename_axis("id").reset_index()
    table.attrs["units"] = _units(properties.attrs.get("units", {}), table)
    return table


def _distance(first: pd.DataFrame, last: pd.DataFrame) -> NDArray[np.float64]:
    place = ["x_corrected", "y_corrected"]
    steps = last[place].to_numpy(float) - first[place].to_numpy(float)
    return np.asarray(np.hypot(*steps.T))


def _units(units: dict[str, str], table: pd.DataFrame) -> dict[str, str]:
    """Return the unit of each column that has one, from those of the properties."""
    found = {name: units.get(name.partition("_")[2], "") for name in map(str, table)}
    found["displacement"] = units.get("x_corrected", "")
    found["mean_intensity"] = units.get("mean_intensity", "")
    return {name: unit for name, unit in found.items() if unit and name in table}
