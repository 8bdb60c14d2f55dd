from .instances import separate as separate
from .local_fourier import crop_size as crop_size
from .local_fourier import local_spectrum as local_spectrum
from .properties import properties as properties
from .tracking import Tracker as Tracker

__all__ = ["Tracker", "crop_size", "local_spectrum", "properties", "separate"]
