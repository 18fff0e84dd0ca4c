"""Write the corpus of hostile logs and, beside it, what must be sighted in it.

``python tests/hostile/generate.py`` in the root of the checkout; the same files come out each time. Each log of a format
holds one good line, a fault, and one good line: ``expected.json`` says at which offsets (of the decompressed log) which
service *must* be sighted, and where it *may* be, because the fault itself holds a name.
"""  # noqa: E501

import bz2
import gzip
import io
import json
import lzma
import random
import tarfile
import zipfile
from pathlib import Path

import zstandard

from detector.events import Col, Kind, Layout
from detector.formats import own_formats

HERE = Path(__file__).parent
AT = 1_582_797_600_000_000
FAMILIES = [
    "squid", "squid_common", "bluecoat_proxysg", "zeek_tsv", "zeek_json", "bind_querylog", "unbound", "dnsmasq",
    "windows_dns_debug", "postfix", "exchange_message_tracking", "m365_message_trace", "mail_headers",
]  # fmt: skip
SEPARATORS = {
    "nel": "\x85", "ls": "\u2028", "ps": "\u2029", "vt": "\x0b", "ff": "\x0c", "fs": "\x1c", "gs": "\x1d", "rs": "\x1e",
}  # fmt: skip


class Family:
    """One format's good lines."""

    def __init__(self, name):
        self.name = name
        self.format = own_formats()[name]
        self.preamble = self.format.preamble.encode() + b"\n" if self.format.preamble else b""
        self.between = b"\n" if self.format.layout is Layout.MAILS else b""  # a mail begins behind an empty line

    def line(self, host, number=1):
        """One event, or one transaction, with its newline."""
        event = {Col.AT: AT + number * 1_000_000, Col.SOURCE_IP: "10.0.0.7"}
        if self.format.kind is Kind.MAIL:
            event |= {Col.FROM: f"a@{host}", Col.SENDER: f"a@{host}", Col.TO: ["u1042@example.org"]}
            event |= {Col.SUBJECT: "Verify your email", Col.MESSAGE_ID: f"{number}@{host}", Col.DIRECTION: "inbound"}
        elif self.format.kind is Kind.DNS:
            event |= {Col.QUESTION: host}
        else:
            event |= {Col.DOMAIN: host, Col.USER: "u1042", Col.STATUS: 200}
        return self.format.example(event).encode() + b"\n"

    def first(self):
        return self.line("clearview.ai" if self.format.kind is not Kind.MAIL else "mail.clearview.ai", 1), "clearview"

    def last(self):
        return self.line("deep.clearview.ai" if self.format.kind is not Kind.MAIL else "sub-mail.example", 2), "sub"

    def other(self, number=3):
        return self.line("host.example.net", number)

    def proof(self, block):
        """Offset, inside a block, of the line that proves it."""
        status = block.find(b"status=sent")
        return block.rfind(b"\n", 0, status) + 1 if status > 0 else 0


class Log:
    """A log while it is put together, with what must be found in it."""

    def __init__(self, family):
        self.family = family
        self.data = b""
        self.must = []
        self.may = []

    def plant(self, block_and_service):
        block, service = block_and_service
        self.must.append([len(self.data) + self.family.proof(block), service])
        self.data += block
        return self

    def add(self, data, service=""):
        """Add bytes; with a service where they hold its name, damaged."""
        if service:
            for line in data.split(b"\n"):
                self.may.append([len(self.data) + data.find(line), service])
        self.data += data
        return self


def around(family, fault, service=""):
    """A good line, a fault, a good line."""
    log = Log(family).add(family.preamble).plant(family.first()).add(fault, service)
    return log.add(family.between).plant(family.last())


def faults(family, rng):
    """(name, log) of every fault that a line, or what lies between lines, can have."""
    first, last, other = family.first()[0], family.last()[0], family.other()
    columns = 10_000 if family.format.head_literals else 1_000
    yield "nul_bytes", around(family, b"\0\0\0\n\0\n")
    log = Log(family).add(family.preamble).plant(family.first()).add(b"\0" * 3000 + family.between * 2)
    yield "nul_hole_before_a_line", log.plant(family.last())
    yield "nul_inside_a_line", around(family, other[:20] + b"\0\0" + other[20:])
    yield "invalid_utf8", around(family, b"\xff\xfe\xc3\x28 \xf0\x28\x8c\xbc\n" + other[:-1] + b"\xff\n")
    yield "blank_lines", around(family, b"\n\n \n\t\n\r\n" * 5)
    yield "lone_cr", around(family, b"\r" + other[:-1] + b"\r\r\n" + b"junk\rjunk\n")
    yield "crlf", crlf(family)
    for name, mark in SEPARATORS.items():
        forged = b"x" + mark.encode() + family.line("rekognition.eu-west-1.amazonaws.com", 9).split(b"\n")[0] + b"\n"
        yield f"separator_{name}", around(family, forged, "cloud")
    yield "stray_quotes", around(family, other[:-1] + b' "\n' + b'"\n' + b'""" "\n' + other[:30] + b'"' + other[30:])
    yield "too_few_fields", around(family, b"\n".join(other[:at] for at in (1, 5, 20, 40)) + b"\n")
    yield "too_many_fields", around(family, other[:-1] + b" more, more;\tmore more|more\n")
    yield "broken_numbers", around(family, digits(other, b"NaN") + digits(other, b"-1") + digits(other, b"1e999999"))
    yield "broken_times", around(family, digits(other[:24], b"99") + other[24:] + digits(other[:24], b"") + other[24:])
    yield "huge_integers", around(family, digits(other, b"9" * (1000 if family.between else 5000)))
    yield "impossible_dates", around(family, b"Feb 31 25:61:61 host prog: x\n2020-02-30T24:61:61Z x y: z\n" + other)
    yield "deep_json", around(family, b'{"a":' * 1500 + b"1" + b"}" * 1500 + b"\n" + b"[" * 9000 + b"\n")
    yield "duplicate_keys", around(family, b'{"ts":1,"host":"a","host":"b","ts":2,"uri":{},"method":[1],"query":5}\n')
    yield (
        "json_of_all_types",
        around(
            family,
            b'{"ts":"x","host":1,"uri":null,"query":[],"rcptto":{},"from":[{}],"id.orig_h":true,"uid":1e999}\n' * 2,
        ),
    )
    yield "unclosed_csv_quote", around(family, b'2020-02-27,"open\n"never,closed\n')
    yield "ten_thousand_columns", headed(family, b"#Fields: " + b" ".join(b"c%d" % n for n in range(columns)) + b"\n")
    yield "header_without_fields", headed(family, b"#Fields:\n#fields\n#separator\n#Fields: \n")
    yield (
        "headers_out_of_order",
        headed(family, b"#close\tnow\n#fields\ta\n#types\n#separator \\x20\n#path\tx\n#open\n"),
    )
    yield "header_twice", headed(family, family.preamble * 2)
    yield (
        "last_line_without_newline",
        whole(family, Log(family).add(family.preamble).plant(family.first()), first, last),
    )
    yield "byte_order_mark", marked(family)
    yield "escapes_and_bidi", around(family, b"\x1b[31mred\x1b[0m \xe2\x80\xae\xc2\x9b31m\x07\n" + other)
    yield (
        "payloads",
        around(
            family,
            b"=cmd|' /C calc'!A0\n<script>alert(1)</script>\n{{7*7}}\n' OR 1=1 --\n%s%n%x\n../../etc/passwd\n${jndi:ldap://x}\n",
        ),
    )
    yield (
        "long_tokens",
        around(family, b"a" * 3000 + b"\n" + b"a." * 1500 + b"\n" + b"%41" * 1000 + b"\n" + b"(" * 2000 + b"\n"),
    )
    yield "binary_noise", around(family, bytes(rng.randrange(11, 256) for _ in range(2000)) + b"\n")
    yield "mutated_lines", around(family, b"".join(mutated(other, rng) for _ in range(25)))
    traps = [
        "notclearview.ai", "clearview.ai.example.org", "clearview.ai-x.example", "xclearview.ai", "clearview.a",
        "clear.view.ai", "\u0441learview.ai", "cle\u0430rview.ai", "xn--learview-27h.ai", "clearview.\u0430i", "." * 80,
        "a." * 100 + "example", "[::1]:x", "[clearview.ai", "-", "clearview_ai",
    ]  # fmt: skip
    yield "host_traps", around(family, b"".join(family.line(trap, n + 5) for n, trap in enumerate(traps)))
    if family.name == "postfix":
        reused = last.replace(last.split(b": ")[1], first.split(b": ")[1])
        yield "queue_id_reused", Log(family).plant(family.first()).plant((reused, "sub"))


def crlf(family):
    """Every line ends as on Windows."""
    log = Log(family).add(family.preamble.replace(b"\n", b"\r\n"))
    for block, service in (family.first(), family.last()):
        log.plant((block.replace(b"\n", b"\r\n"), service))
    return log


def headed(family, header):
    """A foreign header in mid-file; the format's own one follows."""
    return around(family, header + family.other(4) + family.preamble)


def marked(family):
    """A byte order mark in front of the file."""
    log = Log(family)
    if family.preamble:
        return log.add(b"\xef\xbb\xbf" + family.preamble).plant(family.first()).plant(family.last())
    block, service = family.first()
    return log.plant((b"\xef\xbb\xbf" + block, service)).plant(family.last())


def whole(family, log, _first, last):
    return log.plant((last.rstrip(b"\n"), family.last()[1]))


def digits(line, replacement):
    """A line whose runs of digits are something else."""
    out, inside = b"", False
    for at in range(len(line)):
        byte = line[at : at + 1]
        if byte.isdigit():
            out += b"" if inside else replacement
        else:
            out += byte
        inside = byte.isdigit()
    return out


def mutated(line, rng):
    data = bytearray(line[:-1])
    for _ in range(rng.randrange(1, 6)):
        at = rng.randrange(len(data))
        choice = rng.randrange(3)
        if choice == 0:
            data[at] = rng.choice([0, 9, 13, 32, 34, 37, 39, 44, 58, 61, 91, 92, 123, 127, 255])
        elif choice == 1:
            del data[at : at + rng.randrange(1, 9)]
        else:
            data[at:at] = data[at : at + rng.randrange(1, 9)]
        data = data or bytearray(b"x")
    return bytes(data).replace(b"\n", b"") + b"\n"


def utf16(log, encoding, *, mark):
    """A log in UTF-16; offsets count UTF-8 bytes, the byte order mark among them."""
    changed = Log(log.family)
    text = log.data.decode()
    changed.data = (("\ufeff" if mark else "") + text).encode(encoding)
    shift = 3 if mark else 0
    changed.must = [[offset + shift if offset or log.family.preamble else 0, service] for offset, service in log.must]
    return changed


def files(family):
    """(file name, bytes, log, reason) of faults of whole files; the reason is what the report must say is unread."""
    log = Log(family).add(family.preamble).plant(family.first())
    for number in range(60):
        log.add(family.other(number + 5))
    log.plant(family.last())
    data, early = log.data, [log.must[0]]
    packed = {
        "gz": gzip.compress(data, mtime=0), "zst": zstandard.compress(data), "bz2": bz2.compress(data),
        "xz": lzma.compress(data), "zip": zipped([("a.log", data)]),
    }  # fmt: skip
    for ending, content in packed.items():
        yield f"good.{ending}", content, log.must, ""
        yield f"misnamed_{ending}.txt", content, log.must, ""
        yield f"empty.{ending}", content[:6], [], "any"
        middle = len(content) // 2
        yield f"truncated.log.{ending}", content[:middle], [], "any"
        yield (
            f"corrupt.log.{ending}",
            content[:middle] + bytes([content[middle] ^ 0x55]) + content[middle + 1 :],
            [],
            "any",
        )
        if ending != "zip":
            yield f"garbage_tail.log.{ending}", content + b"garbage that is long enough to tell", log.must, "any"
            yield f"padded.log.{ending}", content + b"\0" * 600, log.must, ""
            yield f"two_members.log.{ending}", content * 2, early, ""
    yield "bad_crc.log.gz", packed["gz"][:-8] + b"\1\2\3\4" + packed["gz"][-4:], log.must, "any"
    yield "gz_inside_gz.log.gz", gzip.compress(packed["gz"], mtime=0), [], "any"
    yield (
        "traversal.zip",
        zipped([("../../../tmp/evil.log", data), ("/etc/evil.log", data), ("a\\..\\b.log", b"x\n")]),
        early,
        "any",
    )
    yield "same_name_twice.zip", zipped([("a.log", data), ("a.log", log.data[: len(family.preamble) + 200])]), [], "any"
    yield "folders_only.zip", zipped([("a/", b""), ("a/b/", b"")]), [], ""
    yield "encrypted.zip", encrypted(packed["zip"]), [], "any"
    yield "unknown_method.zip", packed["zip"].replace(b"\x08\x00", b"\x63\x00"), [], "any"
    yield "a.tar", tarred(data), [], "any"
    yield "a.tar.gz", gzip.compress(tarred(data), mtime=0), [], "any"
    yield "nothing.log", b"", [], ""
    yield "newlines.log", b"\n" * 500, [], ""
    yield "nuls.log", b"\0" * 5000, [], ""
    yield "one_byte.log", b"x", [], "any"
    yield "prose.txt", b"This is not a log.\nNobody wrote one here.\n" * 20, [], "any"
    yield "image.png", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8, [], "any"
    yield "pe.exe", b"MZ\x90\0" + bytes(range(256)) * 8, [], "any"
    yield "magic_only.gz", b"\x1f\x8b", [], "any"
    yield "zstd_skippable.zst", b"\x50\x2a\x4d\x18\x04\0\0\0abcd" + packed["zst"], log.must, ""


def zipped(entries):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in entries:
            info = zipfile.ZipInfo("placeholder", (2020, 2, 27, 10, 0, 0))
            info.filename = name
            info.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(info, data)
    return archive.getvalue()


def encrypted(content):
    """The same archive with the bit that says so, in both headers."""
    data = bytearray(content)
    data[6] |= 1
    data[data.index(b"PK\1\2") + 8] |= 1
    return bytes(data)


def tarred(data):
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as file:
        info = tarfile.TarInfo("../../a.log")
        info.size = len(data)
        file.addfile(info, io.BytesIO(data))
    return archive.getvalue()


def main():
    import warnings  # noqa: PLC0415

    warnings.simplefilter("ignore")  # zipfile tells of a name used twice: that is the point
    rng = random.Random(20200227)
    expected = {}
    for old in HERE.glob("*/*"):
        old.unlink()
    for name in FAMILIES:
        family = Family(name)
        logs = dict(faults(family, rng))
        plain = logs["crlf"]
        for encoding in ("utf-16-le", "utf-16-be"):
            logs[f"{encoding.replace('-', '')}_with_mark"] = utf16(plain, encoding, mark=True)
            logs[f"{encoding.replace('-', '')}_without_mark"] = utf16(plain, encoding, mark=False)
        for fault, log in logs.items():
            write(expected, f"{name}/{fault}.log", log.data, {"format": name, "must": log.must, "may": log.may})
    for ending, data, must, unread in files(Family("squid")):
        write(expected, f"files/{ending}", data, {"format": "", "must": must, "may": [], "unread": unread})
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(said)}" for name, said in sorted(expected.items()))
    (HERE / "expected.json").write_text("{\n" + lines + "\n}\n")


def write(expected, name, data, said):
    path = HERE / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    expected[name] = said


if __name__ == "__main__":
    main()
