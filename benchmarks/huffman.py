"""How many bytes Deep Compression's coding of a layer has.

Han, Mao and Dally (2016), sections 2 to 4: what is alive is stored by its
distance from what is alive before it, in so many bits; where it is farther
away, zeros are filled in; distances and indices into the codebook have Huffman
codes of their own.
"""

import heapq

import numpy as np

# Of a code's length in a table, and of a value in a codebook.
_LENGTH_BITS, _VALUE_BITS = 5, 32


def code_bits(counts: np.ndarray) -> int:
  """The bits of all symbols by their Huffman code.

  >>> code_bits(np.array([4, 2, 1, 1]))
  14

  Args:
    counts: how often each symbol occurs.
  """
  heap = [int(c) for c in counts if c > 0]
  if len(heap) == 1:
    return heap[0]
  heapq.heapify(heap)
  total = 0
  while len(heap) > 1:
    merged = heapq.heappop(heap) + heapq.heappop(heap)
    total += merged
    heapq.heappush(heap, merged)
  return total


def distances(x: np.ndarray, bits: int) -> tuple[np.ndarray, int]:
  """How often each distance occurs, less 1, and how many zeros are filled in.

  >>> distances(np.array([0, 3, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7]), 3)
  (array([0, 1, 2, 0, 0, 0, 0, 1]), 1)

  Args:
    x: the weights.
    bits: of a distance, which is from 1 to 2^bits.
  """
  most = 1 << bits
  gaps = np.diff(np.flatnonzero(x), prepend=-1) - 1
  filled = int((gaps // most).sum())
  counts = np.bincount(gaps % most, minlength=most)
  counts[-1] += filled
  return counts, filled


def layer_bytes(x: np.ndarray, bits: int = 4) -> int:
  """The bytes of a layer of few distinct weights, with its tables.

  Args:
    x: the weights.
    bits: of a distance.
  """
  near, filled = distances(x, bits)
  values, counts = np.unique(x[x != 0], return_counts=True)
  found = code_bits(near) + code_bits(np.append(counts, filled))
  tables = len(near) + len(values) + 1
  found += _LENGTH_BITS * tables + _VALUE_BITS * len(values)
  return (found + 7) // 8
