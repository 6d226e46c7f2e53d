"""Settings are read and adapters chosen here, and nowhere else."""
