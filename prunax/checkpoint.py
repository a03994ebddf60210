"""Checkpoints by orbax: whole or not there at all."""

import pathlib
import re
import shutil
from typing import Any

import jax
import orbax.checkpoint as ocp

from prunax.errors import InputError

_NAME = re.compile(r'(\d+)-(\d+)')
_KEPT = 2


def _places(folder: pathlib.Path) -> list[tuple[int, int, pathlib.Path]]:
  """The checkpoints that were finished: stage, step and path, oldest first."""
  if not folder.is_dir():
    return []
  found = []
  for path in folder.iterdir():
    match = _NAME.fullmatch(path.name)
    if match:
      found.append((int(match[1]), int(match[2]), path))
  return sorted(found)


def latest(folder: pathlib.Path) -> tuple[int, int, pathlib.Path] | None:
  """The stage, step and path of the newest finished checkpoint, or None."""
  places = _places(folder)
  return places[-1] if places else None


def save(
  folder: pathlib.Path, stage: int, step: int, value: Any
) -> pathlib.Path:
  """Writes a pytree of arrays and numbers, then removes what is superseded.

  Orbax writes to a temporary folder and renames it, so a save that is cut
  short leaves the checkpoints that were there.
  """
  path = folder.absolute() / f'{stage}-{step:08d}'
  try:
    with ocp.StandardCheckpointer() as checkpointer:
      checkpointer.save(path, value, force=True)
      checkpointer.wait_until_finished()
  except Exception as e:
    for leftover in folder.glob(f'{path.name}.*'):
      shutil.rmtree(leftover, ignore_errors=True)
    raise InputError(
      f'a checkpoint must fit into {folder}, but writing {path.name} failed'
      f' ({_first_line(e)}): make room and run the same command again'
    ) from e
  for *_, old in _places(folder)[:-_KEPT]:
    shutil.rmtree(old, ignore_errors=True)
  return path


def restore(path: pathlib.Path, like: Any) -> Any:
  """Reads a checkpoint into the structure, shapes and dtypes of `like`."""
  target = jax.tree.map(ocp.utils.to_shape_dtype_struct, like)
  try:
    with ocp.StandardCheckpointer() as checkpointer:
      return checkpointer.restore(path.absolute(), target)
  except Exception as e:
    raise InputError(
      f'the checkpoint {path} cannot be read ({_first_line(e)}): remove it to'
      ' go on from the one before, or start anew with --overwrite'
    ) from e


def _first_line(error: Exception) -> str:
  lines = str(error).strip().splitlines()
  return lines[0][:200] if lines else type(error).__name__
