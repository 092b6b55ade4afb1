"""TensorBoard: what a training logs, as a file of events that is whole after a kill."""
