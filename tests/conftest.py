"""Shared fixtures: four host devices, where the real data lies, a small run."""

import importlib.util
import os
import pathlib
from types import ModuleType

import jax
import pytest

# Nearly all of the time goes to compiling programs that run for a few steps:
# XLA shall compile soon rather than well, in programs that tests start, too.
# Devices may wait for each other longer than 40 s where a machine is busy.
os.environ['XLA_FLAGS'] = ' '.join(
  (
    '--xla_backend_optimization_level=0',
    '--xla_cpu_use_fusion_emitters=false',
    '--xla_cpu_collective_call_terminate_timeout_seconds=600',
    os.environ.get('XLA_FLAGS', ''),
  )
)
jax.config.update('jax_num_cpu_devices', 4)
# Devices that wait for each other each hold a thread of one pool, which has no
# more than one for each device: without spare ones the last may wait for ever.
os.environ['PJRT_NPROC'] = '16'
jax.config.update('jax_cpu_enable_async_dispatch', False)


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
def small(small_file: pathlib.Path) -> ModuleType:
  """The module of the small experiment; its `make` gives configs."""
  spec = importlib.util.spec_from_file_location('small', small_file)
  module = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(module)
  return module
