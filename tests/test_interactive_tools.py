# SPDX-License-Identifier: GPL-3.0-or-later
"""Tools that try out options on one frame: their traits, pictures and results."""

from __future__ import annotations

import hyperspy.ui_registry
import numpy as np
import pytest
from tried_signals import (
    FRAMES,
    HEIGHT,
    PIXEL,
    WIDTH,
    calibrated,
    cones,
    distance,
    outlined_area,
    touching_discs,
)

from hyperspy_hrtemnn.data import mos2_series
from hyperspy_hrtemnn.networks import load
from hyperspy_hrtemnn.signals import HRTEM, LazyInstances, LazySegmentation


@pytest.fixture
def movie(rng):
    return calibrated(rng.normal(100, 5, (FRAMES, HEIGHT, WIDTH)), "HRTEM")


@pytest.fixture
def fine_movie(rng):
    """A movie at the sampling of the tiny network."""
    return calibrated(rng.normal(100, 5, (FRAMES, HEIGHT, WIDTH)), "HRTEM", 0.01)


@pytest.fixture
def particles():
    """Particle 1 is in all frames; particle 4, which is smaller, only in the first."""
    labels = np.zeros((FRAMES, HEIGHT, WIDTH), np.int32)
    labels[:, distance(30, 25) <= 10] = 1
    labels[0, distance(30, 65) <= 7] = 4
    return calibrated(labels, "HRTEM_instances")


def test_the_outline_is_where_the_probability_is_the_threshold():
    tool = cones().tracking_tool(min_separation="2 nm")
    for threshold in (0.5, 0.8):
        tool.probability = threshold
        area = np.pi * (20 * PIXEL * (1 - threshold)) ** 2
        assert outlined_area(tool) == pytest.approx(area, rel=0.1)


def test_a_smaller_separation_cuts_touching_particles():
    tool = touching_discs().tracking_tool(min_separation="1 nm")
    assert tool.message.startswith("particles: 2;")
    tool.min_separation = 4
    assert tool.message.startswith("particles: 1;")
    assert tool.apply(show_progressbar=False).ids() == [1]


def test_the_preview_has_as_many_particles_as_the_result():
    tool = touching_discs().tracking_tool(min_separation="1 nm")
    tool.probability, tool.min_area = 0.9, "1 nm^2"
    result = tool.apply(memory=2, show_progressbar=False)
    assert tool.result is result
    assert result.ids() == [1, 2]
    made = result.metadata.HRTEMNN.Instances
    assert (made.probability, made.min_area, made.memory) == (0.9, "1 nm^2", 2)


def test_what_is_wrong_with_an_option_is_said_until_it_is_right():
    tool = touching_discs().tracking_tool()
    said = tool.message
    tool.min_area = "4 nm"
    assert "is not an area" in tool.message
    assert not tool.figure.axes
    tool.min_area = ""
    assert tool.message == said


def test_an_option_that_is_not_there_is_refused_with_those_that_are():
    tool = touching_discs().tracking_tool()
    with pytest.raises(
        AttributeError, match="'threshold'; there are probability, min_separation, min"
    ):
        tool.threshold = 0.3
    assert not hasattr(tool, "threshold")


def test_other_options_of_tracking_take_the_place_of_those_of_the_preview():
    tool = touching_discs().tracking_tool(min_separation="1 nm")
    result = tool.apply(min_separation="2 nm", show_progressbar=False)
    assert result.metadata.HRTEMNN.Instances.min_separation == "2 nm"


def test_a_length_that_cannot_be_is_said_as_it_was_given():
    tool = touching_discs().tracking_tool()
    tool.min_separation = -3
    assert tool.message == "min_separation has to be positive, not -3.0."
    with pytest.raises(
        ValueError, match="search_range has to be positive, not '-2 nm'"
    ):
        tool.apply(min_separation="1 nm", search_range="-2 nm")


def test_the_preview_follows_the_navigator_of_the_images_until_it_is_closed(movie):
    segmentation = cones()
    tool = segmentation.tracking_tool(movie)
    segmentation.axes_manager.indices = (1,)
    assert tool.figure.axes[0].get_title() == "frame 0, 0.0 s"
    left = min(line.get_xdata().min() for line in tool.figure.axes[0].lines)
    movie.axes_manager.indices = (2,)
    assert tool.figure.axes[0].get_title() == "frame 2, 1.0 s"
    moved = min(line.get_xdata().min() for line in tool.figure.axes[0].lines) - left
    assert moved == pytest.approx(2 * 5 * PIXEL)
    tool.close()
    movie.axes_manager.indices = (1,)
    assert tool.figure.axes[0].get_title() == "frame 2, 1.0 s"


def test_a_tool_takes_the_place_of_the_one_before(movie):
    former, tool = cones().tracking_tool(movie), cones().tracking_tool(movie)
    movie.axes_manager.indices = (1,)
    assert former.figure.axes[0].get_title() == "frame 0, 0.0 s"
    assert tool.figure.axes[0].get_title() == "frame 1, 0.5 s"
    former.close()
    movie.axes_manager.indices = (2,)
    assert tool.figure.axes[0].get_title() == "frame 2, 1.0 s"


def test_images_of_another_shape_are_refused(movie):
    with pytest.raises(ValueError, match=r"image has the shape \(3, 60, 80\)"):
        cones().tracking_tool(movie.isig[:80])


@pytest.fixture
def runs(monkeypatch):
    """The navigation shape of each signal that is segmented."""
    shapes = []
    segment = HRTEM.segment

    def counted(self, *args, **options):
        shapes.append(self.axes_manager.navigation_shape)
        return segment(self, *args, **options)

    monkeypatch.setattr(HRTEM, "segment", counted)
    return shapes


def test_the_network_sees_a_frame_once_whatever_the_threshold(
    fine_movie, network_path, runs
):
    tool = fine_movie.segmentation_tool(network_path)
    areas = set()
    for threshold in (0.2, 0.5, 0.6):
        tool.probability = threshold
        areas.add(outlined_area(tool))
    assert len(areas) == 3
    assert runs == [()]
    fine_movie.axes_manager.indices = (1,)
    assert runs == [(), ()]


def test_pixels_above_the_threshold_are_those_of_the_segmentation(
    fine_movie, network_path
):
    tool = fine_movie.segmentation_tool(network_path)
    tool.probability = 0.5
    share = fine_movie.inav[0].segment(network_path).threshold(0.5).data.mean()
    assert tool.message == f"{share:.1%} of the image"


def test_a_lazy_movie_stays_lazy_and_keeps_the_threshold(
    fine_movie, network_path, runs
):
    tool = fine_movie.as_lazy().segmentation_tool(network_path)
    tool.probability = 0.35
    segmentation = tool.apply()
    assert isinstance(segmentation, LazySegmentation)
    assert runs == [(), (FRAMES,)]
    assert segmentation.tracking_tool(min_separation=2).probability == 0.35
    particles = segmentation.track_instances("2 nm")
    assert isinstance(particles, LazyInstances)
    assert particles.metadata.HRTEMNN.Instances.probability == 0.35


def test_another_network_brings_its_own_threshold(fine_movie, network_path):
    tool = fine_movie.segmentation_tool(network_path)
    assert "mos2-columns" not in tool.models  # it takes a focal series
    assert "au-zone-axis" not in tool.models  # it takes spectra
    for name in ("au-ceo2-mask", "graphene-atoms"):
        tool.model = name
        assert tool.probability == load(name).card.unbiased_threshold


def test_a_focal_series_is_shown_with_the_names_of_the_classes(runs):
    series = mos2_series()
    tool = series.segmentation_tool("mos2-columns")
    legend = tool.figure.axes[0].get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["1Mo", "2S", "1S"]
    assert len(tool.figure.axes[0].lines) > 100  # columns
    series.axes_manager.indices = (1,)
    assert runs == [(3,)]  # all images are seen together


def test_a_segmentation_tool_has_a_probability_and_no_threshold(
    fine_movie, network_path
):
    tool = fine_movie.segmentation_tool(network_path)
    with pytest.raises(AttributeError, match="there are model, probability"):
        tool.threshold = 0.3


def test_what_a_network_was_not_trained_for_is_said(fine_movie, network_path):
    fine_movie.metadata.set_item("Acquisition_instrument.TEM.beam_energy", 80)
    tool = fine_movie.segmentation_tool(network_path)
    assert "was not trained for this" in tool.message


def test_a_network_for_something_else_is_refused(movie):
    with pytest.raises(ValueError, match="is for zone axis, not for segmentation"):
        movie.segmentation_tool("au-zone-axis")


def test_classes_have_the_number_of_the_strongest_if_all_reach_the_threshold():
    from hyperspy_hrtemnn.signals._interactive.segmentation_tool import strongest

    probabilities = np.array([[[0.9, 0.3, 0.1]], [[0.1, 0.4, 0.1]], [[0.0, 0.3, 0.8]]])
    labels = strongest(probabilities, ("Mo", "S", "background"), 0.5)
    assert labels.tolist() == [[1, 2, 0]]


def test_the_spectrum_of_the_preview_is_that_of_the_result(movie, particles):
    tool = movie.local_fft_tool(particles, apodization="0.2 nm")
    assert (tool.id, tool.ids) == (1, [0, 1, 4])
    tool.size = 3
    result = tool.apply()
    known = movie.local_fft(particles, id=1, size="3 nm", apodization="0.2 nm")
    np.testing.assert_array_equal(result.data, known.data)
    assert tool.result is result
    shown = tool.figure.axes[1].images[0].get_array()
    assert shown.shape == known.data.shape[-2:]


def test_the_crop_to_begin_with_holds_the_particles_of_the_frame(movie, particles):
    tool = movie.local_fft_tool(particles, apodization="0.2 nm")
    # Twice the radius, and two widths of the soft edge on each side.
    assert 2 * 10 * PIXEL + 4 * 0.2 <= tool.size <= 2 * 11 * PIXEL + 4 * 0.2 + PIXEL
    assert "larger than the crop" not in tool.message
    tool.size = 1.5
    assert "larger than the crop" in tool.message


def test_a_particle_that_is_not_in_the_frame_stays_chosen(movie, particles):
    tool = movie.local_fft_tool(particles, apodization="0.2 nm")
    tool.id = 4
    movie.axes_manager.indices = (1,)
    assert tool.message == "Particle 4 is not in this frame."
    assert (tool.id, tool.ids) == (4, [0, 1, 4])
    movie.axes_manager.indices = (0,)
    assert tool.message.startswith("reflections: ")


def test_lazy_particles_are_transformed_lazily(movie, particles):
    tool = movie.as_lazy().local_fft_tool(particles.as_lazy(), apodization="0.2 nm")
    spectra = tool.apply()
    assert spectra._lazy
    known = movie.local_fft(particles, id=1, size=tool.size, apodization="0.2 nm")
    np.testing.assert_allclose(spectra.data.compute(), known.data)


def test_the_whole_image_is_transformed_without_particles(movie):
    tool = movie.local_fft_tool()
    assert tool.ids == [0]
    assert tool.apply().data.shape == movie.data.shape


def test_a_single_image_has_tools_too(movie, particles):
    image, mask = movie.inav[0], cones().inav[0]
    assert mask.tracking_tool(image).message.startswith("particles: 1")
    tool = image.local_fft_tool(particles.inav[0], apodization="0.2 nm")
    assert tool.apply().data.ndim == 2


def test_without_the_package_of_widgets_hyperspy_says_what_to_install(monkeypatch):
    monkeypatch.setattr(hyperspy.ui_registry, "TOOLKIT_REGISTRY", set())
    tool = cones().tracking_tool()
    with pytest.raises(ImportError, match="Install hyperspy_gui_ipywidgets"):
        tool.gui()
