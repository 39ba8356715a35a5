"""Timed by hand on real data, reported as ratios against a baseline of the same run; never asserted."""
