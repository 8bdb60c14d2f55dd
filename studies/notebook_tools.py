# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw the pictures of ``docs/notebook_tools.md``.

    python studies/notebook_tools.py

From the movie that ships. Takes half a minute on two cores.
"""

from __future__ import annotations

from hyperspy_hrtemnn.data import au_ceo2_movie
from pages import PICTURES

FOLDER = PICTURES / "notebook_tools"
FRAME = 12
DOTS_PER_INCH = 80


def main() -> None:
    """Keep the preview of each tool in one frame of the movie."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    movie = au_ceo2_movie()
    movie.axes_manager.indices = (FRAME,)
    segmenting = movie.segmentation_tool("au-ceo2-mask")
    segmentation = segmenting.apply()
    tracking = segmentation.tracking_tool(movie)
    transforming = movie.local_fft_tool(tracking.apply())
    for name, tool in (
        ("segmentation", segmenting),
        ("tracking", tracking),
        ("local_fft", transforming),
    ):
        tool.figure.savefig(FOLDER / f"{name}.png", dpi=DOTS_PER_INCH)


if __name__ == "__main__":
    main()
