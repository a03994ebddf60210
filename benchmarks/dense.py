"""A dense training step of the LeNets against PyTorch's, on the CPU.

Both train the same weights on the same rows of the same uint8 images: batches
of 64 gathered by index and scaled, softmax cross-entropy, SGD with momentum 0.9
and decay 5e-4. Ours runs in compiled blocks of steps, theirs eagerly with the
images channels last.
"""

import functools
import importlib
import importlib.util
import os
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from benchmarks import paired
from prunax import data, models, train

Losses = Callable[[], np.ndarray]

BATCH, RATE, MOMENTUM, DECAY = 64, 0.01, 0.9, 5e-4
STEPS = {'lenet5': 20, 'lenet300100': 200}


def measure(rounds: int = 21) -> dict[str, Any]:
  """Milliseconds a step, by name of the model.

  `ratio` is the median over the rounds of our time by theirs; `losses_apart`
  the largest difference of the losses of the first ten steps.

  Args:
    rounds: blocks of steps of either, in turn.
  """
  found: dict[str, Any] = {'batch': BATCH, 'threads': os.cpu_count()}
  for name, steps in STEPS.items():
    found[name] = _compare(name, steps, rounds)
  return found


def _compare(name: str, steps: int, rounds: int) -> dict[str, Any]:
  rng = np.random.default_rng(0)
  x = rng.integers(0, 256, (60_000, 28, 28, 1), np.uint8)
  y = rng.integers(0, 10, len(x)).astype(np.int32)
  rows = rng.integers(0, len(x), (steps, BATCH))
  ours = _ours(name, x, y, rows)
  if importlib.util.find_spec('torch') is None:
    alone = paired.ratio(ours, ours, rounds)
    return {'ours_ms': alone['ours_ms'] / steps, 'torch': 'not installed'}
  theirs = _theirs(name, x, y, rows)
  apart = float(np.abs(ours() - theirs())[:10].max())
  pair = paired.ratio(ours, theirs, rounds)
  return {
    'ours_ms': pair['ours_ms'] / steps,
    'torch_ms': pair['theirs_ms'] / steps,
    'ratio': pair['ratio'],
    'losses_apart': apart,
    'torch': importlib.import_module('torch').__version__,
  }


@functools.cache
def _start(name: str) -> Any:
  """The weights that both begin with."""
  return jax.device_get(models.get(name).init(jax.random.key(0)))


def _ours(name: str, x: np.ndarray, y: np.ndarray, rows: np.ndarray) -> Losses:
  tx = optax.chain(optax.add_decayed_weights(DECAY), optax.sgd(RATE, MOMENTUM))
  apply = models.get(name).apply
  block = train.block_function(apply, tx, data.scale, jax.random.key(0))
  params = jax.tree.map(jnp.array, _start(name))
  state = tx.init(params)
  images, labels, chosen = jax.device_put((x, y, rows.astype(np.int32)))

  def run() -> np.ndarray:
    nonlocal params, state
    params, state, metrics = block(
      params, state, images, labels, chosen, np.int32(0)
    )
    return np.asarray(metrics['losses'])

  return run


def _net(torch: Any, name: str) -> Any:
  nn = torch.nn
  if name == 'lenet300100':
    layers = [nn.Linear(784, 300), nn.ReLU(), nn.Linear(300, 100), nn.ReLU()]
    net = nn.Sequential(nn.Flatten(), *layers, nn.Linear(100, 10))
  else:
    layers = [nn.Conv2d(1, 20, 5), nn.MaxPool2d(2)]
    layers += [nn.Conv2d(20, 50, 5), nn.MaxPool2d(2), nn.Flatten()]
    layers += [nn.Linear(800, 500), nn.ReLU(), nn.Linear(500, 10)]
    net = nn.Sequential(*layers).to(memory_format=torch.channels_last)
  weighted = [layer for layer in net if hasattr(layer, 'weight')]
  with torch.no_grad():
    for layer, (_, ours) in zip(
      weighted, sorted(_start(name).items()), strict=True
    ):
      kernel = ours['kernel']
      axes = (3, 2, 0, 1) if kernel.ndim == 4 else (1, 0)
      layer.weight.copy_(torch.from_numpy(kernel.transpose(axes).copy()))
      layer.bias.copy_(torch.from_numpy(ours['bias'].copy()))
  return net


def _theirs(
  name: str, x: np.ndarray, y: np.ndarray, rows: np.ndarray
) -> Losses:
  torch = importlib.import_module('torch')
  torch.set_num_threads(os.cpu_count())
  net = _net(torch, name)
  optimizer = torch.optim.SGD(
    net.parameters(), lr=RATE, momentum=MOMENTUM, weight_decay=DECAY
  )
  # With one channel, this is channels last already.
  images = torch.from_numpy(x).permute(0, 3, 1, 2)
  labels, chosen = torch.from_numpy(y.astype(np.int64)), torch.from_numpy(rows)

  def run() -> np.ndarray:
    losses = []
    for batch in chosen:
      optimizer.zero_grad()
      logits = net(images[batch].float() * (1 / 256))
      loss = torch.nn.functional.cross_entropy(logits, labels[batch])
      loss.backward()
      optimizer.step()
      losses.append(loss.detach())
    return torch.stack(losses).numpy()

  return run
