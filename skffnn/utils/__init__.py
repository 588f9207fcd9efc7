"""Utilities for all parts of the package: checks, random streams, documentation."""
