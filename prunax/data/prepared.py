"""Sets that tensorflow-datasets has prepared as ArrayRecord."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from prunax.data import cifar, folders
from prunax.data.scaling import Scale, scale
from prunax.data.types import Dataset, Split, checked, checked_dataset
from prunax.errors import InputError
from prunax.files import PathLike

# The same set has the same scale, wherever its files come from.
_SCALES = {'cifar10': cifar.SCALE, 'cifar100': cifar.SCALE}


def _sources(name: str, folder: str | None) -> dict[str, Any]:
  where = folder or "tensorflow-datasets' own folder"
  try:
    # Slow to import, and no other data set needs it.
    import tensorflow_datasets as tfds

    return dict(tfds.data_source(name, data_dir=folder, download=False))
  # One missing set is an error of half a dozen classes there, some of them
  # bare asserts.
  except Exception as e:
    raise InputError(
      f'tfds:{name} must be prepared as ArrayRecord in {where}, got'
      f' {type(e).__name__}: prepare it with tfds.builder({name!r},'
      " data_dir=..., file_format='array_record').download_and_prepare()"
    ) from e


def _split(name: str, part: str, source: Sequence[Any]) -> Split:
  images, labels = [], []
  for i in range(len(source)):
    try:
      example = source[i]
    except ImportError as e:
      raise InputError(
        f'tfds:{name} holds encoded images, and what decodes them is not'
        ' installed: install the package pillow'
      ) from e
    except Exception as e:
      raise InputError(
        f'tfds:{name} ({part}) must have readable examples, got'
        f' {type(e).__name__} for number {i}: prepare it again'
      ) from e
    images.append(np.asarray(example['image']))
    labels.append(example['label'])
    if images[-1].shape != images[0].shape:
      raise InputError(
        f'tfds:{name} ({part}) must have images of one shape, got'
        f' {images[0].shape} and {images[-1].shape}: prepare it at one size'
      )
  if not images:
    raise InputError(
      f'tfds:{name} ({part}) must hold at least one example, got none:'
      ' prepare it again'
    )
  where = f'tfds:{name} ({part})'
  return checked(Split(np.stack(images), np.asarray(labels)), where)


def load(name: str, data_dir: PathLike | None = None) -> Dataset:
  """A prepared set of images with labels, read without TensorFlow.

  The test set is the split `test`, or `validation` where there is none.

  Args:
    name: as tensorflow-datasets spells it, `NAME[/CONFIG][:VERSION]`.
    data_dir: the folder of prepared sets; None means PRUNAX_DATA_DIR, or
      without that the own folder of tensorflow-datasets.
  """
  folder = folders.find(data_dir)
  sources = _sources(name, str(folder) if folder else None)
  test = 'test' if 'test' in sources else 'validation'
  for part in ('train', test):
    if part not in sources:
      raise InputError(
        f"tfds:{name} must have the splits 'train' and 'test' or 'validation',"
        f' got {sorted(sources)}: choose another set'
      )
  features = dict(sources['train'].dataset_info.features.items())
  for key in ('image', 'label'):
    if key not in features:
      raise InputError(
        f"tfds:{name} must have the features 'image' and 'label', got"
        f' {sorted(features)}: choose a set of images with labels'
      )
  train, held = (_split(name, part, sources[part]) for part in ('train', test))
  classes = getattr(features['label'], 'num_classes', None)
  if classes is None:
    classes = 1 + max(int(split.y.max()) for split in (train, held))
  full = f'tfds:{name}'
  found = Dataset(full, train, held, int(classes), _scale_of(name))
  return checked_dataset(found, full)


def _scale_of(name: str) -> Scale:
  """The scale of a set, whatever its configuration and version.

  >>> _scale_of('cifar10:3.0.2') == cifar.SCALE, _scale_of('mnist') == scale
  (True, True)
  """
  return _SCALES.get(name.partition(':')[0].partition('/')[0], scale)
