"""The command as a program: its usage, exit codes and streams."""

import json
import os
import subprocess
import sys

import pytest


def in_a_shell(*arguments, stdout=subprocess.PIPE, env=None):
  """The command in a process of its own."""
  return subprocess.run(
    [sys.executable, '-m', 'prunax.cli', *map(str, arguments)],
    stdout=stdout,
    stderr=subprocess.PIPE,
    env=env,
    text=True,
    timeout=120,
  )


@pytest.mark.parametrize(
  'arguments',
  [
    [],
    ['frob'],
    ['inspect'],
    ['evaluate'],
    ['inspect', 'a.npz', 'b.npz'],
    ['inspect', 'a.npz', '--data', 'mnist'],
    ['evaluate', 'a.npz', '--model'],
    ['evaluate', 'a.npz', '--fast'],
  ],
  ids=' '.join,
)
def test_wrong_usage(complaint, arguments):
  assert '--help' in complaint(*arguments, code=2)


@pytest.mark.parametrize('option', ['--help', '--version'])
def test_help_and_version(run, option):
  code, out, err = run(option)
  assert (code, err) == (0, '') and out


def test_in_a_shell(file, run_folder):
  done = in_a_shell('inspect', file, '--json')
  assert (done.returncode, done.stderr) == (0, '')
  assert json.loads(done.stdout)['total']['size'] == 266_610
  done = in_a_shell('evaluate', run_folder / 'gone')
  assert (done.returncode, done.stdout) == (1, '')
  assert done.stderr.startswith('error: ') and 'Traceback' not in done.stderr


def test_in_a_shell_without_unicode(file):
  done = in_a_shell(
    'inspect', file, env=os.environ | {'PYTHONIOENCODING': 'ascii'}
  )
  assert (done.returncode, done.stderr) == (0, '')
  assert 'ip1/kernel' in done.stdout and done.stdout.isascii()


def test_a_reader_that_goes_away(file):
  reading, writing = os.pipe()
  os.close(reading)
  try:
    done = in_a_shell('inspect', file, stdout=writing)
  finally:
    os.close(writing)
  assert (done.returncode, done.stderr) == (141, '')


@pytest.mark.skipif(not os.path.exists('/dev/full'), reason='needs /dev/full')
def test_a_disk_that_is_full(file):
  with open('/dev/full', 'w') as full:
    done = in_a_shell('inspect', file, stdout=full)
  assert done.returncode == 1
  assert done.stderr.startswith('error: ') and done.stderr.count('\n') == 1
