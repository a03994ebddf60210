"""Every Python block of the pages runs as it stands, each on its own."""

import pathlib
import re
import sys
import types

import pytest

ROOT = pathlib.Path(__file__).parent.parent
PAGES = ('README.md', 'docs/customize.md')
_FENCE = re.compile(r'^```python\n(.*?)^```$', re.DOTALL | re.MULTILINE)
_ASSERT = re.compile(r'^ *assert ', re.MULTILINE)


def blocks():
  """Each Python block with its page and the line where it begins."""
  for page in PAGES:
    text = (ROOT / page).read_text()
    for match in _FENCE.finditer(text):
      line = text.count('\n', 0, match.start(1)) + 1
      yield pytest.param(page, line, match[1], id=f'{page}:{line}')


@pytest.mark.parametrize('page', PAGES)
def test_no_block_is_missed(page):
  fences = (ROOT / page).read_text().count('```python')
  assert fences == sum(block.values[0] == page for block in blocks()) > 0


@pytest.mark.parametrize(('page', 'line', 'code'), list(blocks()))
def test_block_runs(page, line, code, monkeypatch, tmp_path):
  assert _ASSERT.search(code), 'a block must check what it promises'
  monkeypatch.chdir(tmp_path)
  monkeypatch.syspath_prepend(ROOT)
  module = types.ModuleType('block')
  # Flax looks up the module of a class that a block defines.
  monkeypatch.setitem(sys.modules, 'block', module)
  # The empty lines make a traceback name the page's own line.
  source = '\n' * (line - 1) + code
  exec(compile(source, ROOT / page, 'exec'), module.__dict__)
