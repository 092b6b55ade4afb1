"""The training engine: plans, turns, players, the loop, exact resume, several processes, devices, signals."""

from typing import TYPE_CHECKING

from unbraid_registry.doors import door

if TYPE_CHECKING:
    from unbraid.engine import distributed as distributed
    from unbraid.engine.costs import (
        forwards as forwards,
        gradients_reach as gradients_reach,
        planned as planned,
    )
    from unbraid.engine.devices import device_of as device_of, without_bfloat16 as without_bfloat16
    from unbraid.engine.distributed import RankError as RankError
    from unbraid.engine.interpreter import Interpreter as Interpreter
    from unbraid.engine.loop import Stopped as Stopped, run_loop as run_loop, train as train
    from unbraid.engine.optimizers import laid_out as laid_out
    from unbraid.engine.plan import Needs as Needs, Turn as Turn
    from unbraid.engine.players import UPDATE as UPDATE, Mark as Mark, Players as Players
    from unbraid.engine.progress import Progress as Progress, duration as duration
    from unbraid.engine.resume import Accept as Accept, data_notes as data_notes
    from unbraid.engine.signals import Terminated as Terminated, on_signals as on_signals, terminable as terminable
    from unbraid.engine.training import Estimate as Estimate, Training as Training, TrainingError as TrainingError
    from unbraid.engine.turns import (
        GATE_CLOSED as GATE_CLOSED,
        NOT_FINITE as NOT_FINITE,
        UPDATED as UPDATED,
        Culprits as Culprits,
        OneModel as OneModel,
        StepReport as StepReport,
        TurnGradients as TurnGradients,
        TurnResult as TurnResult,
        Updates as Updates,
    )
else:
    __getattr__, __dir__ = door(__name__)
