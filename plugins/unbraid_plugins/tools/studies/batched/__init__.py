"""Training of many seeds at once: trainings of one recipe that differ in their seed alone, as one batched model.

The weights of all seeds are stacked. Every value of the flow is computed for all seeds, with `torch.func.vmap` or, if
its operations do not allow that, seed by seed. One backward pass gives the gradients of all seeds. Batches, noise,
updates, checkpoints and logs are separate for each seed, as if it were trained alone.
"""

from unbraid_plugins.tools.studies.batched.training import train_seeds, train_together

__all__ = ["train_seeds", "train_together"]
