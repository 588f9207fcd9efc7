"""The mathematics of the network: layers, losses, penalties, and the objective J(θ)."""
