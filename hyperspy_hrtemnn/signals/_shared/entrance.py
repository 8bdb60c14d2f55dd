# SPDX-License-Identifier: GPL-3.0-or-later
"""Entrance: signals of any form are brought into one form for all methods.

HyperSpy leaves open in which order the axes of an array are and in which unit each of
them is, and files have more to say than what readers make of it. Every method of our
classes sees a signal whose array is (..., y, x), whose axes are in one unit, and whose
labels are ours.
"""

from __future__ import annotations

import math
from functools import partial, wraps
from types import FunctionType
from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_hrtemnn.image_data import without_mask
from hyperspy_hrtemnn.io.imagej import calibration
from hyperspy_hrtemnn.user_warnings import warn_user

from .calibration import known_sampling
from .units import ratio, unit_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hyperspy.signals import Signal2D

# Pixels that differ by more are of other images, or one of them is calibrated wrongly.
_ALIKE = 0.01

# Names of the fast and the slow axis of images that are stored the other way around.
_TURNED = {("y", "x"), ("height", "width"), ("ky", "kx")}


class OneForm:
    """What the methods of a class are given: the signal in the form they expect.

    All public methods that a class adds to those of HyperSpy are called with
    `in_one_form` of the signal, not with the signal itself, so that none can forget it.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        others = [base for base in cls.__bases__ if not issubclass(base, OneForm)]
        for name, method in list(vars(cls).items()):
            ours = isinstance(method, FunctionType) and not name.startswith("_")
            if ours and not any(hasattr(base, name) for base in others):
                setattr(cls, name, _in_one_form_when_called(method))

    def _own_data(self) -> Any:
        """Return the data as methods expect them, the same array where they are."""
        return self.data  # type: ignore[attr-defined]


def _in_one_form_when_called(method: FunctionType) -> Callable[..., Any]:
    """Return a method that finds the one form of its signal when it is called.

    Not when it is looked up: whoever completes a name or reads the help of a signal
    pays nothing, and hears of no error, for labels that have to be converted.
    """

    @wraps(method)
    def call(self: Any, *args: Any, **options: Any) -> Any:
        return method(in_one_form(self), *args, **options)

    return call


def in_one_form(signal: Signal2D) -> Signal2D:
    """Return a signal as our methods expect it: itself, or a view in their form.

    Parameters
    ----------
    signal
        Any signal with two signal axes.

    Returns
    -------
    Array order (..., y, x), navigation axes before signal axes and, by name, x the
    fastest; the signal axes in the unit of x, offsets included, with the unit that a
    TIFF of ImageJ says where there was none; labels as `own_labels` has them. `given`
    finds the signal again.

    Raises
    ------
    TypeError
        If it is not a signal.
    ValueError
        If it has no frames, or its images no pixels.
    """
    if not hasattr(signal, "axes_manager"):
        raise TypeError(
            "A signal of HyperSpy is needed, with axes and units, not "
            f"{type(signal).__name__}; one is made of an array by "
            "hs.signals.Signal2D(array)."
        )
    if 0 in signal.data.shape:
        raise ValueError(
            f"The signal is empty: its data have the shape {signal.data.shape}."
        )
    order = _ordered(signal)
    axes = [axis.get_axis_dictionary() for axis in order]
    changed = _as_the_file_says(axes, signal)
    changed |= _in_one_unit(*axes[-2:])
    own = getattr(signal, "_own_data", None)
    data = _without_mask(signal.data) if own is None else own()
    places = places_in_array(signal)
    in_order = places == list(range(len(places)))
    if in_order and not changed and data is signal.data:
        return signal
    metadata = signal.metadata.as_dictionary()
    # What is drawn on the signal of the user stays there.
    metadata.pop("Markers", None)
    view = type(signal)(
        data if in_order else data.transpose(places),
        axes=axes,
        metadata=metadata,
        original_metadata=signal.original_metadata.as_dictionary(),
    )
    for axis, its in zip(order, view.axes_manager._axes, strict=True):
        if axis.navigate:
            its.index = axis.index
    view._given = given(signal)
    return view


def _without_mask(data: Any) -> Any:
    """Return data with NaN where a masked array masks it; of dask, when it is read."""
    if not isinstance(getattr(data, "_meta", data), np.ma.MaskedArray):
        return data
    if isinstance(data, np.ndarray):
        return without_mask(data)
    # Whether anything is masked is not known yet.
    one = np.zeros((1,) * data.ndim, data.dtype)
    meta = without_mask(np.ma.array(one, mask=True))
    return data.map_blocks(_block_without_mask, meta.dtype, meta=meta[:0])


def _block_without_mask(block: Any, dtype: np.dtype[Any]) -> Any:
    return without_mask(block).astype(dtype)


def in_same_form(instances: Signal2D, image: Signal2D) -> Signal2D:
    """Return images in one form; raise a ValueError unless they fit the labels."""
    image = in_one_form(image)
    if instances.data.shape != image.data.shape:
        raise ValueError(
            f"The image has the shape {image.data.shape}, the instances "
            f"{instances.data.shape}; they have to be the same."
        )
    pixel, own = known_sampling(image), known_sampling(instances)
    if pixel and own and not math.isclose(pixel, own, rel_tol=_ALIKE):
        warn_user(
            f"The pixels of the image are {pixel:.4g} Å, those of the particles "
            f"{own:.4g} Å, which count. Set the scale of the axes that is wrong."
        )
    return image


def given(signal: Signal2D) -> Signal2D:
    """Return the signal whose one form this is: that of the user's axes and events."""
    return getattr(signal, "_given", signal)


def places_in_array(signal: Signal2D) -> list[int]:
    """Return where a signal's array has each axis of the one form."""
    return [axis.index_in_array for axis in _ordered(signal)]


def is_turned(axes: Sequence[Any]) -> bool:
    """Return whether, by the names of two axes, the fast is y and the slow one x."""
    fast, slow = (str(axis.name).lower() for axis in axes)
    return (fast, slow) in _TURNED


def _ordered(signal: Signal2D) -> list[Any]:
    """Return the axes in the order of the array that methods expect."""
    axes = signal.axes_manager
    x, y = axes.signal_axes[:: -1 if is_turned(axes.signal_axes) else 1]
    return [*axes.navigation_axes[::-1], y, x]


def _as_the_file_says(axes: list[dict[str, Any]], signal: Signal2D) -> bool:
    """Give axes without a unit that of their TIFF; return whether there are any."""
    known = [bool(unit_text(axis.get("units"))) for axis in axes]
    said = None if all(known) else calibration(partial(_tag, signal))
    if said is None:
        return False
    changed = False
    if said.unit is not None and not any(known[-2:]):
        for axis, side in zip(axes[-2:], said.pixel, strict=True):
            _calibrate(axis, side, said.unit)
        changed = True
    for axis, is_known in zip(axes[:-2], known, strict=False):
        # As RosettaSciIO names it.
        if said.interval is not None and axis["name"] == "time" and not is_known:
            _calibrate(axis, said.interval, said.time_unit)
            changed = True
    return changed


def _tag(signal: Signal2D, name: str) -> Any:
    """Return a tag of the first page of the file, or of the first of several files."""
    get = signal.original_metadata.get_item
    first = f"stack_elements.element0.original_metadata.{name}"
    return get(name, None) or get(first, None)


def _in_one_unit(y: dict[str, Any], x: dict[str, Any]) -> bool:
    """Convert y to the unit of x; return whether it was in another."""
    unit, its_unit = (unit_text(axis.get("units")) for axis in (x, y))
    factor = ratio(its_unit, unit) if unit and its_unit else None
    # Unknown units stay for whoever needs a length to name them.
    if factor is None or unit == its_unit:
        return False
    _calibrate(y, factor, unit)
    return True


def _calibrate(axis: dict[str, Any], factor: float, unit: str) -> None:
    axis["units"] = unit
    for name in ("scale", "offset", "axis"):
        if name in axis:
            axis[name] = factor * np.asarray(axis[name], float)
