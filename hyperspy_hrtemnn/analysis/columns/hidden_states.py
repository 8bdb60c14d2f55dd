# SPDX-License-Identifier: GPL-3.0-or-later
"""Hidden states: what a site most probably holds in each frame, and when it changes.

A hidden Markov model. A site is in one of a few states, such as without and with a
column, and changes at a constant rate, but not before a state has lasted some frames.
In each frame there is an observation, such as the confidence of the column found, whose
probability depends on the state. These probabilities and the rates are found from the
observations of all sites, so that no threshold has to be chosen. Nothing here knows
what a column is.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import gammaln

from .steady_states import UNKNOWN, steady_states

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray

# What is taken to have been seen before the first observation: so many frames of each
# state, this many of them wrong. This decides only where there are few observations.
_FRAMES_BEFORE, _WRONG_BEFORE = 20.0, 0.5

# The same of changes: in so many frames half a change.
_CHANGES_BEFORE, _FRAMES_OF_THESE = 0.5, 100.0

# Shortest duration of the states with which the search begins: from single frames it
# would take the errors of noisy observations for changes.
_FIRST = 2

# Share of sites that are expected to flicker: to be seen or not by chance in each
# frame, without a state. In a movie of some ten frames their number hardly shows.
_FLICKERING = 1e-4

_ROUNDS = 20  # at most; two to five are usual
_CONVERGED = 1e-3  # relative change of the rates and error probabilities

# Number of sequences whose frames are in memory together, in about 100 MB for a
# thousand frames and two states.
_TOGETHER = 500


class DecodedStates(NamedTuple):
    """States of sequences of observations, and how sure they are.

    Attributes
    ----------
    states
        Most probable sequence of states, shape (sequence, frame).
    changed
        Expected number of changes of the kind that is in `states`, within the shortest
        duration of a state around it: the probability that the change is real, if there
        is one between this frame and the next, and 0 else. Shape (sequence, frame - 1).
    steady
        Probability that the sequence has states at all, and does not flicker, shape
        (sequence,).
    model
        What was found of observations and changes.
    """

    states: NDArray[np.int64]
    changed: NDArray[np.float64]
    steady: NDArray[np.float64]
    model: StateModel


@dataclass(frozen=True)
class StateModel:
    """Probabilities of observations and changes.

    Parameters
    ----------
    emission
        Probability of each observation in each state, shape (state, symbol).
    change
        Probability that a site of a group leaves a state from one frame to the next,
        shape (group, state).
    min_frames
        Shortest duration of a state.
    """

    emission: NDArray[np.float64]
    change: NDArray[np.float64]
    min_frames: int

    @property
    def states(self) -> int:
        """Number of states."""
        return len(self.emission)

    @cached_property
    def last(self) -> NDArray[np.intp]:
        """Places of each state in the chain once it has lasted long enough."""
        return (np.arange(self.states) + 1) * self.min_frames - 1

    @cached_property
    def first(self) -> NDArray[np.intp]:
        """Places of each state in the chain where it begins."""
        return np.arange(self.states) * self.min_frames

    def steps(self, group: int, gap: int) -> NDArray[np.float64]:
        """Return probabilities of the steps of the chain, shape (place, place).

        The chain has `min_frames` places for each state: only from the last of them
        another state can begin.

        Parameters
        ----------
        group
            Group of the sites.
        gap
            Frames from one observation to the next.
        """
        count = self.states * self.min_frames
        matrix = np.zeros((count, count))
        place = np.setdiff1d(np.arange(count), self.last)
        matrix[place, place + 1] = 1
        leaves = 1 - (1 - self.change[group]) ** gap
        others = max(self.states - 1, 1)
        for state, where in enumerate(self.last):
            matrix[where, self.first] += leaves[state] / others
            matrix[where, self.first[state]] -= leaves[state] / others
            matrix[where, where] += 1 - leaves[state]
        return matrix


def decode_states(
    observed: ArrayLike,
    state_of: ArrayLike,
    *,
    frames: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    min_frames: int = 3,
) -> DecodedStates:
    """Find the states of sites, and the probability of each of their changes.

    The probabilities of observations and the rates of changes begin with the states
    that explain the observations with the fewest errors, see `steady_states`, and are
    then found by expectation maximization (Baum and Welch). Of several beginnings the
    one is taken that comes to explain the observations best. The states are the most
    probable sequence (Viterbi).

    Parameters
    ----------
    observed
        Observations as numbers from 0 on, -1 where nothing could be seen, shape
        (sequence, frame).
    state_of
        State that each observation suggests, shape (symbol,), right more often than
        not; or several guesses of that, shape (guess, symbol).
    frames
        Numbers of the frames, ascending; by default there is none between two.
    groups
        Group of each sequence, from 0 on: the sites of a group change at the same rate.
        By default there is one group.
    min_frames
        Shortest duration of a state, in frames that are given.

    Raises
    ------
    ValueError
        If the shapes do not fit, or a number is out of range.

    References
    ----------
    Rabiner, Proc. IEEE 77 (1989) 257.

    Examples
    --------
    >>> observed = [[0] * 9 + [1, 1, 0, 1, 1, 1, 1]] * 5 + [[0] * 16] * 40
    >>> decoded = decode_states(observed, [0, 1])
    >>> decoded.states[0]
    array([0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1])
    >>> bool(decoded.changed[0, 8] > 0.99)
    True
    """
    seen = np.asarray(observed, np.int64)
    guesses = np.atleast_2d(np.asarray(state_of, np.intp))
    if seen.ndim != 2:
        raise ValueError(f"observed has the shape {seen.shape}, not (sequence, frame).")
    count, length = seen.shape
    number = np.arange(length) if frames is None else np.asarray(frames, np.int64)
    group = np.zeros(count, np.intp) if groups is None else np.asarray(groups, np.intp)
    if number.shape != (length,) or group.shape != (count,):
        raise ValueError(
            f"There are {count} sequences of {length} frames, but {len(group)} groups "
            f"and {len(number)} numbers of frames."
        )
    if min_frames < 1 or min_frames != int(min_frames):
        raise ValueError(f"min_frames is a number of frames, not {min_frames}.")
    states = int(guesses.max()) + 1
    if not count or not length:
        empty = np.zeros((count, max(length - 1, 0)))
        emission = np.zeros((states, guesses.shape[1]))
        model = StateModel(emission, np.zeros((1, states)), 1)
        return DecodedStates(seen, empty, np.ones(count), model)
    least = min(int(min_frames), length)
    found = [
        _fitted(_Sequences(seen, guess, np.diff(number), group), states, least)
        for guess in guesses
    ]
    model, _ = max(found, key=lambda pair: pair[1])
    # What an observation suggests is known by now.
    suggests = model.emission.argmax(axis=0)
    return _decoded(_Sequences(seen, suggests, np.diff(number), group), model)


@dataclass(frozen=True)
class _Sequences:
    """Observations of all sites, what they suggest, the gaps and the groups."""

    observed: NDArray[np.int64]
    hint: NDArray[np.intp]
    gaps: NDArray[np.int64]
    group: NDArray[np.intp]

    @property
    def groups(self) -> int:
        return int(self.group.max()) + 1

    def parts(self) -> Iterator[tuple[int, NDArray[np.intp]]]:
        """Yield groups and some of their sequences, few enough for the memory."""
        for number in range(self.groups):
            members = np.flatnonzero(self.group == number)
            for start in range(0, len(members), _TOGETHER):
                yield number, members[start : start + _TOGETHER]

    def hints(self) -> NDArray[np.int64]:
        """Return the suggested states, UNKNOWN where nothing could be seen."""
        return np.where(self.observed == UNKNOWN, UNKNOWN, self.hint[self.observed])


def _counts_before(sequences: _Sequences, states: int) -> NDArray[np.float64]:
    """Return what is taken to have been observed before, shape (state, symbol)."""
    own = sequences.hint == np.arange(states)[:, np.newaxis]
    right = own / np.maximum(own.sum(axis=1, keepdims=True), 1)
    wrong = ~own / np.maximum((~own).sum(axis=1, keepdims=True), 1)
    return np.asarray((_FRAMES_BEFORE - _WRONG_BEFORE) * right + _WRONG_BEFORE * wrong)


def _model_of(
    sequences: _Sequences,
    counts: NDArray[np.float64],
    changes: NDArray[np.float64],
    durations: NDArray[np.float64],
    least: int,
) -> StateModel:
    """Return a model from what was counted.

    Parameters
    ----------
    sequences
        The observations.
    counts
        Observations in each state, shape (state, symbol).
    changes, durations
        Changes from each state, and frames in it, of each group, shape (group, state).
    least
        Shortest duration of a state.
    """
    counts = counts + _counts_before(sequences, len(counts))
    emission = counts / counts.sum(axis=1, keepdims=True)
    change = (changes + _CHANGES_BEFORE) / (durations + _FRAMES_OF_THESE)
    return StateModel(emission, np.minimum(change, 0.5), least)


def _fitted(sequences: _Sequences, states: int, least: int) -> tuple[StateModel, float]:
    """Return the model to which a guess leads, and how well it explains all."""
    model, likelihood = _first_model(sequences, states, least), -np.inf
    for _ in range(_ROUNDS):
        before = model
        model, likelihood = _next_model(sequences, before)
        if _difference(before, model) < _CONVERGED:
            break
    return model, likelihood


def _first_model(sequences: _Sequences, states: int, least: int) -> StateModel:
    path = steady_states(sequences.hints(), states, max(least, _FIRST))
    counts = np.zeros((states, len(sequences.hint)))
    known = sequences.observed != UNKNOWN
    np.add.at(counts, (path[known], sequences.observed[known]), 1)
    changes, durations = (np.zeros((sequences.groups, states)) for _ in range(2))
    sequence, frame = np.nonzero(np.diff(path, axis=1))
    np.add.at(changes, (sequences.group[sequence], path[sequence, frame]), 1)
    for state in range(states):
        in_state = (path == state).sum(axis=1)
        durations[:, state] = np.bincount(
            sequences.group, in_state, minlength=sequences.groups
        )
    return _model_of(sequences, counts, changes, durations, least)


def _next_model(sequences: _Sequences, model: StateModel) -> tuple[StateModel, float]:
    """Return the model that explains the observations better, as this one sees them.

    And the logarithm of the probability that this one gives them.
    """
    likelihood = 0.0
    counts = np.zeros_like(model.emission)
    changes, durations = (np.zeros_like(model.change) for _ in range(2))
    for group, members in sequences.parts():
        seen = sequences.observed[members]
        found = _smoothed(seen, sequences.gaps, model, group)
        likelihood += float(found.log_likelihood.sum())
        steady = _steady(sequences, members, model)
        weight = found.occupied * steady[:, np.newaxis, np.newaxis]
        known = seen != UNKNOWN
        for state in range(model.states):
            counts[state] += np.bincount(
                seen[known], weight[known, state], minlength=counts.shape[1]
            )
        leaving = found.changes.sum(axis=3) * steady[:, np.newaxis, np.newaxis]
        changes[group] += leaving.sum(axis=(0, 1))
        durations[group] += weight.sum(axis=(0, 1))
    better = _model_of(sequences, counts, changes, durations, model.min_frames)
    return better, likelihood


def _difference(one: StateModel, other: StateModel) -> float:
    pairs = ((one.emission, other.emission), (one.change, other.change))
    return max(float(np.abs(np.log(a / b)).max()) for a, b in pairs)


class _Smoothed(NamedTuple):
    """What all frames say about each frame.

    Attributes
    ----------
    occupied
        Probability of each state, shape (sequence, frame, state).
    changes
        Probability of each change from a frame to the next, shape (sequence, frame - 1,
        state before, state after).
    log_likelihood
        Of the observations, shape (sequence,).
    """

    occupied: NDArray[np.float64]
    changes: NDArray[np.float64]
    log_likelihood: NDArray[np.float64]


def _smoothed(
    seen: NDArray[np.int64], gaps: NDArray[np.int64], model: StateModel, group: int
) -> _Smoothed:
    """Return what all frames say about each frame (forward and backward)."""
    count, length = seen.shape
    states, least = model.states, model.min_frames
    steps = {gap: model.steps(group, gap) for gap in np.unique(gaps).tolist()}
    likely = _likelihoods(seen, model)
    alpha = np.zeros((length, count, states * least))
    scale = np.zeros((length, count))
    alpha[0][:, model.first] = likely[0][:, model.first] / states
    for t in range(length):
        if t:
            alpha[t] = (alpha[t - 1] @ steps[int(gaps[t - 1])]) * likely[t]
        scale[t] = alpha[t].sum(axis=1)
        alpha[t] /= scale[t][:, np.newaxis]
    beta = np.zeros((count, states * least))
    beta[:, model.last] = 1
    end = alpha[-1][:, model.last].sum(axis=1)
    occupied = np.zeros((count, length, states))
    changes = np.zeros((count, max(length - 1, 0), states, states))
    for t in range(length - 1, -1, -1):
        both = (alpha[t] * beta).reshape(count, states, least).sum(axis=2)
        occupied[:, t] = both / end[:, np.newaxis]
        if not t:
            break
        step = steps[int(gaps[t - 1])]
        behind = likely[t] * beta / scale[t][:, np.newaxis]
        begins = behind[:, model.first] / end[:, np.newaxis]
        leave = alpha[t - 1][:, model.last]
        moves = step[np.ix_(model.last, model.first)] * (1 - np.eye(states))
        changes[:, t - 1] = leave[:, :, np.newaxis] * moves * begins[:, np.newaxis]
        beta = behind @ step.T
    return _Smoothed(occupied, changes, np.log(scale).sum(axis=0) + np.log(end))


def _likelihoods(seen: NDArray[np.int64], model: StateModel) -> NDArray[np.float64]:
    """Return the probability of each observation, shape (frame, sequence, place)."""
    # What could not be seen, -1, is as likely in every state.
    table = np.append(model.emission.T, np.ones((1, model.states)), axis=0)
    return np.asarray(np.repeat(table[seen.T], model.min_frames, axis=2))


def _steady(
    sequences: _Sequences, members: NDArray[np.intp], model: StateModel
) -> NDArray[np.float64]:
    """Return the probability that sites have states, and do not flicker.

    A site that flickers, such as one of a support whose columns a network takes for
    those of a particle now and then, is in the same suggested state with the same
    probability in every frame, whatever that is, independent of the frame before.
    """
    hints = sequences.hints()[members]
    states = model.states
    own = sequences.hint == np.arange(states)[:, np.newaxis]
    # Of suggestions alone: how certain each is may differ from site to site.
    suggested = model.emission @ own.T
    alone = StateModel(suggested, model.change, model.min_frames)
    group = int(sequences.group[members[0]])
    with_states = _log_likelihood(hints, sequences.gaps, alone, group)
    number = np.stack([(hints == state).sum(axis=1) for state in range(states)], axis=1)
    prior = 1 / states
    without = (gammaln(number + prior) - gammaln(prior)).sum(axis=1)
    without -= gammaln(number.sum(axis=1) + 1)
    odds = np.log(_FLICKERING) + without - with_states
    return np.asarray(1 / (1 + np.exp(np.clip(odds, -700, 700))))


def _log_likelihood(
    seen: NDArray[np.int64], gaps: NDArray[np.int64], model: StateModel, group: int
) -> NDArray[np.float64]:
    """Return the logarithm of the probability of observations, shape (sequence,)."""
    steps = {gap: model.steps(group, gap) for gap in np.unique(gaps).tolist()}
    likely = _likelihoods(seen, model)
    alpha = np.zeros_like(likely[0])
    alpha[:, model.first] = likely[0][:, model.first] / model.states
    total = np.zeros(len(seen))
    for t in range(seen.shape[1]):
        if t:
            alpha = (alpha @ steps[int(gaps[t - 1])]) * likely[t]
        scale = alpha.sum(axis=1)
        total += np.log(scale)
        alpha /= scale[:, np.newaxis]
    return np.asarray(total + np.log(alpha[:, model.last].sum(axis=1)))


def _decoded(sequences: _Sequences, model: StateModel) -> DecodedStates:
    count, length = sequences.observed.shape
    states = np.zeros((count, length), np.int64)
    changed = np.zeros((count, length - 1))
    steady = np.ones(count)
    for group, members in sequences.parts():
        seen = sequences.observed[members]
        path = _most_probable(seen, sequences.gaps, model, group)
        _confirm(path, sequences.hints()[members], model.min_frames)
        found = _smoothed(seen, sequences.gaps, model, group)
        states[members], steady[members] = path, _steady(sequences, members, model)
        row, frame = np.nonzero(np.diff(path, axis=1))
        before, after = path[row, frame], path[row, frame + 1]
        total = np.zeros(len(row))
        for offset in range(-model.min_frames, model.min_frames + 1):
            near = frame + offset
            inside = (near >= 0) & (near < length - 1)
            total[inside] += found.changes[
                row[inside], near[inside], before[inside], after[inside]
            ]
        changed[members[row], frame] = np.minimum(total, 1) * steady[members[row]]
    return DecodedStates(states, changed, steady, model)


def _confirm(path: NDArray[np.int64], hints: NDArray[np.int64], least: int) -> None:
    """Take states out that were suggested too rarely, in place.

    Where errors are rare, a state that was suggested once or twice is more probable
    than an error, even if it has to be stretched to last long enough. But errors of
    neighboring frames have causes in common that the model does not know.
    """
    for row in np.flatnonzero(np.any(np.diff(path, axis=1), axis=1)):
        states = path[row]
        starts = np.flatnonzero(np.diff(states)) + 1
        for start, end in zip(starts, [*starts[1:], len(states)], strict=True):
            part = hints[row, start:end]
            if np.isin(part, (states[start], UNKNOWN)).sum() < least:
                states[start:end] = states[start - 1]


def _most_probable(
    seen: NDArray[np.int64], gaps: NDArray[np.int64], model: StateModel, group: int
) -> NDArray[np.int64]:
    """Return the most probable states (Viterbi), shape (sequence, frame)."""
    count, length = seen.shape
    least = model.min_frames
    with np.errstate(divide="ignore"):
        steps = {
            gap: np.log(model.steps(group, gap)) for gap in np.unique(gaps).tolist()
        }
        likely = np.log(_likelihoods(seen, model))
    best = np.full(likely[0].shape, -np.inf)
    best[:, model.first] = likely[0][:, model.first]
    origin = np.zeros((length, *best.shape), np.int16)
    for t in range(1, length):
        ways = best[:, :, np.newaxis] + steps[int(gaps[t - 1])]
        origin[t] = ways.argmax(axis=1)
        best = np.take_along_axis(ways, origin[t][:, np.newaxis], axis=1)[:, 0]
        best = best + likely[t]
    place = model.last[best[:, model.last].argmax(axis=1)]
    path = np.zeros((count, length), np.int64)
    for t in range(length - 1, -1, -1):
        path[:, t] = place // least
        place = origin[t, np.arange(count), place]
    return path
