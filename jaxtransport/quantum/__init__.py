"""`model = "quantum"`: from a validated spec to the wires of a grid."""
