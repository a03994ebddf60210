"""What is known of weights, as the JSON that lies beside them in a file."""

import json
from typing import Any

from prunax.errors import InputError, reason
from prunax.files import PathLike


def dumped(meta: dict[str, Any], where: PathLike) -> str:
  """`meta` as JSON, the same text for the same content.

  >>> dumped({'stage': 'dns', 'error': 0.91}, 'mine.npz')
  '{"error": 0.91, "stage": "dns"}'

  Args:
    meta: what JSON can hold.
    where: the file, which an error names.
  """
  try:
    return json.dumps(meta, sort_keys=True)
  except (TypeError, ValueError, RecursionError) as e:
    raise InputError(
      f'{where}: meta must be writable as JSON, got {reason(e)}: keep to'
      ' strings, numbers, lists and dicts'
    ) from e


def parsed(text: str | bytes, where: PathLike, place: str) -> dict[str, Any]:
  """The meta that `dumped` wrote.

  >>> parsed('{"error": 0.91}', 'mine.npz', 'entry')
  {'error': 0.91}

  Args:
    text: JSON of an object.
    where: the file, which an error names.
    place: where in the file the text lies.
  """
  try:
    meta = json.loads(text)
    if not isinstance(meta, dict):
      raise TypeError('other JSON than an object')
  except (TypeError, ValueError, RecursionError) as e:
    raise InputError(
      f'{where} must hold JSON in its {place}, got {reason(e)}: write it again'
    ) from e
  return meta
