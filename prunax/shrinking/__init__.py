"""Networks made smaller, or tidier, without a change of what they answer."""

# Each tells what its primitives do, when it is imported.
from prunax.shrinking import control as control
from prunax.shrinking import custom as custom
from prunax.shrinking import elementwise as elementwise
from prunax.shrinking import indexing as indexing
from prunax.shrinking import joining as joining
from prunax.shrinking import makers as makers
from prunax.shrinking import moves as moves
from prunax.shrinking import products as products
from prunax.shrinking import reductions as reductions
from prunax.shrinking import reshape as reshape
from prunax.shrinking.cutting import cut_apply as cut_apply
from prunax.shrinking.distance import fpgm as fpgm
from prunax.shrinking.distance import fpgm_mix as fpgm_mix
from prunax.shrinking.first_order import taylor as taylor
from prunax.shrinking.groups import Group as Group
from prunax.shrinking.groups import Member as Member
from prunax.shrinking.nre import nre as nre
from prunax.shrinking.plan import Plan as Plan
from prunax.shrinking.plan_data import plan_data as plan_data
from prunax.shrinking.plan_data import plan_from as plan_from
from prunax.shrinking.principal import pfa_energy as pfa_energy
from prunax.shrinking.principal import pfa_kl as pfa_kl
from prunax.shrinking.receiving import responses as responses
from prunax.shrinking.reporting import Report as Report
from prunax.shrinking.restoring import reconstruct as reconstruct
from prunax.shrinking.rule import Rule as Rule
from prunax.shrinking.rule import register_primitive as register_primitive
from prunax.shrinking.score import SCORES as SCORES
from prunax.shrinking.select import SCOPES as SCOPES
from prunax.shrinking.shrink import Shrunk as Shrunk
from prunax.shrinking.shrink import channels as channels
from prunax.shrinking.shrink import shrink as shrink
from prunax.shrinking.shrink import spent as spent
from prunax.shrinking.units import in_order as in_order
