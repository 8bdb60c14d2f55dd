# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of pictures that play one after the other: MP4 and GIF."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import to_rgb
from PIL import Image
from scipy.spatial import cKDTree

from hyperspy_hrtemnn.plots.palette import id_colors

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    Pictures = Iterator[NDArray[np.uint8]]

SUFFIXES = (".mp4", ".gif")

# A GIF counts in 10 ms, and browsers show pictures of 10 ms for 100 ms.
_FASTEST_GIF = 50

# A GIF has 256 colors: grays, and those of ids mixed with black and with white, as on
# the edges of lines. The same in all frames, so that nothing flickers.
_GRAYS, _MIXTURES = 136, 5


def check_movie_file(path: Path, frames_per_second: float) -> None:
    """Raise now what writing a movie would raise after the work.

    Raises
    ------
    ValueError
        If the speed is not positive, or too large for a GIF.
    ImportError
        If what writes an MP4 is not installed.
    """
    if not 0 < frames_per_second < np.inf:
        raise ValueError(
            f"frames_per_second is {frames_per_second!r}; it has to be positive."
        )
    if path.suffix.lower() == ".gif":
        if frames_per_second > _FASTEST_GIF:
            raise ValueError(
                f"frames_per_second is {frames_per_second:g}; a GIF shows "
                f"{_FASTEST_GIF} at most. Give fewer, or write an .mp4."
            )
    elif find_spec("imageio_ffmpeg") is None:
        raise ImportError(
            "An .mp4 needs imageio-ffmpeg, which is not installed: "
            "pip install imageio-ffmpeg. A .gif needs nothing."
        )


def write_movie(path: Path, pictures: Pictures, frames_per_second: float) -> None:
    """Write pictures, shape (y, x, RGB) with even sides, as they come.

    Those of a GIF wait in memory, a byte for each pixel, until all are there.
    """
    if path.suffix.lower() == ".gif":
        _write_gif(path, pictures, frames_per_second)
    else:
        _write_mp4(path, pictures, frames_per_second)


def _write_gif(path: Path, pictures: Pictures, frames_per_second: float) -> None:
    colors = _gif_colors()
    nearest = cKDTree(colors)
    frames = (_in_colors(picture, colors, nearest) for picture in pictures)
    next(frames).save(
        path,
        save_all=True,
        append_images=frames,
        duration=1000 / frames_per_second,
        loop=0,
    )


def _in_colors(
    picture: NDArray[np.uint8], colors: NDArray[np.uint8], nearest: cKDTree
) -> Image.Image:
    """Return a picture in the colors that are nearest to its own.

    Pillow looks colors up by six of their eight bits, which makes white paper gray.
    """
    code = picture.astype(np.int32) @ (2**16, 2**8, 1)
    own, where = np.unique(code, return_inverse=True)
    channels = np.stack([own >> 16, own >> 8 & 255, own & 255], axis=1)
    index = nearest.query(channels)[1].astype(np.uint8)
    image = Image.fromarray(index[where].reshape(code.shape))
    image.putpalette(colors.tobytes())
    return image


def _gif_colors() -> NDArray[np.uint8]:
    grays = np.linspace(0, 1, _GRAYS)[:, np.newaxis] * np.ones(3)
    of_ids = np.array([to_rgb(color) for color in id_colors()])[:, np.newaxis]
    share = np.linspace(0, 1, _MIXTURES + 1)[1:, np.newaxis]
    mixed = [share * of_ids + (1 - share) * end for end in (0, 1)]
    colors = np.concatenate([grays, *(each.reshape(-1, 3) for each in mixed)])
    rounded: NDArray[np.uint8] = np.rint(255 * colors).astype(np.uint8)
    return rounded


def _write_mp4(path: Path, pictures: Pictures, frames_per_second: float) -> None:
    import imageio_ffmpeg

    first = next(pictures)
    height, width = first.shape[:2]
    writer = imageio_ffmpeg.write_frames(
        str(path),
        (width, height),
        fps=frames_per_second,
        quality=8,  # of 10; at the usual 5 the ids are blurred
        macro_block_size=2,  # the picture keeps its size
        ffmpeg_log_level="error",
    )
    try:
        writer.send(None)
        writer.send(first.tobytes())
        for picture in pictures:
            writer.send(picture.tobytes())
    finally:
        writer.close()
