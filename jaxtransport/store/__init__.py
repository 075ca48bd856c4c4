"""Result files: HDF5 that survives kills, full disks and damage, and its exports."""
