# SPDX-License-Identifier: GPL-3.0-or-later
"""Widgets of the tools: what sliders and buttons do, here and in a real notebook."""

from __future__ import annotations

import subprocess
import sys
from base64 import b64decode
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from tried_signals import (
    FRAMES,
    HEIGHT,
    WIDTH,
    calibrated,
    cones,
    outlined_area,
    touching_discs,
)

pytest.importorskip("hyperspy_gui_ipywidgets")


def widgets(tool):
    return tool.gui(display=False, toolkit="ipywidgets")["ipywidgets"]["wdict"]


def pixels(shown):
    return np.asarray(Image.open(BytesIO(shown["picture"].value)))


def test_a_slider_changes_the_outlines_and_the_picture():
    tool = cones().tracking_tool()
    shown = widgets(tool)
    area, picture = outlined_area(tool), pixels(shown)
    shown["probability"].value = 0.8
    assert tool.probability == 0.8
    assert outlined_area(tool) < 0.3 * area
    assert (pixels(shown) != picture).any()


def test_a_slider_follows_what_is_set_in_python():
    tool = touching_discs().tracking_tool()
    shown = widgets(tool)
    tool.min_separation = 1
    assert shown["min_separation"].value == 1
    assert shown["message"].value == tool.message
    assert shown["message"].value.startswith("particles: 2;")


def test_the_slider_of_frames_moves_the_preview():
    tool = cones().tracking_tool()
    shown = widgets(tool)
    shown["navigation"]["axis0"]["index"].value = 2
    assert tool.figure.axes[0].get_title() == "frame 2, 1.0 s"


def test_a_single_image_has_no_slider_of_frames():
    assert "navigation" not in widgets(cones().inav[0].tracking_tool())


def test_apply_keeps_the_result_and_says_what_it_is():
    tool = touching_discs().tracking_tool(min_separation="1 nm")
    shown = widgets(tool)
    shown["apply_button"].click()
    assert tool.result.ids() == [1, 2]
    assert "<Instances" in shown["message"].value


def test_apply_says_what_is_wrong():
    tool = touching_discs().tracking_tool()
    shown = widgets(tool)
    shown["min_area"].value = "4 nm"
    shown["apply_button"].click()
    assert "is not an area" in shown["message"].value


def test_closed_widgets_leave_the_navigator_alone():
    tool = cones().tracking_tool()
    shown = widgets(tool)
    shown["close_button"].click()
    tool.navigated.axes_manager.indices = (1,)
    assert tool.figure.axes[0].get_title() == "frame 0, 0.0 s"


def test_the_menu_of_networks_chooses_one_with_its_threshold(rng, network_path):
    movie = calibrated(rng.normal(100, 5, (FRAMES, HEIGHT, WIDTH)), "HRTEM", 0.01)
    tool = movie.segmentation_tool(network_path)
    shown = widgets(tool)
    shown["model"].value = "au-ceo2-mask"
    assert tool.model == "au-ceo2-mask"
    assert shown["probability"].value == tool.probability != 0.5


def test_the_menu_of_particles_is_that_of_the_frame(rng):
    labels = np.zeros((FRAMES, HEIGHT, WIDTH), np.int32)
    labels[:, 10:40, 5:40] = 1
    labels[1, 20:45, 50:80] = 7
    movie = calibrated(rng.normal(100, 5, labels.shape), "HRTEM")
    particles = calibrated(labels, "HRTEM_instances")
    tool = movie.local_fft_tool(particles, apodization="0.2 nm")
    shown = widgets(tool)
    assert shown["id"].options == (0, 1)
    movie.axes_manager.indices = (1,)
    assert shown["id"].options == (0, 1, 7)
    assert (shown["id"].value, tool.id) == (1, 1)
    shown["id"].value = 7
    movie.axes_manager.indices = (0,)
    assert shown["id"].options == (0, 1, 7)
    assert (shown["id"].value, tool.id) == (7, 7)


def test_nothing_imports_ipywidgets_before_widgets_are_shown():
    code = (
        "import sys, numpy as np, hyperspy.api as hs\n"
        "signal = hs.signals.Signal2D(np.eye(40, 50))\n"
        "signal.set_signal_type('HRTEM_segmentation')\n"
        "signal.tracking_tool(min_separation=9)\n"
        "print(sorted({'ipywidgets', 'hyperspy_hrtemnn.widgets'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


CELLS = [
    """
import numpy as np
import hyperspy.api as hs

y, x = np.ogrid[:60, :90]
probability = np.clip(1 - np.hypot(y - 30, x - 45) / 20, 0, 1)
segmentation = hs.signals.Signal2D(np.stack([probability] * 3))
for axis in segmentation.axes_manager.signal_axes:
    axis.scale, axis.units = 0.1, "nm"
segmentation.set_signal_type("HRTEM_segmentation")
tool = segmentation.tracking_tool()
tool.gui()
""",
    """
(outline,) = tool.figure.axes[0].lines
print(tool.probability, np.ptp(outline.get_xdata()).round(1))
""",
    "tool.apply(show_progressbar=False)",
]


def test_in_a_real_notebook_a_slider_changes_the_preview():
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    notebook = nbformat.v4.new_notebook(cells=cells)
    client = nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3")

    def model(kind, **state):
        (found,) = (
            key
            for key, known in client.widget_state.items()
            if known["_model_name"] == kind and state.items() <= known.items()
        )
        return found

    def answer_to(widget):
        """Return what the kernel sends to the browser for a widget."""
        while True:
            message = nbclient.util.run_sync(client.kc.get_iopub_msg)(timeout=60)
            if message["content"].get("comm_id") == widget:
                return message

    with client.setup_kernel():
        client.execute_cell(cells[0], 0)
        (output,) = (o for o in cells[0].outputs if "data" in o)
        assert "application/vnd.jupyter.widget-view+json" in output["data"]
        picture = model("ImageModel")
        (before,) = client.widget_buffers[picture].values()
        # What a browser sends when the slider is let go.
        content = {
            "comm_id": model("FloatSliderModel", description="Threshold"),
            "data": {"method": "update", "state": {"value": 0.8}, "buffer_paths": []},
        }
        client.kc.shell_channel.send(client.kc.session.msg("comm_msg", content))
        after = bytes(answer_to(picture)["buffers"][0])
        assert after.startswith(b"\x89PNG")
        assert after != b64decode(before["data"])
        client.execute_cell(cells[1], 1)
        assert cells[1].outputs[0]["text"].split() == ["0.8", "0.9"]
        client.execute_cell(cells[2], 2)
        assert "<Instances" in cells[2].outputs[-1]["data"]["text/plain"]
