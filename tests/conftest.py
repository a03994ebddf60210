"""Shared fixtures: four host devices, where the real data lies, a small run."""

import importlib.util
import os
import pathlib
from collections.abc import Callable
from typing import Any

import jax
import pytest

jax.config.update('jax_num_cpu_devices', 4)


def _folder(variable: str, holds: str) -> pathlib.Path:
  folder = os.environ.get(variable)
  if not folder:
    pytest.skip(f'{variable} is not set: it names the folder of {holds}')
  return pathlib.Path(folder)


@pytest.fixture(scope='session')
def data_dir() -> pathlib.Path:
  """The folder of the real data sets."""
  return _folder('PRUNAX_DATA_DIR', 'the data sets')


@pytest.fixture(scope='session')
def mnist_dir(data_dir: pathlib.Path) -> pathlib.Path:
  """The folder of the four idx files of MNIST."""
  return data_dir / 'mnist'


@pytest.fixture(scope='session')
def models_dir() -> pathlib.Path:
  """The folder of the `.caffemodel` files."""
  return _folder('PRUNAX_MODELS_DIR', 'the .caffemodel files')


@pytest.fixture(scope='session')
def small_file() -> pathlib.Path:
  """The config of a small experiment."""
  return pathlib.Path(__file__).parent / 'small.py'


@pytest.fixture(scope='session')
def make_small(small_file: pathlib.Path) -> Callable[[], dict[str, Any]]:
  """Makes the config of the small experiment, which has all kinds of stages."""
  spec = importlib.util.spec_from_file_location('small', small_file)
  module = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(module)
  return lambda: module.get_config().to_dict()


@pytest.fixture
def small_config(make_small: Callable[[], dict[str, Any]]) -> dict[str, Any]:
  """The config of the small experiment, free to be changed."""
  return make_small()
