from .columns.atoms_of_columns import columns_to_atoms as columns_to_atoms
from .columns.coordination import column_coordination as column_coordination
from .columns.counted_columns import CountedColumns as CountedColumns
from .columns.counted_columns import count_atoms as count_atoms
from .columns.diffusion import diffusion_events as diffusion_events
from .columns.event_rates import TimedRate as TimedRate
from .columns.event_rates import count_once as count_once
from .columns.event_rates import event_rates as event_rates
from .columns.event_rates import rates_in_time as rates_in_time
from .columns.events import column_events as column_events
from .columns.hidden_states import DecodedStates as DecodedStates
from .columns.hidden_states import StateModel as StateModel
from .columns.hidden_states import decode_states as decode_states
from .columns.linking import link_columns as link_columns
from .columns.members import Members as Members
from .columns.members import particles_of_columns as particles_of_columns
from .columns.pair_sides import pair_sides as pair_sides
from .columns.particle_sites import on_axis_columns as on_axis_columns
from .columns.particle_sites import place_on_sites as place_on_sites
from .columns.rings import AtomRing as AtomRing
from .columns.rings import count_rings as count_rings
from .columns.rings import find_rings as find_rings
from .columns.segmented_columns import SegmentedColumns as SegmentedColumns
from .columns.segmented_columns import find_columns as find_columns
from .columns.steady_states import steady_states as steady_states
from .columns.table import known_frames as known_frames
from .columns.vacancies import count_columns as count_columns
from .columns.vacancies import find_vacancies as find_vacancies
from .denoising.neighbors import mean_with_neighbors as mean_with_neighbors
from .denoising.whiteness import Whiteness as Whiteness
from .denoising.whiteness import residual_whiteness as residual_whiteness
from .detector.mtf_fit import MTFFit as MTFFit
from .detector.mtf_fit import fit_mtf as fit_mtf
from .detector.parameters import detector_parameters as detector_parameters
from .detector.parameters import write_parameters_file as write_parameters_file
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
from .microscope.detector import Detector as Detector
from .microscope.detector import detect_electrons as detect_electrons
from .microscope.detector import expected_counts as expected_counts
from .microscope.detector import parametric_mtf as parametric_mtf
from .microscope.detector import undo_mtf as undo_mtf
from .microscope.optics import Aberration as Aberration
from .microscope.optics import Optics as Optics
from .microscope.optics import image_intensity as image_intensity
from .microscope.optics import transfer_function as transfer_function
from .microscope.optics import wavelength as wavelength
from .microscope.propagation import propagate_wave as propagate_wave
from .microscope.ring_spectrum import RingSpectrum as RingSpectrum
from .microscope.ring_spectrum import ring_coordinates as ring_coordinates
from .microscope.ring_spectrum import ring_directions as ring_directions
from .microscope.ring_spectrum import ring_spectrum as ring_spectrum
from .microscope.ring_spectrum import seen_rings as seen_rings
from .microscope.thon_rings import ThonRings as ThonRings
from .microscope.thon_rings import fit_thon_rings as fit_thon_rings
from .nanotubes.answers import combined_probabilities as combined_probabilities
from .nanotubes.answers import most_probable as most_probable
from .nanotubes.equatorial_lines import equatorial_diameter as equatorial_diameter
from .nanotubes.equatorial_lines import indices_likeness as indices_likeness
from .nanotubes.equatorial_lines import layer_line_angle as layer_line_angle
from .nanotubes.finding import Tube as Tube
from .nanotubes.finding import find_tubes as find_tubes
from .nanotubes.indices import BOND as BOND
from .nanotubes.indices import chiral_angle as chiral_angle
from .nanotubes.indices import tube_diameter as tube_diameter
from .nanotubes.indices import tube_indices as tube_indices
from .nanotubes.regions import TubeRegion as TubeRegion
from .nanotubes.regions import measure_tubes as measure_tubes
from .nanotubes.straightening import straighten as straighten
from .nanotubes.strip_spectrum import STRIP_LENGTH as STRIP_LENGTH
from .nanotubes.strip_spectrum import STRIP_WIDTH as STRIP_WIDTH
from .nanotubes.strip_spectrum import strip_spectrum as strip_spectrum
from .particles.crop import crop_size as crop_size
from .particles.crop import crop_sizes as crop_sizes
from .particles.crop import smallest_crop_size as smallest_crop_size
from .particles.dose_limits import DoseLimits as DoseLimits
from .particles.dose_limits import dose_limits as dose_limits
from .particles.drift import correct_drift as correct_drift
from .particles.local_fourier import local_spectrum as local_spectrum
from .particles.local_fourier import particle_spectra as particle_spectra
from .particles.novelty import novelty_of_particles as novelty_of_particles
from .particles.outlines import Outline as Outline
from .particles.outlines import particle_outlines as particle_outlines
from .particles.properties import particle_properties as particle_properties
from .particles.splitting import split_and_count_particles as split_and_count_particles
from .particles.splitting import split_particles as split_particles
from .particles.summary import summarize_particles as summarize_particles
from .particles.tracking import ParticleTracker as ParticleTracker
from .refinement.atoms.refine import refine_atoms as refine_atoms
from .refinement.atoms.refined_atoms import RefinedAtoms as RefinedAtoms
from .refinement.fitted_optics import FittedOptics as FittedOptics
from .refinement.fitted_optics import Measured as Measured
from .refinement.optics_fit import fit_optics as fit_optics
from .refinement.wave_error import WaveError as WaveError
from .reflections.brightness import brightness_ratio as brightness_ratio
from .reflections.brightness import on_axis_frames as on_axis_frames
from .reflections.crystal import Crystal as Crystal
from .reflections.following import follow_reflections as follow_reflections
from .reflections.image_spacings import image_spacings as image_spacings
from .reflections.indexing import index_reflections as index_reflections
from .reflections.linking import link_reflections as link_reflections
from .reflections.peaks import find_reflections as find_reflections
from .reflections.peaks import measure_reflections as measure_reflections
from .waves.argand import defocus_circle as defocus_circle
from .waves.argand import fit_excitation as fit_excitation
from .waves.argand import mass_angle as mass_angle
from .waves.argand import mass_circle as mass_circle
from .waves.column_heights import column_heights as column_heights
from .waves.column_heights import height_errors as height_errors
from .waves.columns import WaveColumns as WaveColumns
from .waves.columns import find_wave_columns as find_wave_columns
from .waves.comparison import compare_waves as compare_waves
from .waves.lattice_filter import hexagonal_angle as hexagonal_angle
from .waves.lattice_filter import hexagonal_spots as hexagonal_spots
from .waves.lattice_filter import remove_bragg_spots as remove_bragg_spots
from .waves.mass_classes import classify_by_mass as classify_by_mass
from .waves.reconstruction import ExitWaveReconstruction as ExitWaveReconstruction
from .waves.reconstruction import reconstruct_exit_wave as reconstruct_exit_wave
from .waves.vacuum import vacuum_value as vacuum_value

__all__ = [
    "BOND",
    "STRIP_LENGTH",
    "STRIP_WIDTH",
    "Aberration",
    "AtomRing",
    "CountedColumns",
    "Crystal",
    "DecodedStates",
    "Detector",
    "DoseLimits",
    "ExitWaveReconstruction",
    "FittedOptics",
    "Lattice",
    "MTFFit",
    "Measured",
    "Members",
    "NoiseSpectrum",
    "Optics",
    "Outline",
    "ParticleTracker",
    "ReadoutFit",
    "RefinedAtoms",
    "RingSpectrum",
    "SegmentedColumns",
    "StateModel",
    "ThonRings",
    "TimedRate",
    "Tube",
    "TubeRegion",
    "WaveColumns",
    "WaveError",
    "Whiteness",
    "brightness_ratio",
    "chiral_angle",
    "classify_by_mass",
    "column_coordination",
    "column_events",
    "column_heights",
    "columns_to_atoms",
    "combined_probabilities",
    "compare_waves",
    "correct_drift",
    "count_atoms",
    "count_columns",
    "count_once",
    "count_rings",
    "crop_size",
    "crop_sizes",
    "decode_states",
    "defocus_circle",
    "detect_electrons",
    "detector_parameters",
    "diffusion_events",
    "dose_limits",
    "equatorial_diameter",
    "event_rates",
    "expected_counts",
    "find_columns",
    "find_lattice_vectors",
    "find_reflections",
    "find_rings",
    "find_tubes",
    "find_vacancies",
    "find_vacuum",
    "find_wave_columns",
    "fit_excitation",
    "fit_lattice",
    "fit_mtf",
    "fit_optics",
    "fit_readout",
    "fit_thon_rings",
    "follow_reflections",
    "height_errors",
    "hexagonal_angle",
    "hexagonal_spots",
    "image_intensity",
    "image_spacings",
    "index_reflections",
    "indices_likeness",
    "known_frames",
    "layer_line_angle",
    "link_columns",
    "link_reflections",
    "local_spectrum",
    "mass_angle",
    "mass_circle",
    "mean_with_neighbors",
    "measure_reflections",
    "measure_tubes",
    "missing_sites",
    "most_probable",
    "noise_floor",
    "noise_spectrum",
    "novelty_of_particles",
    "on_axis_columns",
    "on_axis_frames",
    "pair_sides",
    "parametric_mtf",
    "particle_outlines",
    "particle_properties",
    "particle_spectra",
    "particles_of_columns",
    "place_on_sites",
    "propagate_wave",
    "rates_in_time",
    "reconstruct_exit_wave",
    "refine_atoms",
    "remove_bragg_spots",
    "residual_whiteness",
    "ring_coordinates",
    "ring_directions",
    "ring_spectrum",
    "seen_rings",
    "smallest_crop_size",
    "split_and_count_particles",
    "split_particles",
    "steady_states",
    "straighten",
    "strain_map",
    "strip_spectrum",
    "summarize_particles",
    "transfer_function",
    "tube_diameter",
    "tube_indices",
    "undo_mtf",
    "vacuum_value",
    "wavelength",
    "write_parameters_file",
]
