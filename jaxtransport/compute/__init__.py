"""Machine-dependent parts: XLA, devices, precision, memory, signals."""
