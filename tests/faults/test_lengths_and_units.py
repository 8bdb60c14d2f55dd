# SPDX-License-Identifier: GPL-3.0-or-later
"""Lengths and units that hostile files and users write: read by a pattern, at once."""

from __future__ import annotations

import subprocess
import sys

import hyperspy.api as hs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_hrtemnn.jobs.lengths import sampling_in_angstrom
from hyperspy_hrtemnn.signals._shared.calibration import pixels, sampling
from hyperspy_hrtemnn.signals._shared.units import ratio, value_in
from hyperspy_hrtemnn.unit_texts import is_unit

HOSTILE = [
    "9**9**9**9 nm",
    "1 nm**9**9**9**9",
    "1 9**9**9**9",
    "1 " + "(" * 5000,
    "(((((",
    "1 " + "nm " * 3_000_000,
    "9" * 10_000_000,
    "1 __import__('os').system('true')",
    "1 nm\x1b]0;owned\x07",
    "1 nm/inf**-1",
    "1e9999999 nm",
    "1 \ud800",
]

# The words, powers and signs that pint knows, in any order.
parts = st.sampled_from(
    [
        *("nm", "eV", "degC", "dB", "px", "inf", "nan", "if", "lambda", "__", "½"),
        *("1", "9", "/", "*", "**", "^", "²", "⁻¹", "(", ")", ".", "-", " ", "%", "["),
    ]
)

EIGHT_THREADS = """
import threading
import hyperspy.api as hs, numpy as np
from hyperspy_hrtemnn.signals._shared.calibration import pixels

images = []
for _ in range(8):
    image = hs.signals.Signal2D(np.zeros((12, 17), "float32"))
    for axis in image.axes_manager.signal_axes:
        axis.scale, axis.units = 0.02, "nm"
    image.set_signal_type("HRTEM")
    images.append(image)
together, errors = threading.Barrier(8), []

def first(image):
    together.wait()
    try:
        assert pixels("2 nm", image) == 100
        image.standardize("0.1 nm")
    except Exception as error:
        errors.append(repr(error))

threads = [threading.Thread(target=first, args=(image,)) for image in images]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(errors)
"""


def image(unit="nm"):
    signal = hs.signals.Signal2D(np.zeros((12, 17), "float32"))
    for axis in signal.axes_manager.signal_axes:
        axis.scale, axis.units = 0.02, unit
    signal.set_signal_type("HRTEM")
    return signal


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:20]))
def test_a_hostile_length_is_refused_at_once_in_a_short_error(text):
    for refused in (lambda: pixels(text, image()), lambda: sampling_in_angstrom(text)):
        with pytest.raises(ValueError, match=r"is not a length|must be positive") as e:
            refused()
        assert len(str(e.value)) < 1000


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:20]))
def test_a_hostile_unit_of_an_axis_is_refused_at_once_in_a_short_error(text):
    unit = text.removeprefix("1 ")
    with pytest.raises(ValueError, match="not calibrated") as error:
        sampling(image(unit))
    assert len(str(error.value)) < 1000
    assert value_in("1 nm", unit) is None
    assert ratio("nm", unit) is None


@settings(deadline=None, max_examples=300)
@given(st.lists(parts, max_size=12).map("".join), st.lists(parts, max_size=6))
def test_any_unit_has_a_value_or_none(unit, other):
    value = value_in(f"1 {unit}", "".join(other))
    assert value is None or np.isfinite(value)
    if value is not None:
        assert is_unit(unit.strip().replace("-1", "^-1")) or is_unit(unit.strip())


def test_eight_threads_may_ask_for_the_first_length_at_once():
    done = subprocess.run(
        [sys.executable, "-c", EIGHT_THREADS],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout.strip() == "[]"
