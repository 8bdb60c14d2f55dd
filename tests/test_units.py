# SPDX-License-Identifier: GPL-3.0-or-later
"""What texts with a unit say, and what is said of those that say nothing."""

from __future__ import annotations

from types import SimpleNamespace

import hyperspy.api as hs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_hrtemnn.signals._shared.calibration import pixels, sampling, square_pixels
from hyperspy_hrtemnn.signals._shared.lenses import beam_energy, known_energy
from hyperspy_hrtemnn.signals._shared.units import is_time, length_in, value_in

ANGSTROM = {"pm": 0.01, "Å": 1, "\u212b": 1, "angstrom": 1, "Angstrom": 1, "nm": 10}
ANGSTROM |= {"nanometer": 10, "µm": 1e4, "\u03bcm": 1e4, "um": 1e4, "micron": 1e4}
ENERGY = "Acquisition_instrument.TEM.beam_energy"

# The first look into pint's registry takes longer than a deadline.
at_leisure = settings(deadline=None)
numbers = st.floats(1e-6, 1e6, allow_nan=False)
lengths = st.tuples(numbers, st.sampled_from(sorted(ANGSTROM)), st.sampled_from(" \t"))


def image(scale=0.02, unit="nm", **options):
    signal = hs.signals.Signal2D(np.zeros((12, 17), "float32"))
    for axis in signal.axes_manager.signal_axes:
        axis.scale = scale
        if unit is not None:
            axis.units = unit
    signal.set_signal_type(options.get("signal_type", "HRTEM"))
    return signal


@at_leisure
@given(lengths)
def test_a_length_is_read_in_any_unit_and_spelling(length):
    number, unit, between = length
    expected = number * ANGSTROM[unit]
    assert length_in(f"{number!r}{between}{unit}", "angstrom") == pytest.approx(
        expected
    )
    assert length_in(f" {number!r}{unit}  ", "nm") == pytest.approx(expected / 10)


@at_leisure
@given(lengths, st.sampled_from(["nm", "Å", "µm"]), st.floats(1e-3, 1e3))
def test_pixels_do_not_depend_on_the_unit_of_the_axes(length, unit, size):
    number, of_text, _ = length
    signal = SimpleNamespace(
        axes_manager=image(size / ANGSTROM[unit], unit).axes_manager
    )
    text = f"{number!r} {of_text}"
    expected = number * ANGSTROM[of_text] / size
    assert pixels(text, signal) == pytest.approx(expected)
    assert square_pixels(f"{text}^2", signal) == pytest.approx(
        number * ANGSTROM[of_text] ** 2 / size**2
    )
    assert pixels(expected * size / ANGSTROM[unit], signal) == pytest.approx(expected)


@at_leisure
@given(st.text(max_size=12))
def test_any_text_is_a_length_or_refused_by_name(text):
    try:
        value = pixels(text, image())
    except ValueError as error:
        assert "is not a length" in str(error)  # noqa: PT017 - most texts are refused
    else:
        assert np.isfinite(value)


@at_leisure
@given(numbers, st.sampled_from(["", "0", "5e3"]), st.sampled_from(["nm", "Å", "s"]))
def test_a_comma_is_never_left_out(number, decimals, unit):
    # Pint reads 2,5 nm as 25 nm.
    assert length_in(f"{number:.3f},{decimals} {unit}", "angstrom") is None


def test_a_comma_is_named():
    with pytest.raises(ValueError, match=r"point in place of the comma: '2.5 nm'"):
        pixels("2,5 nm", image())
    with pytest.raises(ValueError, match=r"ampere: '0.5 angstrom'"):
        pixels("0.5 A", image())
    with pytest.raises(ValueError, match=r"'3,5 nm\^2' is not an area.*'3.5 nm\^2'"):
        square_pixels("3,5 nm^2", image())


@pytest.mark.parametrize(
    "text", ["", " ", "nm", "5", "nan nm", "inf nm", "(", "2 nm)", "9**9**9 nm", "1 px"]
)
def test_what_is_no_length(text):
    assert length_in(text, "angstrom") is None


@pytest.mark.parametrize(
    ("unit", "seconds"),
    [
        ("s", 1), ("sec", 1), ("Sec", 1), ("seconds", 1), ("ms", 1e-3), ("msec", 1e-3),
        ("\u00b5s", 1e-6), ("\u03bcs", 1e-6), ("us", 1e-6), ("ns", 1e-9),
        ("ps", 1e-12), ("fs", 1e-15), ("min", 60), ("Minutes", 60), ("h", 3600),
        ("hr", 3600), ("hours", 3600), ("day", 86400), ("days", 86400),
    ],
)  # fmt: skip
def test_units_of_time(unit, seconds):
    assert is_time(SimpleNamespace(units=unit))
    assert value_in(f"1 {unit}", "s") == pytest.approx(seconds)


@pytest.mark.parametrize("unit", ["", None, "nm", "frames", "px", "deg", "1/s", "eV"])
def test_what_is_no_time(unit):
    assert not is_time(SimpleNamespace(units=unit))


@pytest.mark.parametrize(
    ("scale", "unit", "reason"),
    [
        (0.0, "nm", "axis x has the scale 0"),
        (float("nan"), "nm", "axis x has the scale nan"),
        (0.02, "A", "'A', which is the ampere; angstrom is 'Å' or 'angstrom'"),
        (0.02, "1/nm", "reciprocal: of a Fourier transform or a diffraction pattern"),
        (0.02, "nm-1", "reciprocal: of a Fourier transform or a diffraction pattern"),
        (0.02, "px", "counted in pixels"),
        (0.02, None, "axis x has no unit"),
        (0.02, "", "axis x has no unit"),
        (0.02, "s", "'s', not a length"),
        (0.02, "frobs", "'frobs', which is unknown"),
    ],
)
def test_what_is_wrong_with_a_calibration_is_named(scale, unit, reason):
    signal = image(scale, unit)
    with pytest.raises(ValueError, match="not calibrated") as error:
        sampling(signal)
    assert reason in str(error.value)
    assert "axis.scale, axis.units = 0.01, 'nm'" in str(error.value)
    with pytest.raises(ValueError, match="not calibrated"):
        signal.standardize("1 nm")


def test_numbers_need_a_scale_but_no_unit():
    assert pixels(3, image(0.5, None)) == 6
    assert square_pixels(3, image(0.5, "px")) == 12
    with pytest.raises(ValueError, match="scale 0"):
        pixels(3, image(0.0, "nm"))
    with pytest.raises(ValueError, match="no unit"):
        square_pixels(3, image(0.0, None))


@pytest.mark.parametrize("unit", ["s", "A", "1/nm", "px", None])
@pytest.mark.parametrize("method", ["area", "properties"])
def test_nothing_is_measured_in_what_is_no_length(method, unit):
    kind = "HRTEM_segmentation" if method == "area" else "HRTEM_instances"
    signal = image(0.1, unit, signal_type=kind)
    signal.data = signal.data.astype(int)
    with pytest.raises(ValueError, match="not calibrated"):
        getattr(signal, method)()


@at_leisure
@given(
    st.floats(20, 1250), st.sampled_from(["", " keV", "kV", " kilovolt", "KV", " kev"])
)
def test_an_energy_is_read_from_a_text(energy, unit):
    signal = image()
    signal.metadata.set_item(ENERGY, f"{energy!r}{unit}")
    assert known_energy(signal) == pytest.approx(energy)
    assert beam_energy(signal, f"{energy * 1000!r} eV") == pytest.approx(energy)


@pytest.mark.parametrize("value", [0, 0.0, "", " ", "0", None])
def test_readers_that_know_no_energy_say_0_or_nothing(value):
    signal = image()
    signal.metadata.set_item(ENERGY, value)
    assert known_energy(signal) is None
    with pytest.raises(ValueError, match="is not known"):
        beam_energy(signal)


@pytest.mark.parametrize(
    "value", [-80, "-80 kV", "high", "300 nm", 300000, "nan", [80]]
)
def test_an_energy_that_is_none_is_named_before_the_work(value, network_path):
    signal = image()
    signal.metadata.set_item(ENERGY, value)
    with pytest.raises(ValueError, match=r"beam energy in the metadata.*300 kV"):
        signal.as_lazy().segment(network_path)


def test_the_energy_of_a_text_is_that_of_its_number():
    signal = image()
    signal.metadata.set_item(ENERGY, "300 kV")
    assert known_energy(signal) == 300
    assert beam_energy(signal, "80 keV") == 80
