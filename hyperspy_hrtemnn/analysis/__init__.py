# SPDX-License-Identifier: GPL-3.0-or-later
"""Analysis of particles, columns, lattices, exit waves and detectors, from arrays.

These functions take and return arrays and tables; they do not import HyperSpy, and they
do not know the networks.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
