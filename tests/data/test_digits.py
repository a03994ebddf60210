import numpy as np
from sklearn.datasets import load_digits

from prunax.data import digits


def _bilinear(image, size):
  """Corner to corner, one pixel at a time."""
  large = np.zeros((size, size))
  step = (len(image) - 1) / (size - 1)
  for i in range(size):
    for j in range(size):
      y, x = i * step, j * step
      top, left = min(int(y), len(image) - 2), min(int(x), len(image) - 2)
      v, u = y - top, x - left
      large[i, j] = (
        image[top, left] * (1 - v) * (1 - u)
        + image[top, left + 1] * (1 - v) * u
        + image[top + 1, left] * v * (1 - u)
        + image[top + 1, left + 1] * v * u
      )
  return large


def test_images_are_drawn_larger_and_split_by_place():
  got = digits.load()
  small, labels = load_digits(return_X_y=True)
  assert got.train.x.dtype == got.test.x.dtype == np.uint8
  assert got.train.y.dtype == got.test.y.dtype == np.int32
  assert (got.train.x.min(), got.train.x.max()) == (0, 255)
  np.testing.assert_array_equal(got.train.y, labels[:1437])
  np.testing.assert_array_equal(got.test.y, labels[1437:])
  for image, source in (
    (got.train.x[3], small[3]),
    (got.test.x[0], small[1437]),
    (got.test.x[-1], small[-1]),
  ):
    want = _bilinear(source.reshape(8, 8), 28) * 255 / 16
    np.testing.assert_allclose(image[..., 0], want, atol=0.5 + 1e-6)
