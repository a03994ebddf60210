"""A look through a program: what is held where it is cut, what is lost."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import core

from prunax.shrinking import control, custom, leaks
from prunax.shrinking.atoms import Axes, Axis
from prunax.shrinking.products import PRODUCTS
from prunax.shrinking.program import Frame, Linker
from prunax.shrinking.rule import RULES, Profile, Step, alike, unknown
from prunax.shrinking.seen import Seen, plain_dtype

_MOST = 1 << 24
_NOT_CONCRETE = ('random_bits', 'random_seed', 'random_wrap', 'random_unwrap')

Leak = tuple[Axis, str | None, np.ndarray | None]


class Looker:
  """Looks through frames, and tells what products lose.

  Args:
    linker: that traced them.
    gone: the sets of atoms that are cut, by their least atom.
  """

  def __init__(self, linker: Linker, gone: np.ndarray):
    self._linker = linker
    self._gone = np.zeros(linker.size, bool)
    self._gone[gone] = True
    self.leaks: list[Leak] = []

  def of(self, axes: Axes, dtype: Any, value: Any = None) -> Seen:
    """An input of the program, or a leaf whose value is given."""
    cut = [self._linker.marked(self._gone, axis, False) for axis in axes]
    shape = tuple(len(axis) for axis in axes)

    def profile(axis: int) -> Profile:
      return unknown(shape[axis], plain_dtype(dtype))

    # Keys of random numbers are no arrays of NumPy.
    known = value is not None and not _is_key(dtype)
    concrete = np.asarray(value) if known else None
    return Seen(shape, dtype, cut, profile, lambda: concrete)

  def look(self, frame: Frame, seen: Sequence[Any]) -> list[Any]:
    """What the results of a frame hold; gathers the leaks on the way."""
    jaxpr = frame.jaxpr
    known: dict[Any, Any] = {}
    for var, x, axes in zip(
      jaxpr.constvars, frame.consts, frame.const_axes, strict=True
    ):
      known[var] = self.of(axes, var.aval.dtype, x)
    known.update(zip(jaxpr.invars, seen, strict=True))

    def read(var: Any, axes: Axes) -> Any:
      if isinstance(var, core.Literal):
        value = np.asarray(var.val)
        return self.of(axes, value.dtype, value)
      return known[var]

    for step in frame.steps:
      ins = [
        read(v, axes) for v, axes in zip(step.eqn.invars, step.ins, strict=True)
      ]
      known.update(zip(step.eqn.outvars, self._step(step, ins), strict=True))
    return [
      read(v, axes) for v, axes in zip(jaxpr.outvars, frame.outs, strict=True)
    ]

  def _step(self, step: Step, ins: list[Any]) -> list[Any]:
    name = step.eqn.primitive.name
    if name in LOOK:
      return LOOK[name](self, step, ins)
    if name in PRODUCTS:
      for atoms, added in leaks.leaks(step, ins):
        self.leaks.append((atoms, step.mark, added))
    return [self._result(step, ins, i) for i in range(len(step.outs))]

  def _result(self, step: Step, ins: list[Any], i: int) -> Seen:
    aval = step.eqn.outvars[i].aval
    cut = [
      self._linker.marked(self._gone, axis, False) for axis in step.outs[i]
    ]
    rule = RULES.get(step.eqn.primitive.name)
    dtype = getattr(aval, 'dtype', None)

    def profile(axis: int) -> Profile:
      if rule is None:
        return unknown(len(cut[axis]), plain_dtype(dtype))
      return rule.rest(step, ins, i, axis)

    return Seen(
      getattr(aval, 'shape', ()),
      dtype,
      cut,
      profile,
      lambda: _computed(step, ins, i),
    )


def _is_key(dtype: Any) -> bool:
  return jnp.issubdtype(dtype, jax.dtypes.prng_key)


def _computed(step: Step, ins: list[Any], i: int) -> np.ndarray | None:
  """The result of an equation that depends on no input."""
  eqn = step.eqn
  size = np.prod(eqn.outvars[i].aval.shape)
  if eqn.primitive.name not in RULES or eqn.primitive.name in _NOT_CONCRETE:
    return None
  if size > _MOST or any(x.concrete is None for x in ins):
    return None
  values = [jnp.asarray(x.concrete) for x in ins]
  found = eqn.primitive.bind(*values, **eqn.params)
  return np.asarray(found[i] if eqn.primitive.multiple_results else found)


def _look_call(looker: Looker, step: Step, ins: list[Any]) -> list[Any]:
  return looker.look(step.inner[0], ins)


def _look_custom(looker: Looker, step: Step, ins: list[Any]) -> list[Any]:
  """The gradients lose nothing, for what is cut moves no result."""
  outs = looker.look(step.inner[0], ins)
  if len(step.inner) == 1:
    return outs
  own, looker.leaks = looker.leaks, []
  rule = step.inner[1]
  rest = [
    looker.of(axes, v.aval.dtype)
    for axes, v in zip(
      rule.ins[len(ins) :], rule.jaxpr.invars[len(ins) :], strict=True
    )
  ]
  looker.look(rule, [*ins, *rest])
  looker.leaks = own + [leak for leak in looker.leaks if leak[2] is not None]
  return outs


def _look_cond(looker: Looker, step: Step, ins: list[Any]) -> list[Any]:
  found = [looker.look(frame, ins[1:]) for frame in step.inner]
  return [_agreed(list(same)) for same in zip(*found, strict=True)]


def _agreed(arrays: list[Any]) -> Seen:
  first = arrays[0]

  def profile(axis: int) -> Profile:
    return alike([x.profile(axis) for x in arrays])

  cut = [first.cut(k) for k in range(len(first.shape))]
  return Seen(first.shape, first.dtype, cut, profile)


def _turned(x: Any, by: int) -> Seen:
  """One turn's slice of an array, or with by=-1 all turns of a slice."""
  n = len(x.shape)
  if by > 0:
    cut = [x.cut(k) for k in range(1, n)]
    return Seen(x.shape[1:], x.dtype, cut, lambda k: x.profile(k + 1))
  return x


def _look_scan(looker: Looker, step: Step, ins: list[Any]) -> list[Any]:
  """What is carried is known where no turn changes it."""
  frame, params = step.inner[0], step.eqn.params
  consts, carry = params['num_consts'], params['num_carry']
  slices = [_turned(x, 1) for x in ins[consts + carry :]]
  carried = ins[consts : consts + carry]
  held = [{k: x.profile(k) for k in range(len(x.shape))} for x in carried]
  before = looker.leaks
  while True:
    looker.leaks = []
    now = [_holding(x, h) for x, h in zip(carried, held, strict=True)]
    outs = looker.look(frame, [*ins[:consts], *now, *slices])
    changed = False
    for h, x in zip(held, outs[:carry], strict=True):
      for k, profile in h.items():
        after = x.profile(k)
        same = after.known & (after.values == profile.values)
        if (profile.known & ~same).any():
          h[k] = Profile(profile.values, profile.known & same)
          changed = True
    if not changed:
      break
  looker.leaks = before + looker.leaks
  return [*now, *(_stacked(x, params['length']) for x in outs[carry:])]


def _holding(x: Any, held: dict[int, Profile]) -> Seen:
  cut = [x.cut(k) for k in range(len(x.shape))]
  return Seen(x.shape, x.dtype, cut, lambda k: held[k])


def _stacked(x: Any, turns: int) -> Seen:
  cut = [np.zeros(turns, bool), *(x.cut(k) for k in range(len(x.shape)))]
  return Seen((turns, *x.shape), x.dtype, cut, lambda k: x.profile(k - 1))


LOOK: dict[str, Callable[[Looker, Step, list[Any]], list[Any]]] = {
  **dict.fromkeys((*control.CALLS, *control.REMATS), _look_call),
  **dict.fromkeys((*custom.JVPS, *custom.VJPS), _look_custom),
  'cond': _look_cond,
  'scan': _look_scan,
}
