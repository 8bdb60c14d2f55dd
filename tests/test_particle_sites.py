# SPDX-License-Identifier: GPL-3.0-or-later
"""Columns of particles that drift and turn are found on their sites."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hyperspy_hrtemnn.analysis import (
    column_coordination,
    column_events,
    on_axis_columns,
    particles_of_columns,
    place_on_sites,
)

A = 0.25


def crystal(radius, center=(0.0, 0.0)):
    """Return the columns of a round particle along [110], shape (column, 2)."""
    p, q = np.mgrid[-15:16, -15:16].reshape(2, -1)
    same = (p - q) % 2 == 0
    places = np.stack([p[same] * 0.1442, q[same] * 0.2039], axis=1)
    return places[np.hypot(*places.T) < radius] + center


def turned(places, angle, center):
    turn = np.radians(angle)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return (places - center) @ matrix.T + center


def movie(angles, shifts, *, missed=0.0, seed=0, number=1, center=(2.0, 1.5)):
    """Return the columns of a particle, and the site of each row."""
    rng = np.random.default_rng(seed)
    places = crystal(1.2, center)
    tables = []
    for frame, (angle, shift) in enumerate(zip(angles, shifts, strict=True)):
        xy = turned(places, angle, center) + shift
        xy = xy + rng.normal(0, 0.004, xy.shape)
        kept = rng.permutation(np.flatnonzero(rng.random(len(xy)) >= missed))
        tables.append(
            pd.DataFrame(
                {
                    "frame": frame,
                    "id": number,
                    "class": "Au",
                    "x": xy[kept, 0],
                    "y": xy[kept, 1],
                    "site": kept,
                }
            )
        )
    table = pd.concat(tables, ignore_index=True)
    table.attrs["frames"] = len(tables)
    return table


def walk(frames, step, seed=0):
    return np.random.default_rng(seed).normal(0, step, (frames, 2)).cumsum(axis=0)


def assert_on_sites(table):
    """Each site has one track and each track one site."""
    pairs = table[["site", "track"]].drop_duplicates()
    assert pairs["site"].is_unique
    assert pairs["track"].is_unique


def test_a_particle_that_drifts_and_turns_keeps_its_sites():
    frames = 40
    angles = 12 * np.sin(np.linspace(0, 5, frames))
    table = movie(angles, walk(frames, 0.03), missed=0.05)
    placed = place_on_sites(table)
    assert len(placed) == len(table)
    assert_on_sites(placed)
    found = placed.groupby("frame")["rotation"].first()
    np.testing.assert_allclose(found, angles - angles[0], atol=0.6)
    spread = placed.groupby("track")[["x_corrected", "y_corrected"]].std()
    assert spread.mean().max() < 0.012


def test_a_particle_that_comes_back_turned_keeps_its_sites():
    frames = 30
    angles = np.where(np.arange(frames) < 12, 0.0, 9.0)
    shifts = np.where(np.arange(frames)[:, np.newaxis] < 12, 0.0, [0.9, -0.4])
    table = movie(angles, shifts, missed=0.03)
    away = table["frame"].between(10, 15)
    placed = place_on_sites(table[~away])
    assert_on_sites(placed)
    assert placed["frame"].nunique() == frames - 6
    assert len(column_events(placed)) == 0


def test_particles_move_by_themselves():
    one = movie(np.linspace(0, 8, 20), walk(20, 0.02, 1))
    other = movie(
        np.linspace(3, -7, 20), walk(20, 0.02, 2), number=5, center=(6.0, 1.0)
    )
    table = pd.concat([one, other], ignore_index=True)
    placed = place_on_sites(table)
    for _, rows in placed.groupby("id"):
        assert_on_sites(rows)
    assert not set(placed.loc[placed["id"] == 1, "track"]) & set(
        placed.loc[placed["id"] == 5, "track"]
    )
    outside = table.assign(id=np.where(table["id"] == 5, 0, 1))
    assert set(place_on_sites(outside)["id"]) == {1}


def test_doubtful_columns_find_sites_and_do_not_make_motion():
    table = movie(np.zeros(15), walk(15, 0.01))
    rng = np.random.default_rng(3)
    false = pd.DataFrame(
        {"frame": np.repeat(np.arange(15), 30), "id": 1, "class": "Au", "site": -1}
    )
    false[["x", "y"]] = rng.uniform(0, 4, (len(false), 2))
    both = pd.concat([table, false], ignore_index=True)
    both["confidence"] = np.where(both["site"] < 0, 0.2, 0.99)
    placed = place_on_sites(both)
    assert_on_sites(placed[placed["site"] >= 0])
    assert abs(placed["rotation"]).max() < 0.6


def test_a_frame_of_something_else_is_left_out():
    table = movie(np.zeros(8), np.zeros((8, 2)))
    strange = table["frame"] == 4
    rng = np.random.default_rng(0)
    table.loc[strange, ["x", "y"]] = rng.uniform(0.8, 3.2, (strange.sum(), 2))
    placed = place_on_sites(table)
    assert set(placed["frame"]) == set(range(8)) - {4}
    assert len(column_events(placed)) == 0


def test_frames_off_the_axis_are_unknown_and_not_empty():
    one = movie(np.zeros(24), walk(24, 0.01))
    other = movie(np.zeros(24), walk(24, 0.01), number=2, center=(6.0, 1.0))
    table = pd.concat([one, other], ignore_index=True)
    # Off its axis, half of the columns of the first particle are not resolved.
    off = (table["id"] == 1) & table["frame"].between(8, 13)
    table = table[~off | (table["site"] % 2 == 0)].reset_index(drop=True)
    table.attrs["frames"] = 24
    assert len(column_events(place_on_sites(table))) > 50
    pairs = pd.MultiIndex.from_product([range(24), [1, 2]], names=["frame", "id"])
    upright = pairs.to_frame(index=False)
    upright = upright[(upright["id"] == 2) | ~upright["frame"].between(8, 13)]
    known = on_axis_columns(table, upright)
    assert known.attrs == table.attrs
    assert len(column_events(place_on_sites(known))) == 0


def test_a_column_jumps_on_a_particle_that_turns_and_is_off_its_axis():
    frames = 60
    table = movie(np.linspace(0, 20, frames), walk(frames, 0.02), missed=0.02)
    edge = table.loc[table["frame"] == 0].nlargest(1, "x")
    start = int(edge["site"].iloc[0])
    xy = crystal(1.2, (2.0, 1.5))
    (end,) = np.flatnonzero(np.hypot(*(xy - xy[start] - [-0.1442, 0.2039]).T) < 0.01)
    late = table["frame"] >= 35
    empty = ((table["site"] == start) & late) | ((table["site"] == end) & ~late)
    away = table["frame"].between(20, 26)
    table = table[~empty & ~away].reset_index(drop=True)
    table["time"] = 0.5 * table["frame"]
    events = column_events(place_on_sites(table))
    assert events["kind"].tolist() == ["jumps", "jumps"]
    assert events["jump"].tolist() == [1, 1]
    assert (abs(events["frame"] - 35) <= 1).all()
    assert (events["time"] == events["frame"] / 2).all()
    assert set(events["id"]) == {1}
    assert events["probability"].min() > 0.95
    assert events["surface"].all()
    lost = events[events["after"] == "none"].iloc[0]
    shift = walk(frames, 0.02)[int(lost["frame"])]
    there = turned(
        xy[[start]], np.linspace(0, 20, frames)[int(lost["frame"])], (2, 1.5)
    )
    np.testing.assert_allclose(lost[["x", "y"]].tolist(), there[0] + shift, atol=0.02)


def test_a_column_at_the_edge_of_a_mask_that_flickers_is_a_member_or_not():
    table = movie(np.zeros(30), np.zeros((30, 2)))
    rng = np.random.default_rng(2)
    edge = table["x"].rank(pct=True) > 0.9
    right = table["site"].isin(table.loc[edge, "site"])
    # Of a support, in one frame of four near enough.
    other = table.groupby("frame").head(3).assign(site=[900, 901, 902] * 30)
    other["x"], other["y"] = 0.62, 1.0 + 0.3 * (other["site"] - 900)
    near = rng.random(len(table)) < 0.2
    table["outside"] = np.where(right, 0.07 + 0.05 * near, 0.0)
    other["outside"] = np.where(rng.random(len(other)) < 0.25, 0.08, 0.13)
    placed = place_on_sites(pd.concat([table, other], ignore_index=True))
    assert set(placed["site"]) == set(table["site"])
    assert len(column_events(placed)) == 0


def test_no_columns_no_sites():
    table = movie([0.0], [[0.0, 0.0]]).iloc[:0]
    placed = place_on_sites(table)
    assert {"track", "x_corrected", "y_corrected", "rotation"} <= set(placed)
    assert len(placed) == 0
    assert len(column_events(placed)) == 0
    one = movie([0.0], [[0.0, 0.0]]).iloc[:1]
    assert place_on_sites(one)["track"].tolist() == [1]


def test_wrong_tables():
    table = movie([0.0], [[0.0, 0.0]])
    with pytest.raises(ValueError, match="no column x"):
        place_on_sites(table.drop(columns="x"))
    with pytest.raises(ValueError, match="no column id"):
        on_axis_columns(table.drop(columns="id"), table)
    with pytest.raises(ValueError, match="no column y"):
        column_coordination(table.drop(columns="y"))


def test_surface_and_bulk_of_a_particle():
    table = movie([0.0, 5.0], [[0.0, 0.0], [1.0, 0.0]])
    other = movie([0.0, 5.0], [[0.0, 0.0], [1.0, 0.0]], number=2, center=(4.4, 1.5))
    found = column_coordination(pd.concat([table, other], ignore_index=True))
    center = {1: (2.0, 1.5), 2: (4.4, 1.5)}
    for (frame, number), rows in found.groupby(["frame", "id"]):
        middle = np.add(center[number], (float(frame), 0))
        radius = np.hypot(*(rows[["x", "y"]] - middle).to_numpy().T)
        assert (rows.loc[radius < 0.9, "coordination"] == 6).all()
        assert not rows.loc[radius < 0.9, "surface"].any()
        assert rows.loc[radius > 1.15, "surface"].all()


def test_columns_belong_to_the_nearest_particle():
    labels = np.zeros((40, 50), int)
    labels[10:20, 5:15], labels[10:20, 18:30] = 3, 7
    labels[30:, 40:] = -1
    places = [(15, 10), (15, 16), (15, 16.9), (8.0, 25), (5, 25), (35, 45), (21.4, 5)]
    found = particles_of_columns(places, labels, reach=2.5)
    assert found.particle.tolist() == [3, 3, 7, 7, 0, 0, 3]
    assert found.outside.tolist() == [0, 2, 1, 2, 0, 0, 2]
    # Neighbors are 10 pixels apart: as far as 6 pixels outside.
    grid = np.stack(np.mgrid[1:40:10, 1:50:10], axis=-1).reshape(-1, 2)
    by_itself = particles_of_columns(grid, labels).particle
    assert by_itself.tolist() == particles_of_columns(grid, labels, 6).particle.tolist()
    assert particles_of_columns(np.zeros((0, 2)), labels).particle.tolist() == []
    nothing = particles_of_columns([(3, 3)], np.zeros((9, 9), int))
    assert nothing.particle.tolist() == [0]
    with pytest.raises(ValueError, match=r"shape \(9,\), not \(y, x\)"):
        particles_of_columns([(3, 3)], np.zeros(9, int))
    with pytest.raises(ValueError, match="reach has to be 0 or more, not -1"):
        particles_of_columns([(3, 3)], labels, reach=-1)
