"""Random networks: every way in which channels meet, a few at a time."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

_DIMENSIONS = ('NHWC', 'HWIO', 'NHWC')
_ACTS = [
  jax.nn.relu,
  jnp.tanh,
  jax.nn.sigmoid,
  jax.nn.gelu,
  lambda x: jnp.exp(-jnp.square(x)),
  lambda x: jnp.clip(x, -1.0, 0.75),
]


class Graph:
  """A network that a seed determines: `variables`, `apply`, an example."""

  def __init__(self, seed):
    self._rng = np.random.default_rng(seed)
    self.variables = {}
    self.steps = []
    self.x = self._rng.normal(size=(2, 6, 6, 3))
    width, side = 3, 6
    # A residual starts where the widths and sides will still be the same.
    for i in range(self._rng.integers(2, 6)):
      width, side = self._step(i, width, side)
    self._end(width, side)

  def _normal(self, name, shape):
    self.variables[name] = self._rng.normal(size=shape) / np.sqrt(shape[0] + 1)
    return name

  def _step(self, i, width, side):
    kinds = ['conv', 'conv', 'depthwise', 'norm', 'residual', 'concat', 'pad']
    if side >= 4:
      kinds.append('pool')
    if width % 2 == 0:
      kinds += ['grouped', 'shuffle']
    kind = kinds[self._rng.integers(len(kinds))]
    out = int(self._rng.choice([2, 4]))
    act = _ACTS[self._rng.integers(len(_ACTS))]
    if kind == 'conv':
      size = int(self._rng.choice([1, 3]))
      w = self._normal(f'{i}conv', (size, size, width, out))
      b = self._normal(f'{i}bias', (out,))
      self.steps.append(lambda v, x: act(_conv(x, v[w]) + v[b]))
      return out, side
    if kind == 'depthwise':
      w = self._normal(f'{i}depthwise', (3, 3, 1, width))
      self.steps.append(lambda v, x: act(_conv(x, v[w], width)))
      return width, side
    if kind == 'grouped':
      w = self._normal(f'{i}grouped', (1, 1, width // 2, out))
      self.steps.append(lambda v, x: act(_conv(x, v[w], 2)))
      return out, side
    if kind == 'norm':
      names = [self._normal(f'{i}/{n}', (width,)) for n in ('scale', 'bias')]
      stats = [self._normal(f'{i}/{n}', (width,)) for n in ('mean', 'var')]
      self.steps.append(lambda v, x: act(_norm(v, x, names, stats)))
      return width, side
    if kind == 'residual':
      w = self._normal(f'{i}residual', (3, 3, width, width))
      self.steps.append(lambda v, x: x + act(_conv(x, v[w])))
      return width, side
    if kind == 'concat':
      w = self._normal(f'{i}concat', (1, 1, width, out))
      self.steps.append(
        lambda v, x: jnp.concatenate([x, act(_conv(x, v[w]))], -1)
      )
      return width + out, side
    if kind == 'pad':
      self.steps.append(
        lambda v, x: jnp.pad(act(x), ((0, 0), (0, 0), (0, 0), (1, 1)))
      )
      return width + 2, side
    if kind == 'shuffle':
      # Channels by twos, exchanged.
      self.steps.append(
        lambda v, x: jnp.swapaxes(
          x.reshape(*x.shape[:-1], 2, width // 2), -1, -2
        ).reshape(x.shape)
      )
      return width, side
    reduce, start = [(lax.max, -jnp.inf), (lax.add, 0.0)][self._rng.integers(2)]
    self.steps.append(
      lambda v, x: lax.reduce_window(
        x, start, reduce, (1, 2, 2, 1), (1, 2, 2, 1), 'VALID'
      )
    )
    return width, side // 2

  def _end(self, width, side):
    if self._rng.integers(2):
      w = self._normal('end/dense', (width * side * side, 4))
      self.steps.append(lambda v, x: jnp.tanh(x.reshape(len(x), -1) @ v[w]))
    else:
      w = self._normal('end/dense', (width, 4))
      self.steps.append(lambda v, x: jnp.tanh(x.mean((1, 2)) @ v[w]))
    last = self._normal('end/out', (4, 2))
    self.steps.append(lambda v, x: x @ v[last])

  def apply(self, variables, x):
    for step in self.steps:
      x = step(variables, x)
    return x


def _conv(x, kernel, groups=1):
  return lax.conv_general_dilated(
    x,
    kernel,
    (1, 1),
    'SAME',
    dimension_numbers=_DIMENSIONS,
    feature_group_count=groups,
  )


def _norm(v, x, names, stats):
  scale, bias = (v[name] for name in names)
  mean, var = (v[name] for name in stats)
  return (x - mean) * lax.rsqrt(var**2 + 0.1) * scale + bias
