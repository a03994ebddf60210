"""The digits of scikit-learn, at the size of MNIST: real data without files."""

import numpy as np

from prunax.data.types import Dataset, Split
from prunax.files import PathLike

_TEST = 360


def load(data_dir: PathLike | None = None) -> Dataset:
  """1,797 hand-written digits, [28, 28, 1] uint8.

  The 8x8 images of 0 to 16 (the test set of Alpaydin and Kaynak, Optical
  Recognition of Handwritten Digits, 1998) are drawn larger by bilinear
  interpolation. The file runs from writer to writer, so the last 360 images,
  which are the test set, are by other hands than most of the first 1,437.

  >>> digits = load()
  >>> digits.train.x.shape, digits.test.x.shape, digits.classes
  ((1437, 28, 28, 1), (360, 28, 28, 1), 10)

  Args:
    data_dir: not used, since the images come with scikit-learn.
  """
  # Slow to import, and no other data set needs them.
  from scipy import ndimage
  from sklearn import datasets

  small, labels = datasets.load_digits(return_X_y=True)
  large = ndimage.zoom(
    small.reshape(-1, 8, 8), (1, 3.5, 3.5), order=1, prefilter=False
  )
  x = np.rint(large * (255 / 16)).astype(np.uint8)[..., None]
  y = labels.astype(np.int32)
  return Dataset(
    'digits',
    train=Split(x[:-_TEST], y[:-_TEST]),
    test=Split(x[-_TEST:], y[-_TEST:]),
    classes=10,
  )
