# SPDX-License-Identifier: GPL-3.0-or-later
"""Hidden states are found behind errors, with rates and probabilities that are true."""

from __future__ import annotations

import numpy as np
import pytest

from hyperspy_hrtemnn.analysis import decode_states

SITES, FRAMES = 150, 400
RATE = 1 / 60


def process(rate, rng, sites=SITES, frames=FRAMES):
    """Return states of sites that change from frame to frame at a rate."""
    return np.cumsum(rng.random((sites, frames)) < rate, axis=1) % 2


def seen(states, missed, false, rng):
    """Return what is seen: columns are missed, or seen where there is none."""
    error = rng.random(states.shape)
    return np.where(states == 1, error >= missed, error < false).astype(int)


@pytest.mark.parametrize(("missed", "false"), [(0.02, 0.01), (0.1, 0.05), (0.2, 0.1)])
def test_the_errors_and_the_rate_of_a_known_process_are_found(missed, false):
    rng = np.random.default_rng(4)
    states = process(RATE, rng)
    decoded = decode_states(seen(states, missed, false, rng), [0, 1])
    emission = decoded.model.emission
    np.testing.assert_allclose(emission[0, 1], false, atol=0.005)
    np.testing.assert_allclose(emission[1, 0], missed, atol=0.007)
    # States of less than three frames are not counted: five in a hundred.
    np.testing.assert_allclose(decoded.model.change, RATE, rtol=0.15)
    # The observations are wrong `missed` and `false` times as often.
    assert np.mean(decoded.states != states) < (missed + false) / 8


@pytest.mark.parametrize("min_frames", [1, 3])
def test_the_probability_of_a_change_is_how_often_it_is_real(min_frames):
    rng = np.random.default_rng(6)
    states = process(RATE, rng)
    observed = seen(states, 0.2, 0.15, rng)
    decoded = decode_states(observed, [0, 1], min_frames=min_frames)
    site, frame = np.nonzero(np.diff(decoded.states, axis=1))
    real = np.zeros(len(site), bool)
    for row, (s, f) in enumerate(zip(site, frame, strict=True)):
        near = slice(max(f - min_frames, 0), f + min_frames + 1)
        change = decoded.states[s, f + 1] - decoded.states[s, f]
        real[row] = change in np.diff(states[s])[near]
    said = decoded.changed[site, frame]
    assert len(said) > 500
    for low, high in ((0.2, 0.7), (0.7, 0.9), (0.9, 1.01)):
        some = (said >= low) & (said < high)
        assert some.sum() > 25
        assert abs(real[some].mean() - said[some].mean()) < 0.12


def test_frames_that_show_nothing_are_no_changes():
    rng = np.random.default_rng(2)
    states = np.repeat(rng.integers(0, 2, (60, 1)), 90, axis=1)
    observed = seen(states, 0.05, 0.05, rng)
    observed[:, 30:55] = -1
    decoded = decode_states(observed, [0, 1])
    np.testing.assert_array_equal(decoded.states, states)
    assert not decoded.changed.any()


def test_a_change_while_nothing_is_seen_is_one_change():
    observed = np.zeros((40, 50), int)
    observed[3, 20:] = 1
    left = np.r_[0:17, 29:50]
    decoded = decode_states(observed[:, left], [0, 1], frames=left)
    assert np.argwhere(np.diff(decoded.states, axis=1)).tolist() == [[3, 16]]
    assert decoded.changed[3, 16] > 0.99


def test_after_a_long_gap_a_change_is_more_probable():
    rng = np.random.default_rng(8)
    observed = seen(process(0.004, rng, 80, 200), 0.1, 0.1, rng)
    before, after = np.zeros((1, 6), int), np.array([[1, 1, 0, 1]])
    probe = np.concatenate([before, after, -np.ones((1, 190), int)], axis=1)
    together = np.concatenate([probe, observed])
    near = decode_states(together, [0, 1])
    gap = np.r_[0:6, 6 + 150 : 200 + 150]
    far = decode_states(together, [0, 1], frames=gap)
    assert near.states[0, 9] == 0 or near.changed[0, 5] < far.changed[0, 5]
    assert far.states[0, 9] == 1


def test_certainty_decides_and_not_a_threshold():
    """A symbol in between is an error of one state and the rule of another."""
    rng = np.random.default_rng(1)
    states = process(0.01, rng)
    # Without a column, doubtful ones are seen in a third of the frames.
    doubtful = np.where(rng.random(states.shape) < 0.33, 1, 0)
    certain = np.where(rng.random(states.shape) < 0.97, 2, 1)
    observed = np.where(states == 1, certain, doubtful)
    decoded = decode_states(observed, [0, 1, 1])
    assert np.mean(decoded.states != states) < 0.004
    np.testing.assert_allclose(decoded.model.emission[0], [0.67, 0.33, 0], atol=0.02)


def test_groups_have_their_own_rates():
    rng = np.random.default_rng(5)
    calm, lively = process(0.001, rng), process(0.02, rng)
    observed = seen(np.concatenate([calm, lively]), 0.05, 0.05, rng)
    groups = np.repeat([0, 1], SITES)
    change = decode_states(observed, [0, 1], groups=groups).model.change
    assert (change[0] < 0.002).all()
    np.testing.assert_allclose(change[1], 0.02, rtol=0.2)


def test_a_site_that_flickers_has_no_probable_change():
    rng = np.random.default_rng(3)
    observed = seen(process(0.005, rng, 60, 200), 0.01, 0.01, rng)
    observed[:5] = rng.random((5, 200)) < 0.5
    decoded = decode_states(observed, [0, 1])
    assert decoded.steady[:5].max() < 1e-6
    assert decoded.changed[:5].max() < 1e-6
    assert decoded.steady[5:].min() > 0.99


def test_a_state_lasts():
    observed = np.zeros((50, 30), int)
    observed[7, 10:13] = 1
    for least, changes in ((1, 2), (3, 2), (4, 0)):
        decoded = decode_states(observed, [0, 1], min_frames=least)
        assert np.count_nonzero(np.diff(decoded.states, axis=1)) == changes


def test_many_sites_are_as_few():
    """Parts that do not fit into memory together have the same answer."""
    rng = np.random.default_rng(9)
    observed = seen(process(0.01, rng, 70, 60), 0.05, 0.05, rng)
    few = decode_states(observed, [0, 1])
    many = decode_states(np.tile(observed, (12, 1)), [0, 1])
    np.testing.assert_array_equal(many.states[:70], many.states[770:])
    assert np.mean(few.states != many.states[:70]) < 0.002


def test_nothing_to_decode():
    assert decode_states(np.zeros((0, 5), int), [0, 1]).states.shape == (0, 5)
    assert decode_states(np.zeros((3, 0), int), [0, 1]).states.shape == (3, 0)
    assert decode_states(np.ones((2, 1), int), [0, 1]).states.tolist() == [[1], [1]]


def test_wrong_input():
    with pytest.raises(ValueError, match=r"shape \(4,\), not \(sequence, frame\)"):
        decode_states([0, 1, 1, 0], [0, 1])
    with pytest.raises(ValueError, match="but 2 groups and 3 numbers of frames"):
        decode_states(np.zeros((4, 3), int), [0, 1], groups=[0, 1])
    with pytest.raises(ValueError, match="min_frames is a number of frames, not 0"):
        decode_states(np.zeros((4, 3), int), [0, 1], min_frames=0)
