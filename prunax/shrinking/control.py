"""Primitives that run other programs: what they share, and how they nest."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from jax.extend import core

from prunax.shrinking.atoms import Axes
from prunax.shrinking.program import NESTED, Frame, Given, Linker, of_leaves
from prunax.shrinking.rule import Cut, Eqn

# By name: (how to run a frame, cut, values) -> results.
Run = Callable[[Frame, Sequence[Any]], list[Any]]
RUN: dict[str, Callable[[Run, Cut, list[Any]], list[Any]]] = {}

# What runs one program as it is, by name.
CALLS = ('jit', 'pjit', 'closed_call', 'core_call', 'core_closed_call')
REMATS = ('remat', 'remat2', 'checkpoint')

_SAME = 'it meets an axis that is no channel'


def join_all(
  linker: Linker, one: Sequence[Axes], other: Sequence[Axes]
) -> None:
  """Makes one of the axes of arrays that take each other's places."""
  for a, b in zip(one, other, strict=True):
    for x, y in zip(a, b, strict=True):
      linker.join(x, y, _SAME)


def inner_program(eqn: Eqn) -> Any:
  """The closed jaxpr that an equation runs."""
  found = eqn.params.get('jaxpr', eqn.params.get('call_jaxpr'))
  return found if hasattr(found, 'consts') else core.ClosedJaxpr(found, ())


def _call(
  linker: Linker, eqn: Eqn, given: list[Given]
) -> tuple[list[Given], Sequence[Any]]:
  frame, outs = linker.trace(inner_program(eqn), given)
  return outs, (frame,)


def _run_call(run: Run, cut: Cut, values: list[Any]) -> list[Any]:
  return run(cut.step.inner[0], values)


def _run_remat(run: Run, cut: Cut, values: list[Any]) -> list[Any]:
  frame, params = cut.step.inner[0], cut.step.eqn.params
  again = jax.checkpoint(
    lambda *args: run(frame, args),
    prevent_cse=params['prevent_cse'],
    policy=params['policy'],
  )
  return list(again(*values))


for _name in CALLS:
  NESTED[_name], RUN[_name] = _call, _run_call
for _name in REMATS:
  NESTED[_name], RUN[_name] = _call, _run_remat


def _cond(
  linker: Linker, eqn: Eqn, given: list[Given]
) -> tuple[list[Given], Sequence[Any]]:
  """All branches take and give the same; the last is the one that counts."""
  branches = eqn.params['branches']
  traced = [
    linker.repeated(
      int(branch is branches[-1]),
      functools.partial(linker.trace, branch, given[1:]),
    )
    for branch in branches
  ]
  outs = [
    Given(alike[-1].axes, None, of_leaves(alike))
    for alike in zip(*(found for _, found in traced), strict=True)
  ]
  for _, other in traced[:-1]:
    join_all(linker, [g.axes for g in outs], [g.axes for g in other])
  return outs, tuple(frame for frame, _ in traced)


def _run_cond(run: Run, cut: Cut, values: list[Any]) -> list[Any]:
  operands = [jax.typeof(x) for x in values[1:]]
  branches = tuple(
    jax.make_jaxpr(lambda *args, frame=frame: run(frame, args))(*operands)
    for frame in cut.step.inner
  )
  return cut.bind(values, branches=branches)


NESTED['cond'], RUN['cond'] = _cond, _run_cond


def _scan(
  linker: Linker, eqn: Eqn, given: list[Given]
) -> tuple[list[Given], Sequence[Any]]:
  """All turns share one decision: what is carried keeps its positions."""
  params = eqn.params
  consts, carry = params['num_consts'], params['num_carry']
  for g in given[consts + carry :]:
    linker.fix(g.axes[0], 'scan runs over it')
  body = [
    *given[:consts],
    *(Given(g.axes) for g in given[consts : consts + carry]),
    *(g._replace(axes=g.axes[1:]) for g in given[consts + carry :]),
  ]
  frame, outs = linker.repeated(
    params['length'], lambda: linker.trace(params['jaxpr'], body)
  )
  carried = [g.axes for g in outs[:carry]]
  join_all(linker, [g.axes for g in given[consts : consts + carry]], carried)
  turns = np.zeros(params['length'], np.int64)
  stacked = [Given((turns, *g.axes)) for g in outs[carry:]]
  return [*(Given(x) for x in carried), *stacked], (frame,)


def _run_scan(run: Run, cut: Cut, values: list[Any]) -> list[Any]:
  frame, params = cut.step.inner[0], cut.step.eqn.params
  consts, carry = params['num_consts'], params['num_carry']

  def body(carried: Any, xs: Any) -> Any:
    found = run(frame, [*values[:consts], *carried, *xs])
    return found[:carry], found[carry:]

  last, stacked = jax.lax.scan(
    body,
    list(values[consts : consts + carry]),
    list(values[consts + carry :]),
    length=params['length'],
    reverse=params['reverse'],
    unroll=params['unroll'],
  )
  return [*last, *stacked]


NESTED['scan'], RUN['scan'] = _scan, _run_scan
