"""Evidence bundles: the same bytes for the same evidence, and no change that two independent verifiers miss."""

import base64
import hashlib
import io
import json
import random
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from detector.audit.evidence import digest_of
from detector.bundle import Facts, archive, check, key_pair, pack, public_key_of, seal, sign, unpack, verify_alone
from detector.bundle.checking import LINES
from detector.bundle.manifest import MANIFEST, SIGNATURE, LogFile, canonical
from detector.cli import root as command_line
from detector.errors import UsageError

STORY = Path(__file__).parent.parent / "sample_logs" / "stories" / "halifax"
SECRET, PUBLIC = key_pair(bytes(range(32)))
OTHER, OTHER_PUBLIC = key_pair(b"o" * 32)
FACTS = Facts(
    version="1", ruleset="r", policy="p", configuration="", service="clearview-ai", since="2019-12-01T00:00:00Z",
    until="", sources=(LogFile("a.log", 9, "ab", "squid", "", ""),), names=False,
)  # fmt: skip
RAW = b"one line \xff of a log"


def evidence(raw=RAW, sha256=None):
    row = {
        "path": "a.log", "offset": 0, "sha256": sha256 or hashlib.sha256(raw).hexdigest(),
        "raw": base64.b64encode(raw).decode(),
    }  # fmt: skip
    return canonical(row)


MEMBERS = {"answer.json": b'{"verdict":"FOUND"}\n', "README.txt": b"Read me.\n", LINES: evidence()}


@pytest.fixture(scope="module")
def bundle():
    return seal(FACTS, MEMBERS, SECRET)


def both(data, public_key=""):
    """The faults that the program finds; the verifier that travels alone must agree that there are some, or none."""
    faults = check(data, public_key).faults
    assert bool(faults) == bool(verify_alone.faults_of(data, public_key))
    return faults


def resigned(members, secret=SECRET, **changed):
    """A bundle whose manifest was changed and signed again."""
    manifest = json.loads(members[MANIFEST]) | changed
    raw = canonical(manifest)
    return pack({**members, MANIFEST: raw, SIGNATURE: f"{sign(raw, secret)}\n".encode()})


class TestArchive:
    def test_any_tar_reads_it(self, bundle):
        with tarfile.open(fileobj=io.BytesIO(bundle)) as tar:
            names = tar.getnames()
            assert tar.extractfile("answer.json").read() == MEMBERS["answer.json"]
        assert names == sorted([*MEMBERS, MANIFEST, SIGNATURE, "verify.py"])

    def test_the_order_of_members_never_matters(self):
        assert pack(MEMBERS) == pack(dict(reversed(MEMBERS.items())))
        assert seal(FACTS, MEMBERS, SECRET) == seal(FACTS, dict(reversed(MEMBERS.items())), SECRET)

    @pytest.mark.parametrize("data", [b"", b"no tar at all" * 100, pack({"a": b"1"})[:700], pack({"a": b"1"}) + b"\0"])
    def test_what_pack_did_not_make_is_refused(self, data):
        with pytest.raises(UsageError):
            unpack(data)

    def test_a_name_that_does_not_fit_is_said(self):
        with pytest.raises(UsageError, match="too long a name"):
            pack({"x" * 101: b""})

    def test_nothing_but_its_two_empty_blocks_is_an_empty_archive(self):
        assert unpack(bytes(2 * archive.BLOCK_BYTES)) == {}


class TestSigning:
    def test_a_key_signs_the_same_way_each_time(self):
        assert sign(b"m", SECRET) == sign(b"m", SECRET) != sign(b"n", SECRET)
        assert public_key_of(f"{SECRET}\n") == PUBLIC

    @pytest.mark.parametrize("key", ["", "zz", "ab" * 31, "ab" * 33])
    def test_what_is_no_key_is_wrong_usage(self, key):
        with pytest.raises(UsageError, match="64 hexadecimal digits"):
            sign(b"m", key)

    def test_the_lone_verifier_knows_the_vectors_of_the_standard(self):
        # RFC 8032, section 7.1, tests 1 and 2
        vectors = {
            ("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", ""): (
                "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
                "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
            ),
            ("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72"): (
                "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
            ),
        }
        for (key_digits, message_digits), digits in vectors.items():
            key, message, signature = map(bytes.fromhex, (key_digits, message_digits, digits))
            assert verify_alone.is_signed(key, message, signature)
            assert not verify_alone.is_signed(key, message + b"x", signature)
            assert not verify_alone.is_signed(key, message, signature[:32] + bytes(32))
            assert not verify_alone.is_signed(key, message, signature[:63])
            assert not verify_alone.is_signed(b"\xff" * 32, message, signature)


class TestCheck:
    def test_an_unchanged_bundle_has_no_faults(self, bundle):
        assert both(bundle) == both(bundle, PUBLIC) == ()
        checked = check(bundle)
        assert checked.manifest["ruleset"] == "r"
        assert checked.sha256 == hashlib.sha256(unpack(bundle)[MANIFEST]).hexdigest()

    def test_of_1000_changed_bytes_every_one_is_found_by_both(self, bundle):
        chance = random.Random(20200227)
        missed = []
        for _ in range(1000):
            data, place = bytearray(bundle), chance.randrange(len(bundle))
            data[place] ^= chance.randrange(1, 256)
            if not both(bytes(data)):
                missed.append(place)
        assert missed == []

    @pytest.mark.parametrize("change", ["cut", "grown", "swapped"])
    def test_missing_added_and_moved_blocks_are_found(self, bundle, change):
        changed = {
            "cut": bundle[: len(bundle) // 2],
            "grown": bundle + bytes(512),
            "swapped": bundle[512:1024] + bundle[:512] + bundle[1024:],
        }[change]
        assert both(changed)

    def test_a_member_that_is_missing_extra_or_changed_is_named(self, bundle):
        members = unpack(bundle)
        less = {name: data for name, data in members.items() if name != "README.txt"}
        assert both(pack(less)) == ("README.txt: is missing",)
        assert both(pack({**members, "more.txt": b""})) == ("more.txt: is not in the manifest",)
        assert both(pack({**members, "answer.json": b"{}\n"})) == ("answer.json: was changed",)

    def test_who_signs_again_is_known_by_the_key(self, bundle):
        members = unpack(bundle)
        forged = seal(FACTS, {**MEMBERS, "answer.json": b"{}\n"}, OTHER)
        assert both(forged) == ()
        assert both(forged, PUBLIC) == (f"signed by another key: {OTHER_PUBLIC}",)
        assert both(resigned(members, OTHER)) == ("the signature is not of this manifest",)

    def test_a_raw_line_must_be_the_one_of_its_digest(self):
        wrong = seal(FACTS, {**MEMBERS, LINES: evidence(sha256="0" * 64)}, SECRET)
        assert both(wrong) == (f"{LINES}: the line at a.log:0 is not the one of its digest",)

    def test_a_manifest_of_another_kind_is_not_believed(self, bundle):
        members = unpack(bundle)
        assert "this program reads" in check(resigned(members, schema="other/9")).faults[0]
        assert both(pack({**members, MANIFEST: b"[]"})) == ("the manifest cannot be read",)
        spelled = members[SIGNATURE].upper()
        assert both(pack({**members, SIGNATURE: spelled})) == ("the signature is not of this manifest",)

    def test_the_verifier_in_the_bundle_runs_alone(self, bundle, tmp_path):
        (tmp_path / "b.tar").write_bytes(bundle)
        (tmp_path / "verify.py").write_bytes(unpack(bundle)["verify.py"])
        assert len(unpack(bundle)["verify.py"].splitlines()) < 150

        def run(*arguments):
            command = [sys.executable, "-I", "-S", "verify.py", *arguments]
            return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

        assert run("b.tar", PUBLIC).returncode == 0
        assert run("b.tar").stdout == "nothing was changed since it was signed\n"
        (tmp_path / "b.tar").write_bytes(bundle.replace(b"Read me", b"Read mo"))
        changed = run("b.tar")
        assert (changed.returncode, changed.stdout) == (1, "README.txt: changed, added or missing\n")
        assert run().returncode == 1


def run(*arguments):
    return CliRunner().invoke(command_line, ["bundle", *map(str, arguments)], standalone_mode=False)


def create(key, output, *arguments):
    story = ("--people", STORY / "people.csv", "--policy", STORY / "policy.yml", "-q")
    return run("create", "clearview-ai", STORY / "logs", *story, "--key", key, "-o", output, *arguments)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with a key, its public half, and a bundle of a story."""
    folder = tmp_path_factory.mktemp("case")
    public = run("keygen", folder / "key").stdout.strip()
    done = create(folder / "key", folder / "case.tar")
    assert done.return_value in (0, 4), done.output
    return folder, public, folder / "case.tar"


class TestCommand:
    def test_it_is_unchanged_and_says_who_signed(self, made):
        _, public, path = made
        done = run("verify", path, "--public-key", public)
        assert (done.return_value, "nothing was changed" in done.stdout) == (0, True)
        assert "was not checked" not in done.stdout
        assert "was not checked" in run("verify", path).stdout
        assert verify_alone.faults_of(path.read_bytes(), public) == []
        assert path.stat().st_mode & 0o777 == 0o600

    def test_the_same_evidence_gives_the_same_bytes(self, made):
        folder, _, path = made
        create(folder / "key", folder / "again.tar", "--jobs", "2", "--engine", "processes")
        assert (folder / "again.tar").read_bytes() == path.read_bytes()

    def test_it_holds_every_line_and_every_digest(self, made):
        members = unpack(made[2].read_bytes())
        sightings = [json.loads(line) for line in members["sightings.jsonl"].splitlines()]
        lines = {(one["path"], one["offset"]): one for one in map(json.loads, members[LINES].splitlines())}
        assert {(one["path"], one["offset"]) for one in sightings} == set(lines)
        for one in sightings:
            raw = base64.b64decode(lines[one["path"], one["offset"]]["raw"])
            assert (len(raw), hashlib.sha256(raw).hexdigest()) == (one["length"], one["sha256"])
        manifest = json.loads(members[MANIFEST])
        files = sorted(path for path in (STORY / "logs").rglob("*") if path.is_file())
        assert {one["path"]: one["sha256"] for one in manifest["sources"]} == {
            str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
        }
        assert json.loads(members["answer.json"])
        assert all(manifest[name] for name in ("ruleset", "policy"))

    def test_without_names_only_raw_lines_name_anybody(self, made):
        members = unpack(made[2].read_bytes())
        for name in ("answer.json", "answer.md", "answer.html", "sightings.jsonl"):
            assert b"u1065" not in members[name], name
        assert b"@service.example" not in members["sightings.jsonl"]

    def test_the_one_before_is_named(self, made):
        folder, _, path = made
        create(folder / "key", folder / "next.tar", "--previous", path)
        manifest = json.loads(unpack((folder / "next.tar").read_bytes())[MANIFEST])
        assert manifest["previous"] == hashlib.sha256(unpack(path.read_bytes())[MANIFEST]).hexdigest()

    def test_a_changed_bundle_is_status_4(self, made, tmp_path):
        changed = tmp_path / "changed.tar"
        changed.write_bytes(made[2].read_bytes().replace(b"gathered by", b"gathered on"))
        done = run("verify", changed)
        assert (done.return_value, "README.txt: was changed" in done.stdout) == (4, True)
        assert "is no unchanged bundle" in str(create(made[0] / "key", tmp_path / "x", "--previous", changed).exception)

    def test_a_line_that_is_not_there_any_more_is_told(self, made, tmp_path, monkeypatch):
        monkeypatch.setattr("detector.audit.evidence.raw_lines", lambda *_: ())
        done = create(made[0] / "key", tmp_path / "x.tar")
        assert done.return_value == 4
        assert re.search(r"incomplete: [1-9]\d* lines are not in it", done.stderr)

    def test_keys_are_kept_to_their_owner(self, made, tmp_path):
        key = made[0] / "key"
        assert key.stat().st_mode & 0o777 == 0o600
        assert "no key is written" in str(run("keygen", key).exception)
        loose = tmp_path / "loose"
        loose.write_text(key.read_text())
        loose.chmod(0o644)
        assert "others may read" in str(create(loose, tmp_path / "x").exception)
        assert "cannot be read" in str(create(tmp_path / "none", tmp_path / "x").exception)
        assert "cannot be read" in str(run("verify", tmp_path / "none").exception)
        assert "cannot be read" in str(create(key, tmp_path / "x", "--previous", tmp_path / "none").exception)
        assert "cannot be written" in str(create(key, tmp_path / "no" / "folder").exception)

    def test_an_unknown_service_is_said(self, made, tmp_path):
        done = run("create", "nobody", STORY / "logs", "--key", made[0] / "key", "-o", tmp_path / "x")
        assert "no service is called 'nobody'" in str(done.exception)


def test_a_file_that_cannot_be_read_has_no_digest(tmp_path):
    assert digest_of(str(tmp_path)) == (0, "")
