# SPDX-License-Identifier: GPL-3.0-or-later
"""Methods: the refined atoms, and their rivals; each makes an `Answer` of a `Case`."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal

import hyperspy.api as hs
import numpy as np

from hyperspy_hrtemnn.analysis import detect_electrons, reconstruct_exit_wave

from .answers import Answer
from .columns import general_names

if TYPE_CHECKING:
    import pandas as pd

    from hyperspy_hrtemnn.networks import Network

    from .cases import Case
    from .starts import Start
    from .variants import Variant

_VACUUM = 1024  # pixels of the image that a camera is measured with, each way


@dataclass(frozen=True)
class NetworkAlone:
    """The wave and the columns as networks see them.

    Parameters
    ----------
    network
        The network of the wave.
    start
        Finds the columns.
    """

    network: Network
    start: Start

    def __call__(self, case: Case) -> Answer:
        """Return wave and columns."""
        wave = case.series.reconstruct_exitwave(self.network, show_progressbar=False)
        return Answer(wave.data, _general(self.start(case), case))


def gerchberg_saxton(case: Case) -> Answer:
    """Return the wave by iterations that are given all lenses and the camera."""
    detector = case.detector
    counts = case.series.data - detector.readout
    mtf = (detector.mtf_c0, detector.mtf_c3)
    found = reconstruct_exit_wave(counts, case.pixel, case.optics, align=False, mtf=mtf)
    return Answer(found.wave)


@dataclass(frozen=True)
class Refined:
    """`HRTEM.refine_atoms` with what a user knows in a variant.

    Parameters
    ----------
    start
        Finds the columns to begin with.
    variant
        What the user knows of camera and dose.
    support
        What the user says that the sheet lies on.
    """

    start: Start
    variant: Variant
    support: Literal["graphene"] | None = None

    def __call__(self, case: Case) -> Answer:
        """Return wave, columns, lenses and chi²."""
        columns = self.start(case)
        start = perf_counter()
        model = case.series.refine_atoms(
            columns,
            Cs=f"{case.Cs} angstrom",
            support=self.support,
            **self._camera(case),
        )
        seconds = perf_counter() - start
        support, free = model.support, model.empty_support_sites
        if self.support is not None and support is None:
            support, free = model.columns.iloc[:0], model.empty_sites.iloc[:0]
        return Answer(
            wave=model.exit_wave().data,
            columns=_general(model.columns, case),
            empty_sites=_general(model.empty_sites, case),
            support=None if support is None else _general(support, case),
            empty_support_sites=None if free is None else _general(free, case),
            distance=model.refined.distance,
            optics=model.optics,
            chi2=float(model.optics.chi2),
            chi2_error=float(model.optics.chi2_error),
            seconds=seconds,
        )

    def _camera(self, case: Case) -> dict[str, Any]:
        """Return what the user says of the camera."""
        detector, variant = case.detector, self.variant
        known: dict[str, Any] = {"offset": detector.readout}
        if variant.dose_error:
            known["dose"] = detector.dose * (1 + variant.dose_error)
        else:
            known["counts_per_electron"] = 1 + variant.gain_error
        if variant.camera == "fitted":
            return known | {"detector": _measured_camera(case)}
        mtf = (detector.mtf_c0, detector.mtf_c3)
        return known | {"mtf": mtf, "readout": detector.readout}


def _measured_camera(case: Case) -> Any:
    """Return what `fit_mtf` says of one image of the vacuum."""
    rng = np.random.default_rng([case.seed, 6])
    white = np.ones((_VACUUM, _VACUUM), np.float32)
    image = hs.signals.Signal2D(detect_electrons(white, case.detector, rng))
    image.set_signal_type("HRTEM")
    for axis in image.axes_manager.signal_axes:
        axis.scale, axis.units = case.pixel / 10, "nm"
    everything = hs.roi.RectangularROI(0, 0, *[_VACUUM * case.pixel / 10] * 2)
    with warnings.catch_warnings():
        # What one image does not tell of the readout noise is no doubt about the atoms.
        warnings.simplefilter("ignore")
        fitted = image.fit_mtf(
            everything,
            counts_per_electron=1,
            offset=case.detector.readout,
            show_progressbar=False,
        )
        return fitted.to_parameters()


def _general(table: pd.DataFrame, case: Case) -> pd.DataFrame:
    """Return a table in Å with the general names of the classes."""
    names = general_names(case.formula)
    renamed = {f"probability_{key}": f"probability_{to}" for key, to in names.items()}
    table = table.rename(columns=renamed)
    if "class" in table:
        table["class"] = table["class"].map(lambda name: names[name])
    for name in ("x", "y", "z", "sigma_x", "sigma_y"):
        if name in table:
            table[name] = 10 * table[name]  # axes of the series are in nm
    return table
