"""A corpus of 900 days and 5,000 people in thirteen logs of twelve formats, packed by day and week, with stories in it.

    python tests/bench/corpus_900.py TARGET [--lines 100000000] [--jobs 2] [--seed 1]

Writes TARGET/logs/, people.csv, policy.yml, truth.json (who reached which stage, who invited whom, lines and bytes). The
same arguments give the same bytes. Everyday lines come from pools of lines in the vendors' layouts, stamped anew: about
a second for a million lines on two cores, packing included.
"""

import argparse
import bisect
import json
import re
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import planted_900
from isal import igzip
from planted_900 import DAYS, PEOPLE, START, address
from storyline import background
from storyline.clock import DAY, SECOND, is_workday, moment
from storyline.events import Lease, Login, Lookup, Mail, Web
from storyline.layout import Layout
from storyline.leases import ISC_DHCPD, WINDOWS_DHCP, WINDOWS_SECURITY
from storyline.mailers import EXCHANGE, MESSAGE_TRACE, POSTFIX
from storyline.people import directory
from storyline.proxies import PROXYSG, SQUID, UPGRADE
from storyline.resolvers import BIND, UNBOUND, WINDOWS_DNS
from storyline.zeek import ZEEK_DNS, ZEEK_SSL
from zstandard import ZstdCompressor

MARK, SERIAL = "\0", "\1"
_IDS = tuple(
    map(re.compile, (r"(?<=: )[0-9A-F]{10}(?=: )", r"\b[0-9a-f]{8}(?=-7c1d-4e0b-)", r"(?<=<)\d{10}(?=\.[0-9a-f]{8}@)"))
)
LARGEST_POOL, SMALLEST_POOL = 60_000, 2_000
WORDS = 4_000
CLOCK = [f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}" for second in range(86_400)]
CLOCK_12 = [
    f"{s // 3600 % 12 or 12}:{s // 60 % 60:02d}:{s % 60:02d} {'AM' if s < 43_200 else 'PM'}" for s in range(86_400)
]


@dataclass(frozen=True)
class Device:
    """One log: its layout, the name of its files, its share of all lines, how its day is written."""

    name: str
    layout: Layout
    share: float
    date: str
    is_daily: bool = False
    clock: str = "24"


DEVICES = {
    one.name: one
    for one in (
        Device("hq/squid/access.log-{}.gz", SQUID, 0.30, "epoch", is_daily=True),
        Device("east/proxysg/SG_main_{}.log.gz", PROXYSG, 0.18, "%Y-%m-%d ", is_daily=True),
        Device("field/zeek/ssl-{}.log.zst", ZEEK_SSL, 0.12, "epoch", is_daily=True),
        Device("hq/unbound/unbound.log-{}.zst", UNBOUND, 0.10, "epoch"),
        Device("south/bind/query.log-{}.gz", BIND, 0.07, "%d-%b-%Y "),
        Device("east/dns/dns-{}.log.gz", WINDOWS_DNS, 0.06, "american", clock="12"),
        Device("field/zeek/dns-{}.log.gz", ZEEK_DNS, 0.05, "epoch"),
        Device("hq/postfix/maillog-{}.gz", POSTFIX, 0.04, "syslog"),
        Device("east/exchange/MSGTRK{}-1.LOG.gz", EXCHANGE, 0.03, "%Y-%m-%dT"),
        Device("field/m365/message_trace-{}.csv.zst", MESSAGE_TRACE, 0.02, "%Y-%m-%dT"),
        Device("hq/dhcp/dhcpd-{}.log.gz", ISC_DHCPD, 0.01, "%Y-%m-%dT"),
        Device("east/dhcp/DhcpSrvLog-{}.log.gz", WINDOWS_DHCP, 0.005, "%m/%d/%y,"),
        Device("hq/logins/dc1-security-{}.csv.zst", WINDOWS_SECURITY, 0.015, "american", clock="12"),
    )
}


def day_text(device, day):
    """What stands before the clock on a day; for epochs nothing does."""
    when = moment(day)
    if device.date == "american":
        return f"{when.month}/{when.day}/{when.year} "
    if device.date == "syslog":
        return f"{when:%b} {when.day:2d} "
    return "" if device.date == "epoch" else f"{when:{device.date}}"


def stamps(device, day, seconds):
    """The stamps of some seconds of a day."""
    if device.date == "epoch":
        base = day // SECOND
        return [str(base + second) for second in seconds]
    text, clock = day_text(device, day), CLOCK_12 if device.clock == "12" else CLOCK
    return [text + clock[second] for second in seconds]


def hosts(dice):
    """Hosts of everyday traffic: known ones, and many that nobody knows."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["".join(dice.choices(letters, k=dice.randrange(9, 14))) for _ in range(WORDS)]
    made = [
        f"{dice.choice(('www', 'cdn', 'api', 'mail'))}.{word}.{dice.choice(('example', 'example.com', 'example.org'))}"
        for word in words
    ]
    return [*background.SITES * 20, *background.DELIVERY * 30, *made, "notclearview.ai", "clearview.ai.example.net"]


def everyday(device, instant, numbers, dice, names):
    """One event of a device at an instant, by somebody who is in no story."""
    number = dice.choice(numbers)
    where = address(number)
    kind = device.name.split("/")[1]
    if kind in ("squid", "proxysg") or "ssl" in device.name:
        sizes = dice.randrange(300, 4000), dice.randrange(400, 90_000)
        web = Web(instant, where, dice.choice(names), f"u{number}", sent=sizes[0], received=sizes[1])
        if kind == "proxysg" or (kind == "squid" and dice.random() < 0.2):
            scheme = "https" if kind == "proxysg" else "http"
            return Web(instant, where, web.host, web.user, dice.choice(background.PATHS), "GET", 200, *sizes, scheme)
        return web
    if kind in ("unbound", "bind", "dns") or "dns-" in device.name:
        return Lookup(instant, where, dice.choice(names), dice.choice(("A", "A", "AAAA")))
    if kind == "dhcp":
        return Lease(instant, where, f"ws-{number}", 691_200)
    if kind == "logins":
        return Login(instant, where, f"ws-{number}", f"u{number}")
    subject = dice.choice(background.SUBJECTS).format(n=dice.randrange(100, 999))
    return Mail(instant, dice.choice(background.SENDERS), (f"u{number}@service.example",), subject)


class Writer:
    """Writes the files of one device; its pool of everyday lines is made once in each process."""

    def __init__(self, device, numbers, lines, seed):
        self.device, self.numbers = device, numbers
        self.is_mail = device.layout in (POSTFIX, EXCHANGE, MESSAGE_TRACE)
        self.size = max(SMALLEST_POOL, min(LARGEST_POOL, int(lines * device.share / DAYS) * 4))
        dice = Random(f"{seed} {device.name}")
        names = hosts(dice)
        self.pools = [self._pool(START, dice, names)]
        if device.layout is PROXYSG:
            self.pools.append(self._pool(UPGRADE, dice, names))
        self.per_item = sum(text.count("\n") + 1 for text in self.pools[0]) / self.size

    def _pool(self, instant, dice, names):
        """Everyday events as text, with a mark where the time goes."""
        end = self.device.layout.end
        pool = []
        while len(pool) < self.size:
            event = everyday(self.device, instant + dice.randrange(1000), self.numbers, dice, names)
            lines = [self._marked(when, text) for when, text in self.device.layout.lines(event)]
            if lines:
                pool.append(end.join(lines))
        return pool

    def _marked(self, when, text):
        day = when - when % DAY
        stamp = stamps(self.device, day, [when % DAY // SECOND])[0]
        if self.is_mail:  # no two mails have one id
            for pattern in _IDS:
                text = pattern.sub(SERIAL, text)
        return text.replace(stamp, MARK, 1)

    def lines(self, first, days, count, planted, seed):
        """All lines of a file in order of time, as (second since START, text)."""
        seconds, texts = [], []
        weights = [4 if is_workday(first + day * DAY) else 1 for day in range(days)]
        for day, weight in enumerate(weights):
            midnight = first + day * DAY
            rng = np.random.default_rng([seed, midnight // DAY, abs(hash_of(self.device.name))])
            items = max(1, round(count / self.per_item * weight / sum(weights)))
            when = rng.integers(0, 86_400, items)
            busy = rng.random(items) < 0.8
            when[busy] = rng.integers(13 * 3600, 22 * 3600, int(busy.sum()))
            when.sort()
            chosen = when.tolist()
            pool = self.pools[-1] if midnight + DAY > UPGRADE else self.pools[0]
            start = int(rng.integers(0, self.size))
            wrapped = pool[start:] + pool[:start]
            wrapped *= 1 + items // self.size
            made = [
                text.replace(MARK, stamp)
                for text, stamp in zip(wrapped, stamps(self.device, midnight, chosen), strict=False)
            ]
            if self.is_mail:
                serial = (midnight - START) // DAY * 1_000_000
                width, digits = (10, "X") if self.device.layout is POSTFIX else (8, "x")
                made = [text.replace(SERIAL, f"{serial + index:0{width}{digits}}") for index, text in enumerate(made)]
            texts += made
            if self.device.layout is PROXYSG and midnight <= UPGRADE < midnight + DAY:
                self._upgrade(texts, chosen, start)
            base = (midnight - START) // SECOND
            seconds += [base + second for second in chosen]
        for instant, text in reversed(planted):
            place = bisect.bisect_right(seconds, (instant - START) // SECOND)
            texts.insert(place, text)
        return texts

    def _upgrade(self, texts, chosen, start):
        """The lines of the morning before new firmware have fewer columns; its header stands in the middle."""
        early = bisect.bisect_left(chosen, UPGRADE % DAY // SECOND)
        first = len(texts) - len(chosen)
        pool = self.pools[0]
        midnight = UPGRADE - UPGRADE % DAY
        for index, stamp in enumerate(stamps(self.device, midnight, chosen[:early])):
            texts[first + index] = pool[(start + index) % self.size].replace(MARK, stamp)


def hash_of(text):
    """The same number for a text in every process."""
    import zlib

    return zlib.crc32(text.encode())


def spans(device, lines):
    """(first day, days) of a device's files: by day or week; longer when there is little to write."""
    length = (1 if device.is_daily else 7) if lines >= 20_000_000 else 7 if lines >= 1_000_000 else 60
    return [(START + day * DAY, min(length, DAYS - day)) for day in range(0, DAYS, length)]


def restarts(device, first, days):
    """Header lines in the middle of a file, as if they were planted."""
    for instant in device.layout.restarts:
        if first < instant < first + days * DAY:
            yield instant - 1, device.layout.end.join(device.layout.header(instant))


def packed(name, content):
    """As the name's ending asks for; no time of packing gets in."""
    if name.endswith(".zst"):
        return ZstdCompressor(level=3).compress(content)
    return igzip.compress(content, 1, mtime=0)


_STATE = {}


def write_files(target, name, numbers, chunk, lines, seed):
    """Some files of one device; gives their count of lines, bytes and packed bytes."""
    device = DEVICES[name]
    if name not in _STATE:
        _STATE[name] = Writer(device, numbers, lines, seed)
    done = [0, 0, 0]
    for first, days, planted in chunk:
        told = sorted([*planted, *restarts(device, first, days)], key=lambda line: line[0])
        texts = _STATE[name].lines(first, days, lines * device.share * days / DAYS, told, seed)
        layout, stop = device.layout, moment(first + days * DAY)
        texts = [*layout.header(first), *texts, ""]
        content = layout.mark + layout.end.join(texts).encode()
        path = target / "logs" / name.format(f"{stop:%Y%m%d}")
        path.parent.mkdir(parents=True, exist_ok=True)
        data = packed(path.name, content)
        path.write_bytes(data)
        done = [a + b for a, b in zip(done, (content.count(b"\n"), len(content), len(data)), strict=True)]
    return done


def chunks(whole, device, lines):
    """The files of a device, each with what is planted in its days, some tens at a time."""
    told = whole.lines(device.layout)
    instants = [instant for instant, _ in told]
    files = []
    for first, days in spans(device, lines):
        low, high = (bisect.bisect_left(instants, at) for at in (first, first + days * DAY))
        files.append((first, days, told[low:high]))
    size = max(1, len(files) // 12)
    return [files[at : at + size] for at in range(0, len(files), size)]


POLICY = """\
version: "1"
timezone: UTC
defaults:
  facial-recognition: restricted
orders:
"""


def policy(whole):
    """One organisation's decisions: an order for each story that has one, for its people."""
    text = POLICY
    for story, instant, people in whole.orders:
        text += (
            f"  - id: cease-{story}\n    services: clearview-ai\n    effective: {moment(instant):%Y-%m-%dT%H:%M:%SZ}\n"
        )
        text += f"    duties: [stop]\n    addressees: {{people: [{', '.join(people)}]}}\n"
    return text


def write(target, lines=100_000_000, jobs=2, seed=1):
    """Everything; gives what is true."""
    start = time.perf_counter()
    whole = planted_900.plant()
    numbers = [number for number in range(10_001, 10_001 + PEOPLE) if f"u{number}" not in whole.story_of]
    target.mkdir(parents=True, exist_ok=True)
    (target / "people.csv").write_text(directory(whole.people))
    (target / "policy.yml").write_text(policy(whole))
    total = [0, 0, 0]
    with ProcessPoolExecutor(jobs) as pool:
        waiting = [
            pool.submit(write_files, target, name, numbers, chunk, lines, seed)
            for name, device in DEVICES.items()
            for chunk in chunks(whole, device, lines)
        ]
        for one in waiting:
            total = [a + b for a, b in zip(total, one.result(), strict=True)]
    facts = dict(zip(("lines", "bytes", "packed_bytes"), total, strict=True))
    truth = whole.truth() | facts
    (target / "truth.json").write_text(json.dumps(truth, indent=1) + "\n")
    return truth | {"seconds": round(time.perf_counter() - start, 1)}


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("target", type=Path)
    options.add_argument("--lines", type=int, default=100_000_000)
    options.add_argument("--jobs", type=int, default=2)
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    truth = write(given.target, given.lines, given.jobs, given.seed)
    for key in ("lines", "bytes", "packed_bytes", "seconds"):
        print(f"{key:13} {truth[key]:>16,}")
    print(f"{'people':13} {len(truth['people']):>16,}\n{'edges':13} {len(truth['edges']):>16,}")


if __name__ == "__main__":
    sys.exit(main())
