"""Imports point down the floors of the house, and in no circle."""

import ast
import pathlib

import pytest

ROOT = pathlib.Path(__file__).parent.parent

FLOORS = [
  {'averages', 'errors', 'files', 'names', 'tree', 'schedules', 'version'}
  | {'sequences'},
  {'ops'},
  {'transforms', 'shrinking', 'search', 'models', 'data', 'codec', 'convert'},
  {
    'augmentation',
    'losses',
    'train',
    'hooks',
    'evaluation',
    'checkpoint',
    'costs',
    'rundir',
  }
  | {
    'record',
    'progress',
    'interrupts',
    'locks',
    'findings',
    'searches',
    'olmp_inputs',
    'olmp_loop',
    'paths',
    'weights',
    'shrunk_files',
    'cut_models',
    'dense_starts',
    'shrunk_modules',
    'lossy',
    'fisher',
    'timing',
  }
  | {'paired'},
  {'fitting', 'teaching', 'stages', 'plan', 'runs', 'report', 'cli'}
  | {
    'feeding',
    'imports',
    'packing',
    'report_files',
    'report_shrunk',
    'tables',
    'commands',
    'finishing',
    'subjects',
    'shrink_command',
  },
]
FLOOR = {name: i for i, names in enumerate(FLOORS) for name in names}
ISLANDS = FLOORS[2]


def modules():
  """Every file of the package, with the room that it belongs to."""
  for path in sorted((ROOT / 'prunax').rglob('*.py')):
    inside = path.relative_to(ROOT / 'prunax')
    room = inside.parts[0].removesuffix('.py')
    if room != '__init__':
      yield path, room


def imported(path):
  """The full names of all that a file imports, also inside functions."""
  for node in ast.walk(ast.parse(path.read_text())):
    if isinstance(node, ast.Import):
      yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
      assert node.level == 0, f'{path}: imports are absolute'
      yield from (f'{node.module}.{alias.name}' for alias in node.names)


def rooms(path):
  """The rooms of prunax that a file imports from."""
  for name in imported(path):
    parts = name.split('.')
    if parts[0] == 'prunax' and len(parts) > 1:
      yield parts[1]


def test_every_room_has_a_floor():
  assert {room for _, room in modules()} <= FLOOR.keys()


def test_imports_point_down():
  for path, room in modules():
    for other in rooms(path):
      if other == room:
        continue
      assert FLOOR[other] <= FLOOR[room], f'{path} imports {other}, above it'
      if room in ISLANDS:
        assert other not in ISLANDS, f'{path} imports its neighbour {other}'


def test_no_circles():
  arrows = {}
  for path, room in modules():
    arrows.setdefault(room, set()).update(set(rooms(path)) - {room})

  def visit(room, trail):
    assert room not in trail, f'circle: {" -> ".join([*trail, room])}'
    for other in arrows.get(room, ()):
      visit(other, [*trail, room])

  for room in arrows:
    visit(room, [])


@pytest.mark.parametrize(
  ('package', 'rooms_without'),
  [
    ('absl', set(FLOOR)),
    ('ml_collections', set(FLOOR)),
    ('jax', {'data', 'convert', 'codec', 'report'}),
  ],
)
def test_packages_stay_where_they_belong(package, rooms_without):
  for path, room in modules():
    if room in rooms_without:
      used = {name.split('.')[0] for name in imported(path)}
      assert package not in used, f'{path} imports {package}'
