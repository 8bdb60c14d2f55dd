from ._adoption import adopt as adopt
from ._bioimageio import write_bioimageio as write_bioimageio
from ._card import METADATA_KEY as METADATA_KEY
from ._card import Card as Card
from ._card import Link as Link
from ._denoising import check_denoiser as check_denoiser
from ._denoising import denoise as denoise
from ._devices import available_devices as available_devices
from ._devices import device_advice as device_advice
from ._errors import DeviceError as DeviceError
from ._errors import NetworkError as NetworkError
from ._errors import NetworkMemoryError as NetworkMemoryError
from ._inference import check_prediction as check_prediction
from ._inference import out_of_range as out_of_range
from ._inference import predict as predict
from ._layer_lines import layer_lines as layer_lines
from ._limits import Limits as Limits
from ._network import Network as Network
from ._network import load as load
from ._novelty import NOVELTY_OUTPUT as NOVELTY_OUTPUT
from ._novelty import Novelty as Novelty
from ._optics import MEASURED as MEASURED
from ._optics import OPTICS as OPTICS
from ._optics import OPTICS_ANSWER as OPTICS_ANSWER
from ._optics import OPTICS_INPUT as OPTICS_INPUT
from ._optics import OPTICS_SCALE as OPTICS_SCALE
from ._optics import PredictedOptics as PredictedOptics
from ._optics import optics_input as optics_input
from ._optics import read_optics as read_optics
from ._orientations import average_orientations as average_orientations
from ._particle_view import LARGEST_PARTICLE as LARGEST_PARTICLE
from ._particle_view import PARTICLE_VIEW as PARTICLE_VIEW
from ._particle_view import particle_view as particle_view
from ._particle_view import view_pixels as view_pixels
from ._relative_spectrum import relative_spectrum as relative_spectrum
from ._resampling import resample as resample
from ._resampling import resampled_shape as resampled_shape
from ._self_test import DeviceAnswer as DeviceAnswer
from ._self_test import self_test as self_test
from ._shipped import available as available
from ._spectra import predict_spectra as predict_spectra
from ._standardization import local_mean as local_mean
from ._standardization import local_scale as local_scale
from ._standardization import standardize as standardize
from ._trained_ranges import Range as Range
from ._trained_ranges import TrainedRanges as TrainedRanges

__all__ = [
    "LARGEST_PARTICLE",
    "MEASURED",
    "METADATA_KEY",
    "NOVELTY_OUTPUT",
    "OPTICS",
    "OPTICS_ANSWER",
    "OPTICS_INPUT",
    "OPTICS_SCALE",
    "PARTICLE_VIEW",
    "Card",
    "DeviceAnswer",
    "DeviceError",
    "Limits",
    "Link",
    "Network",
    "NetworkError",
    "NetworkMemoryError",
    "Novelty",
    "PredictedOptics",
    "Range",
    "TrainedRanges",
    "adopt",
    "available",
    "available_devices",
    "average_orientations",
    "check_denoiser",
    "check_prediction",
    "denoise",
    "device_advice",
    "layer_lines",
    "load",
    "local_mean",
    "local_scale",
    "optics_input",
    "out_of_range",
    "particle_view",
    "predict",
    "predict_spectra",
    "read_optics",
    "relative_spectrum",
    "resample",
    "resampled_shape",
    "self_test",
    "standardize",
    "view_pixels",
    "write_bioimageio",
]
