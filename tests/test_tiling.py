# SPDX-License-Identifier: GPL-3.0-or-later
"""Tiles that leave no trace."""

from __future__ import annotations

import numpy as np
import pytest
import tiny_networks
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hyperspy_hrtemnn.networks import load
from hyperspy_hrtemnn.networks._tiling import predict_tiled, spans


@pytest.fixture(scope="module", params=["convolution", "pooling"])
def network(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("tiling") / "tiny.onnx"
    return load(getattr(tiny_networks, request.param)(path))


def _covered(parts, size):
    total = np.zeros(size)
    for part in parts:
        total[part.start + part.kept.start : part.start + part.kept.stop] += (
            part.weights
        )
    return total


@given(
    size=st.integers(1, 700),
    field=st.integers(1, 40),
    stride=st.sampled_from([1, 2, 8, 16]),
    extra=st.integers(1, 200),
    overlap=st.one_of(st.none(), st.integers(0, 100)),
    window=st.sampled_from(["hamming", "hann", "boxcar", "flattop"]),
)
def test_spans_cover(size, field, stride, extra, overlap, window):
    rounded = 2 * (field // 2) + 32 if overlap is None else overlap
    rounded = -(-rounded // stride) * stride
    tile = rounded + stride + extra
    parts = spans(
        size,
        receptive_field=field,
        stride=stride,
        tile=tile,
        overlap=overlap,
        window=window,
    )
    np.testing.assert_allclose(_covered(parts, size), 1, atol=1e-5)
    assert parts[0].start == 0
    assert parts[-1].stop == size
    sizes = [part.stop - part.start for part in parts]
    assert max(sizes) <= tile
    assert len(set(sizes[:-1])) <= 1
    assert sizes[-1] <= sizes[0]
    assert all(part.start % stride == 0 for part in parts)
    for part in parts:
        # A border where the image goes on has no weight as far as it has influence.
        hidden = min(field // 2, rounded // 2)
        assert part.start == 0 or part.kept.start >= hidden
        end = part.stop - part.start - part.kept.stop
        assert part.stop == size or end >= hidden


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    height=st.integers(30, 150),
    width=st.integers(30, 150),
    extra=st.integers(0, 60),
    seed=st.integers(0, 99),
    window=st.sampled_from(["hamming", "hann", "boxcar", ("kaiser", 8.0)]),
)
def test_tiles_change_nothing(network, height, width, extra, seed, window):
    image = (
        np.random.default_rng(seed).normal(size=(1, height, width)).astype(np.float32)
    )
    card = network.card
    whole = network.predict(image[np.newaxis])[0]
    overlap = card.receptive_field + 4
    tiled = predict_tiled(
        network.predict,
        image,
        receptive_field=card.receptive_field,
        stride=card.stride,
        tile=overlap + 2 * card.stride + extra,
        overlap=overlap,
        window=window,
    )
    np.testing.assert_allclose(tiled, whole, atol=1e-5)


def test_small_image_is_one_tile():
    (part,) = spans(100, receptive_field=31)
    assert (part.start, part.stop) == (0, 100)


@pytest.mark.parametrize("size", [2049, 4096, 9001])
def test_default_wastes_little(size):
    parts = spans(size, receptive_field=101, stride=8)
    tiles = sum(part.stop - part.start for part in parts)
    assert len(parts) <= size / 2048 + 1
    assert tiles <= size + (len(parts) - 1) * (101 + 32 + 2 * 8)


def test_overlap_below_the_receptive_field_has_seams(network, rng):
    image = rng.normal(size=(1, 90, 70)).astype(np.float32)
    card = network.card
    tiled = predict_tiled(
        network.predict,
        image,
        receptive_field=card.receptive_field,
        stride=card.stride,
        tile=40,
        overlap=0,
    )
    whole = network.predict(image[np.newaxis])[0]
    assert tiled.shape == whole.shape
    assert np.abs(tiled - whole).max() > 1e-4


def test_values_are_not_altered():
    image = np.full((2, 130, 95), 0.7, np.float32)
    tiled = predict_tiled(lambda x: x, image, receptive_field=9, tile=60, overlap=30)
    np.testing.assert_allclose(tiled, image, rtol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"tile": 20, "overlap": 20},
            "tile of 20 .* 21 or more, or an overlap below 20",
        ),
        ({"tile": 0, "overlap": 0}, "give a tile of 1 or more"),
        ({"tile": 30}, "tile of 30"),
        ({"overlap": -1}, "overlap is -1"),
        ({"window": "saddle"}, "'saddle' is not a window"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        spans(50, receptive_field=7, **arguments)
