"""Functions with gradient rules of their own: the rules are cut like them."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from prunax.shrinking.control import RUN, Run, inner_program, join_all
from prunax.shrinking.program import NESTED, Given, Linker, closed
from prunax.shrinking.rule import Cut, Eqn


def _real(avals: Sequence[Any]) -> list[int]:
  """Which operands have gradients."""
  return [
    i for i, a in enumerate(avals) if jax.numpy.issubdtype(a.dtype, np.inexact)
  ]


def _of_real(
  eqn: Eqn, real: Sequence[int], primals: Sequence[Any]
) -> Callable[..., list[Any]]:
  """One equation, with its rules, as a function of what has gradients."""
  params = eqn.primitive.get_bind_params(eqn.params)

  def function(*some: Any) -> list[Any]:
    full = list(primals)
    for i, x in zip(real, some, strict=True):
      full[i] = x
    return list(eqn.primitive.bind(*full, **params))

  return function


def _avals(variables: Sequence[Any]) -> list[Any]:
  return [jax.ShapeDtypeStruct(v.aval.shape, v.aval.dtype) for v in variables]


def _custom_jvp(
  linker: Linker, eqn: Eqn, given: list[Given]
) -> tuple[list[Given], Sequence[Any]]:
  frame, outs = linker.trace(inner_program(eqn), given)
  if linker.in_rule:
    # A rule that calls its own function would have no end.
    return outs, (frame,)
  avals = _avals(eqn.invars)
  real = _real(avals)

  def derived(*args: Any) -> Any:
    primals, moved = args[: len(avals)], args[len(avals) :]
    of_real = _of_real(eqn, real, primals)
    return jax.jvp(of_real, tuple(primals[i] for i in real), tuple(moved))

  rule = closed(derived, *avals, *(avals[i] for i in real))
  moves = [Given(given[i].axes) for i in real]
  second, both = linker.ruled(lambda: linker.trace(rule, [*given, *moves]))
  n = len(outs)
  join_all(linker, [g.axes for g in outs], [g.axes for g in both[:n]])
  join_all(linker, [g.axes for g in outs], [g.axes for g in both[n:]])
  return outs, (frame, second)


def _run_custom_jvp(run: Run, cut: Cut, values: list[Any]) -> list[Any]:
  frame, *rules = cut.step.inner
  if not rules:
    return run(frame, values)
  rule = rules[0]
  real = _real([v.aval for v in cut.step.eqn.invars])

  @jax.custom_jvp
  def function(*args: Any) -> list[Any]:
    return run(frame, args)

  @function.defjvp
  def _derived(primals: Any, moved: Any) -> Any:
    both = run(rule, [*primals, *(moved[i] for i in real)])
    return both[: len(both) // 2], both[len(both) // 2 :]

  return list(function(*values))


def _custom_vjp(
  linker: Linker, eqn: Eqn, given: list[Given]
) -> tuple[list[Given], Sequence[Any]]:
  frame, outs = linker.trace(inner_program(eqn), given)
  if linker.in_rule:
    # A rule that calls its own function would have no end.
    return outs, (frame,)
  avals = _avals(eqn.invars)
  real = _real(avals)

  def derived(*args: Any) -> Any:
    primals, back = args[: len(avals)], args[len(avals) :]
    of_real = _of_real(eqn, real, primals)
    return jax.vjp(of_real, *(primals[i] for i in real))[1](list(back))

  rule = closed(derived, *avals, *_avals(eqn.outvars))
  back = [Given(g.axes) for g in outs]
  second, gradients = linker.ruled(lambda: linker.trace(rule, [*given, *back]))
  join_all(linker, [given[i].axes for i in real], [g.axes for g in gradients])
  return outs, (frame, second)


def _run_custom_vjp(run: Run, cut: Cut, values: list[Any]) -> list[Any]:
  frame, *rules = cut.step.inner
  if not rules:
    return run(frame, values)
  rule = rules[0]
  real = _real([v.aval for v in cut.step.eqn.invars])

  @jax.custom_vjp
  def function(*args: Any) -> list[Any]:
    return run(frame, args)

  def forward(*args: Any) -> Any:
    return run(frame, args), args

  def backward(args: Any, back: Any) -> Any:
    found: list[Any] = [np.zeros(np.shape(x), jax.dtypes.float0) for x in args]
    for i, g in zip(real, run(rule, [*args, *back]), strict=True):
      found[i] = g
    return tuple(found)

  function.defvjp(forward, backward)
  return list(function(*values))


NESTED['custom_jvp_call'] = _custom_jvp
RUN['custom_jvp_call'] = _run_custom_jvp
for _name in ('custom_vjp_call', 'custom_vjp_call_jaxpr'):
  NESTED[_name], RUN[_name] = _custom_vjp, _run_custom_vjp
