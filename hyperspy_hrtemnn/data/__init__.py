# SPDX-License-Identifier: GPL-3.0-or-later
"""Small simulated example signals."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
