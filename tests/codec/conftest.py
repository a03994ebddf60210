"""Fixtures of the `.prx` tests."""

import importlib.util
import pathlib
from types import ModuleType

import pytest

HERE = pathlib.Path(__file__).parent


def _module(path: pathlib.Path) -> ModuleType:
  spec = importlib.util.spec_from_file_location(path.stem, path)
  module = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(module)
  return module


@pytest.fixture(scope='session')
def oracle() -> ModuleType:
  """The reader that was made from docs/format.md alone."""
  return _module(HERE / 'oracle.py')


@pytest.fixture(scope='session')
def golden() -> ModuleType:
  """The script that describes and writes golden files."""
  return _module(HERE / 'golden' / 'make.py')


@pytest.fixture(scope='session')
def arrays() -> ModuleType:
  """Arrays of all kinds."""
  return _module(HERE / 'arrays.py')
