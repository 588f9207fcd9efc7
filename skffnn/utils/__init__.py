"""What every floor of the package may use: checks, random streams, documentation."""
