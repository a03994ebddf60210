"""Methods as optax transformations: one file is one state and one factory."""

from prunax.transforms.by_score import ScoreState, prune_by_score
from prunax.transforms.dns import DNSState, dns
from prunax.transforms.gradual import GradualState, gradual
from prunax.transforms.inq import highest_exponents, inq
from prunax.transforms.keep import KeepZerosState, keep_zeros
from prunax.transforms.moving import (
  Movable,
  due_now,
  find,
  movable,
  moved,
  stopped,
)
from prunax.transforms.moving import replace as replace_state
from prunax.transforms.powers import INQState, quantize
from prunax.transforms.slim import slim
from prunax.transforms.soft import SoftState, soft_filters
from prunax.transforms.splicing import splices
from prunax.transforms.ste import STEState, ste
from prunax.transforms.surgery import GaussianSurgery, Surgery
from prunax.transforms.tie import TieState, tie

__all__ = [
  'DNSState',
  'GaussianSurgery',
  'GradualState',
  'INQState',
  'KeepZerosState',
  'Movable',
  'STEState',
  'ScoreState',
  'SoftState',
  'Surgery',
  'TieState',
  'dns',
  'due_now',
  'find',
  'gradual',
  'highest_exponents',
  'inq',
  'keep_zeros',
  'movable',
  'moved',
  'prune_by_score',
  'quantize',
  'replace_state',
  'slim',
  'soft_filters',
  'splices',
  'ste',
  'stopped',
  'tie',
]
