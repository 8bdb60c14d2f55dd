from .columns.diffusion import diffusion_events as diffusion_events
from .columns.events import column_events as column_events
from .columns.peaks import Columns as Columns
from .columns.peaks import find_columns as find_columns
from .columns.rings import Ring as Ring
from .columns.rings import count_rings as count_rings
from .columns.rings import find_rings as find_rings
from .columns.steady_states import steady_states as steady_states
from .columns.table import known_frames as known_frames
from .columns.tracks import link_columns as link_columns
from .columns.vacancies import count_columns as count_columns
from .columns.vacancies import find_vacancies as find_vacancies
from .detector.mtf_fit import MTFFit as MTFFit
from .detector.mtf_fit import fit_mtf as fit_mtf
from .detector.parameters import training_parameters as training_parameters
from .detector.parameters import write_parameters as write_parameters
from .detector.readout import ReadoutFit as ReadoutFit
from .detector.readout import fit_readout as fit_readout
from .detector.readout import noise_floor as noise_floor
from .detector.spectrum import NoiseSpectrum as NoiseSpectrum
from .detector.spectrum import noise_spectrum as noise_spectrum
from .detector.vacuum import find_vacuum as find_vacuum
from .lattices.fit import Lattice as Lattice
from .lattices.fit import fit_lattice as fit_lattice
from .lattices.fit import missing_sites as missing_sites
from .lattices.strain import strain_map as strain_map
from .lattices.vectors import find_lattice_vectors as find_lattice_vectors
from .microscope.camera import Camera as Camera
from .microscope.camera import detect as detect
from .microscope.camera import expect as expect
from .microscope.camera import mtf as mtf
from .microscope.camera import undo_mtf as undo_mtf
from .microscope.optics import Aberration as Aberration
from .microscope.optics import Optics as Optics
from .microscope.optics import intensity as intensity
from .microscope.optics import transfer_function as transfer_function
from .microscope.optics import wavelength as wavelength
from .microscope.propagation import propagate as propagate
from .particles.crop import crop_size as crop_size
from .particles.crop import crop_sizes as crop_sizes
from .particles.crop import least_size as least_size
from .particles.dose_limits import DoseLimits as DoseLimits
from .particles.dose_limits import dose_limits as dose_limits
from .particles.drift import correct_drift as correct_drift
from .particles.instances import default_min_area as default_min_area
from .particles.instances import separate as separate
from .particles.instances import separate_and_count as separate_and_count
from .particles.local_fourier import local_spectrum as local_spectrum
from .particles.local_fourier import particle_spectra as particle_spectra
from .particles.properties import properties as properties
from .particles.tracking import Tracker as Tracker
from .reflections.brightness import brightness_ratio as brightness_ratio
from .reflections.brightness import on_axis_frames as on_axis_frames
from .reflections.crystal import Crystal as Crystal
from .reflections.indexing import index_reflections as index_reflections
from .reflections.particle import follow_reflections as follow_reflections
from .reflections.peaks import find_reflections as find_reflections
from .reflections.peaks import measure_reflections as measure_reflections
from .reflections.tracks import link_reflections as link_reflections
from .waves.argand import defocus_circle as defocus_circle
from .waves.argand import fit_excitation as fit_excitation
from .waves.argand import mass_angle as mass_angle
from .waves.argand import mass_circle as mass_circle
from .waves.columns import WaveColumns as WaveColumns
from .waves.columns import find_wave_columns as find_wave_columns
from .waves.comparison import compare_waves as compare_waves
from .waves.lattice_filter import hexagonal_angle as hexagonal_angle
from .waves.lattice_filter import hexagonal_spots as hexagonal_spots
from .waves.lattice_filter import remove_spots as remove_spots
from .waves.mass_classes import classify_by_mass as classify_by_mass
from .waves.reconstruction import Reconstruction as Reconstruction
from .waves.reconstruction import reconstruct_exit_wave as reconstruct_exit_wave
from .waves.vacuum import vacuum_value as vacuum_value

__all__ = [
    "Aberration",
    "Camera",
    "Columns",
    "Crystal",
    "DoseLimits",
    "Lattice",
    "MTFFit",
    "NoiseSpectrum",
    "Optics",
    "ReadoutFit",
    "Reconstruction",
    "Ring",
    "Tracker",
    "WaveColumns",
    "brightness_ratio",
    "classify_by_mass",
    "column_events",
    "compare_waves",
    "correct_drift",
    "count_columns",
    "count_rings",
    "crop_size",
    "crop_sizes",
    "default_min_area",
    "defocus_circle",
    "detect",
    "diffusion_events",
    "dose_limits",
    "expect",
    "find_columns",
    "find_lattice_vectors",
    "find_reflections",
    "find_rings",
    "find_vacancies",
    "find_vacuum",
    "find_wave_columns",
    "fit_excitation",
    "fit_lattice",
    "fit_mtf",
    "fit_readout",
    "follow_reflections",
    "hexagonal_angle",
    "hexagonal_spots",
    "index_reflections",
    "intensity",
    "known_frames",
    "least_size",
    "link_columns",
    "link_reflections",
    "local_spectrum",
    "mass_angle",
    "mass_circle",
    "measure_reflections",
    "missing_sites",
    "mtf",
    "noise_floor",
    "noise_spectrum",
    "on_axis_frames",
    "particle_spectra",
    "propagate",
    "properties",
    "reconstruct_exit_wave",
    "remove_spots",
    "separate",
    "separate_and_count",
    "steady_states",
    "strain_map",
    "training_parameters",
    "transfer_function",
    "undo_mtf",
    "vacuum_value",
    "wavelength",
    "write_parameters",
]
