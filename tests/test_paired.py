"""McNemar's exact test against its sum."""

import math

import numpy as np
import pytest

from prunax import paired


@pytest.mark.parametrize(('lost', 'won'), [(9, 2), (2, 9), (5, 5), (0, 4)])
def test_against_the_sum_of_binomials(lost, won):
  before = np.array([True] * (20 + lost) + [False] * (7 + won))
  after = np.array([True] * 20 + [False] * (lost + 7) + [True] * won)
  n, k = lost + won, min(lost, won)
  tail = sum(math.comb(n, i) for i in range(k + 1)) / 2**n
  found = paired.mcnemar(before, after)
  assert (found['lost'], found['won']) == (lost, won)
  np.testing.assert_allclose(found['p'], min(1.0, 2 * tail), rtol=1e-9)


def test_the_same_answers_tell_nothing():
  right = np.array([True, False, True])
  assert paired.mcnemar(right, right) == {'lost': 0, 'won': 0, 'p': 1.0}
