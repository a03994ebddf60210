"""Runs the binaries, each in a fork of a process that has imported them once.

A line of JSON asks: the module, its flags, the folder, the variables of the
environment, a file for stdout or ''; a line answers: the exit code, stdout and
stderr.
"""

import json
import os
import runpy
import sys
import tempfile
import traceback
import warnings
from typing import IO, Any

# Slow, and the same for all binaries.
from scipy import ndimage as ndimage
from sklearn import datasets as datasets

from experiments import launch as launch

# The forks start before JAX has any thread.
warnings.filterwarnings('ignore', message='.*fork.*', category=RuntimeWarning)


def become(request: dict[str, Any], out: IO[str], err: IO[str]) -> None:
  """Makes this process the one that was asked for."""
  nothing = os.open(os.devnull, os.O_RDONLY)
  for number, source in enumerate((nothing, out.fileno(), err.fileno())):
    os.dup2(source, number)
  if request['out']:
    os.dup2(os.open(request['out'], os.O_WRONLY), 1)
  os.chdir(request['folder'])
  os.environ.update(request['environment'])
  sys.argv = [request['module'], *request['flags']]


def answer(child: int, out: IO[str], err: IO[str]) -> None:
  """Waits for the child's end and tells how it was."""
  _, status = os.waitpid(child, 0)
  reply: dict[str, Any] = {'code': os.waitstatus_to_exitcode(status)}
  for name, file in (('out', out), ('err', err)):
    file.seek(0)
    reply[name] = file.read()
  print(json.dumps(reply), flush=True)


def end() -> None:
  """Runs the binary and ends this process as Python would."""
  code: Any = 0
  try:
    runpy.run_module(sys.argv[0], run_name='__main__', alter_sys=True)
  except SystemExit as e:
    code = e.code or 0
  except BaseException:
    traceback.print_exc()
    code = 1
  sys.stdout.flush()
  sys.stderr.flush()
  # To tear down all that was imported takes longer than most of the binaries.
  os._exit(code)


for line in sys.stdin:
  with (
    tempfile.TemporaryFile('w+') as out,
    tempfile.TemporaryFile('w+') as err,
  ):
    child = os.fork()
    if child:
      answer(child, out, err)
      continue
    become(json.loads(line), out, err)
    end()
