# SPDX-License-Identifier: GPL-3.0-or-later
"""Correction by hand: labels are edited, sent to napari and ImageJ, and come back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._particles import corrections
from ._particles.edits import made_edits, undo_last
from ._particles.labels_from_outside import instances_of
from ._particles.split_instances import split
from ._shared.entrance import OneForm, in_same_form
from ._shared.output_files import free_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import pandas as pd
    from hyperspy.signals import Signal2D
    from typing_extensions import Self


class Correctable(OneForm):
    """Labels that are corrected by hand, in place, and remember how.

    Edits of a lazy movie are made frame by frame when it is computed or saved.
    """

    def merge(
        self,
        a: int,
        b: int | Iterable[int],
        *,
        frames: int | Iterable[int] | None = None,
    ) -> None:
        """Merge particles that are one: `b` gets the id of `a`, in place.

        Parameters
        ----------
        a
            Id of the particle that keeps it.
        b
            Id, or ids, of the particles that become part of it.
        frames
            Number of a frame, or of several, as in the column ``frame`` of tables; by
            default all.

        Raises
        ------
        ValueError
            If the particle is not in the movie, or not in these frames. A lazy movie is
            not searched for it; when all frames are computed, a warning tells if the
            edit has changed nothing.
        IndexError
            If the movie does not have the frame.
        """
        corrections.merge(self, a, b, frames)

    def split(
        self,
        id: int,  # noqa: A002
        new_ids: int | Iterable[int] | None = None,
        *,
        frames: int | Iterable[int] | None = None,
    ) -> list[int]:
        """Split a particle at its deepest necks, in place.

        For two particles that one outline surrounds. In each frame the particle is cut
        where it is narrowest, compared with the widths on both sides; without a neck,
        across its long axis. The parts are those of the frame before, by their places
        to each other; in the first frame, unless the frame before it has all of these
        ids, the largest part keeps the id. For one id that was given to two particles
        one after the other, see `relabel`. HyperSpy's own ``split``, which cuts a
        signal into several, is ``hs.signals.Signal2D.split(particles)``.

        Parameters
        ----------
        id
            Id of the particle, which one of the parts keeps.
        new_ids
            Id of the other part, or ids of several others; by default a new one for
            one other part. Of a lazy movie they have to be given.
        frames
            As in `merge`.

        Returns
        -------
        The ids of the parts.

        Raises
        ------
        ValueError
            If the particle is not there, another one has a new id in the same frame,
            or the particle has fewer pixels than parts; of a lazy movie when it is
            computed.
        IndexError
            If the movie does not have the frame.
        """
        return split(self, id, new_ids, frames)

    def delete(
        self, ids: int | Iterable[int], *, frames: int | Iterable[int] | None = None
    ) -> None:
        """Make particles background, in place.

        Parameters
        ----------
        ids
            Id of the particle, or ids of several.
        frames
            As in `merge`.

        Raises
        ------
        ValueError, IndexError
            As `merge`.
        """
        corrections.delete(self, ids, frames)

    def relabel(
        self,
        ids: Mapping[int, int],
        *,
        frames: int | Iterable[int] | None = None,
    ) -> None:
        """Give particles other ids, in place.

        Two particles that have swapped their ids from frame 12 on get them back with
        ``relabel({3: 7, 7: 3}, frames=range(12, 40))``.

        Parameters
        ----------
        ids
            The new id of each old one.
        frames
            As in `merge`.

        Raises
        ------
        ValueError
            If a particle is not there, or another one has the new id in the same
            frame; of a lazy movie the latter when it is computed.
        IndexError
            If the movie does not have the frame.
        """
        corrections.relabel(self, ids, frames)

    def remove_short_tracks(
        self,
        min_frames: int,
        *,
        properties: pd.DataFrame | None = None,
        show_progressbar: bool | None = None,
        num_workers: int | None = None,
    ) -> list[int]:
        """Delete the particles that are seen in fewer frames than that, in place.

        Which these are is known only when all frames were looked at: a lazy movie is
        read once, frame by frame, unless a table is given.

        Parameters
        ----------
        min_frames
            Smallest number of frames, in a row or not.
        properties
            Table from `properties` of these labels, or of `HRTEM.follow_particles`.
        show_progressbar
            Whether to show a progress bar; by default as in HyperSpy's preferences.
        num_workers
            Number of threads of dask; by default dask's own.

        Returns
        -------
        The ids that were deleted, ascending.

        Raises
        ------
        ValueError
            If the movie has not as many frames, or the table is another one.
        """
        return corrections.remove_short_tracks(
            self,
            min_frames,
            properties,
            show_progressbar=show_progressbar,
            num_workers=num_workers,
        )

    @classmethod
    def from_labels(
        cls,
        labels: Any,
        like: Signal2D,
        *,
        frames: int | Iterable[int] | None = None,
    ) -> Self:
        """Return labels that were edited in another program as particles, ids kept.

        Ask the result for its `properties`; they are those of the new labels.

        Parameters
        ----------
        labels
            An array of numpy or dask, a signal, or a layer of napari, with the shape of
            `like` in array order (..., y, x), or of the chosen frames (frame, y, x).
        like
            The particles that were edited, whose calibration and metadata are kept; the
            difference is one edit, which `undo` takes back, and pixels without data
            stay that. Or images, for the first labels of them.
        frames
            Number of the frame, or of several, that `labels` are of, ascending; the
            others stay those of `like`. By default all.

        Returns
        -------
        Lazy where `labels` or `like` are lazy particles, and nothing is computed.
        `like` stays as it is.

        Raises
        ------
        ValueError
            If the labels have another shape, or are not whole numbers.
        IndexError
            If the movie does not have the frame.

        Examples
        --------
        >>> from hyperspy_hrtemnn.data import au_ceo2_movie_truth
        >>> from hyperspy_hrtemnn.signals import Instances
        >>> particles = au_ceo2_movie_truth()
        >>> painted = particles.data.copy()
        >>> painted[0, 10:20, 10:30] = 9
        >>> corrected = Instances.from_labels(painted, particles)
        >>> particles.ids(), corrected.ids()
        ([1, 2, 3], [1, 2, 3, 9])
        """
        made: Self = instances_of(labels, like, frames)
        return made

    @classmethod
    def from_imagej_rois(
        cls,
        path: str | Path,
        like: Signal2D,
        *,
        frames: int | Iterable[int] | None = None,
    ) -> Self:
        """Return the particles that a file of ROIs of ImageJ outlines.

        A region is a polygon, a freehand or traced selection, a rectangle, an ellipse,
        or a composite of them; a pixel whose middle is inside is of the particle. Where
        regions overlap, the later one in the file is on top. A frame without a region
        has no particles. Needs the extra ``imagej``.

        Parameters
        ----------
        path
            A .zip that the ROI Manager of ImageJ or `to_imagej_rois` saved, or a .roi.
            ``frame0012_id0007`` is the particle 7 in frame 12, counted from 0. Regions
            with other names get new ids, each its own, in the frame of their position:
            in a stack that of the slice, in a hyperstack that of the time, or of the
            slice if none is at a second time.
        like, frames
            See `from_labels`.

        Returns
        -------
        As `from_labels`; of lazy particles the frames are drawn when they are computed.

        Raises
        ------
        ValueError
            If the file is not one of ROIs, or a region has no area, does not say in
            which frame it is, or is outside of the movie or the image; or if regions
            are at several times and in several slices.
        IndexError
            If the movie does not have the frame.
        ModuleNotFoundError
            If roifile is not installed.
        """
        from ._particles.rois_of_labels import instances_of_rois

        made: Self = instances_of_rois(path, like, frames)
        return made

    def to_imagej_rois(
        self,
        path: str | Path,
        *,
        overwrite: bool = False,
        show_progressbar: bool | None = None,
        num_workers: int | None = None,
    ) -> None:
        """Write the outline of each particle in each frame for ImageJ's ROI Manager.

        ``frame0012_id0007`` is the particle 7 in frame 12, counted from 0; ImageJ shows
        it in slice 13 of the file from `to_tiff`. The outlines pass between pixels, and
        `from_imagej_rois` makes exactly the same labels of them. Particles with holes
        or of several parts are composites. Needs the extra ``imagej``.

        Parameters
        ----------
        path
            The file, ending with .zip; it is written whole or not at all.
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
        ModuleNotFoundError
            If roifile is not installed.
        """
        from ._particles.rois_of_labels import write_rois

        write_rois(
            self,
            free_path(path, ".zip", overwrite=overwrite),
            show_progressbar=show_progressbar,
            num_workers=num_workers,
        )

    def to_napari(
        self,
        image: Signal2D | None = None,
        viewer: Any = None,
        *,
        properties: pd.DataFrame | None = None,
        show_progressbar: bool | None = None,
        num_workers: int | None = None,
    ) -> list[tuple[Any, dict[str, Any], str]]:
        """Return layers for napari 0.5 or later: images, labels, and tracks.

        What is painted in the layer ``particles`` comes back by `from_labels`. Labels
        of a lazy movie are shown lazily, and get slower with each stroke. Choose the
        frames to be corrected, ``particles.inav[10:16]``, compute them, and give these
        ``frames`` to `from_labels`.

        Parameters
        ----------
        image
            The images the particles were found in.
        viewer
            A viewer of napari, to which the layers are added.
        properties
            For the tracks, from `properties` or `HRTEM.follow_particles`; by default
            what `properties` finds, of a lazy movie frame by frame.
        show_progressbar
            Whether to show a progress bar; by default as in HyperSpy's preferences.
        num_workers
            Number of threads of dask; by default dask's own.

        Returns
        -------
        Data, options and kind of each layer, as napari's plugins give them: ``image``,
        if there is one, ``particles`` and, for a movie along one axis that has any,
        ``tracks``, the centroid of each particle in each frame with its properties.
        Signal axes are in their unit, frames are counted.

        Raises
        ------
        ValueError
            If the signal is not calibrated, or `image` has another shape, is complex or
            is colored.
        """
        from ._particles.napari_layers import napari_layers

        return napari_layers(
            self,
            None if image is None else in_same_form(self, image),
            viewer,
            properties,
            show_progressbar=show_progressbar,
            num_workers=num_workers,
        )

    def edits(self) -> list[str]:
        """Return the edits that were made, as one types them, the first one first.

        They are ``metadata.HRTEMNN.Edits.made``, and are saved with the labels.

        Examples
        --------
        >>> from hyperspy_hrtemnn.data import au_ceo2_movie_truth
        >>> particles = au_ceo2_movie_truth()
        >>> particles.merge(1, 2)
        >>> particles.delete(3, frames=[0, 1])
        >>> particles.edits()
        ['merge(1, 2)', 'delete(3, frames=[0, 1])']
        >>> particles.undo()
        'delete(3, frames=[0, 1])'
        >>> particles.edits()
        ['merge(1, 2)']
        """
        return made_edits(self)

    def undo(self) -> str:
        """Take back the last edit, in place; again and again, if wanted.

        Also after the labels were saved and loaded, if they were in memory when they
        were edited. The edit of a lazy movie can be taken back until that movie is
        computed or saved.

        Returns
        -------
        The edit that was taken back, as one types it.

        Raises
        ------
        ValueError
            If there is none, or the labels were changed in another way since: a part of
            them was chosen, or they were computed.
        """
        return undo_last(self)
