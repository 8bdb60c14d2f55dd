# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that every pass through a movie leaves: its frames and its particles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hyperspy_hrtemnn.signals._particles.instance_files import write_hspy
from hyperspy_hrtemnn.signals._shared.output_files import write_csv
from hyperspy_hrtemnn.signals._shared.tables import frame_table

from .outputs import counted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd
    from hyperspy.signals import Signal2D

    from .own_files import OwnFiles


def write_particles(
    particles: Signal2D,
    frames: Path,
    labels: Path,
    own: OwnFiles,
    bad: Mapping[int, str],
) -> pd.DataFrame:
    """Write which frames are known, and the particles; return the first as a table.

    Parameters
    ----------
    particles
        The particles, lazy.
    frames, labels
        The .csv file of the frames and the .hspy file of the particles.
    own
        Files that are ours.
    bad
        What is wrong with frames that could not be used, by number.
    """
    axes = particles.axes_manager
    total = max(axes.navigation_size, 1)
    known = frame_table(axes.navigation_axes, total, bad)
    write_csv(known, frames, writing=own.writing())
    data = particles.data
    with counted(data, "write") as particles.data:
        write_hspy(
            particles,
            labels,
            show_progressbar=False,
            num_workers=None,
            writing=own.writing(),
        )
    particles.data = data
    return known
