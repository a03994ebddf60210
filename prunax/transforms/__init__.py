"""Methods as optax transformations: one file is one state and one factory."""

from prunax.transforms.by_score import ScoreState, prune_by_score
from prunax.transforms.dns import DNSState, dns
from prunax.transforms.gradual import GradualState, gradual
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
from prunax.transforms.splicing import splices
from prunax.transforms.surgery import GaussianSurgery, Surgery
from prunax.transforms.tie import TieState, tie

__all__ = [
  'DNSState',
  'GaussianSurgery',
  'GradualState',
  'KeepZerosState',
  'Movable',
  'ScoreState',
  'Surgery',
  'TieState',
  'dns',
  'due_now',
  'find',
  'gradual',
  'keep_zeros',
  'movable',
  'moved',
  'prune_by_score',
  'replace_state',
  'splices',
  'stopped',
  'tie',
]
