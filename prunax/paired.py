"""Two classifiers on the same examples."""

from typing import Any

import numpy as np
from scipy.stats import binomtest


def mcnemar(before: np.ndarray, after: np.ndarray) -> dict[str, Any]:
  """McNemar's exact test of which of two classifiers is right more often.

  Only examples on which one of them alone is right tell anything: if both are
  equally good, it is a coin which one.

  >>> a = np.array([True] * 8 + [False, True])
  >>> b = np.array([True] * 8 + [True, False])
  >>> mcnemar(a, b)
  {'lost': 1, 'won': 1, 'p': 1.0}

  Args:
    before: [n] whether the first was right.
    after: [n] whether the second was.

  Returns:
    How many answers were lost and won, and the two-sided p.
  """
  lost, won = int(np.sum(before & ~after)), int(np.sum(after & ~before))
  p = binomtest(won, lost + won).pvalue if lost + won else 1.0
  return {'lost': lost, 'won': won, 'p': float(p)}
