# SPDX-License-Identifier: GPL-3.0-or-later
"""Atom model: the result of `HRTEM.refine_atoms` and `HRTEM.find_atoms`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_hrtemnn import __version__
from hyperspy_hrtemnn.atomic import written_whole
from hyperspy_hrtemnn.signals._shared.calibration import sampling
from hyperspy_hrtemnn.signals._shared.derived import computed, derived_signal
from hyperspy_hrtemnn.signals._shared.frames import axis_dicts
from hyperspy_hrtemnn.signals._shared.lenses import set_energy
from hyperspy_hrtemnn.signals._shared.output_files import ascii_unit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pandas as pd
    from ase import Atoms
    from hyperspy.signals import Signal2D
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from hyperspy_hrtemnn.analysis import FittedOptics, Measured, RefinedAtoms
    from hyperspy_hrtemnn.signals._shared.output_files import Writing

# Distance of the plane of the wave from the last atom [Å]; here also before the first.
_BEHIND = 2.0


@dataclass(frozen=True, repr=False)
class AtomModel:
    """Atoms, lenses and wave that explain the images of a sample.

    Parameters
    ----------
    columns
        A row for each column in the images: ``frame``, that of the table it was refined
        from, ``class``, ``x`` and ``y`` of the middle of its atoms in the first image,
        coordinates of the signal axes in their unit, ``z`` along the beam, from the
        middle of the sheet, ``sigma_x`` and ``sigma_y``, their standard errors, all in
        that unit, ``occupancy``, how strong the column is over what its class is, with
        ``sigma_occupancy``, and ``probability_`` with the name of each class,
        ``probability_empty``, and ``probability_other``, that it is something else; NaN
        for what cannot stand there. ``attrs`` has the ``units``, and what functions for
        tables of columns need.
    empty_sites
        The same of the sites of the lattice without a column: ``frame``, ``x``, ``y``,
        ``z``, ``enclosed``, whether columns enclose it, so that it is a vacancy and not
        the edge of the sheet, and the probabilities.
    refined
        What was found, in Å.
    series
        The images.
    made
        How it was made, for the metadata.
    support
        The atoms of the graphene below, a table as `columns`; None without support.
    empty_support_sites
        The sites of that graphene without an atom, a table as `empty_sites`.
    """

    columns: pd.DataFrame
    empty_sites: pd.DataFrame
    refined: RefinedAtoms
    series: Signal2D
    made: Mapping[str, Any]
    support: pd.DataFrame | None = None
    empty_support_sites: pd.DataFrame | None = None

    @property
    def optics(self) -> FittedOptics:
        """The lenses, relative to the wave of `exit_wave`, with their errors."""
        return self.refined.optics

    @property
    def chi2(self) -> float:
        """What the model leaves in the images, in units of their noise; 1 is noise."""
        return self.refined.optics.chi2

    @property
    def tilt(self) -> Measured:
        """Components (x, y) of the normal of the sheet, a vector of length 1.

        It points along the beam, so that their root sum square is the sine of the tilt.
        """
        return self.refined.tilt

    def exit_wave(self) -> Signal2D:
        """Return the exit wave of the atoms, an `ExitWave`, 2 Å behind the last one.

        On the pixels of the images, smoothed as waves of
        `HRTEM.reconstruct_exitwave` are; 1 = vacuum.
        """
        axes = self.series.axes_manager.navigation_axes
        result = derived_signal(
            self.series,
            self.refined.wave,
            "exit_wave",
            axis_dicts(self.series, without=axes[0] if axes else None),
        )
        set_energy(result, self.optics.energy)
        provenance = {"method": "atoms", "version": __version__, **self.made}
        result.metadata.set_item("HRTEMNN.ExitWave", provenance)
        return _now(result)

    def residuals(self) -> Signal2D:
        """Return what the model leaves of each image, in units of its noise.

        Their standard deviation is 1 where only noise is left. What rises above it is
        not in the model: contamination, an adatom, a second layer. 0 where nothing was
        compared.
        """
        left = self.refined.residuals
        shape = self.series.data.shape
        result = derived_signal(self.series, left.reshape(shape), "HRTEM")
        result.metadata.General.title = f"Residuals {result.metadata.General.title}"
        result.metadata.set_item("Signal.quantity", "Residual (noise)")
        return _now(result)

    def atoms(self) -> Atoms:
        """Return the atoms in the images, in a cell that is the field of view.

        Positions are in Å, x and y from the middle of the first pixel and z along the
        beam. The first atom is 2 Å above the bottom of the cell and the last one 2 Å
        below its top, so that a multislice simulation of the cell ends where
        `exit_wave` is. The cell is not periodic.
        """
        from ase import Atoms

        height, width = self.refined.wave.shape
        pixel = sampling(self.series)
        positions = self.refined.positions
        last = np.array([width - 0.5, height - 0.5]) * pixel
        inside = np.all(
            (positions[:, :2] >= -pixel / 2) & (positions[:, :2] <= last), axis=1
        )
        z = positions[inside, 2]
        bottom, top = (z.min(), z.max()) if len(z) else (0.0, 0.0)
        return Atoms(
            np.array(self.refined.symbols, str)[inside].tolist(),
            positions[inside] + (0, 0, _BEHIND - bottom),
            cell=(width * pixel, height * pixel, top - bottom + 2 * _BEHIND),
        )

    def plot(self, image: Signal2D | None = None, ax: Axes | None = None) -> Axes:
        """Plot the columns on an image, one color for each class.

        Upper and lower atoms of a pair are triangles that point up and down. Empty
        sites that columns enclose are dashed, and columns whose class is less probable
        than 95 % are drawn with thick lines.

        Parameters
        ----------
        image
            Image to plot them on, such as the phase of `exit_wave`; by default the
            first of the series.
        ax
            Axes to plot on; by default those of a new figure.
        """
        from .atom_plots import plot_atoms

        shown = self.series if image is None else image
        return plot_atoms(self.columns, self.empty_sites, shown, ax)

    def plot_residuals(self, axes: Sequence[Axes] | None = None) -> Figure:
        """Plot what the model leaves of each image, in units of its noise.

        Parameters
        ----------
        axes
            Axes for each image; by default those of a new figure.

        Raises
        ------
        ValueError
            If there are not as many axes as images.
        """
        from .atom_plots import plot_residuals

        return plot_residuals(self.residuals(), axes)

    def save(
        self,
        folder: str | Path,
        *,
        overwrite: bool = False,
        writing: Writing = written_whole,
    ) -> None:
        """Write signals, atoms, a picture and tables into a folder.

        They are ``residuals.hspy``, ``wave.hspy``, ``atoms.xyz``, ``atoms.png``,
        ``lenses.csv``, ``empty_sites.csv``, with a support ``support.csv`` and
        ``empty_support_sites.csv``, and ``columns.csv``, each whole or not at all.

        Parameters
        ----------
        folder
            The folder, which is made if it does not exist.
        overwrite
            Whether to replace such files that are in it.
        writing
            What gives a path to write to in place of that of a file; by default a
            temporary one, which gets its name at the end.

        Raises
        ------
        FileExistsError
            If there is such a file, and `overwrite` is false.
        """
        from .model_files import free_folder, write_files

        lenses = self.optics.to_table()
        lenses["unit"] = lenses["unit"].map(ascii_unit)
        lenses.attrs["units"] = {}
        below = {
            "support": self.support,
            "empty_support_sites": self.empty_support_sites,
        }
        write_files(
            free_folder(folder, overwrite=overwrite),
            {"residuals": self.residuals(), "wave": self.exit_wave()},
            self.atoms(),
            self._picture(),
            {
                "lenses": lenses,
                "empty_sites": self.empty_sites,
                **{name: each for name, each in below.items() if each is not None},
                "columns": self.columns,
            },
            writing=writing,
        )

    def _picture(self) -> Figure:
        """Draw the columns, and below the residuals of each image."""
        from matplotlib.figure import Figure

        count = len(self.refined.residuals)
        figure = Figure(figsize=(max(4 * count, 7), 9.5), layout="constrained")
        grid = figure.add_gridspec(2, count, height_ratios=(1.6, 1))
        self.plot(ax=figure.add_subplot(grid[0, :]))
        self.plot_residuals([figure.add_subplot(grid[1, i]) for i in range(count)])
        return figure

    def __repr__(self) -> str:
        """Return how many columns there are of each class, and how well they fit."""
        from .model_summary import summary

        vacancies = int(self.empty_sites["enclosed"].sum())
        return summary(self.refined, vacancies)


def _now(result: Signal2D) -> Signal2D:
    return computed(  # type: ignore[no-any-return]
        result, lazy=False, show_progressbar=False, num_workers=None
    )
