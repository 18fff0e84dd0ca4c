"""A slow exact audit: every line split, every host walked label by label. The yardstick of correctness, not of speed."""

import gzip
from pathlib import Path


def host_of(layout, line):
    """The host and the user of one line, by position."""
    if layout == "squid":
        fields = line.split()
        url = fields[6]
        host = url.partition("://")[2].partition("/")[0] if "://" in url else url.rpartition(":")[0]
        return host, fields[7]
    if layout == "zeek_tsv":
        fields = line.split("\t")
        return fields[8], fields[21]
    if layout == "zeek_json":
        return line.split('"host":"')[1].partition('"')[0], line.split('"username":"')[1].partition('"')[0]
    if layout == "bind_querylog":
        client = line.partition(" client ")[2].split(" ")[1]
        return line.split(" query: ")[1].partition(" ")[0], client.partition("#")[0]
    before, _, after = line.partition(" http ")
    return after.partition(" ")[0], before.split(" ")[4]


def audit(path, layout, names):
    """(sightings, people, bytes, lines) of a log."""
    known = set(names)
    opened = gzip.open if Path(path).suffix == ".gz" else open
    sightings, people, size, lines = 0, set(), 0, 0
    with opened(path, "rb") as file:
        for raw in file:
            size += len(raw)
            lines += 1
            if raw.startswith(b"#"):
                continue
            host, user = host_of(layout, raw.decode().rstrip("\n"))
            labels = host.lower().split(".")
            if any(".".join(labels[start:]) in known for start in range(len(labels) - 1)):
                sightings += 1
                people.add(user)
    return sightings, len(people), size, lines
