"""What the pages name is there."""

import importlib
import json
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parent.parent
PAGES = [ROOT / 'README.md', *sorted((ROOT / 'docs').glob('*.md'))]
_DOTTED = re.compile(r'`(prunax(?:\.\w+)+)`')
_LINK = re.compile(r'\]\(([^)\s]+)\)')
_CONFIG = re.compile(r'configs/(\w+\.py)')
_SIZE = re.compile(
  r'^\| `(\w+)`, (?:released|seed (\d)) \| (without loss|(\d+) levels)'
  r'(?:, in (\w+))? \| (.*) \|$',
  re.MULTILINE,
)
_FENCED = re.compile(r'^```.*?^```$', re.DOTALL | re.MULTILINE)


def resolved(name):
  """What a dotted name stands for: modules first, then their attributes."""
  found, *rest = name.split('.')
  value = importlib.import_module(found)
  for part in rest:
    found = f'{found}.{part}'
    try:
      value = importlib.import_module(found)
    except ModuleNotFoundError:
      value = getattr(value, part)
  return value


def dotted_names():
  text = (ROOT / 'docs' / 'papers.md').read_text()
  return sorted(set(_DOTTED.findall(text)))


def test_papers_name_functions():
  assert len(dotted_names()) > 20


@pytest.mark.parametrize('name', dotted_names())
def test_named_function_exists(name):
  assert callable(resolved(name))


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
  for target in _LINK.findall(_FENCED.sub('', page.read_text())):
    if '://' not in target and not target.startswith('#'):
      path = page.parent / target.partition('#')[0]
      assert path.exists(), f'{page.name} links to {target}'


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)
def test_configs_exist(page):
  for name in _CONFIG.findall(page.read_text()):
    assert (ROOT / 'configs' / name).exists(), f'{page.name} names {name}'


def test_every_config_is_in_the_papers():
  named = set(_CONFIG.findall((ROOT / 'docs' / 'papers.md').read_text()))
  own = {path.name for path in (ROOT / 'configs').glob('*.py')}
  experiments = {x for x in own if not x.startswith(('__init__', 'common'))}
  assert experiments <= named


def test_sizes_of_the_readme_are_those_of_the_results():
  rows = json.loads((ROOT / 'results' / 'sizes.json').read_text())['sizes']
  known = {
    (row['source'], row['levels'], row['rounded']): f'{row["bytes"]:,}'
    f' | {row["ratio_bytes"]:.0f}x | {row["error_percent"]:.2f} %'
    for row in rows
  }
  said = _SIZE.findall((ROOT / 'README.md').read_text())
  assert len(said) == 5
  for name, seed, _, levels, rounded, numbers in said:
    source = f'{name}-seed{seed}' if seed else name
    assert numbers == known[source, levels or None, rounded or None]
