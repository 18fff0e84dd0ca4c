"""Where logs lie, and how their bytes become chunks of whole lines.

``files`` finds them, ``opening`` opens them safely, ``compression`` undoes what is around them, ``framing`` lays JSON
documents out one record a line, ``chunks`` cuts whole lines.
"""

from detector.sources.chunks import CHUNK_BYTES, Chunk, chunks
from detector.sources.compression import Compression, DamagedStream, detect
from detector.sources.files import Found, find
from detector.sources.framing import Framing, framing_of
from detector.sources.opening import Limits, Reader, members, open_regular, open_stream, utf16_of
from detector.sources.segments import Gap, Segment, segments_of

__all__ = [
    "CHUNK_BYTES",
    "Chunk",
    "Compression",
    "DamagedStream",
    "Found",
    "Framing",
    "Gap",
    "Limits",
    "Reader",
    "Segment",
    "chunks",
    "detect",
    "find",
    "framing_of",
    "members",
    "open_regular",
    "open_stream",
    "segments_of",
    "utf16_of",
]
