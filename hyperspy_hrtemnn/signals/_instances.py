# SPDX-License-Identifier: GPL-3.0-or-later
"""Labelled particles, tables of their properties, and pictures of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from hyperspy.signals import Signal2D

from hyperspy_hrtemnn.analysis.kinds_of_tables import (
    check_properties,
    reflections_of,
)

from ._correctable import Correctable
from ._particles.edits import made_edits
from ._particles.instance_files import write_hspy, write_tiff
from ._particles.instance_plots import draw_lines, draw_outlines, draw_ratios
from ._particles.label_colors import LabelNorm, label_colors
from ._particles.markers import outline_markers
from ._particles.movie import make_movie
from ._particles.movie_files import SUFFIXES, check_movie_file
from ._particles.particle_spectra import sum_spectra
from ._particles.properties import curve_against, properties_of
from ._prediction.novelty import KeepsNovelty
from ._shared.entrance import given, in_one_form, in_same_form
from ._shared.frame_titles import follow_in_title, frame_title
from ._shared.frames import frame_index, frame_number
from ._shared.labels import check_ids, distinct_labels, own_labels
from ._shared.output_files import free_path, write_csv
from ._shared.runner import each_frame
from ._shared.skipping import FrameRule

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import pandas as pd
    from hyperspy.api.plot.markers import Markers
    from hyperspy.signals import Signal1D
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ._local_fft import LocalFFT


class Instances(Correctable, KeepsNovelty, Signal2D):  # type: ignore[misc]
    """Integer labels of particles, 0 = background, array order (..., y, x).

    An id means the same particle in every frame. They come from
    `Segmentation.track_instances`, or are those of any program: masks and floats that
    are whole are read, too, and negative labels as background, unless
    ``metadata.HRTEMNN.Instances.no_data`` is -1, which then marks pixels that are no
    data. Ids have 32 bits at most.
    """

    _signal_type = "HRTEM_instances"

    def plot(
        self, navigator: Any = "auto", *, show_ids: bool = True, **options: Any
    ) -> None:
        """Plot the labels as HyperSpy does, each id in its color.

        An id has the color of its outline and its line in other pictures. There are a
        dozen; the 13th particle has that of the first again. The background is black,
        and gray is what is not known. The title has the number and the time of the
        frame.

        Parameters
        ----------
        navigator
            As in HyperSpy's `Signal2D.plot`.
        show_ids
            Whether to write the ids. For that a frame of a lazy signal is computed
            twice.
        **options
            Of HyperSpy's `Signal2D.plot`, ``scalebar`` for instance; they take the
            place of the defaults.
        """
        categorical = {
            "cmap": label_colors(),
            "norm": LabelNorm,
            "interpolation": "nearest",  # between two ids there is no third one
            "colorbar": False,
        }
        super().plot(navigator, **categorical | options)
        follow_in_title(self)
        if show_ids and self._plot.signal_plot is not None:
            self.add_marker(outline_markers(in_one_form(self), outlines=False))

    def ids(
        self, *, show_progressbar: bool | None = None, num_workers: int | None = None
    ) -> list[int]:
        """Return the ids of all particles of the movie, ascending.

        Parameters
        ----------
        show_progressbar
            Whether to show a progress bar; by default as in HyperSpy's preferences.
        num_workers
            Number of threads of dask; by default dask's own.
        """
        found = each_frame(
            self,
            distinct_labels,
            rule=FrameRule("raise"),
            label="ids",
            show_progressbar=show_progressbar,
            num_workers=num_workers,
        )
        known = [labels for labels in found if labels is not None]
        return np.unique(np.concatenate(known)).tolist()  # type: ignore[no-any-return]

    def properties(
        self,
        image: Signal2D | None = None,
        *,
        show_progressbar: bool | None = None,
        num_workers: int | None = None,
    ) -> pd.DataFrame:
        """Return a table of the particles, one row for each in each frame.

        Frame by frame, so that a lazy movie is never in memory as a whole.

        Parameters
        ----------
        image
            The images the particles were found in; needed for the intensity only.
        show_progressbar
            Whether to show a progress bar; by default as in HyperSpy's preferences.
        num_workers
            Number of threads of dask; by default dask's own.

        Returns
        -------
        The columns of `hyperspy_hrtemnn.analysis.particle_properties`; after them
        ``novelty``, the mean over the particle, if a network with a guard has found
        them and the segmentation was not lazy; and, before them,
        ``frame``, and ``time`` if the navigation axis is calibrated in a unit of time;
        calibrated in something else, the column has the axis' name, with ``_axis``
        behind it if that is the name of a column. Lengths are in
        the unit of the x axis, ``x`` and ``y`` its coordinates. A movie along one axis
        has ``x_corrected`` and ``y_corrected``, the place without the drift of the
        whole field since the first frame; see
        `hyperspy_hrtemnn.analysis.correct_drift`. ``attrs["units"]`` has the unit of
        each column that has one. A frame without data has no rows; where there are
        such frames, ``attrs["unknown_frames"]`` has their numbers.

        Raises
        ------
        ValueError
            If the signal is not calibrated, or `image` has another shape; if no frame
            has data.
        """
        return properties_of(
            self,
            image,
            show_progressbar=show_progressbar,
            num_workers=num_workers,
        )

    def rebin(self, *_: Any, **__: Any) -> Any:
        """Refuse to sum labels, as `hyperspy.signals.BaseSignal.rebin` would.

        Raises
        ------
        TypeError
            Always: the sum of two ids is that of a third particle.
        """
        raise TypeError(
            "Labels cannot be rebinned: the sum of ids is not an id. Take every second "
            "pixel, labels.isig[::2, ::2], or find the particles in rebinned images."
        )

    def sum_spectra(
        self,
        spectrum_image: Signal1D,
        *,
        show_progressbar: bool | None = None,
        num_workers: int | None = None,
        lazy_output: bool | None = None,
    ) -> Signal1D:
        """Return the summed spectrum of every particle of a survey image.

        The spectrum image may have other pixels than the survey image: each spectrum
        belongs to the particle of the survey pixel at the middle of its own. Where it
        lies is the calibration's: scales, units and offsets of both. Two images of the
        same width or height and the same offset are taken for the same field, whose
        edges coincide: file formats give such images one offset whatever their pixels.

        Metadata and calibration of the spectra are kept, so that quantification in
        exspy goes on from here. What is there about time, such as the live time of an
        EDS detector, stays that of one pixel of the spectrum image, because particles
        differ in the number of pixels. Ratios of elements, as Cliff and Lorimer's, do
        not need it; where a dose is needed, choose a particle ``spectra.inav[i]`` and
        set its ``live_time`` to that of a pixel times its number of pixels.

        Parameters
        ----------
        spectrum_image
            Spectra along two navigation axes, x and y: an EDS or EELS signal of exspy,
            or any other `hyperspy.signals.Signal1D`.
        show_progressbar
            Whether to show a progress bar; by default as in HyperSpy's preferences.
        num_workers
            Number of threads of dask; by default dask's own.
        lazy_output
            Whether to leave the computation for later; by default if the spectrum
            image is lazy.

        Returns
        -------
        Sums, shape (id, energy), of the class of `spectrum_image`; whole numbers stay
        whole. The particles are in the order of ``metadata.HRTEMNN.Spectra.ids``, and
        ``metadata.HRTEMNN.Spectra.pixels`` has the number of spectra in each sum. A
        warning names particles that have none.

        Raises
        ------
        ValueError
            If this is not one image with particles, `spectrum_image` is no spectrum
            image, an axis is not uniform, or units differ and are not lengths.

        Examples
        --------
        >>> import hyperspy.api as hs
        >>> import numpy as np
        >>> from hyperspy_hrtemnn.data import au_ceo2_movie_truth
        >>> particles = au_ceo2_movie_truth().inav[0]
        >>> spectrum_image = hs.signals.Signal1D(np.ones((480, 512, 5)))
        >>> for axis in spectrum_image.axes_manager.navigation_axes:
        ...     axis.scale, axis.units = 0.02, "nm"
        >>> particles.sum_spectra(spectrum_image)
        <Signal1D, title: , dimensions: (3|5)>
        """
        return sum_spectra(
            self,
            spectrum_image,
            show_progressbar=show_progressbar,
            num_workers=num_workers,
            lazy_output=lazy_output,
        )

    def to_csv(
        self,
        path: str | Path,
        image: Signal2D | None = None,
        *,
        overwrite: bool = False,
        show_progressbar: bool | None = None,
        num_workers: int | None = None,
    ) -> None:
        """Write the table of `properties` to a text file.

        Columns are parted by commas, and their names have their units, in ASCII:
        ``area (nm^2)``.

        Parameters
        ----------
        path
            The file; it is written whole or not at all.
        image
            The images the particles were found in; needed for the intensity only.
        overwrite
            Whether to replace a file.
        show_progressbar
            Whether to show a progress bar; by default as in HyperSpy's preferences.
        num_workers
            Number of threads of dask; by default dask's own.

        Raises
        ------
        ValueError
            As `properties`.
        FileExistsError
            If there is such a file and `overwrite` is False.
        """
        target = free_path(path, overwrite=overwrite)
        table = self.properties(
            image, show_progressbar=show_progressbar, num_workers=num_workers
        )
        write_csv(table, target)

    def to_hspy(
        self,
        path: str | Path,
        *,
        overwrite: bool = False,
        show_progressbar: bool | None = None,
        num_workers: int | None = None,
    ) -> None:
        """Write the labels with their calibration to a file of HyperSpy's own format.

        As `save`, but whole or not at all: what is at `path` is replaced at the end.
        A lazy movie is computed and written frame by frame.

        Parameters
        ----------
        path
            The file, ending with .hspy.
        overwrite
            Whether to replace a file.
        show_progressbar
            Whether to show a progress bar; by default as in HyperSpy's preferences.
        num_workers
            Number of threads of dask; by default dask's own.

        Raises
        ------
        ValueError
            If the name ends with something else.
        FileExistsError
            If there is such a file and `overwrite` is False.
        """
        write_hspy(
            self,
            free_path(path, ".hspy", overwrite=overwrite),
            show_progressbar=show_progressbar,
            num_workers=num_workers,
        )

    def to_tiff(
        self,
        path: str | Path,
        *,
        overwrite: bool = False,
        show_progressbar: bool | None = None,
        num_workers: int | None = None,
    ) -> None:
        """Write the labels as an image that ImageJ and napari open.

        A value is the id of a particle, 0 the background, of 16 bits; an ImageJ
        hyperstack of axes TYX, where all navigation axes become T, with the pixel size
        in nm and, for a uniform time axis, the time between frames. With an id over
        65535 it is a TIFF of 32 bits instead. Frames are compressed, a few percent of
        their size, and wait in memory like that until all are there. A lazy movie is
        computed frame by frame.

        Parameters
        ----------
        path
            The file, ending with .tif or .tiff; it is written whole or not at all.
        overwrite
            Whether to replace a file.
        show_progressbar
            Whether to show a progress bar; by default as in HyperSpy's preferences.
        num_workers
            Number of threads of dask; by default dask's own.

        Raises
        ------
        ValueError
            If the name ends with something else, or the signal is not calibrated.
        FileExistsError
            If there is such a file and `overwrite` is False.
        """
        write_tiff(
            self,
            free_path(path, ".tif", ".tiff", overwrite=overwrite),
            show_progressbar=show_progressbar,
            num_workers=num_workers,
        )

    def plot_properties(
        self,
        name: str,
        ids: Iterable[int] | None = None,
        ax: Axes | None = None,
        *,
        image: Signal2D | None = None,
        properties: pd.DataFrame | None = None,
        min_frames: int = 1,
        show_progressbar: bool | None = None,
        num_workers: int | None = None,
    ) -> Axes:
        """Plot a property against time, one line for each particle.

        A particle has the color of its outline in other pictures.

        Parameters
        ----------
        name
            A column of `properties`, for example ``"area"``.
        ids
            The particles; by default all.
        ax
            Axes to plot on; by default those of a new figure.
        image
            The images, for ``"mean_intensity"``, where no table is given.
        properties
            From `properties` or `HRTEM.follow_particles`; by default what `properties`
            finds.
        min_frames
            Particles that are in fewer frames are gray, and the legend says only how
            many they are; by default none is.
        show_progressbar
            Whether to show a progress bar; by default as in HyperSpy's preferences.
        num_workers
            Number of threads of dask; by default dask's own.

        Raises
        ------
        ValueError
            If there is no such property or particle, or the table is another one.
        """
        table = properties
        if table is None:
            table = self.properties(
                image, show_progressbar=show_progressbar, num_workers=num_workers
            )
        against = curve_against(table, name)
        if ids is not None:
            ids = list(ids)
            check_ids(ids, table["id"].unique().tolist())
        return draw_lines(table, name, against, ids, ax, min_frames=min_frames)

    def plot_overlay(
        self,
        image: Signal2D,
        frame: int | tuple[int, ...] | None = None,
        ax: Axes | None = None,
        *,
        show_ids: bool = True,
    ) -> Axes:
        """Plot an image in gray with the outlines and ids of its particles.

        Half a percent of the pixels are black, and half a percent white. There is a
        scale bar where HyperSpy has one; the title has the number and the time of the
        frame.

        Parameters
        ----------
        image
            The images the particles were found in.
        frame
            Number of the frame, from 0 on, as in the column ``frame`` of tables, or its
            navigation indices in the order of ``inav``. By default where the navigator
            is.
        ax
            Axes to plot on; by default those of a new figure.
        show_ids
            Whether to write the ids.

        Raises
        ------
        ValueError
            If `image` has another shape.
        IndexError
            If there is no such frame.
        """
        image = in_same_form(self, image)
        where = frame_index(self, frame)
        ax = draw_outlines(
            np.asarray(image.data[where]),
            np.asarray(self.data[where]),
            self.axes_manager.signal_axes,
            ax,
            show_ids=show_ids,
        )
        ax.set_title(frame_title(self, where))
        return ax

    def to_markers(self, *, show_ids: bool = True) -> list[Markers]:
        """Return outlines and ids as markers of HyperSpy, which follow the navigator.

        They are added to a plot of the movie, or of any signal with the same frames and
        axes, and removed with it. Those of a frame are found when the frame is shown,
        so that lazy labels stay lazy. Labels that are not computed yet are tracked
        again for each frame: save and load them before. HyperSpy cannot save markers
        that differ between frames; make them again from the labels.

        Parameters
        ----------
        show_ids
            Whether there is a marker for the ids besides that of the outlines.

        Returns
        -------
        A marker for the outlines, each in the color of its id, and one for the ids, for
        `hyperspy.signals.BaseSignal.add_marker`. Each call returns new ones, because
        HyperSpy adds a marker to one signal only.

        Raises
        ------
        ValueError
            If a signal axis is not uniform.

        Examples
        --------
        >>> from hyperspy_hrtemnn.data import au_ceo2_movie, au_ceo2_movie_truth
        >>> movie, particles = au_ceo2_movie(), au_ceo2_movie_truth(lazy=True)
        >>> movie.plot()
        >>> movie.add_marker(particles.to_markers())
        """
        return outline_markers(self, ids=show_ids)

    def to_movie(
        self,
        path: str | Path,
        image: Signal2D | None = None,
        *,
        curve: str | None = "area",
        properties: pd.DataFrame | None = None,
        frames_per_second: float = 10,
        overwrite: bool = False,
        show_progressbar: bool | None = None,
        num_workers: int | None = None,
    ) -> None:
        """Write a movie that anybody can watch, with outlines, ids, time and scale bar.

        Beside the image is a property of all particles against time, with a line at
        the frame that is shown. Each frame has the contrast of `plot_overlay`.

        Images are read and drawn one after the other. Labels wait in memory as runs of
        equal pixels, a few percent of their size. Those of an uncomputed movie are
        tracked once for the pictures and once for the curve, unless `properties` is
        given.

        Parameters
        ----------
        path
            The file, ending with .mp4 or .gif; it is written whole or not at all. An
            .mp4 needs the extra ``movie``. Of a .gif all pictures wait in memory, a
            byte for each pixel of a picture.
        image
            The images the particles were found in; by default the particles are shown
            in the colors of their ids.
        curve
            A column of `properties`, for example ``"equivalent_diameter"``; None for
            the images alone.
        properties
            From `properties` or `HRTEM.follow_particles`; by default what `properties`
            finds.
        frames_per_second
            How fast it plays.
        overwrite
            Whether to replace a file.
        show_progressbar
            Whether to show a progress bar; by default as in HyperSpy's preferences.
        num_workers
            Number of threads of dask; by default dask's own.

        Raises
        ------
        ValueError
            If the name ends with something else, this is a single image, `image` has
            another shape, there is no such property, or the speed is none. As
            `properties`, if there is a curve.
        FileExistsError
            If there is such a file and `overwrite` is False.
        ImportError
            If the extra ``movie`` is missing.
        """
        target = free_path(path, *SUFFIXES, overwrite=overwrite)
        check_movie_file(target, frames_per_second)
        if self.axes_manager.navigation_dimension == 0:
            raise ValueError("This is a single image; plot_overlay draws it.")
        if image is not None:
            image = in_same_form(self, image)
        if curve is not None and properties is None:
            properties = self.properties(
                image if curve == "mean_intensity" else None,
                show_progressbar=show_progressbar,
                num_workers=num_workers,
            )
        make_movie(
            self,
            target,
            image,
            curve=curve,
            properties=properties,
            frames_per_second=frames_per_second,
            show_progressbar=show_progressbar,
            num_workers=num_workers,
        )

    def plot_brightness_ratio(
        self,
        image: Signal2D,
        ratios: pd.DataFrame,
        frame: int | tuple[int, ...] | None = None,
        ax: Axes | None = None,
    ) -> Axes:
        """Plot an image with each particle in the color of its brightness ratio.

        The brighter a particle, the nearer it is to a zone axis (Leth Larsen et al.,
        Microsc. Microanal. 28 S1 (2022) 2984, figure 2); particles without reflections
        have an outline only.

        Parameters
        ----------
        image
            The images the particles were found in.
        ratios
            Table from `LocalFFT.brightness_ratio`.
        frame
            As in `plot_overlay`.
        ax
            Axes to plot on; by default those of a new figure.

        Raises
        ------
        ValueError
            If `image` has another shape.
        IndexError
            If there is no such frame.
        """
        where = frame_index(self, frame)
        ax = self.plot_overlay(image, where[::-1], ax)
        rows = ratios[ratios["frame"] == frame_number(self, where)].set_index("id")
        labels = np.asarray(self.data[where])
        draw_ratios(labels, rows["brightness_ratio"], ax)
        return ax

    def explore_reflections(
        self,
        image: Signal2D,
        spectra: LocalFFT,
        peaks: pd.DataFrame,
        frame: int | tuple[int, ...] | None = None,
        *,
        properties: pd.DataFrame | None = None,
    ) -> Figure:
        """Show the spectrum and the curves of any particle that is clicked on.

        The figure follows the navigator of `image`, that of ``image.plot()`` for
        example, until it is closed: image and spectrum are those of the frame it is at,
        and a line in the curves is at its time. The title says which particle is
        selected, and its outline is thicker. In a notebook whose figures do not react
        to clicks, a warning says how to get others.

        Parameters
        ----------
        image
            The images the particles were found in.
        spectra
            From ``image.local_fft(particles)``; with an id, there is nothing to see of
            other particles.
        peaks
            Table from `LocalFFT.peak_table`.
        frame
            The frame that is shown at first, as in `plot_overlay`; by default where the
            navigator of `image` is.
        properties
            From `properties` or `HRTEM.follow_particles`, for the area against time; by
            default there is none.

        Returns
        -------
        The figure: the image, the spectrum of the particle in the frame, its area, and
        intensity and angle of its reflections against time.

        Raises
        ------
        ValueError
            If `image` has another shape, or `properties` is another table.
        IndexError
            If there is no such frame.
        """
        from ._particles.explore import Explorer

        image = in_same_form(self, image)
        peaks = reflections_of(peaks)
        if properties is not None:
            check_properties(properties)
        where = frame_index(image, frame)
        explorer = Explorer(
            self,
            image,
            spectra=in_one_form(spectra),
            peaks=peaks,
            properties=properties,
            where=where,
        )
        return explorer.figure

    def _own_data(self) -> Any:
        if given(self) is not self:
            return self.data  # made by `in_one_form`
        state = self.metadata.get_item("HRTEMNN.Instances", None)
        ours = state is not None or bool(made_edits(self))
        if ours and self.data.dtype == np.int32:
            return self.data  # from `Segmentation.track_instances`, or an edit
        no_data = self.metadata.get_item("HRTEMNN.Instances.no_data", None) == -1
        return own_labels(self.data, no_data=no_data)
