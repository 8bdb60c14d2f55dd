# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw two particles that were tracked as one, and what a split makes of them.

    python studies/correct_by_hand.py

Draws the picture of ``docs/correct_by_hand.md`` from the movie of the package, and
writes into that page how far the areas are from those of a better tracking. Takes a
minute.
"""

from __future__ import annotations

import hyperspy.api as hs
import matplotlib.pyplot as plt
import numpy as np

from hyperspy_hrtemnn.data import au_ceo2_movie
from pages import DOCS, PICTURES, replace_part

PAGE = DOCS / "correct_by_hand.md"
WRONG = [12, 13, 14, 15, 16, 17, 19]  # frames in which two particles are one
SHOWN = 15


def main() -> None:
    """Draw the picture and write the figures."""
    hs.preferences.General.show_progressbar = False
    movie = au_ceo2_movie()
    segmentation = movie.segment("au-ceo2-mask")
    particles = segmentation.track_instances(min_separation="5 nm")
    figure, axes = plt.subplots(2, 2, figsize=(11, 8), layout="constrained")
    titles = "As they were tracked", "Corrected"
    for (image, curves), title in zip(axes.T, titles, strict=True):
        if title == "Corrected":
            particles.relabel({4: 1})
            particles.split(2, 1, frames=WRONG)
        particles.plot_overlay(movie, SHOWN, image)
        image.set_title(f"{title}, frame {SHOWN}")
        particles.plot_properties("area", ax=curves)
        curves.set_ylim(0, 7.5)
    figure.savefig(PICTURES / "correct_by_hand.png", dpi=70)

    known = segmentation.track_instances(min_separation="2 nm").properties()
    both = particles.properties().merge(known, on=["frame", "id"], validate="1:1")
    parts = both[both["frame"].isin(WRONG) & both["id"].isin([1, 2])]
    error = np.abs(parts["area_x"] / parts["area_y"] - 1).max()
    text = (
        f"The areas of the {len(parts)} parts differ by at most {100 * error:.1f} % "
        'from those that `min_separation="2 nm"` finds.'
    )
    replace_part(PAGE, "areas", text)


if __name__ == "__main__":
    main()
