from .camera import Camera as Camera
from .camera import detect as detect
from .camera import expect as expect
from .camera import mtf as mtf
from .columns import Columns as Columns
from .columns import find_columns as find_columns
from .instances import separate as separate
from .local_fourier import crop_size as crop_size
from .local_fourier import local_spectrum as local_spectrum
from .optics import Aberration as Aberration
from .optics import Optics as Optics
from .optics import intensity as intensity
from .optics import transfer_function as transfer_function
from .optics import wavelength as wavelength
from .properties import properties as properties
from .rings import Ring as Ring
from .rings import count_rings as count_rings
from .rings import find_rings as find_rings
from .tracking import Tracker as Tracker

__all__ = [
    "Aberration",
    "Camera",
    "Columns",
    "Optics",
    "Ring",
    "Tracker",
    "count_rings",
    "crop_size",
    "detect",
    "expect",
    "find_columns",
    "find_rings",
    "intensity",
    "local_spectrum",
    "mtf",
    "properties",
    "separate",
    "transfer_function",
    "wavelength",
]
