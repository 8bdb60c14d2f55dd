# SPDX-License-Identifier: GPL-3.0-or-later
"""The main job: segment a movie, track its particles, measure and transform them.

    python examples/au_on_ceo2.py [FOLDER]

leaves pictures, a table and the tracked movie in FOLDER, ``results`` by default.
"""

import sys
from pathlib import Path

import hyperspy.api as hs
import matplotlib.pyplot as plt

import hyperspy_hrtemnn as hrtemnn

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "results")
folder.mkdir(parents=True, exist_ok=True)

# A simulated movie of three gold particles on CeO2: one slides, one shrinks. Your own
# is `hs.load("movie.dm4", lazy=True)` and `movie.set_signal_type("HRTEM")`.
movie = hrtemnn.data.au_ceo2_movie()

segmentation = movie.segment("au-ceo2-mask")
particles = segmentation.track_instances(min_separation="1.2 nm", min_area="1 nm^2")
table = particles.properties(image=movie)
table.to_csv(folder / "particles.csv", index=False)
print(table.groupby("id")[["frame", "area"]].agg(["min", "max", "count"]))

figure, axes = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
for ax, frame in zip(axes, (0, 10, 19), strict=True):
    particles.plot_overlay(movie, frame=frame, ax=ax)
figure.savefig(folder / "overlay.png", dpi=120)

figure, ax = plt.subplots(figsize=(5, 3.5), layout="constrained")
particles.plot_properties("area", ax=ax)
figure.savefig(folder / "area.png", dpi=120)

areas = table.groupby("id")["area"].mean()
largest = int(areas.sort_values().index[-1])
fft = movie.local_fft(particles, id=largest)
axis = fft.axes_manager.signal_axes[0]
figure, axes = plt.subplots(1, 2, figsize=(8, 4), layout="constrained")
for ax, frame in zip(axes, (0, 19), strict=True):
    edge = (axis.low_value, axis.high_value)
    spectrum = fft.inav[frame].data
    ax.imshow(
        spectrum, cmap="magma", vmax=spectrum.max() / 2, extent=(*edge, *edge[::-1])
    )
    ax.set(title=f"particle {largest}, frame {frame}", xlim=(-8, 8), ylim=(8, -8))
    ax.set(xlabel="kx (1/nm)", ylabel="ky (1/nm)")
figure.savefig(folder / "fft.png", dpi=120)

particles.save(folder / "particles.hspy", overwrite=True)
print(hs.load(folder / "particles.hspy"))
print(f"Pictures, table and tracked movie are in {folder.resolve()}")
