"""The logistic function and its inverse, as tables of whole numbers.

Every entry follows from one constant by whole-number arithmetic, so that the
tables are the same on any machine.
"""

# 2^40 times e^(1/256), rounded.
_GROWTH = 1_103_814_994_613

_ONE = 1 << 40

# Logits lie within +-LIMIT, in steps of 1/256.
LIMIT = 2047


def _logistic() -> list[int]:
  """Probabilities, of 65,536, of the logits from -LIMIT to LIMIT."""
  upper, power = [], _ONE
  for _ in range(LIMIT + 1):
    upper.append((power << 16) // (power + _ONE))
    power = (power * _GROWTH) >> 40
  return [65_536 - p for p in upper[:0:-1]] + upper


def _logits(probabilities: list[int]) -> list[int]:
  """For each of 4,096 probabilities, the first logit that is as large."""
  found, place = [], 0
  for step in range(4096):
    while place < 2 * LIMIT and probabilities[place] < 16 * step + 8:
      place += 1
    found.append(place - LIMIT)
  return found


LOGISTIC = _logistic()
LOGITS = _logits(LOGISTIC)
