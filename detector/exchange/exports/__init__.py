"""One file per format that signatures are written in."""
