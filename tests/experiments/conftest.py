"""The binaries as programs, without a start of Python for each."""

import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

ROOT = pathlib.Path(__file__).parent.parent.parent


class Ended(NamedTuple):
  """How a program ended."""

  code: int
  out: str
  err: str


Launch = Callable[..., Ended]


@pytest.fixture(scope='session')
def launch() -> Iterator[Launch]:
  """Runs a binary: its module and its flags give its exit code and output.

  `out` is a file that stdout goes to instead.
  """
  server = subprocess.Popen(
    [sys.executable, str(pathlib.Path(__file__).parent / 'forks.py')],
    stdin=subprocess.PIPE,
    stdout=subprocess.PIPE,
    text=True,
    env={**os.environ, 'PYTHONPATH': str(ROOT)},
  )

  def run(
    module: str, *flags: object, out: str = '', **environment: str
  ) -> Ended:
    request = {
      'module': module,
      'flags': [str(flag) for flag in flags],
      'folder': str(ROOT),
      'environment': environment,
      'out': out,
    }
    server.stdin.write(json.dumps(request) + '\n')
    server.stdin.flush()
    return Ended(**json.loads(server.stdout.readline()))

  yield run
  server.stdin.close()
  server.stdout.close()
  server.wait()
