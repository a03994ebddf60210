"""Files of data sets to arrays, and arrays to batches; NumPy only."""

from prunax.data import npz as npz
from prunax.data import scaling as scaling
from prunax.data.batches import batch_indices as batch_indices
from prunax.data.batches import split_constraint as split_constraint
from prunax.data.batches import split_validation as split_validation
from prunax.data.gathering import gather as gather
from prunax.data.limiting import limit as limit
from prunax.data.registry import load as load
from prunax.data.registry import register as register
from prunax.data.scaling import Scale as Scale
from prunax.data.scaling import scale as scale
from prunax.data.types import Dataset as Dataset
from prunax.data.types import Split as Split
