# SPDX-License-Identifier: GPL-3.0-or-later
"""Particles, columns, lattices and exit waves from plain arrays and tables.

Nothing here knows HyperSpy or the networks; whoever has an array can use it.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
