"""Pruning and quantization for JAX as optax transforms."""

from prunax.errors import InputError as InputError
from prunax.olmp_loop import OLMPResult as OLMPResult
from prunax.olmp_loop import olmp as olmp
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
