"""What `prunax shrink` prints."""

from collections.abc import Mapping, Sequence
from typing import Any

from prunax import tables, tree

# What the whole model costs, in the order of the table.
_TOTALS = {
  'params': 'parameters',
  'flops': 'FLOPs',
  'bytes': 'bytes of the leaves',
  'activations': 'bytes that products give',
  'peak': 'bytes alive at once',
  'cop_params': 'parameters, as COP counts',
  'cop_flops': 'FLOPs, as COP counts',
}
_NO_LEAF = 'products without a leaf'
_PREFIXES = ('', 'k', 'M', 'G', 'T')


def short(number: float) -> str:
  """A count in few characters.

  >>> short(465946), short(12), short(15_218_188_288)
  ('465.9k', '12', '15.22G')
  """
  power = 0
  while number >= 1000 and power < len(_PREFIXES) - 1:
    number, power = number / 1000, power + 1
  return f'{number:.4g}{_PREFIXES[power]}'


def shrunk_text(name: str, shrunk: Mapping[str, Any]) -> str:
  """What was cut, of which layers, and what is left of all.

  Args:
    name: the file's.
    shrunk: what `shrink_command.shrink` tells.
  """
  name = tables.plain(name)
  facts = [
    f'as COP counts: Prr {shrunk["prr"]:.1%}, Frr {shrunk["frr"]:.1%}',
    *_measured(shrunk.get('latency')),
    f'{name}: {shrunk["bytes"]:,} bytes',
  ]
  return tables.text(
    (name, _groups(shrunk['groups'])),
    ('layers, before and after', _layers(shrunk['leaves'])),
    (
      f'in all, at a batch of {shrunk["batch"]}',
      _totals(shrunk['before'], shrunk['after']),
    ),
    width=80,
  ) + ''.join(f'{line}\n' for line in facts)


def _groups(groups: Sequence[Mapping[str, Any]]) -> tables.Table:
  table = tables.table(['channels', 'before', 'after', 'why not'])
  table.columns[-1].no_wrap = False
  table.columns[-1].justify = 'left'
  for group in groups:
    why = group['why']
    if group['stayed']:
      why = f'{group["stayed"]} would leave a trace, and stayed'
    table.add_row(
      tables.plain(group['name']),
      f'{group["size"]:,}',
      f'{group["kept"]:,}',
      tables.plain(why),
    )
  return table


def _layers(leaves: Sequence[Mapping[str, Any]]) -> tables.Table:
  """The leaves of a layer together, without layers that cost nothing."""
  table = tables.table(['layer', 'params', 'after', 'FLOPs', 'after'])
  names = [leaf['name'] or _NO_LEAF for leaf in leaves]
  # A leaf with no path above it is a layer.
  paths = [name if tree.parent(name) else f'{name}/' for name in names]
  for layer, places in tree.layers(paths).items():
    row = [
      sum(leaves[i][when][cost] for i in places)
      for cost in ('params', 'flops')
      for when in ('before', 'after')
    ]
    if any(row):
      table.add_row(tables.plain(layer), *map(short, row))
  return table


def _totals(
  before: Mapping[str, float], after: Mapping[str, float]
) -> tables.Table:
  table = tables.table(['', 'before', 'after', 'left'])
  for key, title in _TOTALS.items():
    left = f'{after[key] / before[key]:.1%}' if before[key] else ''
    table.add_row(title, f'{before[key]:,.0f}', f'{after[key]:,.0f}', left)
  return table


def _measured(latency: Mapping[str, Mapping[str, float]] | None) -> list[str]:
  if latency is None:
    return []
  said = [
    f'{x["median"]:.3g} ms ({x["low"]:.3g} to {x["high"]:.3g}) {when}'
    for when, x in latency.items()
  ]
  return [f'measured: {", ".join(said)}']
