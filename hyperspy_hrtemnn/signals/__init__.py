# SPDX-License-Identifier: GPL-3.0-or-later
"""The HyperSpy signals of this package, the only layer that imports HyperSpy.

=============== ====================== ==============================================
class           signal_type            data
=============== ====================== ==============================================
`HRTEM`         ``HRTEM``              real images, (..., y, x)
`Segmentation`  ``HRTEM_segmentation`` probabilities in 0..1, (..., y, x) or
                                       (..., class, y, x)
`Instances`     ``HRTEM_instances``    integer labels, 0 = background
`ExitWave`      ``exit_wave``          complex waves, 1 = vacuum
`LocalFFT`      ``HRTEM_local_fft``    amplitudes, reciprocal axes in 1/nm
=============== ====================== ==============================================

Each has a lazy twin, `LazyHRTEM` and so on. `AtomModel` and `DetectorFit` are results
of methods of `HRTEM`. `SegmentationTool`, `TrackingTool` and `LocalFFTTool` try out the
options of methods on one frame.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
