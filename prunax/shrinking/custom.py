"""Functions with gradient rules of their own: the rules are cut like them."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from prunax.shrinking.control import RUN, Run, inner_program, join_all
from prunax.shrinking.program import NESTED, Frame, Given, Linker
from prunax.shrinking.rule import Cut, Eqn

JVPS = ('custom_jvp_call',)
VJPS = ('custom_vjp_call', 'custom_vjp_call_jaxpr')

Function = Callable[..., list[Any]]


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


# (linker, equation, operands, results) -> the frame of its rule of gradients.
Rule = Callable[[Linker, Eqn, list[Given], list[Given]], Frame]


def _custom(
  rule: Rule, linker: Linker, eqn: Eqn, given: list[Given]
) -> tuple[list[Given], Sequence[Any]]:
  """The function's own program, and its rule."""
  frame, outs = linker.trace(inner_program(eqn), given)
  if linker.in_rule:
    # A rule that calls its own function would have no end.
    return outs, (frame,)
  return outs, (frame, rule(linker, eqn, given, outs))


def _jvp(
  linker: Linker, eqn: Eqn, given: list[Given], outs: list[Given]
) -> Frame:
  avals = _avals(eqn.invars)
  real = _real(avals)

  def derived(*args: Any) -> Any:
    primals, moved = args[: len(avals)], args[len(avals) :]
    of_real = _of_real(eqn, real, primals)
    return jax.jvp(of_real, tuple(primals[i] for i in real), tuple(moved))

  rule = jax.make_jaxpr(derived)(*avals, *(avals[i] for i in real))
  moves = [Given(given[i].axes) for i in real]
  frame, both = linker.ruled(lambda: linker.trace(rule, [*given, *moves]))
  for half in (both[: len(outs)], both[len(outs) :]):
    join_all(linker, [g.axes for g in outs], [g.axes for g in half])
  return frame


def _vjp(
  linker: Linker, eqn: Eqn, given: list[Given], outs: list[Given]
) -> Frame:
  avals = _avals(eqn.invars)
  real = _real(avals)

  def derived(*args: Any) -> Any:
    primals, back = args[: len(avals)], args[len(avals) :]
    of_real = _of_real(eqn, real, primals)
    return jax.vjp(of_real, *(primals[i] for i in real))[1](list(back))

  rule = jax.make_jaxpr(derived)(*avals, *_avals(eqn.outvars))
  back = [Given(g.axes) for g in outs]
  frame, gradients = linker.ruled(lambda: linker.trace(rule, [*given, *back]))
  join_all(linker, [given[i].axes for i in real], [g.axes for g in gradients])
  return frame


# (function, its rule, which operands have gradients) -> both in one.
Ruled = Callable[[Function, Function, list[int]], Function]


def _run_custom(
  ruled: Ruled, run: Run, cut: Cut, values: list[Any]
) -> list[Any]:
  """The function's results; its rule is that of the cut program."""
  frame, *rules = cut.step.inner
  if not rules:
    return run(frame, values)

  def function(*args: Any) -> list[Any]:
    return run(frame, args)

  def rule(*args: Any) -> list[Any]:
    return run(rules[0], args)

  real = _real([v.aval for v in cut.step.eqn.invars])
  return list(ruled(function, rule, real)(*values))


def _with_jvp(function: Function, rule: Function, real: list[int]) -> Function:
  custom = jax.custom_jvp(function)

  @custom.defjvp
  def _derived(primals: Any, moved: Any) -> Any:
    both = rule(*primals, *(moved[i] for i in real))
    return both[: len(both) // 2], both[len(both) // 2 :]

  return custom


def _with_vjp(function: Function, rule: Function, real: list[int]) -> Function:
  def forward(*args: Any) -> Any:
    return function(*args), args

  def backward(args: Any, back: Any) -> Any:
    found: list[Any] = [np.zeros(np.shape(x), jax.dtypes.float0) for x in args]
    for i, g in zip(real, rule(*args, *back), strict=True):
      found[i] = g
    return tuple(found)

  custom = jax.custom_vjp(function)
  custom.defvjp(forward, backward)
  return custom


for _name in JVPS:
  NESTED[_name] = functools.partial(_custom, _jvp)
  RUN[_name] = functools.partial(_run_custom, _with_jvp)
for _name in VJPS:
  NESTED[_name] = functools.partial(_custom, _vjp)
  RUN[_name] = functools.partial(_run_custom, _with_vjp)
