from . import analysis as analysis
from . import crystals as crystals
from . import data as data
from . import networks as networks
from . import plots as plots
from . import signals as signals
from .in_situ import load_in_situ as load_in_situ

__version__: str
