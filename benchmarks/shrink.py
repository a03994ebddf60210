"""Forward passes of networks whose channels were cut, against the whole ones.

Both are compiled, and run on the same images. The networks of filter pruning
have fresh weights and half of their FLOPs left; the sparse LeNet-5 loses what
is dead and nothing else, so that it answers the same.
"""

import pathlib
import time
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

import prunax
from benchmarks import bottleneck, paired
from prunax import models, weights

SPARSE = 'results/lenet5_best-seed0.prx'
# What of each network's channels stay: the same part of each layer in whole
# vectors, or the largest filters wherever they are.
WAYS: dict[str, dict[str, Any]] = {
  'even': {'scope': 'layer', 'round_to': 8},
  'global': {'scope': 'global', 'round_to': 8},
}
# ResNet32's layers of 16 channels get no faster by fewer, so half of all FLOPs
# go from the other two stages.
LATE = {
  'round_to': 8,
  'rules': (
    ('(conv0|block1_.*)/.*', None),
    ('block2_.*', 0.5),
    ('block3_1/conv2/.*', 0.75),
    ('block3_.*', 0.25),
    ('.*', None),
  ),
}


def measure(rounds: int = 15) -> dict[str, Any]:
  """Milliseconds a batch, cut and whole, and how many times faster.

  Args:
    rounds: pairs of batches timed for each ratio.
  """
  found: dict[str, Any] = {}
  for name in ('vgg16_cifar10', 'resnet32_cifar10'):
    for way, settings in WAYS.items():
      found[f'{name}, {way}'] = _halved(name, settings, 64, rounds)
  found['resnet32_cifar10, late'] = _halved(
    'resnet32_cifar10', LATE, 64, rounds
  )
  for batch in (1, 16, 256):
    found[f'lenet5, sparse, batch {batch}'] = _sparse(batch, rounds)
    out = _sparse(batch, rounds, written_out=True)
    found[f'lenet5, sparse, written out, batch {batch}'] = out
  model = models.get('resnet56_cifar10')
  variables = jax.tree.map(np.asarray, model.init(jax.random.key(0)))
  found['resnet56_cifar10, channels and cut'] = _seconds(
    model.apply, variables, _images(model, 1)
  )
  found['resnet50, channels and cut'] = _seconds(
    bottleneck.apply,
    bottleneck.variables(),
    jax.ShapeDtypeStruct((1, 224, 224, 3), np.float32),
  )
  return found


def _images(model: models.Model, batch: int) -> np.ndarray:
  rng = np.random.default_rng(0)
  return rng.random((batch, *model.input_shape)).astype(np.float32)


def _timed(
  model: models.Model,
  whole: Callable[..., Any],
  variables: Any,
  small: prunax.shrinking.Shrunk,
  batch: int,
  rounds: int,
) -> dict[str, Any]:
  x = jax.device_put(_images(model, batch))
  # Many at once, so that a call is longer than the clock's noise.
  times = max(1, 512 // batch)
  own, full = jax.jit(small.apply), jax.jit(whole)
  own_variables, full_variables = jax.device_put((small.variables, variables))
  pair = paired.ratio(
    lambda: [own(own_variables, x) for _ in range(times)],
    lambda: [full(full_variables, x) for _ in range(times)],
    rounds,
  )
  before, after = small.report.before, small.report.after
  return {
    'batch': batch,
    'cut_ms': pair['ours_ms'] / times,
    'whole_ms': pair['theirs_ms'] / times,
    'times_faster': 1 / pair['ratio'],
    'flops_left': after['flops'] / before['flops'],
    'params_left': after['params'] / before['params'],
  }


def _halved(
  name: str, settings: dict[str, Any], batch: int, rounds: int
) -> dict[str, Any]:
  model = models.get(name)
  variables = jax.tree.map(np.asarray, model.init(jax.random.key(0)))
  small = prunax.shrink(
    model.apply, variables, _images(model, 1), density=0.5, **settings
  )
  return _timed(model, model.apply, variables, small, batch, rounds)


def _sparse(
  batch: int, rounds: int, written_out: bool = False
) -> dict[str, Any]:
  model = models.get('lenet5')
  root = pathlib.Path(__file__).parent.parent
  variables = weights.load(root / SPARSE).tree
  x = jax.device_put(_images(model, 2))
  small = prunax.shrink(model.apply, variables, x)

  def known(_: Any, x: Any) -> Any:
    return model.apply(variables, x)

  if written_out:
    answers = models.sparse_lenet5(small.variables)
    small = small._replace(apply=lambda _, x: answers(x))
  # Where one program knows its weights, the other does, too.
  whole = known if written_out else model.apply
  apart = small.apply(small.variables, x) - model.apply(variables, x)
  row = _timed(model, whole, variables, small, batch, rounds)
  return {**row, 'outputs_apart': float(np.abs(apart).max())}


def _seconds(apply: Any, variables: Any, x: Any) -> dict[str, Any]:
  """How long it takes to find the channels of a network, and to cut it."""
  began = time.perf_counter()
  groups = prunax.channels(apply, variables, x)
  traced = time.perf_counter()
  prunax.shrink(apply, variables, x, density=0.5)
  return {
    'groups': len(groups),
    'params': sum(leaf.size for leaf in jax.tree.leaves(variables)),
    'channels_s': traced - began,
    'shrink_s': time.perf_counter() - traced,
  }
