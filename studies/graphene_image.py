# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw what `graphene-atoms` finds at a grain boundary in an experimental image.

    python studies/graphene_image.py FOLDER_WITH_graphene

The image is that of rhambach/TEMimage (BSD-3-Clause or MIT): graphene with a tilt grain
boundary and the rim of a hole. Draws the atoms and the rings of other than six into
``docs/pictures`` and writes the number of rings into the page of the network. Takes ten
seconds.
"""

from __future__ import annotations

import argparse
import warnings
from collections import Counter
from pathlib import Path

import hyperspy.api as hs
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Polygon

from hyperspy_hrtemnn.analysis import find_rings
from membrane_images import calibrated
from pages import DOCS, PICTURES, replace_part

NETWORK = "graphene-atoms"
SAMPLING = 0.0108  # nm, from the lattice: it is not in the file
COLORS = {3: "tab:orange", 4: "tab:purple", 5: "tab:red", 7: "tab:blue"}
CLOSE_UP = (3.3, 2.1, 1.9)  # left, top and side of what is drawn larger [nm]


def main() -> None:
    """Write the counts and draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    path = parser.parse_args().folder / "graphene" / "graphene_defect_raw.tif"
    image = calibrated(hs.load(path).data, SAMPLING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        atoms = image.segment(NETWORK, show_progressbar=False).find_columns()
    positions = atoms[["x", "y"]].to_numpy()
    rings = find_rings(positions)

    size = image.data.shape[0] * SAMPLING
    figure, (whole, part) = plt.subplots(1, 2, figsize=(15, 7.5), layout="constrained")
    low, high = np.percentile(image.data, [1, 99])
    for ax in (whole, part):
        ax.imshow(
            image.data, cmap="gray", vmin=low, vmax=high, extent=(0, size, size, 0)
        )
        ax.plot(*positions.T, ".", color="yellow", ms=2 if ax is whole else 6)
        for ring in rings:
            color = COLORS.get(len(ring))
            if color:
                outline = positions[list(ring.atoms)]
                ax.add_patch(Polygon(outline, facecolor=color, alpha=0.5))
        ax.set(xlabel="x (nm)", ylabel="y (nm)")
    left, top, side = CLOSE_UP
    part.set(xlim=(left, left + side), ylim=(top + side, top))
    for n, color in COLORS.items():
        whole.add_patch(Polygon([(0, 0)], facecolor=color, label=f"{n} atoms"))
    whole.legend(loc="lower right")
    figure.savefig(PICTURES / NETWORK / "grain_boundary.png", dpi=70)

    counts = sorted(Counter(map(len, rings)).items())
    listed = ", ".join(f"{count} of {atoms}" for atoms, count in counts)
    result = f"{len(positions)} atoms; rings: {listed} atoms."
    replace_part(DOCS / f"{NETWORK}.md", "real image", result)
    print(result)


if __name__ == "__main__":
    main()
