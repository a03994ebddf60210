"""What changes with the step: rates, the update probability, density ramps.

Every function checks plain numbers and returns a schedule in optax's sense: a
function of the step, an int or a traced int32, to a float32 scalar.
"""

from prunax.schedules.densities import approach as approach
from prunax.schedules.densities import density_ramp as density_ramp
from prunax.schedules.densities import geometric_ramp as geometric_ramp
from prunax.schedules.densities import update_probability as update_probability
from prunax.schedules.numbers import Schedule as Schedule
from prunax.schedules.policies import at_least as at_least
from prunax.schedules.policies import cosine as cosine
from prunax.schedules.policies import exp as exp
from prunax.schedules.policies import fixed as fixed
from prunax.schedules.policies import inv as inv
from prunax.schedules.policies import multistep as multistep
from prunax.schedules.policies import poly as poly
from prunax.schedules.policies import restarting as restarting
from prunax.schedules.policies import sigmoid as sigmoid
from prunax.schedules.policies import step as step
from prunax.schedules.policies import warm_up as warm_up
from prunax.schedules.settings import from_settings as from_settings
