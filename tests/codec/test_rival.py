"""The coding that the benchmark compares with, and what it draws."""

import importlib.util
import pathlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

ROOT = pathlib.Path(__file__).parent.parent.parent


@pytest.fixture(scope='module')
def huffman():
  path = ROOT / 'benchmarks' / 'huffman.py'
  spec = importlib.util.spec_from_file_location('huffman', path)
  module = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(module)
  return module


def test_codes_by_hand(huffman):
  # Lengths 1, 2, 3 and 3; 2, 2, 2, 2; a lone symbol needs a bit all the same.
  assert huffman.code_bits(np.array([4, 2, 1, 1])) == 14
  assert huffman.code_bits(np.array([3, 3, 0, 3, 3])) == 24
  assert huffman.code_bits(np.array([0, 5])) == 5


@given(st.lists(st.integers(1, 1000), min_size=2, max_size=40))
@settings(max_examples=50, deadline=None)
def test_codes_are_within_a_bit_of_the_entropy(huffman, counts):
  counts = np.array(counts)
  entropy = -(counts * np.log2(counts / counts.sum())).sum()
  assert entropy - 1e-6 <= huffman.code_bits(counts) <= entropy + counts.sum()


@given(st.lists(st.integers(0, 40), max_size=30), st.integers(1, 5))
@settings(max_examples=60, deadline=None)
def test_distances_against_a_walk(huffman, zeros, bits):
  # The last weight ends the layer, so that no zero is filled in for nothing.
  x = np.concatenate([[], *([*[0.0] * n, 1.0] for n in zeros)])
  counts, filled, since = np.zeros(1 << bits, int), 0, 0
  for value in x:
    since += 1
    if value or since == 1 << bits:
      counts[since - 1] += 1
      filled += not value
      since = 0
  found, padded = huffman.distances(x, bits)
  assert padded == filled
  np.testing.assert_array_equal(found, counts)


def test_a_layer_by_hand(huffman):
  x = np.zeros(40)
  x[[0, 1, 2, 35]] = 1, 1, 2, 1
  # Distances 1, 1, 1, 16, 16, 1 are 6 bits; values 1, 1, 2, 0, 0, 1 are 9;
  # 16 + 3 lengths and two values of the codebook.
  assert huffman.layer_bytes(x) == (6 + 9 + 5 * 19 + 64 + 7) // 8
