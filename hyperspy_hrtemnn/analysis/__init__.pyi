from .column_events import column_events as column_events
from .column_tracks import link_columns as link_columns
from .columns import Columns as Columns
from .columns import find_columns as find_columns
from .diffusion import diffusion_events as diffusion_events
from .instances import separate as separate
from .lattice import Lattice as Lattice
from .lattice import fit_lattice as fit_lattice
from .lattice import missing_sites as missing_sites
from .lattice_vectors import find_lattice_vectors as find_lattice_vectors
from .local_fourier import crop_size as crop_size
from .local_fourier import local_spectrum as local_spectrum
from .properties import properties as properties
from .rings import Ring as Ring
from .rings import count_rings as count_rings
from .rings import find_rings as find_rings
from .steady_states import steady_states as steady_states
from .strain import strain_map as strain_map
from .tracking import Tracker as Tracker
from .vacancies import count_columns as count_columns
from .vacancies import find_vacancies as find_vacancies

__all__ = [
    "Columns",
    "Lattice",
    "Ring",
    "Tracker",
    "column_events",
    "count_columns",
    "count_rings",
    "crop_size",
    "diffusion_events",
    "find_columns",
    "find_lattice_vectors",
    "find_rings",
    "find_vacancies",
    "fit_lattice",
    "link_columns",
    "local_spectrum",
    "missing_sites",
    "properties",
    "separate",
    "steady_states",
    "strain_map",
]
