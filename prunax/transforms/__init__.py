"""Methods as optax transformations: one file is one state and one factory."""

from prunax.transforms.dns import DNSState, dns
from prunax.transforms.gradual import GradualState, gradual
from prunax.transforms.keep import KeepZerosState, keep_zeros
from prunax.transforms.splicing import splices
from prunax.transforms.surgery import GaussianSurgery, Surgery

__all__ = [
  'DNSState',
  'GaussianSurgery',
  'GradualState',
  'KeepZerosState',
  'Surgery',
  'dns',
  'gradual',
  'keep_zeros',
  'splices',
]
