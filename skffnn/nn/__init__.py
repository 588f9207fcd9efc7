"""The mathematics of the network: layers, losses, penalties, the objective J(θ)."""
