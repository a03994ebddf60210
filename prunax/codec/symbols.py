"""Symbols of small alphabets, bit by bit, for small leaves."""

from collections.abc import Sequence

from prunax.codec.coder import Coder
from prunax.codec.mixing import Mixed

_WEIGHTS = (13_000, 13_000, 6_000)
_PRIOR, _RATE = 12, 6


def code(
  coder: Coder,
  symbols: Sequence[int],
  width: int,
  units: Sequence[int],
  rows: Sequence[int],
) -> list[int]:
  """Writes or reads one symbol for each alive entry, highest bit first.

  Args:
    coder: an encoder or a decoder.
    symbols: what is written; for a decoder, anything of the same length.
    width: how many bits a symbol has.
    units: the column of each entry: weights of one unit resemble each other.
    rows: the row of each entry.
  """
  if not width:
    return [0] * len(symbols)
  coder.expect(width * len(symbols))
  model = Mixed(coder, _WEIGHTS, prior=_PRIOR, rate=_RATE)
  found: list[int] = []
  last: dict[int, int] = {}
  for symbol, unit, row in zip(symbols, units, rows, strict=True):
    node, before = 1, last.get(unit, 0)
    for place in range(width - 1, -1, -1):
      bit = model.code(
        symbol >> place & 1,
        node,
        (unit << width | node, row << width | node, before << width | node),
      )
      node = 2 * node + bit
    found.append(node - (1 << width))
    last[unit] = found[-1] + 1
  return found
