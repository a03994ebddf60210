"""What `prunax` prints of files of weights."""

from typing import Any

from prunax import tables, tree


def leaves_text(name: str, inspected: dict[str, Any]) -> str:
  """What `prunax inspect` prints."""
  total = inspected['total']
  cut = any('uncut' in leaf for leaf in inspected['leaves'])
  # Running averages are no weights.
  left = sum(x['size'] for x in inspected['leaves'] if x['alive'] is not None)
  columns = ['leaf', 'shape', 'alive', 'of', 'density', 'values']
  columns += ['before\nthe cut'] * cut + ['bytes'] * len(_taken(total))
  table = tables.table(columns)
  for leaf in inspected['leaves']:
    table.add_row(
      tables.plain(leaf['name']),
      ' x '.join(str(n) for n in leaf['shape']),
      _count(leaf['alive']),
      f'{leaf["size"]:,}',
      '' if leaf['density'] is None else f'{leaf["density"]:.2%}',
      f'{leaf["values"]:,}',
      *([f'{leaf["uncut"]:,}'] if cut else []),
      *_taken(leaf),
    )
  table.add_section()
  table.add_row(
    'total',
    '',
    f'{total["alive"]:,}',
    f'{left:,}',
    f'{tree.density(left, total["alive"]):.2%}',
    '',
    *([f'{total["size"]:,}'] if cut else []),
    *_taken(total),
  )
  facts = (
    f'ratio: {tables.times(total["ratio"])}'
    f' (weights only: {tables.times(total["ratio_weights"])})\n'
  )
  if total['bytes'] is not None:
    facts += (
      f'bytes: {tables.times(total["ratio_bytes"])} fewer than 4 a weight\n'
    )
  return tables.text((tables.plain(name), table)) + facts


def _count(alive: int | None) -> str:
  """How many weights are alive, nothing of what are none."""
  return '' if alive is None else f'{alive:,}'


def _taken(row: dict[str, Any]) -> list[str]:
  """The cell of the bytes, if there is one."""
  return [] if row['bytes'] is None else [f'{row["bytes"]:,}']


def packed_text(name: str, packed: dict[str, Any]) -> str:
  """What `prunax pack` prints: where the bytes go, and the three ratios."""
  parts = ['positions', 'values', 'codebook']
  columns = [*(f'bytes of\n{part}' for part in parts), 'bytes\nin all']
  table = tables.table(['leaf', 'alive', 'values', *columns, 'coding'])
  for leaf in packed['leaves']:
    table.add_row(
      tables.plain(leaf['name']),
      _count(leaf['alive']),
      f'{leaf["values"]:,}',
      *(f'{leaf["budget"][part]:,}' for part in parts),
      f'{sum(leaf["budget"].values()):,}',
      leaf['coding'],
    )
  table.add_section()
  header = f'{packed["header"]:,}'
  table.add_row('header and checks', '', '', '', '', '', header, '')
  total = packed['total']
  table.add_row('total', *[''] * 5, f'{total["bytes"]:,}', '')
  lossy = packed['lossy']
  said = ', '.join(f'{k} {v}' for k, v in lossy.items()) or 'nothing'
  ratios = [
    tables.times(total[key])
    for key in ('ratio_weights', 'ratio', 'ratio_bytes')
  ]
  return tables.text((tables.plain(name), table)) + (
    f'weights: {ratios[0]}, with biases: {ratios[1]}, bytes: {ratios[2]}\n'
    f'changed: {said}\n'
  )


def unpacked_text(name: str, unpacked: dict[str, Any]) -> str:
  """What `prunax unpack` prints.

  >>> unpacked_text('a.npz', {'bytes': 1234, 'widened': []})
  'a.npz: 1,234 bytes\\n'
  """
  lines = [f'{name}: {unpacked["bytes"]:,} bytes', *unpacked['widened']]
  return ''.join(f'{tables.plain(line)}\n' for line in lines)
