"""What quantising costs and wins on real networks: the rows of ``./dev bench quantize``."""
