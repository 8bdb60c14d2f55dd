# SPDX-License-Identifier: GPL-3.0-or-later
"""Segmentation of a movie in a file, frame by frame: the job of `hrtemnn segment`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import dask.array as da
import numpy as np
from tqdm import tqdm

from hyperspy_hrtemnn import __version__
from hyperspy_hrtemnn.bad_frames import OnBadFrame, is_without_data
from hyperspy_hrtemnn.checkpoint import Checkpoint
from hyperspy_hrtemnn.cluster import cluster_client
from hyperspy_hrtemnn.cores import usable_cores
from hyperspy_hrtemnn.io.whole_frames import load_movie
from hyperspy_hrtemnn.locks import locked
from hyperspy_hrtemnn.networks import load
from hyperspy_hrtemnn.signals._prediction.predictions import (
    FramePrediction,
    defocus_axis,
    with_guard,
)
from hyperspy_hrtemnn.signals._prediction.segment import segment
from hyperspy_hrtemnn.signals._shared.entrance import in_one_form
from hyperspy_hrtemnn.signals._shared.frames import frames
from hyperspy_hrtemnn.signals._shared.runner import read_frames, results_in_flight
from hyperspy_hrtemnn.signals._shared.skipping import FrameRule, tell

from .lengths import sampling_in_angstrom
from .outputs import (
    check_output,
    finish,
    frame_number,
    frame_shape,
    frames_folder,
    opened,
)
from .own_files import OwnFiles
from .reports.areas import Segmented
from .reports.facts import is_reportable, options_as_text
from .reports.files import ReportFiles
from .reports.segmented import NAMES, report_segmented
from .sources import Input, pixels
from .warning_lines import warnings_as_lines

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from hyperspy_hrtemnn.checkpoint import Source
    from hyperspy_hrtemnn.networks import Network
    from hyperspy_hrtemnn.options import PredictionOptions


# Inference runs one frame at a time, on all cores; a few more frames are resampled and
# standardized meanwhile. Each costs memory.
_FRAMES_AT_ONCE = 4


def segment_file(
    movie: Path,
    model: str,
    out: Path,
    *,
    device: str | None = None,
    sampling: float | str | None = None,
    processes: int | None = None,
    scheduler: str | None = None,
    options: PredictionOptions,
    on_bad_frame: OnBadFrame | None = None,
    force: bool = False,
    report: bool = False,
) -> None:
    """Segment a movie in a file; go on where an earlier run stopped.

    Parameters
    ----------
    movie
        A file that HyperSpy reads, or a folder of an in-situ camera.
    model
        Name of a network, or path of its file.
    out
        The .hspy file to write.
    device
        What the network runs on; see `HRTEM.segment`.
    sampling
        Pixel size in place of the file's, a number in Å or a text with a unit.
    processes
        Number of processes to work in; by default one, with threads.
    scheduler
        Address of a cluster of dask.distributed to work on instead, which is trusted;
        see `hyperspy_hrtemnn.cluster`.
    options
        How the network is run.
    on_bad_frame
        As in `HRTEM.segment`. Which frames were skipped is kept with the finished ones;
        another run tries again to read those that could not be read.
    force
        Whether to replace `out`, and the finished frames of another job.
    report
        Whether to draw pictures and to write a page of what was found, into a folder
        beside `out`.

    Raises
    ------
    ValueError
        If the file cannot be read or segmented, or another job is unfinished.
    """
    source = Input.of(movie)
    folder = frames_folder(out)
    with warnings_as_lines(movie) as told, locked(out):
        own, files = OwnFiles(folder), ReportFiles.beside(out)
        check_output(source, out, own, force=force)
        if report:
            files.check(NAMES)
        network = load(model, device)
        size = sampling_in_angstrom(sampling)
        signal = in_one_form(load_movie(movie, size))
        rule = FrameRule(on_bad_frame, by_hand=True)
        result = segment(
            signal,
            network,
            options,
            device=None,
            rule=rule,
            show_progressbar=None,
            num_workers=None,
            lazy_output=True,
        )
        source.check(signal)
        known = source.source(rule.skipped.total)
        job = _job(known, signal, network, size, options)
        checkpoint = Checkpoint(folder, job, names=known.names, discard=force)
        replaced = Checkpoint(
            folder / "replaced", {"command": "segment"}, names=known.names
        )
        written = own.wrote(out, checkpoint.digest)
        store = _Store(checkpoint, replaced, rule, frame_shape(result))
        missing = [] if written else store.missing()
        if missing and (processes is not None or scheduler is not None):
            prediction = FramePrediction.of(signal, with_guard(network), options)
            with cluster_client(processes, scheduler) as client:
                network.send(client)
                _segment_on_workers(signal, prediction, missing, store)
        elif missing:
            _segment_here(result, missing, store)
        # Before the output is written: if no frame could be used, there is none.
        tell(checkpoint.bad(), rule.skipped.total)
        _tell_replaced(checkpoint, replaced, rule)
        if not written:
            finish(result, checkpoint, out, own)
        if report and is_reportable(signal):
            with opened(out) as segmentation:
                report_segmented(
                    Segmented(
                        out, segmentation, movie, signal, network, checkpoint.bad()
                    ),
                    options=options_as_text(
                        sampling=sampling,
                        tile=options.tile,
                        overlap=options.overlap,
                        no_resample=not options.resample,
                        device=device,
                    ),
                    told=told,
                    files=files,
                )
        else:
            files.remove(NAMES)
        checkpoint.remove()


def _job(
    known: Source,
    signal: Any,
    network: Network,
    size: float | None,
    options: PredictionOptions,
) -> dict[str, Any]:
    """Return what the frames depend on, in terms of JSON."""
    return {
        "command": "segment",
        "version": __version__,
        **known.identity,
        **pixels(signal),
        "model sha256": network.sha256,
        "device": network.device,
        "sampling": size,
        "resample": options.resample,
        "tile": options.tile,
        "overlap": options.overlap,
    }


@dataclass(frozen=True)
class _Store:
    """What is known of the frames, those of earlier runs included."""

    checkpoint: Checkpoint
    replaced: Checkpoint
    rule: FrameRule
    shape: tuple[int, ...]

    @property
    def total(self) -> int:
        """Number of frames."""
        return int(np.prod(self.shape))

    def missing(self) -> list[int]:
        """Return the numbers of the frames that are to be computed."""
        finished = {*self.checkpoint.done()} & {*self.replaced.done()}
        return sorted(self.rule.to_try(self.total, finished, self.checkpoint.bad()))

    def bar(self, missing: list[int]) -> tqdm[Any]:
        """Return a bar that has those that are done behind it."""
        done = self.total - len(missing)
        return tqdm(total=self.total, initial=done, desc="segment", unit="frame")

    def keep(self, number: int, frame: NDArray[Any], counts: tuple[int, int]) -> None:
        """Keep a frame, and how many of its pixels were replaced and are no data."""
        self.replaced.write(number, np.array(counts))
        self.checkpoint.write(number, frame)

    def keep_skipped(self) -> None:
        """Keep which frames were skipped, and why."""
        for number, reason in self.rule.skipped.take().items():
            self.checkpoint.write_bad(number, reason)


@dataclass(frozen=True)
class _StoreBlock:
    """Store a frame when dask has computed it."""

    store: _Store
    bar: tqdm[Any]

    def __call__(
        self, block: NDArray[np.float32], block_id: tuple[int, ...]
    ) -> NDArray[np.bool_]:
        store = self.store
        if is_without_data(block):
            store.keep_skipped()
        else:
            index = block_id[: len(store.shape)]
            number = frame_number(index, store.shape)
            frame = block.reshape(block.shape[len(store.shape) :])
            store.keep(number, frame, store.rule.replaced.noted(index))
        self.bar.update()
        return np.ones((1,) * block.ndim, bool)

    def __dask_tokenize__(self) -> str:
        # By default dask copies the bar to make a name, and the copy dies aloud.
        return uuid4().hex


def _tell_replaced(
    checkpoint: Checkpoint, replaced: Checkpoint, rule: FrameRule
) -> None:
    """Tell what was replaced in all frames, those of earlier runs included."""
    for number in checkpoint.done():
        rule.replaced.add(rule.index(number), *replaced.read(number).tolist())
    rule.replaced.tell()
    rule.foreign.tell()


def _segment_here(result: Any, missing: list[int], store: _Store) -> None:
    """Compute and store frames in threads, in any order."""
    data = result.data
    with store.bar(missing) as bar:
        stored = da.map_blocks(
            _StoreBlock(store, bar),
            data,
            chunks=tuple((1,) * blocks for blocks in data.numblocks),
            dtype=bool,
            meta=np.empty((0,) * data.ndim, bool),
        )
        pool = ThreadPoolExecutor(min(_FRAMES_AT_ONCE, usable_cores()))
        try:
            stored.ravel()[missing].compute(scheduler="threads", pool=pool)
        finally:
            # Nothing is written any more when this has been interrupted.
            pool.shutdown(cancel_futures=True)


def _segment_on_workers(
    signal: Any, prediction: FramePrediction, missing: list[int], store: _Store
) -> None:
    """Compute frames on the workers of a cluster; read and store them here."""
    rule, classes = store.rule, len(prediction.network.card.classes)
    images = frames(signal, defocus_axis(signal, prediction.network.card))
    given = read_frames(images, set(missing), rule)
    in_flight = results_in_flight(prediction, given, None, rule)
    with store.bar(missing) as bar, closing(in_flight) as results:
        for number, predicted in results:
            store.keep_skipped()
            if predicted is not None:
                answer = predicted.answer[:classes]
                frame = answer[0] if classes == 1 else answer
                store.keep(number, frame, (predicted.bad_pixels, predicted.no_data))
                if predicted.foreign is not None:
                    rule.foreign.add(rule.index(number), predicted.foreign)
            bar.update()
        store.keep_skipped()
        # Those that could not be read were not handed out.
        bar.update(store.total - bar.n)
