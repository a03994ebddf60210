"""Pruning and quantization for JAX as optax transforms."""

from prunax.errors import InputError as InputError
from prunax.transforms import GaussianSurgery as GaussianSurgery
from prunax.transforms import Surgery as Surgery
from prunax.transforms import dns as dns
from prunax.transforms import gradual as gradual
from prunax.transforms import keep_zeros as keep_zeros
from prunax.transforms import splices as splices
from prunax.version import __version__ as __version__
