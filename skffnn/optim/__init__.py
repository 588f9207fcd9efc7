"""Minimising J(θ): solvers, optimisers, learning-rate schedules, the training state."""
