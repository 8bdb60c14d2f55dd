from .argand import classify_by_mass as classify_by_mass
from .argand import defocus_circle as defocus_circle
from .argand import mass_angle as mass_angle
from .camera import Camera as Camera
from .camera import detect as detect
from .camera import expect as expect
from .camera import mtf as mtf
from .camera import undo_mtf as undo_mtf
from .column_events import column_events as column_events
from .column_tracks import link_columns as link_columns
from .columns import Columns as Columns
from .columns import find_columns as find_columns
from .diffusion import diffusion_events as diffusion_events
from .exit_wave import Reconstruction as Reconstruction
from .exit_wave import reconstruct_exit_wave as reconstruct_exit_wave
from .instances import separate as separate
from .lattice import Lattice as Lattice
from .lattice import fit_lattice as fit_lattice
from .lattice import missing_sites as missing_sites
from .lattice_filter import hexagonal_angle as hexagonal_angle
from .lattice_filter import hexagonal_spots as hexagonal_spots
from .lattice_filter import remove_spots as remove_spots
from .lattice_vectors import find_lattice_vectors as find_lattice_vectors
from .local_fourier import crop_size as crop_size
from .local_fourier import local_spectrum as local_spectrum
from .optics import Aberration as Aberration
from .optics import Optics as Optics
from .optics import intensity as intensity
from .optics import transfer_function as transfer_function
from .optics import wavelength as wavelength
from .propagation import propagate as propagate
from .properties import properties as properties
from .rings import Ring as Ring
from .rings import count_rings as count_rings
from .rings import find_rings as find_rings
from .steady_states import steady_states as steady_states
from .strain import strain_map as strain_map
from .tracking import Tracker as Tracker
from .vacancies import count_columns as count_columns
from .vacancies import find_vacancies as find_vacancies
from .vacuum import vacuum_value as vacuum_value
from .wave_columns import WaveColumns as WaveColumns
from .wave_columns import find_wave_columns as find_wave_columns
from .wave_comparison import compare_waves as compare_waves

__all__ = [
    "Aberration",
    "Camera",
    "Columns",
    "Lattice",
    "Optics",
    "Reconstruction",
    "Ring",
    "Tracker",
    "WaveColumns",
    "classify_by_mass",
    "column_events",
    "compare_waves",
    "count_columns",
    "count_rings",
    "crop_size",
    "defocus_circle",
    "detect",
    "diffusion_events",
    "expect",
    "find_columns",
    "find_lattice_vectors",
    "find_rings",
    "find_vacancies",
    "find_wave_columns",
    "fit_lattice",
    "hexagonal_angle",
    "hexagonal_spots",
    "intensity",
    "link_columns",
    "local_spectrum",
    "mass_angle",
    "missing_sites",
    "mtf",
    "propagate",
    "properties",
    "reconstruct_exit_wave",
    "remove_spots",
    "separate",
    "steady_states",
    "strain_map",
    "transfer_function",
    "undo_mtf",
    "vacuum_value",
    "wavelength",
]
