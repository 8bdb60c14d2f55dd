from .argand import plot_argand as plot_argand
from .convergence import plot_convergence as plot_convergence
from .counts import plot_counts as plot_counts
from .detector import plot_mtf_parameters as plot_mtf_parameters
from .detector import plot_noise_spectrum as plot_noise_spectrum
from .detector import plot_readout as plot_readout
from .events import plot_events as plot_events
from .optics import plot_optics as plot_optics
from .particle_totals import plot_particle_totals as plot_particle_totals
from .reflections import plot_reflections as plot_reflections
from .strain import plot_strain as plot_strain

__all__ = [
    "plot_argand",
    "plot_convergence",
    "plot_counts",
    "plot_events",
    "plot_mtf_parameters",
    "plot_noise_spectrum",
    "plot_optics",
    "plot_particle_totals",
    "plot_readout",
    "plot_reflections",
    "plot_strain",
]
