"""Big logs for the benchmark: seeded, with a known share of sightings, written block by block.

A block is about 1 MiB of one second's lines. Blocks come from a small pool, so that gigabytes are written at disk speed;
the lines of sightings are drawn anew for every block.
"""

import random
from dataclasses import dataclass
from pathlib import Path

from detector.signatures import IndicatorKind, load

BLOCK_BYTES = 1_000_000
POOL = 48
START = 1_577_880_000
SECOND = "@@SECOND@@"
USERS = [f"u{number}" for number in range(1000, 3000)]
LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Layout:
    """How one format writes a request; ``head`` is written once at the top."""

    name: str
    line: object
    stamp: object
    head: str = ""


def word(rng, least, most):
    return "".join(rng.choices(LETTERS, k=rng.randint(least, most)))


def domains(count, seed=7):
    """Domains of services: those of the catalogue first, as long as there are any, then invented ones."""
    rng = random.Random(seed)
    real = [one.host for one in load().indicators() if one.kind is IndicatorKind.SUFFIX]
    rng.shuffle(real)
    found = dict.fromkeys(real[:count])
    while len(found) < count:
        found[word(rng, 6, 12) + rng.choice([".com", ".ai", ".io", ".net", ".org", ".co.uk", ".app"])] = None
    return list(found)


def background(rng):
    hosts = [f"{rng.choice(['www', 'cdn', 'api', 'img', 'static'])}.{word(rng, 4, 14)}.{rng.choice(['com', 'net', 'org', 'ca'])}"
             for _ in range(4000)]  # fmt: skip
    return lambda: rng.choice(hosts)


def path(rng):
    parts = "/".join(word(rng, 3, 12) for _ in range(rng.randint(1, 5)))
    return f"/{parts}" + rng.choice(
        ["", "", f"?q={word(rng, 3, 9)}%20{word(rng, 3, 9)}&id={rng.randint(1, 10**6)}", ".png", "/"]
    )


def squid(rng, host, user):
    size, took = rng.randint(100, 90_000), rng.randint(1, 9000)
    head = f"{SECOND}.{rng.randint(0, 999):03d} {took:6d} 10.{rng.randint(0, 9)}.{rng.randint(0, 255)}.{rng.randint(1, 254)} "
    if rng.random() < 0.6:
        return f"{head}TCP_TUNNEL/200 {size} CONNECT {host}:443 {user} HIER_DIRECT/192.0.2.{rng.randint(1, 254)} -"
    return f"{head}TCP_MISS/200 {size} GET http://{host}{path(rng)} {user} HIER_DIRECT/192.0.2.{rng.randint(1, 254)} text/html"


def zeek_tsv(rng, host, user):
    return "\t".join((
        f"{SECOND}.{rng.randint(0, 999999):06d}", "C" + word(rng, 16, 16), f"10.{rng.randint(0, 9)}.0.{rng.randint(1, 254)}",
        str(rng.randint(1024, 65000)), "192.0.2.7", "80", "1", "GET", host, path(rng), "-", "1.1", "Mozilla/5.0", "-", "0",
        str(rng.randint(0, 90000)), "200", "OK", "-", "-", "(empty)", user, "-", "-", "-", "-", "-", "-", "-", "text/html",
    ))  # fmt: skip


def zeek_json(rng, host, user):
    return (
        f'{{"ts":{SECOND}.{rng.randint(0, 999999):06d},"uid":"C{word(rng, 16, 16)}","id.orig_h":"10.0.{rng.randint(0, 255)}.'
        f'{rng.randint(1, 254)}","id.orig_p":{rng.randint(1024, 65000)},"id.resp_h":"192.0.2.7","id.resp_p":80,"trans_depth":1,'
        f'"method":"GET","host":"{host}","uri":"{path(rng)}","version":"1.1","user_agent":"Mozilla/5.0","request_body_len":0,'
        f'"response_body_len":{rng.randint(0, 90000)},"status_code":200,"status_msg":"OK","username":"{user}","tags":[]}}'
    )


def bind(rng, host, _user):
    port = rng.randint(1024, 65000)
    return (
        f"{SECOND}.{rng.randint(0, 999):03d} queries: info: client @0x7f{rng.getrandbits(40):010x} 10.0.{rng.randint(0, 9)}."
        f"{rng.randint(1, 254)}#{port} ({host}): query: {host} IN A +E(0)K (192.0.2.53)"
    )


def elff(rng, host, user):
    return (
        f'{SECOND} {rng.randint(1, 900)} 10.0.{rng.randint(0, 9)}.{rng.randint(1, 254)} {user} - OBSERVED "Technology" - '
        f'200 TCP_NC_MISS GET text/html http {host} 80 {path(rng).partition("?")[0]} - html "Mozilla/5.0 (Windows NT 10.0)" '
        f"192.0.2.9 {rng.randint(200, 90000)} {rng.randint(100, 2000)} -"
    )


def _epoch(second):
    return str(second)


def _bind_stamp(second):
    from datetime import UTC, datetime

    return datetime.fromtimestamp(second, UTC).strftime("%d-%b-%Y %H:%M:%S")


def _elff_stamp(second):
    from datetime import UTC, datetime

    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%d %H:%M:%S")


ZEEK_FIELDS = tuple(
    "ts uid id.orig_h id.orig_p id.resp_h id.resp_p trans_depth method host uri referrer version user_agent origin "  # noqa: SIM905
    "request_body_len response_body_len status_code status_msg info_code info_msg tags username password proxied "
    "orig_fuids orig_filenames orig_mime_types resp_fuids resp_filenames resp_mime_types".split()
)
ELFF_HEAD = (
    "#Software: SGOS 6.7\n#Version: 1.0\n#Fields: date time time-taken c-ip cs-username cs-auth-group sc-filter-result "
    "cs-categories cs(Referer) sc-status s-action cs-method rs(Content-Type) cs-uri-scheme cs-host cs-uri-port cs-uri-path "
    "cs-uri-query cs-uri-extension cs(User-Agent) s-ip sc-bytes cs-bytes x-virus-id\n"
)
ZEEK_HEAD = (
    "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\thttp\n#fields\t"
    + "\t".join(ZEEK_FIELDS)
    + "\n"
)
LAYOUTS = {
    one.name: one
    for one in (
        Layout("squid", squid, _epoch),
        Layout("zeek_tsv", zeek_tsv, _epoch, ZEEK_HEAD),
        Layout("zeek_json", zeek_json, _epoch),
        Layout("bind_querylog", bind, _bind_stamp),
        Layout("bluecoat_proxysg", elff, _elff_stamp, ELFF_HEAD),
    )
}


def write(target, layout, size_bytes, names, rate, seed=11):
    """Write a log of about ``size_bytes`` in which a share ``rate`` of the lines are sightings of ``names``."""
    rng = random.Random(seed)
    host = background(rng)
    pool = []
    for _ in range(POOL):
        lines, length = [], 0
        while length < BLOCK_BYTES:
            lines.append(layout.line(rng, host(), rng.choice(USERS)))
            length += len(lines[-1]) + 1
        pool.append(lines)
    people = rng.sample(USERS, 40)
    written, second = 0, START
    with Path(target).open("wb") as file:
        written += file.write(layout.head.encode())
        while written < size_bytes:
            lines = list(rng.choice(pool))
            for index in sorted(rng.sample(range(len(lines)), round(len(lines) * rate + rng.random() - 0.5))):
                name = rng.choice(names[:60])
                shown = rng.choice(("", "www.", "app.", "API.")) + rng.choice((name, name, name.upper()))
                lines[index] = layout.line(rng, shown, rng.choice(people))
            text = "\n".join(lines) + "\n"
            written += file.write(text.replace(SECOND, layout.stamp(second)).encode())
            second += 7
    return written


def signatures(folder, names):
    """One signature a domain, as people would write them."""
    for number, name in enumerate(names):
        identity = f"service-{number:05d}"
        (folder / f"{identity}.yaml").write_text(
            f"schema_version: 1\nid: {identity}\nname: Service {number}\nvendor: Vendor {number}\n"
            f"category: generative-ai\nattribution: dedicated\ndescription: A service of the benchmark.\n"
            f"indicators:\n  - {{kind: suffix, value: {name}, sources: [benchmark]}}\nadded: 2026-01-01\n"
            f"reviewed: 2026-01-01\ntests:\n  positive:\n    - [{name}, visited]\n    - [www.{name}, visited]\n"
            f"  negative: [not{name}, {name}.example.net, example.com]\n"
        )
