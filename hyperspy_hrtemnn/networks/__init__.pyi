from ._card import METADATA_KEY as METADATA_KEY
from ._card import Card as Card
from ._card import Range as Range
from ._card import TrainedRanges as TrainedRanges
from ._devices import available_devices as available_devices
from ._errors import DeviceError as DeviceError
from ._errors import NetworkError as NetworkError
from ._errors import NetworkMemoryError as NetworkMemoryError
from ._inference import check_prediction as check_prediction
from ._inference import out_of_range as out_of_range
from ._inference import predict as predict
from ._network import Network as Network
from ._network import load as load
from ._orientations import average_orientations as average_orientations
from ._resampling import resample as resample
from ._resampling import resampled_shape as resampled_shape
from ._shipped import available as available
from ._spectra import predict_spectra as predict_spectra
from ._spectra import relative_spectrum as relative_spectrum
from ._standardization import local_mean as local_mean
from ._standardization import standardize as standardize

__all__ = [
    "METADATA_KEY",
    "Card",
    "DeviceError",
    "Network",
    "NetworkError",
    "NetworkMemoryError",
    "Range",
    "TrainedRanges",
    "available",
    "available_devices",
    "average_orientations",
    "check_prediction",
    "load",
    "local_mean",
    "out_of_range",
    "predict",
    "predict_spectra",
    "relative_spectrum",
    "resample",
    "resampled_shape",
    "standardize",
]
