# SPDX-License-Identifier: GPL-3.0-or-later
"""Colors of ids, classes and families."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from skimage.color import deltaE_ciede2000, rgb2lab

from hyperspy_hrtemnn.plots.class_colors import class_colors
from hyperspy_hrtemnn.plots.palette import GRAY, id_color, palette
from hyperspy_hrtemnn.plots.reflections import reflection_colors

# Linear RGB as people without red, and without green cones see it, by others than those
# that the palette goes by: Viénot, Brettel and Mollon, Color Res. Appl. 24 (1999) 243.
WITHOUT_RED = [[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]]
WITHOUT_GREEN = [[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]]


def least_difference(colors, vision=None):
    """Return the CIEDE2000 of the two colors that are most alike."""
    rgb = np.array([to_rgb(color) for color in colors])
    if vision is not None:
        seen = np.clip(rgb**2.2 @ np.array(vision).T, 0, 1)
        rgb = seen ** (1 / 2.2)
    lab = rgb2lab(rgb)
    return min(
        deltaE_ciede2000(lab[i + 1 :], np.broadcast_to(one, lab[i + 1 :].shape)).min()
        for i, one in enumerate(lab[:-1])
    )


@pytest.mark.parametrize("vision", [None, WITHOUT_RED, WITHOUT_GREEN])
def test_colors_differ_for_every_vision(vision):
    # Of 2.3 half of the people see no difference. Red and green of equal lightness are
    # what the palette must not have.
    assert least_difference(["#e8262b", "#6e7a00"], WITHOUT_GREEN) < 10
    assert least_difference((*palette(12), GRAY), vision) > 10
    assert least_difference(palette(20), vision) > 7


def test_a_longer_palette_begins_with_a_shorter_one():
    assert palette(25)[:9] == palette(9)
    assert palette(7)[:3] == palette(3)
    assert len(set(palette(60))) == 60


def test_neighboring_ids_differ_and_an_id_keeps_its_color():
    assert len({id_color(number) for number in range(100, 112)}) == 12
    assert id_color(2**31 - 1) == id_color(2**31 - 1 - 12)
    assert id_color(1) == palette(1)[0]


def test_no_two_classes_have_one_color():
    colors = class_colors(["2S", "1Mo", "2S", *map(str, range(9))])
    assert len(set(colors.values())) == len(colors) == 11


def test_no_two_families_have_one_color_and_none_is_gray():
    names = ["{111}", "{200}", "{220}", "{311}", "{222}", "{400}", "{331}", "", "{111}"]
    spacing = [2.36, 2.04, 1.44, 1.23, 1.18, 1.02, 0.94, 3.1, 2.35]
    peaks = pd.DataFrame({"reflection": range(1, 10), "family": names})
    colors = reflection_colors(peaks.assign(spacing=spacing))
    assert colors[8] == GRAY
    assert colors[9] == colors[1] == palette(1)[0]
    assert len({colors[number] for number in range(1, 9)}) == 8
