from pathlib import Path

from . import analysis as analysis
from . import crystals as crystals
from . import data as data
from . import networks as networks
from . import plots as plots
from . import signals as signals
from .jobs.watching import watch as watch
from .signals import HRTEM

__version__: str

# It makes an HRTEM signal by its name only, because `io` lies below `signals`.
def load_in_situ(folder: str | Path, lazy: bool = True) -> HRTEM: ...
