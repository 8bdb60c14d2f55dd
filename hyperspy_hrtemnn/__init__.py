# SPDX-License-Identifier: GPL-3.0-or-later
"""HyperSpy signals that segment, track and transform HRTEM movies.

Importing this package is cheap: its parts are imported when they are first used.
"""

import lazy_loader as _lazy

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submodules=["analysis", "crystals", "data", "networks", "plots", "signals"],
    submod_attrs={"io.in_situ": ["load_in_situ"], "jobs.watching": ["watch"]},
)
