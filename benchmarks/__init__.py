"""Measurements against named rivals, as ratios within one run: `make bench`."""
