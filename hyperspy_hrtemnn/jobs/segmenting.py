# SPDX-License-Identifier: GPL-3.0-or-later
"""Segmentation of a movie in a file, frame by frame: the job of `hrtemnn segment`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import dask.array as da
import numpy as np
from tqdm import tqdm

from hyperspy_hrtemnn import __version__
from hyperspy_hrtemnn.bad_frames import OnBadFrame, is_without_data
from hyperspy_hrtemnn.checkpoint import Checkpoint
from hyperspy_hrtemnn.cores import usable_cores
from hyperspy_hrtemnn.io.whole_frames import load_movie
from hyperspy_hrtemnn.locks import locked
from hyperspy_hrtemnn.networks import load
from hyperspy_hrtemnn.signals._prediction.segment import segment
from hyperspy_hrtemnn.signals._shared.entrance import in_one_form
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
        if not written:
            _segment_missing(result, checkpoint, replaced, rule)
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
    """Store a frame when it is computed, and how many of its pixels were replaced."""

    checkpoint: Checkpoint
    replaced: Checkpoint
    rule: FrameRule
    shape: tuple[int, ...]
    bar: tqdm[Any]

    def __call__(
        self, block: NDArray[np.float32], block_id: tuple[int, ...]
    ) -> NDArray[np.bool_]:
        if is_without_data(block):
            for skipped, reason in self.rule.skipped.take().items():
                self.checkpoint.write_bad(skipped, reason)
        else:
            index = block_id[: len(self.shape)]
            number = frame_number(index, self.shape)
            self.replaced.write(number, np.array(self.rule.replaced.noted(index)))
            self.checkpoint.write(number, block.reshape(block.shape[len(self.shape) :]))
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


def _segment_missing(
    result: Any, checkpoint: Checkpoint, replaced: Checkpoint, rule: FrameRule
) -> None:
    """Compute and store the frames that are not stored yet, in any order."""
    data = result.data
    shape = frame_shape(result)
    total = int(np.prod(shape))
    finished = {*checkpoint.done()} & {*replaced.done()}
    missing = sorted(rule.to_try(total, finished, checkpoint.bad()))
    if not missing:
        # Of an empty selection dask computes the first block all the same.
        return
    done = total - len(missing)
    with tqdm(total=total, initial=done, desc="segment", unit="frame") as bar:
        stored = da.map_blocks(
            _Store(checkpoint, replaced, rule, shape, bar),
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
