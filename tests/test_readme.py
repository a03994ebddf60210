"""Every Python block of the pages runs as it stands, each on its own."""

import pathlib
import re
import sys
import types

import pytest

ROOT = pathlib.Path(__file__).parent.parent
_FENCE = re.compile(r'^```python\n(.*?)^```$', re.DOTALL | re.MULTILINE)


def blocks(page):
  """Each Python block of a page, under the line where it begins."""
  text = (ROOT / page).read_text()
  for match in _FENCE.finditer(text):
    line = text.count('\n', 0, match.start(1)) + 1
    yield pytest.param(page, line, match[1], id=f'{page}:{line}')


BLOCKS = [*blocks('README.md'), *blocks('docs/customize.md')]


def test_no_block_is_missed():
  for page in ('README.md', 'docs/customize.md'):
    fences = (ROOT / page).read_text().count('```python')
    assert fences == sum(block.values[0] == page for block in BLOCKS) > 0


@pytest.mark.parametrize(('page', 'line', 'code'), BLOCKS)
def test_block_runs(page, line, code, monkeypatch, tmp_path):
  monkeypatch.chdir(tmp_path)
  assert re.search(r'^ *assert ', code, re.MULTILINE), 'a block must check what it promises'
  module = types.ModuleType('block')
  # Flax looks up the module of a class that a block defines.
  monkeypatch.setitem(sys.modules, 'block', module)
  # The empty lines make a traceback name the page's own line.
  source = '\n' * (line - 1) + code
  exec(compile(source, ROOT / page, 'exec'), module.__dict__)
