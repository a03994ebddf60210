"""Pruning and quantization for JAX as optax transforms."""

from prunax.errors import InputError as InputError
from prunax.olmp_loop import OLMPResult as OLMPResult
from prunax.olmp_loop import olmp as olmp
from prunax.shrinking import channels as channels
from prunax.shrinking import register_primitive as register_primitive
from prunax.shrinking import shrink as shrink
from prunax.shrunk_files import load_shrunk as load_shrunk
from prunax.shrunk_files import save_shrunk as save_shrunk
from prunax.shrunk_modules import load_module as load_module
from prunax.shrunk_modules import shrink_module as shrink_module
from prunax.transforms import GaussianSurgery as GaussianSurgery
from prunax.transforms import Surgery as Surgery
from prunax.transforms import dns as dns
from prunax.transforms import gradual as gradual
from prunax.transforms import inq as inq
from prunax.transforms import keep_zeros as keep_zeros
from prunax.transforms import prune_by_score as prune_by_score
from prunax.transforms import splices as splices
from prunax.transforms import ste as ste
from prunax.transforms import tie as tie
from prunax.version import __version__ as __version__
