"""What the layers that read a channel lose with it, behind their relu."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from prunax import tree
from prunax.shrinking import model
from prunax.shrinking.groups import Group
from prunax.shrinking.onward import Onward, onward
from prunax.shrinking.readers import Reader, all_readers, run_of
from prunax.shrinking.receiving import of_group
from prunax.shrinking.rule import results
from prunax.shrinking.score import Leaves, Score
from prunax.shrinking.tape import Tape


def nre(
  apply: Callable[..., Any],
  variables: Any,
  *example: Any,
  rules: tree.Rules | None = None,
  **kwargs: Any,
) -> Score:
  """The error that taking a channel alone away makes behind the nonlinearity.

  Our reading of Jiang et al., Efficient DNN Neuron Pruning by Minimizing
  Layer-wise Nonlinear Reconstruction Error, 2018, which comes with no code. For
  a layer of output f(y) = relu(y + bias) on the example, and y_c what channel c
  adds to y, it is the sum of (f(y) - f(y - y_c))^2 over that of f(y)^2, so that
  layers are comparable; the mean over the layers that read the channel and lie
  in no loop. `onward` says what f is; where there is none, f(y) = y.

  >>> import prunax
  >>> def apply(variables, x):
  ...   return jax.nn.relu(x @ variables['a'] @ variables['b'])
  >>> net = {'a': np.eye(2, dtype='f'), 'b': np.array([[3.0], [-1.0]], 'f')}
  >>> x = np.array([[1.0, 2.0]], 'f')
  >>> group = prunax.channels(apply, net, x)[0]
  >>> nre(apply, net, x)(net, group).tolist()
  [1.0, 4.0]

  Args:
    apply: a pure function of (variables, *example, **kwargs).
    variables: any tree of arrays.
    *example: what else it is called with; the first array has the examples
      along its first axis.
    rules: path rules for groups by their id: None for those to leave out, as
      `shrink` takes them.
    **kwargs: what `apply` is called with by name.
  """
  run = run_of(apply, variables, model.call_of(example, kwargs))
  found = all_readers(run, 'nre', rules)

  # What multiplies two arrays of the example reads a group once.
  own = {
    name: list({(r.line.outs, r.axes): r for r in some}.values())
    for name, some in found.items()
  }
  lines = {r.line.outs: r.line for some in own.values() for r in some}
  ways = {outs: onward(run.tape, line) for outs, line in lines.items()}
  wanted = [
    i for outs, x in lines.items() for i in (*x.ins, *ways[outs].others)
  ]

  def errors(variables: Any, arrays: list[Any]) -> dict[str, jax.Array]:
    seen = run.seen(variables, arrays, wanted)

    def mean(some: list[Reader]) -> jax.Array:
      each = [_errors(run.tape, r, ways[r.line.outs], seen) for r in some]
      return jnp.mean(jnp.stack(each), 0)

    return {name: mean(some) for name, some in own.items()}

  known = jax.jit(errors)(variables, run.arrays)

  def score(leaves: Leaves, group: Group) -> np.ndarray:
    del leaves
    return of_group(known, group, 'nre')

  return score


def _errors(
  tape: Tape, reader: Reader, way: Onward, seen: Mapping[int, Any]
) -> jax.Array:
  """[size] the relative errors of one layer without each of its inputs."""
  eqn = reader.line.step.eqn
  operands = [seen[i] for i in reader.line.ins]
  whole = results(eqn, operands)[0]
  output = way.output(tape, whole, seen)

  def without(places: Any) -> jax.Array:
    taken = zip(operands, places, reader.axes, strict=True)
    part = results(eqn, [x.take(at, k) for x, at, k in taken])[0]
    rest = way.output(tape, whole - part, seen)
    return jnp.sum(jnp.square(output - rest))

  size = jnp.sum(jnp.square(output))
  lost = jax.lax.map(without, reader.places)
  return lost / jnp.maximum(size, jnp.finfo(size.dtype).tiny)
