# SPDX-License-Identifier: GPL-3.0-or-later
"""From probability maps of a movie to its vacancies, events and hops."""

from __future__ import annotations

import hyperspy.api as hs
import numpy as np
from crystals import A, mos2, walk

from hyperspy_hrtemnn.analysis import (
    column_events,
    count_columns,
    diffusion_events,
    find_vacancies,
    link_columns,
    strain_map,
)

PIXEL = 0.02  # nm
SHAPE = (110, 130)
NAMES = ["1Mo", "2S", "1S", "background"]
FRAMES = 12
CORNER, CLASSES = mos2(5, 5)
PLACES = CORNER + np.array([0.15, 0.3])
SULFUR = len(PLACES) // 2


def site(row, column):
    return SULFUR + 5 * column + row


def segmentation(states, drift, rng):
    """Return Gaussians as probabilities, positions off by 4 pm, one in fifty missed."""
    maps = np.zeros((len(states), len(NAMES), *SHAPE), np.float32)
    y, x = (PIXEL * np.arange(n) for n in SHAPE)
    for frame, state in enumerate(states):
        places = PLACES + drift[frame] + rng.normal(0, 0.004, PLACES.shape)
        for place, name in zip(places, state, strict=True):
            if name != "none" and rng.random() > 0.02:
                wave = np.exp(-((x - place[0]) ** 2) / 0.0032)
                wave = wave * np.exp(-((y[:, np.newaxis] - place[1]) ** 2) / 0.0032)
                target = maps[frame, NAMES.index(name)]
                np.maximum(target, wave, out=target)
    maps[:, -1] = 1 - maps[:, :-1].sum(axis=1).clip(0, 1)
    signal = hs.signals.Signal2D(maps)
    signal.set_signal_type("HRTEM_segmentation")
    kind, time = signal.axes_manager.navigation_axes
    kind.name, time.name, time.units, time.scale = "class", "time", "s", 0.5
    for name, axis in zip("xy", signal.axes_manager.signal_axes, strict=True):
        axis.name, axis.scale, axis.units = name, PIXEL, "nm"
    signal.metadata.set_item("HRTEMNN.Segmentation.classes", NAMES)
    return signal


def test_from_probabilities_to_events() -> None:
    states = np.tile(CLASSES, (FRAMES, 1))
    start, end, lost = site(2, 1), site(2, 2), site(1, 3)
    states[:6, start], states[6:, end], states[5:, lost] = "1S", "1S", "none"
    drift = walk(FRAMES, 0.02, 3)
    signal = segmentation(states, drift, np.random.default_rng(9))
    columns = signal.find_columns(show_progressbar=False)
    assert columns.attrs["frames"] == FRAMES
    edges = columns.attrs["field"]
    np.testing.assert_allclose(edges["x"], [-PIXEL / 2, 2.59])
    np.testing.assert_allclose(edges["y"], [-PIXEL / 2, 2.19])

    tracks = link_columns(columns)
    assert tracks["track"].nunique() == len(PLACES)
    events = column_events(tracks)
    found = sorted(zip(events["frame"], events["before"], events["after"], strict=True))
    assert found == [(5, "2S", "none"), (6, "1S", "2S"), (6, "2S", "1S")]
    place = events.loc[events["frame"] == 5, ["x", "y"]].to_numpy()
    np.testing.assert_allclose(place, [PLACES[lost] + drift[5]], atol=0.01)
    (hop,) = diffusion_events(events, 1.1 * A).to_dict("records")
    assert (hop["time"], hop["atoms"]) == (3, "1S")
    arrow = [[hop["x_from"], hop["y_from"]], [hop["x_to"], hop["y_to"]]]
    there = PLACES[[end, start]] + drift[6]
    np.testing.assert_allclose(arrow, there, atol=0.01)

    vacancies = find_vacancies(columns)
    counts = count_columns(columns, vacancies)
    full = counts[["2S", "1S", "missing 2S"]].sum(axis=1)
    # What is missed at the edge of the crystal is open to it.
    assert full.between(SULFUR - 2, SULFUR).all()
    assert (counts["1S"] <= 1).all()
    assert counts["1S"].sum() >= FRAMES - 1
    none = count_columns(columns[columns["class"] == "1Mo"])
    assert none[["2S", "1S"]].eq(0).all(axis=None)
    # The mean over the frames of each track has less noise than one frame.
    means = tracks.groupby("track")[["x_corrected", "y_corrected"]].mean()
    assert strain_map(means)["exx"].std() < 0.015
