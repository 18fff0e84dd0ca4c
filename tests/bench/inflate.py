"""The floor under the audit of a gzip log: Python starts, isal decompresses, and all of it is thrown away.

    python tests/bench/inflate.py LOG.gz

The log is mapped, the fastest way to hand it to isal, though its pages count as memory and a log that is cut short
meanwhile kills the program. `make bench` shows this beside the audit: what is above it is the audit's own.
"""

import mmap
import sys

from isal.isal_zlib import _GzipReader

BLOCK = bytearray(1024 * 1024)

with open(sys.argv[1], "rb", buffering=0) as log:  # noqa: PTH123 - pathlib is slow to load
    reader = _GzipReader(memoryview(mmap.mmap(log.fileno(), 0, prot=mmap.PROT_READ)), len(BLOCK))
    while reader.readinto(BLOCK):
        pass
