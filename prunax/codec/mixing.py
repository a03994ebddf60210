"""The chance of a bit, learnt from what was seen in several contexts."""

from collections.abc import Sequence

from prunax.codec.coder import Coder
from prunax.codec.tables import LIMIT, LOGISTIC, LOGITS

# A chance stays within these, of 65,536.
_LEAST, _MOST = 16, 65_520


class Mixed:
  """Codes bits by counts in several contexts, mixed in the logistic domain.

  The first context of a bit is its plainest. Every other one starts from the
  first one's chance and departs from it by what it has seen; the logits are
  added with weights, which follow the gradient of the code's length.

  Args:
    coder: an encoder or a decoder.
    weights: of the contexts' departures, of 65,536.
    prior: for how many bits the first context's chance counts in the others.
    rate: of the weights, of 65,536.
  """

  def __init__(
    self,
    coder: Coder,
    weights: Sequence[int],
    prior: int = 6,
    rate: int = 3,
  ) -> None:
    self._coder = coder
    self._weights = [65_536, *weights]
    self._prior, self._rate = prior, rate
    self._first: dict[int, list[int]] = {}
    self._others: list[dict[int, list[int]]] = [{} for _ in weights]

  def code(self, bit: int, first: int, others: Sequence[int]) -> int:
    """Writes or reads a bit.

    Args:
      bit: what is written; for a decoder, anything.
      first: the plainest context.
      others: one context for each weight.
    """
    start = self._first.get(first)
    if start is None:
      start = self._first[first] = [0, 0]
    base = ((2 * start[1] + 1) << 16) // (2 * (start[0] + start[1]) + 2)
    middle = LOGITS[base >> 4]
    held, inputs = [start], [middle]
    for table, context in zip(self._others, others, strict=True):
      seen = table.get(context)
      if seen is None:
        seen = table[context] = [0, 0]
      zeros, ones = seen
      chance = ((ones << 16) + self._prior * base) // (
        zeros + ones + self._prior
      )
      held.append(seen)
      inputs.append(LOGITS[chance >> 4] - middle)
    weights = self._weights
    logit = sum(map(int.__mul__, weights, inputs)) >> 16
    chance = LOGISTIC[max(-LIMIT, min(LIMIT, logit)) + LIMIT]
    chance = max(_LEAST, min(_MOST, chance))
    bit = self._coder.code(bit, chance)
    step = ((bit << 16) - chance) * self._rate
    for i, x in enumerate(inputs):
      weights[i] += step * x >> 16
      held[i][bit] += 1
    return bit
