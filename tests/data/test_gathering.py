import numpy as np
import pytest

from prunax.data import gather
from prunax.errors import InputError


def test_examples_one_by_one():
  pairs = ((np.full((2, 2), i, np.uint8), i) for i in range(4))
  x, y = gather(pairs)
  assert x.dtype == np.uint8 and x.shape == (4, 2, 2)
  assert x[:, 0, 0].tolist() == y.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
  ('examples', 'match'),
  [
    ([], 'at least one, got none'),
    ([np.zeros(2)], 'pairs of x and y, got ndarray as number 0'),
    ([(1.0, 0), (1.0,)], 'got tuple as number 1'),
    ([(np.zeros(2), 0), (np.zeros(3), 0)], r'of \(3,\) as number 1'),
    ([(np.zeros(2), 0), (np.zeros(2, 'f4'), 0)], 'float32 .* after float64'),
  ],
)
def test_iterators_that_give_something_else(examples, match):
  with pytest.raises(InputError, match=match):
    gather(examples)
