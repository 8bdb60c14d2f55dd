# SPDX-License-Identifier: GPL-3.0-or-later
"""Segmentation: what a network finds at each pixel, as a rule probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import dask.array as da
import numpy as np
from hyperspy.signals import BaseSignal, Signal2D

from hyperspy_hrtemnn import __version__
from hyperspy_hrtemnn.options import TrackingOptions

from ._columns.column_table import column_table
from ._columns.counted_table import counted_table
from ._prediction.novelty import KeepsNovelty
from ._prediction.novelty_plot import draw_novelty
from ._prediction.spread import KeepsSpread
from ._shared.calibration import sampling
from ._shared.choice import KeepsChoice
from ._shared.entrance import OneForm, in_same_form
from ._shared.frame_titles import follow_in_title, frame_title
from ._shared.frames import frame_index
from ._shared.probabilities import holds_atoms, in_range, threshold_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike

    from ._instances import Instances
    from ._interactive.tracking_tool import TrackingTool


class Segmentation(OneForm, KeepsChoice, KeepsSpread, KeepsNovelty, Signal2D):  # type: ignore[misc]
    """Probability of each pixel to belong to a class, 0 to 1, or atoms of columns.

    Array order (..., y, x), or (..., class, y, x) for several classes. It comes from
    `HRTEM.segment`, or is made from any segmentation, a mask drawn by hand too, if its
    values are 0 and 1 or between. NaN is no data, which belongs to no class.

    Of a network that counts, such as ``au-heights``, the values are the number of atoms
    in the column at each pixel. `find_columns` makes a table of them; methods that need
    probabilities refuse them.

    Examples
    --------
    >>> import hyperspy.api as hs
    >>> import numpy as np
    >>> mask = np.zeros((20, 30), dtype="uint8")
    >>> mask[5:15, 3:12] = 255
    >>> segmentation = hs.signals.Signal2D(mask / 255)
    >>> segmentation.set_signal_type("HRTEM_segmentation")
    >>> segmentation
    <Segmentation, title: , dimensions: (|30, 20)>
    """

    _signal_type = "HRTEM_segmentation"
    _additional_slicing_targets: ClassVar[list[str]] = [
        *KeepsSpread._additional_slicing_targets,
        "_novelty",
    ]

    def plot(self, navigator: Any = "auto", **options: Any) -> None:
        """Plot the probabilities as HyperSpy does, from black at 0 to white at 1.

        Of the atoms of columns the largest number is white.

        The title has the number and the time of the frame, and the class where there
        are several.

        Parameters
        ----------
        navigator
            As in HyperSpy's `Signal2D.plot`.
        **options
            Of HyperSpy's `Signal2D.plot`, ``vmin`` and ``cmap`` for instance; they take
            the place of the defaults.
        """
        white = {} if holds_atoms(self) else {"vmax": 1}
        super().plot(navigator, **{"vmin": 0} | white | options)
        follow_in_title(self)

    def plot_novelty(
        self,
        image: Signal2D | None = None,
        frame: int | tuple[int, ...] | None = None,
        ax: Axes | None = None,
    ) -> Axes:
        """Plot where an image is foreign to the network, in color on it.

        Red regions are farther from the images of the training than the threshold,
        which 1 % of the regions of such images exceed: what the network finds there is
        a guess. Blue ones are nearer. See docs/guard.md.

        Parameters
        ----------
        image
            The images that were segmented; by default the probabilities are shown.
        frame
            Number of the frame, from 0 on, as in the column ``frame`` of tables, or its
            navigation indices in the order of ``inav``. By default where the navigator
            is.
        ax
            Axes to plot on; by default those of a new figure.

        Raises
        ------
        AttributeError
            If the novelty is not known; see `novelty`.
        ValueError
            If `image` has another shape.
        IndexError
            If there is no such frame.
        """
        novelty = self.novelty
        shown = self if image is None else in_same_form(self, image)
        where = frame_index(self, frame)
        ax = draw_novelty(
            np.asarray(shown.data[where]),
            self.axes_manager.signal_axes,
            np.asarray(novelty.data[where]),
            novelty.axes_manager.signal_axes,
            ax,
        )
        ax.set_title(frame_title(self, where))
        return ax

    def threshold(self, probability: float | None = None) -> Segmentation:
        """Return where the probability is at least a threshold, as a boolean signal.

        Parameters
        ----------
        probability
            The threshold, above 0 and up to 1. By default that of unbiased area:
            what the network's card says, which `HRTEM.segment` keeps in
            ``metadata.HRTEMNN.Segmentation.threshold``; 0.9 for a segmentation of a
            network that is older than this entry, whose answers were no probabilities
            yet; 0.5 for one that no network of this package made. NaN, no data, is
            not above it.

        Returns
        -------
        ``metadata.HRTEMNN.Threshold.probability`` has the threshold.

        Raises
        ------
        ValueError
            If the threshold is out of range, or the signal holds no probabilities.
        """
        probability = threshold_of(self, probability)
        if not 0 < probability <= 1:
            raise ValueError(f"probability has to be in 0 to 1, not {probability}.")
        checked: Any = self._deepcopy_with_new_data(in_range(self.data))
        mask: Any = checked >= probability
        mask.metadata.set_item(
            "HRTEMNN.Threshold", {"probability": probability, "version": __version__}
        )
        return mask  # type: ignore[no-any-return]

    def area(self, probability: float | None = None) -> BaseSignal:
        """Return the area above a threshold against the navigation axes.

        Parameters
        ----------
        probability
            The threshold, above 0 and up to 1; by default as in `threshold`.

        Returns
        -------
        The area in the square of the unit of the signal axes: for a movie a signal
        along its time, for one image a single number. NaN where a whole frame is.

        Raises
        ------
        ValueError
            If the signal is not calibrated or the threshold is out of range.
        """
        unit = str(self.axes_manager.signal_axes[0].units)
        side = sampling(self, unit)
        mask = self.threshold(probability)
        mask.set_signal_type("")
        area = mask.sum(axis=mask.axes_manager.signal_axes) * side**2
        if self.data.dtype.kind == "f":
            # Before the axes are turned: the data is that of the navigation axes.
            area.data = _where_known(area.data, self.data)
        area.metadata.set_item("Signal.quantity", f"Area ({unit}²)")
        return area.T if self.axes_manager.navigation_dimension else area

    def track_instances(
        self,
        min_separation: float | str,
        *,
        min_overlap: float = TrackingOptions.min_overlap,
        probability: float | None = None,
        min_area: float | str | None = TrackingOptions.min_area,
        memory: int = TrackingOptions.memory,
        drift: bool | ArrayLike = TrackingOptions.drift,
        search_range: float | str | None = TrackingOptions.search_range,
        show_progressbar: bool | None = None,
        num_workers: int | None = None,
        lazy_output: bool | None = None,
    ) -> Instances:
        """Return the single particles, each with one id through all frames.

        In each frame the particles are separated by a watershed; a particle takes
        the id of the one it overlaps most in the frame before (thesis section 3.5).
        The drift of the whole field, of any length that leaves a quarter of the
        particles in view, is found from the particles and taken out before; how large
        it was is in the columns ``x_corrected`` and ``y_corrected`` of
        `Instances.properties`.

        The frames of a lazy movie are linked one after the other in bounded memory,
        when the result is computed or saved. Do either before looking at single
        frames: each look into an uncomputed result links from the first frame on.

        Frames without data (NaN), such as those that `HRTEM.segment` skipped, are -1
        everywhere. Nobody knows what was in them: they do not count as frames in which
        a particle is missing, and the frame after is compared with the one before.

        Parameters
        ----------
        min_separation
            Smallest distance between the centers of touching particles: a number in
            the unit of the signal axes, or a text with a unit, ``"2 nm"``.
        min_overlap
            Smallest overlap, 0 to 1, for particles of two frames to be the same: the
            shared area over that of the smaller one.
        probability
            Pixels of at least this probability belong to a particle. By default the
            threshold of unbiased area, as in `threshold`.
        min_area
            Particles of less area are dropped: a number in the square of the axes'
            unit, or a text, ``"4 nm^2"``. By default a twentieth of the square of
            `min_separation`, for specks. How many were dropped is told in a warning,
            of a lazy result when it is computed, and is
            ``metadata.HRTEMNN.Instances.dropped_regions``.
        memory
            Number of frames a particle may be missing and return with its id; frames
            without data do not count.
        drift
            Whether to take out the drift; or the drift itself in pixels, shape
            (frame, 2), what HyperSpy's ``estimate_shift2D`` returns for the movie.
        search_range
            Farthest a particle may move by itself between two frames, a number in the
            unit of the signal axes, or a text, ``"3 nm"``: one that overlaps with
            nothing of the frame before is taken for the nearest that is left there.
            By default it is new.
        show_progressbar
            Whether to show a progress bar; by default as in HyperSpy's preferences.
        num_workers
            Number of threads of dask; by default dask's own.
        lazy_output
            Whether to leave the computation for later; by default if the signal is
            lazy.

        Returns
        -------
        Labels of the shape of this signal, -1 where it is NaN, no data.
        ``metadata.HRTEMNN.Instances`` has the options, and the threshold that was used
        as ``probability``.

        Raises
        ------
        ValueError
            If there are several classes or more than one navigation axis, a length
            or a number is out of range, the drift is not one place for each frame, or
            the signal is not calibrated where a text
            with a unit is given. If the values are not probabilities; for a lazy
            signal when it is computed.

        Examples
        --------
        >>> from hyperspy_hrtemnn.data import au_ceo2_movie
        >>> segmentation = au_ceo2_movie().inav[:2].segment("au-ceo2-mask")
        >>> particles = segmentation.track_instances("2 nm")
        >>> particles
        <Instances, title: Au on CeO2, simulated, dimensions: (2|512, 480)>
        >>> particles.properties()["id"].tolist()
        [1, 2, 3, 1, 2, 3]
        """
        from ._tracking.track import track

        return track(  # type: ignore[no-any-return]
            self,
            TrackingOptions(
                min_separation,
                min_overlap,
                probability,
                min_area,
                memory,
                drift,
                search_range,
            ),
            show_progressbar=show_progressbar,
            num_workers=num_workers,
            lazy_output=lazy_output,
        )

    def tracking_tool(
        self,
        image: Signal2D | None = None,
        *,
        min_separation: float | str = "2 nm",
    ) -> TrackingTool:
        """Return a tool to try out on one frame what `track_instances` needs.

        In a notebook ``tool.gui()`` shows sliders for threshold and separation, and
        the particles of the frame where the navigator is, as they change.

        Parameters
        ----------
        image
            The images that are shown behind the outlines; by default this signal.
        min_separation
            The smallest separation to begin with, as in `track_instances`.

        Returns
        -------
        Its ``apply()`` is `track_instances` with the options that were chosen. As long
        as it is not closed, it follows the navigator of `image`, or of this signal.

        Raises
        ------
        ValueError
            As `track_instances`; if `image` has another shape.

        Examples
        --------
        >>> from hyperspy_hrtemnn.data import au_ceo2_movie
        >>> movie = au_ceo2_movie().inav[:2]
        >>> tool = movie.segment("au-ceo2-mask").tracking_tool(movie)
        >>> tool.message
        'particles: 3; dropped as too small: 0'
        >>> tool.probability = 0.6
        >>> tool.apply()
        <Instances, title: Au on CeO2, simulated, dimensions: (2|512, 480)>
        """
        from ._interactive.tracking_tool import TrackingTool

        return TrackingTool(self, image, min_separation)

    def find_columns(
        self,
        min_separation: float | str | None = None,
        probability: float = 0.5,
        instances: Instances | None = None,
        *,
        show_progressbar: bool | None = None,
        num_workers: int | None = None,
    ) -> pd.DataFrame:
        """Return a table of the atomic columns, one row for each in each frame.

        Where the classes together are at least as probable as the threshold there is
        a column, of the class that is strongest; see
        `hyperspy_hrtemnn.analysis.find_columns`. A class named ``background`` is left
        out. Frame by frame, so that a lazy movie is never in memory as a whole.

        Of a network that counts, such as ``au-heights``, each column has the number of
        its ``atoms``, see `hyperspy_hrtemnn.analysis.count_atoms`.

        Parameters
        ----------
        min_separation
            Smallest distance between two columns, whatever their classes: a number in
            the unit of the signal axes, or a text with a unit, ``"1 angstrom"``. By
            default 1.5 times the radius of a typical blob of each frame.
        probability
            The threshold, above 0 and below 1; not relative to what else is there. Of
            numbers of atoms it is the share of the largest number nearby, or of one
            atom, at which a column ends.
        instances
            Particles of the same frames, from `track_instances`: each column gets the
            ``id`` of the one it belongs to, of which it is at most 0.6 distances of
            neighboring columns ``outside``, and 0 if there is none. Frames of which
            they know nothing are unknown. By default columns do not belong to anything.
        show_progressbar
            Whether to show a progress bar; by default as in HyperSpy's preferences.
        num_workers
            Number of threads of dask; by default dask's own.

        Returns
        -------
        ``frame``, ``time`` if the navigation axis is calibrated in a unit of time
        (calibrated in something else, the column has the axis' name, with ``_axis``
        behind it if that is the name of a column), ``id`` if there are
        `instances`, as in the tables of these, ``class``, the
        name or, where it is not known, the number of the channel, ``x`` and ``y``,
        coordinates of the signal axes in their unit, and ``confidence``, the largest
        probability of that class in the column, ``filling``, the mean probability over
        the size of a typical column, 1 for a whole disc, and ``outside``, if there are
        `instances`, the distance from the pixels of the particle. The most certain of a
        frame come first; a frame without columns has no rows, and is taken for unknown,
        not for empty, where columns are followed or counted. ``attrs["units"]`` has the
        unit of each column that has one, ``attrs["frames"]`` the number of frames,
        ``attrs["classes"]`` what there may be, and ``attrs["field"]`` the lowest and
        highest ``x`` and ``y`` of the images.

        Of a network that counts, the ``class`` of all is "column", and ``atoms`` the
        number of atoms, not rounded. ``atoms_error`` is the standard deviation of that
        number over the eight orientations of the images: there if the segmentation has
        its ``spread``, as when the network was given to `HRTEM.segment` by its name. An
        error that the network makes in all orientations does not show in it.

        What to do with the table: `link_columns`, `place_on_sites`, `column_events`,
        `find_vacancies`, `count_columns`, `strain_map` and, of atoms that are counted,
        `columns_to_atoms` of `hyperspy_hrtemnn.analysis`, and `HRTEM.plot_columns`.

        Raises
        ------
        ValueError
            If a number is out of range, a text is not a length, or has a unit and the
            axes do not, the values are not probabilities, or the instances are of
            other frames.

        Examples
        --------
        >>> from hyperspy_hrtemnn.data import au_ceo2_movie
        >>> segmentation = au_ceo2_movie().inav[0].segment("au-columns")
        >>> columns = segmentation.find_columns("1 angstrom")
        >>> list(columns)
        ['frame', 'class', 'x', 'y', 'confidence', 'filling']
        """
        find = counted_table if holds_atoms(self) else column_table
        return find(
            self,
            min_separation,
            probability,
            instances,
            show_progressbar=show_progressbar,
            num_workers=num_workers,
        )


def _where_known(area: Any, probability: Any) -> Any:
    """Return areas, NaN for frames without data; lazily if these are lazy."""
    known = ~np.isnan(probability).all(axis=(-2, -1))
    where = np.where if isinstance(probability, np.ndarray) else da.where
    return where(known.reshape(area.shape), area, np.nan)
