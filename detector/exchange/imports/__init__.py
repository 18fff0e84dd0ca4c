"""One file per format that signatures are read from."""
