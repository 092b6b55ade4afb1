"""TensorBoard: the logs of a training, in a file of events that stays intact if the process is killed."""
