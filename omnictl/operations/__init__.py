"""The shell: the order of effects, with no argv and no printing."""
