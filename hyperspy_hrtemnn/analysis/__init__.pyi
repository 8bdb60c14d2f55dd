from .columns import Columns as Columns
from .columns import find_columns as find_columns
from .instances import separate as separate
from .local_fourier import crop_size as crop_size
from .local_fourier import local_spectrum as local_spectrum
from .properties import properties as properties
from .rings import Ring as Ring
from .rings import count_rings as count_rings
from .rings import find_rings as find_rings
from .tracking import Tracker as Tracker

__all__ = [
    "Columns",
    "Ring",
    "Tracker",
    "count_rings",
    "crop_size",
    "find_columns",
    "find_rings",
    "local_spectrum",
    "properties",
    "separate",
]
