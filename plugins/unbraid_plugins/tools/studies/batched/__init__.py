"""Many seeds at once: several trainings of one recipe, which differ in their seed alone, as one batched model.

Their weights lie in one stack, every value of the flow is computed for all of them (with `torch.func.vmap`, or one
after the other where its operations do not allow that), and one differentiation gives the gradients of all. Batches,
noise, updates, checkpoints and logs are each seed's own, as if it were trained alone.
"""

from unbraid_plugins.tools.studies.batched.training import train_seeds, train_together

__all__ = ["train_seeds", "train_together"]
