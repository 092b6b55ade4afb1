"""Studies: a recipe at many points and over many seeds, as a folder of ordinary runs with tables and plots."""
