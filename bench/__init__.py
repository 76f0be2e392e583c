"""Measuring omnictl against rulers: ``make bench`` prints ratios of one run, never times that a test could fail on."""
