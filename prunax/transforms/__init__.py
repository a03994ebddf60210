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
  'splices',
  'ste',
  'stopped',
  'tie',
]
