"""Augmentation: windows by an oracle, colours by hand, the same bits again."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from prunax import augmentation, data, train
from prunax.data import Scale
from prunax.errors import InputError

KEY = jax.random.key(5)
COP = Scale(120.707, 64.15)


def images(n=40, size=(6, 8), channels=3, dtype=np.uint8):
  """No pixel is 0, so that what is put around an image is known."""
  rng = np.random.default_rng(0)
  return rng.integers(1, 256, (n, *size, channels)).astype(dtype)


def windows(image, pad):
  """Every window of an image and its mirror image, by where it lies."""
  height, width, _ = image.shape
  around = np.pad(image, ((pad, pad), (pad, pad), (0, 0)))
  for top in range(2 * pad + 1):
    for left in range(2 * pad + 1):
      window = around[top : top + height, left : left + width]
      yield (top, left, False), window
      yield (top, left, True), window[:, ::-1]


def place(image, seen, pad=4):
  found = [at for at, w in windows(image, pad) if np.array_equal(w, seen)]
  assert len(found) == 1
  return found[0]


@pytest.mark.parametrize('dtype', [np.uint8, np.float32])
def test_each_image_is_one_of_its_own_windows(dtype):
  x = images(dtype=dtype)
  seen = augmentation.crop_flip(KEY, jnp.asarray(x))
  assert seen.dtype == dtype and seen.shape == x.shape
  places = [place(a, np.array(b)) for a, b in zip(x, seen, strict=True)]
  assert len(set(places)) > 20


def test_every_window_comes_as_often_as_any_other():
  x = jnp.asarray(np.repeat(images(1, (3, 3)), 6_000, axis=0))
  seen = np.array(augmentation.crop_flip(KEY, x, pad=1))
  known = {w.tobytes(): at for at, w in windows(np.array(x[0]), 1)}
  counts = dict.fromkeys(known.values(), 0)
  for one in seen:
    counts[known[one.tobytes()]] += 1
  # Of 18 each 333 on average; five deviations of a binomial draw.
  assert all(244 < count < 422 for count in counts.values()), counts


def test_the_key_decides():
  x = jnp.asarray(images())
  one, again, other = (
    np.array(augmentation.crop_flip(jax.random.key(k), x)) for k in (1, 1, 2)
  )
  np.testing.assert_array_equal(one, again)
  assert (one != other).any()


def test_brightness_adds_one_number_an_image():
  x = jnp.asarray(images(4_000, (2, 2), dtype=np.float32))
  moved = np.array(augmentation.brightness(KEY, x, 63.0) - x)
  each = moved[:, 0, 0, 0]
  assert np.ptp(moved, (1, 2, 3)).max() < 1e-4
  assert -63.01 < each.min() < -62 and 62 < each.max() < 63.01
  assert abs(each.mean()) < 3


def test_contrast_keeps_the_mean_of_each_channel():
  x = jnp.asarray(images(4_000, (2, 2), dtype=np.float32))
  seen = augmentation.contrast(KEY, x, 0.2, 1.8)
  mean = np.mean(x, (1, 2), keepdims=True)
  np.testing.assert_allclose(
    np.mean(seen, (1, 2), keepdims=True), mean, rtol=1e-4
  )
  wide = np.array((seen - mean) * np.array(x - mean))
  square = np.array((x - mean) ** 2)
  factor = wide.sum((1, 2, 3)) / square.sum((1, 2, 3))
  want = mean + (x - mean) * factor[:, None, None, None]
  np.testing.assert_allclose(seen, want, atol=1e-3)
  assert 0.199 < factor.min() < 0.21 and 1.79 < factor.max() < 1.801


@pytest.mark.parametrize(
  'scale', [data.scale, COP, Scale((1.0, 2.0, 3.0), 9.0)]
)
def test_what_is_around_an_image_is_black(scale):
  x = images()
  view = augmentation.named('crop_flip', scale, x)
  seen = np.array(jax.jit(view)(KEY, x))
  assert seen.dtype == np.float32
  plain = np.array(augmentation.crop_flip(KEY, jnp.asarray(x)))
  np.testing.assert_allclose(seen, scale(plain), rtol=1e-6)
  assert (plain == 0).any()


def test_cop_counts_in_grey_levels_whatever_the_scale():
  x = images()
  one, other = (
    augmentation.named('cop', scale, x)(KEY, x)
    for scale in (COP, Scale((0.0, 9.0, 100.0), (1.0, 2.0, 64.0)))
  )
  levels = one * 64.15 + 120.707
  same = other * np.array([1.0, 2.0, 64.0]) + np.array([0.0, 9.0, 100.0])
  np.testing.assert_allclose(levels, same, atol=1e-2)
  # By the equations, on grey levels.
  keys = jax.random.split(KEY, 3)
  want = augmentation.crop_flip(keys[0], jnp.asarray(x)).astype(jnp.float32)
  want = augmentation.brightness(keys[1], want, 63.0)
  want = augmentation.contrast(keys[2], want, 0.2, 1.8)
  np.testing.assert_allclose(levels, want, atol=1e-2)


@pytest.mark.parametrize(
  ('name', 'x', 'match'),
  [
    ('flip', images(), "crop_flip, cop or empty, got 'flip'"),
    ('crop_flip', np.zeros((3, 7), np.uint8), r'images .*shape \(7,\)'),
    ('cop', images(dtype=np.float32), 'uint8 images.*got float32'),
  ],
)
def test_what_cannot_be_augmented(name, x, match):
  with pytest.raises(InputError, match=match):
    augmentation.named(name, data.scale, x)


def linear(variables, x, train=False, rngs=None):
  return x.reshape(len(x), -1) @ variables['ip']['kernel']


def trained(augment, begin=None, apply=linear):
  """What a training holds after each block of four steps."""
  x, y = images(20), np.arange(20, dtype=np.int32) % 3
  tx = optax.sgd(0.01, momentum=0.9)
  params = {'ip': {'kernel': jnp.zeros((x[0].size, 3))}}

  def indices(first, steps):
    return data.batch_indices('shuffle', 20, 5, first, steps, seed=1)

  view = augmentation.named(augment, COP, x)
  examples = train.Examples(x, y, COP, indices, augment=view)
  begin = begin or train.Progress(0, params, tx.init(params), {})
  return [
    p._replace(
      params=jax.tree.map(np.array, p.params),
      opt_state=jax.tree.map(np.array, p.opt_state),
    )
    for p in train.fit(apply, tx, examples, begin, 16, 4, KEY)
  ]


@pytest.mark.parametrize('name', augmentation.NAMES)
def test_a_break_changes_no_bit(name):
  unbroken = trained(name)
  resumed = trained(name, begin=unbroken[1])
  assert [p.step for p in resumed] == [12, 16]
  jax.tree.map(np.testing.assert_array_equal, resumed, unbroken[2:])
  plain = trained('')[-1].params['ip']['kernel']
  assert (plain != unbroken[-1].params['ip']['kernel']).any()


def test_every_step_draws_anew():
  seen = []

  def watching(variables, x, train=False, rngs=None):
    jax.debug.callback(lambda x: seen.append(np.array(x)), x, ordered=True)
    return linear(variables, x)

  x = images(5)
  tx = optax.sgd(0.0)
  params = {'ip': {'kernel': jnp.zeros((x[0].size, 3))}}
  examples = train.Examples(
    x,
    np.zeros(5, np.int32),
    COP,
    lambda first, steps: np.tile(np.arange(5, dtype=np.int32), (steps, 1)),
    augment=augmentation.named('crop_flip', COP, x),
  )
  begin = train.Progress(0, params, tx.init(params), {})
  for _ in train.fit(watching, tx, examples, begin, 3, 3, KEY):
    pass
  jax.effects_barrier()
  assert len(seen) == 3
  levels = [np.rint(s * 64.15 + 120.707).astype(np.uint8) for s in seen]
  places = [
    tuple(place(a, b) for a, b in zip(x, step, strict=True)) for step in levels
  ]
  assert len(set(places)) == 3
