"""Checkpoints by orbax: whole or not there at all."""

import hashlib
import json
import os
import pathlib
import re
import shutil
import tempfile
from typing import Any

import jax
import orbax.checkpoint as ocp

from prunax import tree
from prunax.errors import InputError

_NAME = re.compile(r'(\d+)-(\d+)')
_DIGESTS = 'digests.json'
_KEPT = 2

# How the storage under orbax tells which call to the system failed, and why.
_SYSTEM_ERROR = re.compile(r"os_error_code='(\d+)'")


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

  All is written under another name and renamed at the end, so a save that is
  cut short leaves the checkpoints that were there.
  """
  path = folder.absolute() / f'{stage}-{step:08d}'
  draft = path.with_name(f'{path.name}.draft')
  _remove_leftovers(folder)
  try:
    _reserve(folder, value)
    with ocp.StandardCheckpointer() as checkpointer:
      checkpointer.save(draft, value, force=True)
      checkpointer.wait_until_finished()
    (draft / _DIGESTS).write_text(json.dumps(_digests(draft)))
    shutil.rmtree(path, ignore_errors=True)
    draft.rename(path)
  except Exception as e:
    _remove_leftovers(folder)
    raise InputError(
      f'a checkpoint must fit into {folder}, but writing {path.name} failed'
      f' ({_reason(e)}): make room and run the same command again'
    ) from e
  for *_, old in _places(folder)[:-_KEPT]:
    if old.name != path.name:
      shutil.rmtree(old, ignore_errors=True)
  return path


def remove_after(folder: pathlib.Path, stage: int) -> None:
  """Removes the checkpoints of all later stages."""
  for number, _, path in _places(folder):
    if number > stage:
      shutil.rmtree(path, ignore_errors=True)


def restore(path: pathlib.Path, like: Any) -> Any:
  """Reads a checkpoint into the structure, shapes and dtypes of `like`."""
  target = jax.tree.map(ocp.utils.to_shape_dtype_struct, like)
  try:
    _check_digests(path)
    with ocp.StandardCheckpointer() as checkpointer:
      value = checkpointer.restore(path.absolute(), target)
    _check_shapes(value, like)
    return value
  except Exception as e:
    raise InputError(
      f'the checkpoint {path} cannot be read ({_reason(e)}): remove it to go'
      ' on from the one before, or start anew with --overwrite'
    ) from e


def _reserve(folder: pathlib.Path, value: Any) -> None:
  """Fails where there is no room, before threads that fail noisily."""
  folder.mkdir(parents=True, exist_ok=True)
  if hasattr(os, 'posix_fallocate'):
    size = sum(x.nbytes for x in jax.tree.leaves(value))
    with tempfile.TemporaryFile(dir=folder) as file:
      os.posix_fallocate(file.fileno(), 0, max(size, 1))


def _digests(folder: pathlib.Path) -> dict[str, str]:
  """The digest of each file of a checkpoint, by its path in there."""
  return {
    file.relative_to(folder).as_posix(): hashlib.sha256(
      file.read_bytes()
    ).hexdigest()
    for file in sorted(folder.rglob('*'))
    if file.is_file() and file.name != _DIGESTS
  }


def _check_digests(path: pathlib.Path) -> None:
  """Refuses a damaged file: orbax may not notice, or take it badly."""
  try:
    wanted = json.loads((path / _DIGESTS).read_text())
  except (OSError, ValueError):
    raise ValueError(f'its file {_DIGESTS} is missing or damaged') from None
  found = _digests(path)
  for name, digest in wanted.items():
    if found.get(name) != digest:
      state = 'is damaged' if name in found else 'is missing'
      raise ValueError(f'its file {name} {state}')


def _check_shapes(value: Any, like: Any) -> None:
  """Refuses another network's weights, which orbax may cut to fit or not."""
  pairs = zip(jax.tree.leaves(value), jax.tree.leaves(like), strict=True)
  for name, (x, y) in zip(tree.leaf_names(like), pairs, strict=True):
    if x.shape != y.shape:
      raise ValueError(f'its {name} has the shape {x.shape}, not {y.shape}')


def _remove_leftovers(folder: pathlib.Path) -> None:
  """Removes what saves that were cut short have left."""
  if folder.is_dir():
    for path in folder.iterdir():
      if not _NAME.fullmatch(path.name):
        shutil.rmtree(path, ignore_errors=True)


def _reason(error: Exception) -> str:
  """Why, in a few words: the system's own if it is behind the error."""
  code = _SYSTEM_ERROR.search(str(error))
  if code:
    return os.strerror(int(code[1]))
  if isinstance(error, OSError) and error.strerror:
    return error.strerror
  lines = str(error).strip().splitlines()
  return lines[0][:200] if lines else type(error).__name__
