# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of the tables of `hyperspy_hrtemnn.analysis`.

What needs the images, too, is a method of their signal: `HRTEM.plot_columns`.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
