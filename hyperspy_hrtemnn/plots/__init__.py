# SPDX-License-Identifier: GPL-3.0-or-later
"""Plots of the tables of `hyperspy_hrtemnn.analysis`.

Plots that also need images are methods of their signals, such as `HRTEM.plot_columns`.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
