"""Networks as pure functions, by name."""

from prunax.models.adapters import from_linen as from_linen
from prunax.models.adapters import from_nnx as from_nnx
from prunax.models.adapters import linen_statistics as linen_statistics
from prunax.models.adapters import nnx_model as nnx_model
from prunax.models.adapters import nnx_statistics as nnx_statistics
from prunax.models.check import check_input as check_input
from prunax.models.check import check_statistics as check_statistics
from prunax.models.check import checked as checked
from prunax.models.check import shapes as shapes
from prunax.models.check import sizes as sizes
from prunax.models.types import Model as Model
from prunax.models.types import Statistics as Statistics
from prunax.models.zoo import fitting as fitting
from prunax.models.zoo import get as get
from prunax.models.zoo import names as names
from prunax.models.zoo import register as register
