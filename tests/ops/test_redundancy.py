"""COP's redundancy, against loops over the published formulas."""

import numpy as np
import pytest

from prunax.errors import InputError
from prunax.ops.redundancy import redundancy, similarity

W = np.random.default_rng(3).normal(size=(4, 6, 5))


def by_loops(w, measure, top_k, normalize):
  positions, c, _ = w.shape
  alike = np.zeros((c, c))
  for p in range(positions):
    for i in range(c):
      for j in range(c):
        a, b = w[p, i], w[p, j]
        if measure == 'correlation':
          up = np.mean((a - a.mean()) * (b - b.mean()))
          alike[i, j] += abs(up / (a.std() * b.std() + 1e-8)) / positions
        elif measure == 'cosine':
          down = np.linalg.norm(a) * np.linalg.norm(b) + 1e-8
          alike[i, j] += abs(a @ b / down) / positions
        else:
          alike[i, j] += abs(a @ b) / positions
  off = [alike[i, j] for i in range(c) for j in range(c) if i != j]
  whole = {
    'max': max(off),
    'l1': sum(off) / 2,
    'l2': sum(x * x for x in off) ** 0.5,
  }[normalize]
  found = []
  for i in range(c):
    others = sorted((alike[i, j] for j in range(c) if j != i), reverse=True)
    found.append(np.mean(others[:top_k]) / whole)
  return found


@pytest.mark.parametrize('measure', ['correlation', 'cosine', 'inner_product'])
@pytest.mark.parametrize('normalize', ['max', 'l1', 'l2'])
@pytest.mark.parametrize('top_k', [1, 3, 9])
def test_as_by_loops(measure, normalize, top_k):
  found = redundancy(W, measure, top_k, normalize)
  np.testing.assert_allclose(
    found, by_loops(W, measure, top_k, normalize), rtol=1e-9
  )


def test_a_copy_is_as_redundant_as_can_be():
  w = W.copy()
  w[:, 4] = -2 * w[:, 1]
  found = redundancy(w, top_k=1)
  assert found[[1, 4]] == pytest.approx(1) and max(found[[0, 2, 3, 5]]) < 1


def test_a_constant_channel_is_like_no_other():
  w = W.copy()
  w[:, 2] = 1
  assert redundancy(w)[2] == pytest.approx(0, abs=1e-6)
  assert np.isfinite(redundancy(np.ones((1, 3, 4)))).all()


def test_one_channel_has_no_others():
  assert redundancy(W[:, :1]).tolist() == [0]


def test_bad_names_are_refused():
  with pytest.raises(InputError, match='cosine'):
    similarity(W, 'best')
  with pytest.raises(InputError, match='l1'):
    redundancy(W, normalize='best')
