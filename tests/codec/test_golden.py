"""Files that were written once, and must load to the same arrays for ever.

The files in golden/ are never to be rewritten, only added to: where one does
not load any more, files that people have do not load any more. Where one loads
but today's encoder writes other bytes, add a new file that has these.
"""

import pathlib
import re

import numpy as np
import pytest

from prunax import codec, tree
from prunax.codec import (
  ans,
  coder,
  container,
  grid,
  header,
  leaf,
  mixing,
  patterns,
  positions,
  streams,
  symbols,
  tables,
  text,
  values,
)

HERE = pathlib.Path(__file__).parent
FILES = sorted((HERE / 'golden').glob('*.prx'))
FORMAT = HERE.parent.parent / 'docs' / 'format.md'


def test_there_are_files_of_all_codings():
  found = set()
  for path in FILES:
    with codec.PrxFile(path) as file:
      found |= {entry.coding for entry in file.entries.values()}
    assert path.stat().st_size < 1000
  assert found == set(leaf.Coding)


@pytest.mark.parametrize('path', FILES, ids=lambda path: path.stem)
def test_a_file_loads_to_its_arrays(path, golden):
  wanted = golden.leaves(path)
  found, meta = codec.load(path)
  found = tree.named_leaves(found)
  assert meta == golden.meta(path) and found.keys() == wanted.keys()
  for name, x in wanted.items():
    assert (found[name].dtype, found[name].shape) == (x.dtype, x.shape)
    assert found[name].tobytes() == x.tobytes(), name


@pytest.mark.parametrize('path', FILES, ids=lambda path: path.stem)
def test_todays_encoder_writes_the_same_bytes(path, golden):
  data, _ = codec.encode(tree.nest(golden.leaves(path)), golden.meta(path))
  assert data == path.read_bytes()


def _same(oracle, arrays, data, wanted, meta):
  """What the independent reader finds is what was written."""
  found, told = oracle.read(data)
  assert told == meta and found.keys() == wanted.keys()
  for name, (kind, shape, bits) in found.items():
    x = wanted[name]
    assert patterns.dtype(kind) == x.dtype and tuple(shape) == x.shape
    part = np.dtype(f'u{patterns.part(x.dtype).itemsize}')
    found_bytes = np.array(bits, part).tobytes()
    assert found_bytes == arrays.bits(x, x.dtype.name), name


@pytest.mark.parametrize('path', FILES, ids=lambda path: path.stem)
def test_the_oracle_reads_a_file(path, golden, oracle, arrays):
  _same(
    oracle, arrays, path.read_bytes(), golden.leaves(path), golden.meta(path)
  )


def test_the_oracle_reads_a_new_file(arrays, oracle):
  wanted = tree.named_leaves(arrays.tree())
  # Long enough for many lanes.
  wanted['long'] = arrays.make('float32', (90, 2000), 'sparse', 0)
  data, _ = codec.encode(tree.nest(wanted), {'é': [1]})
  _same(oracle, arrays, data, wanted, {'é': [1]})


def test_the_page_says_what_the_code_does():
  page = ' '.join(FORMAT.read_text().split())
  told = {
    f'{tables._GROWTH:,}',
    f'prior 1 and W = {", ".join(f"{w:,}" for w in text._WEIGHTS)}',
    f'W = {", ".join(f"{w:,}" for w in grid._FLAT)}. Contexts: none; ',
    f'W = {", ".join(f"{w:,}" for w in grid._DEEP)}. Contexts: none; ',
    f'W = {", ".join(f"{w:,}" for w in symbols._WEIGHTS)}. Each symbol',
    f'A model of prior {symbols._PRIOR}, rate {symbols._RATE} and W = ',
    f'brought into {mixing._LEAST} to {mixing._MOST:,}',
    f'from -{tables.LIMIT} on',
    f'8 n at most {grid.MOST_ADAPTIVE:,}',
    f'at most {grid.MOST_ADAPTIVE + 1:,}',
    f'at most {streams.MOST_SYMBOLS}, w at most 16',
    f'n from 1 to {values.MOST_ENTRIES}',
    f'up to {container._SHORT} bytes has two',
    f'at most n / {ans._SYMBOLS_A_LANE} and {ans._MOST_LANES:,}',
    f'more than {leaf.MOST_LEARNT:,} bits by learning',
    f'at most {header._MOST_AXES}, and one for the size',
    f'{header._MOST_BYTES} bytes, and at most {header._MOST_WORDS} words',
    f'`{container.MAGIC.decode()}`',
    f'the version, {container.VERSION}',
  }
  for sentence in told:
    assert sentence in page, sentence
  for name, (exponent, mantissa) in patterns._FIELDS.items():
    assert f'{name} ({exponent}, {mantissa})' in page
  listed = page.split('in this list: ')[1].split(';')[0]
  names = [word for word in re.split(r'[ ,]+', listed) if not word.isdigit()]
  assert names == list(patterns._NAMES)
  for place, name in re.findall(r'\b(\d+) (\w+)', listed):
    assert patterns._NAMES[int(place)] == name
  assert positions.flat(()) == (1, 1, 1)


def _table(page, first):
  """The cells of the table on the page whose first row holds `first`."""
  (found,) = (
    part for part in page.split('\n\n') if part.split('\n')[2:3] == [first]
  )
  rows = (line.strip('| ').split(' | ') for line in found.split('\n')[2:])
  return [[cell.strip('`') for cell in row] for row in rows]


def test_the_example_of_the_page_is_a_file():
  page = FORMAT.read_text().partition('## An example')[2]
  weights = {
    'a': np.float32([[0, 0.5, 0], [-1.5, 0.5, 0]]),
    'b': np.zeros(3, np.float32),
  }
  data, _ = codec.encode(weights)
  parts = [row[0] for row in _table(page, '| `50 52 58` | `PRX` |')]
  assert bytes.fromhex(''.join(parts)) == data
  told = [row[0] for row in _table(page, '| `02` | two leaves |')]
  coded = bytes.fromhex(parts[3] + parts[4])
  assert bytes.fromhex(''.join(told)) == text.decode(coded)
  encoder = coder.Encoder()
  for _, bits, chances in _table(page, '| alive rows | 1 1 | 32,831 32,831 |'):
    pairs = zip(bits.split(), chances.split(), strict=True)
    for bit, chance in pairs:
      encoder.code(int(bit), int(chance.replace(',', '')))
  assert encoder.finish() == bytes.fromhex(parts[-2])
