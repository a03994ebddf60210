"""The stages of a run: each takes weights and gives weights."""

from prunax.stages.perform import STAGES as STAGES
from prunax.stages.perform import perform as perform
from prunax.stages.perform import rehearse as rehearse
from prunax.stages.training import dense as dense
from prunax.stages.training import finetune as finetune
from prunax.stages.types import Fit as Fit
from prunax.stages.types import Outcome as Outcome
from prunax.stages.types import Task as Task
