from ._atoms.atom_model import AtomModel as AtomModel
from ._detector.detector_fit import DetectorFit as DetectorFit
from ._exit_wave import ExitWave as ExitWave
from ._hrtem import HRTEM as HRTEM
from ._instances import Instances as Instances
from ._interactive.local_fft_tool import LocalFFTTool as LocalFFTTool
from ._interactive.segmentation_tool import SegmentationTool as SegmentationTool
from ._interactive.tracking_tool import TrackingTool as TrackingTool
from ._lazy_exit_wave import LazyExitWave as LazyExitWave
from ._lazy_hrtem import LazyHRTEM as LazyHRTEM
from ._lazy_instances import LazyInstances as LazyInstances
from ._lazy_local_fft import LazyLocalFFT as LazyLocalFFT
from ._lazy_segmentation import LazySegmentation as LazySegmentation
from ._local_fft import LocalFFT as LocalFFT
from ._nanotubes.chirality import Chirality as Chirality
from ._segmentation import Segmentation as Segmentation

__all__ = [
    "HRTEM",
    "AtomModel",
    "Chirality",
    "DetectorFit",
    "ExitWave",
    "Instances",
    "LazyExitWave",
    "LazyHRTEM",
    "LazyInstances",
    "LazyLocalFFT",
    "LazySegmentation",
    "LocalFFT",
    "LocalFFTTool",
    "Segmentation",
    "SegmentationTool",
    "TrackingTool",
]
