"""A file that is written whole or not at all."""

import os
import subprocess
import sys
import threading

import pytest

from prunax.errors import InputError
from prunax.files import write_whole


def test_what_is_written_is_there_and_nothing_else(tmp_path):
  path = tmp_path / 'a.bin'
  for text in (b'long and first', b'short'):
    write_whole(path, lambda file, text=text: file.write(text))
    assert path.read_bytes() == text
  assert os.listdir(tmp_path) == ['a.bin']


@pytest.mark.parametrize('error', [KeyboardInterrupt, ValueError])
def test_an_error_on_the_way_leaves_the_old_file(tmp_path, error):
  path = tmp_path / 'a.bin'
  path.write_bytes(b'old')

  def write(file):
    file.write(b'new')
    raise error

  with pytest.raises(error):
    write_whole(path, write)
  assert path.read_bytes() == b'old' and os.listdir(tmp_path) == ['a.bin']


def test_the_old_file_stays_until_the_new_one_is_whole(tmp_path):
  path = tmp_path / 'a.bin'
  path.write_bytes(b'old')
  seen = []

  def write(file):
    file.write(b'new')
    file.flush()
    seen.append(path.read_bytes())

  write_whole(path, write)
  assert seen == [b'old'] and path.read_bytes() == b'new'


_KILLED = """
import os, signal, sys
from prunax.files import write_whole

def write(file):
  file.write(b'new')
  file.flush()
  os.kill(os.getpid(), signal.SIGKILL)

write_whole(sys.argv[1], write)
"""


def test_a_kill_leaves_the_old_file(tmp_path):
  path = tmp_path / 'a.bin'
  path.write_bytes(b'old')
  done = subprocess.run([sys.executable, '-c', _KILLED, str(path)], check=False)
  assert done.returncode == -9
  assert path.read_bytes() == b'old'
  # What is left beside it does not hinder the next write.
  write_whole(path, lambda file: file.write(b'new'))
  assert path.read_bytes() == b'new'


def test_a_link_stays_a_link(tmp_path):
  (tmp_path / 'store').mkdir()
  stored, link = tmp_path / 'store' / 'a.bin', tmp_path / 'latest'
  link.symlink_to(stored)
  for text in (b'one', b'two'):
    write_whole(link, lambda file, text=text: file.write(text))
    assert link.is_symlink() and stored.read_bytes() == text
  assert os.listdir(tmp_path / 'store') == ['a.bin']


def test_places_that_cannot_be_written(tmp_path):
  (tmp_path / 'folder').mkdir()
  (tmp_path / 'file').touch()
  os.mkfifo(tmp_path / 'pipe')
  for place, match in (
    ('no/a', 'No such file'),
    ('file/a', 'Not a directory'),
    ('folder', 'must be a file'),
    ('pipe', 'must be a file'),
    ('x' * 300, 'too long'),
  ):
    with pytest.raises(InputError, match=match) as error:
      write_whole(tmp_path / place, lambda file: file.write(b'a'))
    assert str(error.value).startswith(str(tmp_path / place))
  assert sorted(os.listdir(tmp_path)) == ['file', 'folder', 'pipe']


def test_two_writers_at_once_do_not_mix(tmp_path):
  path = tmp_path / 'a.bin'
  texts = [bytes([i]) * 100_000 for i in range(4)]
  writers = [
    threading.Thread(target=write_whole, args=(path, lambda f, t=t: f.write(t)))
    for t in texts
  ]
  for writer in writers:
    writer.start()
  for writer in writers:
    writer.join()
  assert path.read_bytes() in texts and os.listdir(tmp_path) == ['a.bin']
