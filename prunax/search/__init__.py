"""Derivative-free search: three searchers behind the same pure functions."""

from prunax.errors import InputError
from prunax.search import cma_es, ncs, random_search
from prunax.search.loop import minimize as minimize
from prunax.search.loop import over_population as over_population
from prunax.search.types import Searcher as Searcher

SEARCHERS: dict[str, Searcher] = {
  'ncs': ncs.SEARCHER,
  'random': random_search.SEARCHER,
  'cma_es': cma_es.SEARCHER,
}


def get(name: str) -> Searcher:
  """The searcher of that name.

  >>> get('ncs') is ncs.SEARCHER
  True
  """
  if name not in SEARCHERS:
    raise InputError(
      f'a search must be one of {", ".join(SEARCHERS)}, got {name!r}: name one'
      ' of them'
    )
  return SEARCHERS[name]
