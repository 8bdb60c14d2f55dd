# SPDX-License-Identifier: GPL-3.0-or-later
"""Atoms of columns: found in maps, in tables of signals, and as a model."""

from __future__ import annotations

import ase.io
import dask.array as da
import hyperspy.api as hs
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import EllipseCollection
from pandas.testing import assert_frame_equal
from scipy.ndimage import gaussian_filter
from tiny_networks import linear

from hyperspy_hrtemnn.analysis import columns_to_atoms, count_atoms
from hyperspy_hrtemnn.networks import load

QUIET = {"show_progressbar": False}
PLACES = np.array([[12.3, 14.0], [12.0, 40.4], [33.7, 15.2], [34.1, 41.0]])
ATOMS = np.array([1, 14, 6, 3])


def discs(atoms=ATOMS, shape=(50, 60)):
    """Return a map of 50 x 60 pixels with discs of a radius of 7 pixels."""
    y, x = np.indices(shape)
    made = np.zeros(shape)
    for (row, column), number in zip(PLACES, atoms, strict=True):
        made[np.hypot(y - row, x - column) < 7] = number
    return made


def in_rows(found, values):
    """Return values of columns in the order of the places."""
    apart = np.hypot(*(found[:, np.newaxis] - PLACES).transpose(2, 0, 1))
    assert len(found) == len(PLACES)
    assert apart.min(axis=0).max() < 0.8
    return values[apart.argmin(axis=0)]


@pytest.mark.parametrize("blur", [0, 1.5])
def test_one_atom_is_found_beside_fourteen(blur) -> None:
    shown = gaussian_filter(discs(), blur)
    found = count_atoms(shown, 0.05 * shown)
    atoms = in_rows(found.positions, found.atoms)
    np.testing.assert_allclose(atoms, ATOMS, rtol=0.02)
    errors = in_rows(found.positions, found.errors)
    np.testing.assert_allclose(errors, 0.05 * ATOMS, rtol=0.02)


def test_the_number_is_that_of_the_middle_whatever_its_edge_says() -> None:
    ring = gaussian_filter(discs(), 2)
    ring[discs() == 0] = 0
    found = count_atoms(ring)
    assert np.all(np.abs(in_rows(found.positions, found.atoms) / ATOMS - 1) < 0.02)
    assert np.isnan(found.errors).all()


def test_nothing_and_no_data_have_no_columns() -> None:
    assert len(count_atoms(np.zeros((9, 11)))) == 0
    assert len(count_atoms(np.full((9, 11), np.nan), np.zeros((9, 11)))) == 0
    with pytest.raises(ValueError, match=r"shape \(8, 11\), and the atoms \(9, 11\)"):
        count_atoms(np.zeros((9, 11)), np.zeros((8, 11)))
    with pytest.raises(ValueError, match=r"\(y, x\) is needed, not \(2, 9, 11\)"):
        count_atoms(np.zeros((2, 9, 11)))


def counted(lazy=False, spread=True):
    """Return the atoms of three frames as a network that counts leaves them."""
    data = np.stack([discs(), discs(2 * ATOMS), discs(ATOMS + 1)])
    signals = []
    for values in (data, 0.1 * data):
        made = hs.signals.Signal2D(values.astype("f4"))
        time, x, y = made.axes_manager._get_axes_in_natural_order()
        time.name, time.scale, time.units = "time", 0.5, "s"
        for axis, name in ((x, "x"), (y, "y")):
            axis.name, axis.scale, axis.units, axis.offset = name, 0.01, "nm", 1.5
        signals.append(made.as_lazy() if lazy else made)
    atoms, deviation = signals
    atoms.metadata.set_item("HRTEMNN.Segmentation.task", "regression")
    atoms.set_signal_type("HRTEM_segmentation")
    if spread:
        atoms._spread = deviation
    return atoms


@pytest.mark.parametrize("lazy", [False, True])
def test_a_table_has_the_atoms_with_their_errors(lazy) -> None:
    table = counted(lazy).find_columns(**QUIET)
    names = ["frame", "time", "class", "x", "y", "atoms", "atoms_error"]
    assert list(table) == [*names, "confidence", "filling"]
    assert table.attrs["units"] == {"time": "s", "x": "nm", "y": "nm"}
    assert table.attrs["classes"] == ["column"]
    assert set(table["class"]) == {"column"}
    for frame, expected in ((0, ATOMS), (1, 2 * ATOMS), (2, ATOMS + 1)):
        rows = table[table["frame"] == frame]
        places = (rows[["y", "x"]].to_numpy() - 1.5) / 0.01
        atoms = in_rows(places, rows["atoms"].to_numpy())
        np.testing.assert_allclose(atoms, expected, rtol=1e-6)
        errors = in_rows(places, rows["atoms_error"].to_numpy())
        np.testing.assert_allclose(errors, expected / 10, rtol=1e-5)


def test_without_a_spread_numbers_have_no_errors() -> None:
    table = counted(spread=False).find_columns(**QUIET)
    assert "atoms_error" not in table
    expected = counted().find_columns(**QUIET).drop(columns="atoms_error")
    assert_frame_equal(table, expected)


def test_atoms_of_one_particle() -> None:
    labels = np.zeros((3, 50, 60), int)
    labels[:, :, :30], labels[:, :, 30:] = 4, 7
    particles = hs.signals.Signal2D(labels)
    particles.set_signal_type("HRTEM_instances")
    table = counted().find_columns(instances=particles, **QUIET)
    assert list(table)[:5] == ["frame", "time", "id", "class", "x"]
    first = table[table["frame"] == 0].groupby("id")["atoms"].sum()
    assert first.round().to_dict() == {4: 1 + 6, 7: 14 + 3}


def test_atoms_are_no_probabilities() -> None:
    atoms = counted()
    for method in (
        atoms.threshold,
        atoms.area,
        lambda: atoms.track_instances("0.1 nm", **QUIET),
    ):
        with pytest.raises(ValueError, match="holds the atoms of columns"):
            method()
    atoms.plot()
    assert atoms._plot.signal_plot.vmax != 1
    plt.close("all")


@pytest.fixture
def network(tmp_path):
    """Return a network that takes the standardized image for atoms."""
    return linear(tmp_path / "n.onnx", task="regression", classes=("atoms",))


def image():
    made = hs.signals.Signal2D(np.random.default_rng(3).normal(5, 1, (40, 30)))
    for axis in made.axes_manager.signal_axes:
        axis.scale, axis.units = 0.01, "nm"
    made.set_signal_type("HRTEM")
    return made


@pytest.mark.filterwarnings("ignore:The network")
def test_by_its_name_a_network_that_counts_gives_errors(network) -> None:
    found = image().segment(network, **QUIET)
    made = found.metadata.HRTEMNN.Segmentation
    assert made.task == "regression"
    assert "threshold" not in made
    assert made.averaged
    assert found.data.max() > 1.5
    assert found.spread.data.max() < 1e-5  # it knows no orientation
    assert "number of atoms" in found.spread.metadata.Signal.quantity
    as_it_is = image().segment(load(network), **QUIET)
    np.testing.assert_allclose(as_it_is.data, found.data, atol=1e-5)
    with pytest.raises(AttributeError, match="There is no spread"):
        as_it_is.spread  # noqa: B018


@pytest.mark.filterwarnings("ignore:The network")
def test_a_lazy_table_runs_the_network_once_a_frame(network, monkeypatch) -> None:
    runs = []
    from hyperspy_hrtemnn.signals._prediction import predictions

    once = predictions.predict

    def counting(*arguments, **options):
        runs.append(1)
        return once(*arguments, **options)

    monkeypatch.setattr(predictions, "predict", counting)
    movie = hs.stack([image(), image()]).as_lazy()
    found = movie.segment(network, **QUIET)
    assert isinstance(found.data, da.Array)
    assert not runs
    found.find_columns(**QUIET)
    assert len(runs) == 2


def test_other_regressions_are_refused(tmp_path) -> None:
    other = linear(tmp_path / "n.onnx", task="regression", classes=("clean",))
    with pytest.raises(ValueError, match="is for regression, not for segmentation"):
        image().segment(other, **QUIET)


def test_the_numbers_are_the_colors_of_discs() -> None:
    table = counted().find_columns(**QUIET)
    shown = hs.signals.Signal2D(np.random.default_rng(0).normal(size=(3, 50, 60)))
    for axis in shown.axes_manager.signal_axes:
        axis.scale, axis.units, axis.offset = 10, "pm", 1500
    shown.set_signal_type("HRTEM")
    ax = shown.plot_columns(table, 1, color="atoms")
    (drawn,) = (c for c in ax.collections if isinstance(c, EllipseCollection))
    rows = table[table["frame"] == 1]
    np.testing.assert_allclose(drawn.get_array(), rows["atoms"])
    np.testing.assert_allclose(drawn.get_offsets(), 1000 * rows[["x", "y"]])
    assert drawn.get_clim() == pytest.approx((1, 28))  # of all frames
    ax.figure.canvas.draw()
    assert len({tuple(color) for color in drawn.get_facecolor()}) == 4
    assert [a.get_ylabel() for a in ax.figure.axes] == ["", "atoms"]
    with pytest.raises(ValueError, match=r"no numbers 'mass' to color .* atoms_error"):
        shown.plot_columns(table, 1, color="mass")
    plt.close("all")


def fcc_along_110(rows, columns):
    """Return x, y of columns of gold along [110] in nm, and which are half-way up."""
    i, j, k = np.indices((rows, columns, 2)).reshape(3, -1)
    x, y = (i + k / 2) * 0.408, (j + k / 2) * 0.408 / np.sqrt(2)
    return pd.DataFrame({"frame": 0, "x": x, "y": y}), k


def test_atoms_of_a_model_are_as_far_apart_as_in_gold(tmp_path) -> None:
    table, upper = fcc_along_110(4, 5)
    rng = np.random.default_rng(1)
    table["atoms"] = rng.integers(1, 9, len(table)) + rng.uniform(-0.4, 0.4, len(table))
    table.attrs["units"] = {"x": "nm"}
    atoms = columns_to_atoms(table)
    assert len(atoms) == table["atoms"].round().sum()
    apart = atoms.get_all_distances()
    np.fill_diagonal(apart, np.inf)
    assert apart.min() == pytest.approx(4.08 / np.sqrt(2), rel=1e-6)
    column = atoms.arrays["column"]
    middles = np.array([atoms.positions[column == i, 2].mean() for i in table.index])
    assert np.ptp(middles) <= 4.08 / np.sqrt(2) / 2 + 1e-6
    planes = atoms.positions[:, 2] / (4.08 / np.sqrt(2) / 2)
    of_lower = np.rint(planes - planes[0]).astype(int) % 2
    assert len(set(of_lower + upper[column] - 2 * of_lower * upper[column])) == 1
    atoms.write(tmp_path / "particle.xyz")
    again = ase.io.read(tmp_path / "particle.xyz")
    np.testing.assert_allclose(again.positions, atoms.positions, atol=1e-6)
    x = atoms.positions[:, 0]
    np.testing.assert_allclose(
        x - x.min(), 10 * (table["x"] - table["x"].min()).to_numpy()[column]
    )


def test_columns_with_no_atom_or_of_other_frames_are_left_out() -> None:
    table = pd.DataFrame(
        {
            "frame": [0, 0, 0, 2],
            "x": [0, 2.5, 5, 9.0],
            "y": 0.0,
            "atoms": [0.3, np.nan, 1.8, 3],
        }
    )
    table.attrs["units"] = {"x": "Å"}
    atoms = columns_to_atoms(table, "Pt", vacuum=2)
    assert atoms.get_chemical_formula() == "Pt2"
    assert atoms.arrays["column"].tolist() == [2, 2]
    np.testing.assert_allclose(atoms.cell.lengths(), [4, 4, 4 + 3.92 / np.sqrt(2)])
    assert len(columns_to_atoms(table, frame=2)) == 3
    with pytest.raises(ValueError, match="No column of frame 1 has an atom"):
        columns_to_atoms(table, frame=1)
    with pytest.raises(ValueError, match="'Fe' is not an fcc metal"):
        columns_to_atoms(table, "Fe")
    with pytest.raises(ValueError, match="spacing has to be positive, not 0"):
        columns_to_atoms(table, "Fe", spacing=0)
    table.attrs["units"] = {"x": "px"}
    with pytest.raises(ValueError, match="The unit of x is 'px'"):
        columns_to_atoms(table)
