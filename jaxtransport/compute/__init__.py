"""What computing needs of the machine: XLA, devices, precision, memory, batches, signals."""
