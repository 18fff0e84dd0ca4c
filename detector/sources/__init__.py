"""Where logs lie, and how their bytes become chunks of whole lines.

``files`` finds them, ``opening`` opens them safely, ``compression`` undoes what is around them, ``framing`` lays JSON
documents and mails out one record a line, ``chunks`` cuts whole lines. For logs that grow and rotate ``listing`` says
what lies on disk, ``held`` opens it, ``binding`` tells which of the known ``streams`` each file is.
"""

from detector.sources.binding import Binding, Bindings, Fate, bind
from detector.sources.chunks import CHUNK_BYTES, Chunk, chunks
from detector.sources.compression import Compression, DamagedStream, detect
from detector.sources.files import Found, find
from detector.sources.fingerprints import Fingerprints, Prints
from detector.sources.framing import Framing, framing_of, laid_out
from detector.sources.held import Log, Vanished
from detector.sources.listing import Listing, listed
from detector.sources.opening import Limits, members, open_regular, open_stream, utf16_of
from detector.sources.readers import Reader
from detector.sources.segments import Gap, Segment, range_bytes, segments_of
from detector.sources.streams import FileKey, StreamState, key_of

__all__ = [
    "CHUNK_BYTES",
    "Binding",
    "Bindings",
    "Chunk",
    "Compression",
    "DamagedStream",
    "Fate",
    "FileKey",
    "Fingerprints",
    "Found",
    "Framing",
    "Gap",
    "Limits",
    "Listing",
    "Log",
    "Prints",
    "Reader",
    "Segment",
    "StreamState",
    "Vanished",
    "bind",
    "chunks",
    "detect",
    "find",
    "framing_of",
    "key_of",
    "laid_out",
    "listed",
    "members",
    "open_regular",
    "open_stream",
    "range_bytes",
    "segments_of",
    "utf16_of",
]
