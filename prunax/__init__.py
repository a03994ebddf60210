"""Pruning and quantization for JAX as optax transforms."""

from prunax.errors import InputError as InputError
from prunax.olmp_loop import OLMPResult as OLMPResult
from prunax.olmp_loop import olmp as olmp
from prunax.shrinking import channels as channels
from prunax.shrinking import memory as memory
from prunax.shrinking import reconstruct as reconstruct
from prunax.shrinking import register_primitive as register_primitive
from prunax.shrinking import responses as responses
from prunax.shrinking import shrink as shrink
from prunax.shrinking import spent as spent
from prunax.shrunk_files import load_shrunk as load_shrunk
from prunax.shrunk_files import save_shrunk as save_shrunk
from prunax.timing import latency as latency
from prunax.transforms import GaussianSurgery as GaussianSurgery
from prunax.transforms import Surgery as Surgery
from prunax.transforms import dns as dns
from prunax.transforms import gradual as gradual
from prunax.transforms import inq as inq
from prunax.transforms import keep_zeros as keep_zeros
from prunax.transforms import prune_by_score as prune_by_score
from prunax.transforms import slim as slim
from prunax.transforms import soft_filters as soft_filters
from prunax.transforms import splices as splices
from prunax.transforms import ste as ste
from prunax.transforms import tie as tie
from prunax.version import __version__ as __version__
