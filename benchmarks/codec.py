"""A made-up AlexNet of 61 million weights in a `.prx` file.

Weights are drawn independently: alive as often, of as many levels, and with
as many bits an index, as Deep Compression reports of its AlexNet (Han, Mao and
Dally, 2016, table 4). So the entropy of what drew them is known.

Each of packing and unpacking is timed in a process that does nothing else, on
one core, and whose peak of memory holds Python, JAX and the dense weights too.
"""

import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile
from typing import Any, NamedTuple

import numpy as np

from benchmarks import huffman
from benchmarks.paired import middle
from prunax import codec

_MOST_ROUNDS = 3


class Layer(NamedTuple):
  """A layer of the table: `bits` are those of an index in Huffman's code."""

  shape: tuple[int, ...]
  density: float
  levels: int
  bits: float


LAYERS = {
  'conv1': Layer((11, 11, 3, 96), 0.84, 256, 6.3),
  'conv2': Layer((5, 5, 48, 256), 0.38, 256, 5.5),
  'conv3': Layer((3, 3, 256, 384), 0.35, 256, 5.1),
  'conv4': Layer((3, 3, 192, 384), 0.37, 256, 5.2),
  'conv5': Layer((3, 3, 192, 256), 0.37, 256, 5.6),
  'fc6': Layer((9216, 4096), 0.09, 32, 3.9),
  'fc7': Layer((4096, 4096), 0.09, 32, 3.6),
  'fc8': Layer((4096, 1000), 0.25, 32, 4.0),
}

_WORKER = """
import json, os, resource, sys, time
import numpy as np
from prunax import codec, tree

if hasattr(os, 'sched_setaffinity'):
  os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
source, target = sys.argv[1:]
if target.endswith('.prx'):
  with np.load(source) as leaves:
    weights = tree.nest(dict(leaves))
begin = time.perf_counter()
if target.endswith('.prx'):
  codec.save(target, weights)
else:
  codec.load(source)
seconds = time.perf_counter() - begin
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([seconds, peak]))
"""


def chances(layer: Layer) -> np.ndarray:
  """Of the levels: a Gaussian of the entropy that is asked for."""
  spread = 2**layer.bits / math.sqrt(2 * math.pi * math.e)
  place = np.arange(layer.levels) - (layer.levels - 1) / 2
  found = np.exp(-0.5 * (place / spread) ** 2)
  return found / found.sum()


def draw(layer: Layer, rng: np.random.Generator) -> np.ndarray:
  """The weights of a layer."""
  x = np.zeros(math.prod(layer.shape), np.float32)
  alive = np.flatnonzero(rng.random(x.size, np.float32) < layer.density)
  levels = np.sort(rng.normal(scale=0.01, size=layer.levels))
  drawn = rng.choice(layer.levels, alive.size, p=chances(layer))
  x[alive] = levels.astype(np.float32)[drawn]
  return x.reshape(layer.shape)


def _entropy(p: np.ndarray) -> float:
  return float(-(p * np.log2(p)).sum())


def entropy_bytes(layer: Layer) -> float:
  """What a layer's weights tell in the mean, to who knows how it was drawn."""
  density = layer.density
  places = math.prod(layer.shape) * _entropy(np.array([density, 1 - density]))
  alive = math.prod(layer.shape) * density
  return (places + alive * _entropy(chances(layer))) / 8


def _timed(source: pathlib.Path, target: str, rounds: int) -> dict[str, float]:
  found = []
  for _ in range(rounds):
    done = subprocess.run(
      [sys.executable, '-c', _WORKER, str(source), target],
      check=True,
      capture_output=True,
      text=True,
      env=os.environ | {'PYTHONPATH': os.pathsep.join(filter(None, sys.path))},
    )
    found.append(json.loads(done.stdout))
  # Linux counts in KiB, macOS in bytes.
  unit = 1 << 20 if sys.platform == 'darwin' else 1 << 10
  return {
    'seconds': middle([seconds for seconds, _ in found]),
    'peak_mib': max(peak for _, peak in found) / unit,
  }


def measure(rounds: int = 15) -> dict[str, Any]:
  """Bytes of the file over two others, and seconds of packing and unpacking.

  Args:
    rounds: how often either is timed, three times at most.
  """
  rng, rounds = np.random.default_rng(0), min(rounds, _MOST_ROUNDS)
  leaves: dict[str, Any] = {
    f'{n}/kernel': draw(layer, rng) for n, layer in LAYERS.items()
  }
  rival = sum(huffman.layer_bytes(x) for x in leaves.values())
  entropy = sum(map(entropy_bytes, LAYERS.values()))
  weights = sum(x.size for x in leaves.values())
  with tempfile.TemporaryDirectory() as folder:
    dense, packed = (
      pathlib.Path(folder) / 'a.npz',
      pathlib.Path(folder) / 'a.prx',
    )
    np.savez(dense, **leaves)
    packing = _timed(dense, str(packed), rounds)
    unpacking = _timed(packed, '', rounds)
    size = packed.stat().st_size
    with codec.PrxFile(packed) as file:
      same = all((file.read(n) == x).all() for n, x in leaves.items())
  return {
    'alexnet': {
      'weights': weights,
      'bytes': size,
      'compression': 4 * weights / size,
      'entropy_bytes': round(entropy),
      'over_entropy': size / entropy,
      'deep_compression_bytes': rival,
      'over_deep_compression': size / rival,
      'lossless': same,
    },
    'pack': packing,
    'unpack': unpacking,
  }
