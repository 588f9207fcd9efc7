"""Plots of a fitted network: learning curves, neurons and weights."""
