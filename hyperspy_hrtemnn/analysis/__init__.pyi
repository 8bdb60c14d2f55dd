from .columns import Columns as Columns
from .columns import find_columns as find_columns
from .instances import separate as separate
from .local_fourier import crop_size as crop_size
from .local_fourier import local_spectrum as local_spectrum
from .properties import properties as properties
from .tracking import Tracker as Tracker

__all__ = [
    "Columns",
    "Tracker",
    "crop_size",
    "find_columns",
    "local_spectrum",
    "properties",
    "separate",
]
