"""`make bench`: whole audits beside ripgrep, zcat and cat, interleaved, medians of five, each checked by the oracle.

    python tests/bench/run.py [--quick] [--only squid-1k,startup] [--keep DIR]

Only the ratios of one run mean anything: the machine is shared and drifts. Each run is written to tests/bench/runs/.
With --keep the logs stay in that folder, and are taken from there by the next run: cases can be measured one by one.
Needs ripgrep (Debian: `apt-get install ripgrep`) and 12 GB of disk (--quick: 2 GB).
"""

import argparse
import compileall
import datetime as dt
import json
import multiprocessing
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

ROUNDS = 5
MB = 1_000_000
MOST_MB, MOST_GROWTH = 128, 1.15
SHADOWIT = str(Path(sys.executable).with_name("shadowit"))


@dataclass
class Measured:
    """Seconds and peak kB of each round of one command."""

    seconds: list = field(default_factory=list)
    peak_kb: int = 0

    @property
    def median(self):
        return statistics.median(self.seconds)


@dataclass(frozen=True)
class Case:
    """One row of the benchmark: a log, and the limits that its ratios must keep."""

    name: str
    layout: str
    megabytes: int
    indicators: int
    rate: float
    limits: dict
    gz: bool = False
    beside: str = ""
    """Another case, whose log is audited beside this one's."""


CASES = [
    Case("squid-200m", "squid", 200, 1000, 0.0005, {}),
    Case("squid-1k", "squid", 1000, 1000, 0.0005, {"rg -i -F": 0.30, "one core": 0.38}),
    Case("squid-2pct", "squid", 1000, 1000, 0.02, {"squid-1k": 2.0}, beside="squid-1k"),
    Case("squid-gz", "squid", 1000, 1000, 0.0005, {"zcat | rg -F": 0.25}, gz=True),
    Case("squid-10k", "squid", 1000, 10_000, 0.0005, {"rg -F": 0.40}),
    Case("squid-4g", "squid", 4000, 1000, 0.0005, {"rg -i -F": 0.25, "cat": 6.0}),
    Case("bind", "bind_querylog", 1000, 1000, 0.0005, {"rg -i -F": 0.45}),
    Case("elff", "bluecoat_proxysg", 1000, 1000, 0.0005, {"rg -i -F": 0.45}),
    Case("zeek-tsv", "zeek_tsv", 1000, 1000, 0.0005, {"rg -i -F": 0.45}),
    Case("zeek-json", "zeek_json", 1000, 1000, 0.0005, {"rg -i -F": 0.45}),
]


def timed(command, measured, output):
    """Run a shell command with its output in a file; note the time of the whole and the peak of any process."""
    with Path(output).open("wb") as file:
        start = time.perf_counter()
        process = subprocess.Popen(["/bin/bash", "-c", command], stdout=file, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        measured.seconds.append(time.perf_counter() - start)
    measured.peak_kb = max(measured.peak_kb, usage.ru_maxrss)
    code = os.waitstatus_to_exitcode(status)
    if code not in (0, 1):
        raise SystemExit(f"{command}: exit status {code}")


def commands(case, log, folder):
    """The commands that run side by side."""
    words = folder / f"domains-{case.indicators}.txt"
    options = f"--signatures {folder / f'signatures-{case.indicators}'} -f json --no-progress"
    audit = f"exec {SHADOWIT} audit {log} {options}"
    found = {"shadowit": audit}
    if case.beside:
        one_core = f"exec taskset -c 0 {SHADOWIT} audit {log} {options} --jobs 1"
        return found | {
            "one core": one_core,
            case.beside: f"exec {SHADOWIT} audit {path_of(beside(case), folder)} {options}",
        }
    if case.gz:
        alone = Path(__file__).with_name("inflate.py")
        return found | {
            "zcat | rg -F": f"zcat {log} | rg -F -f {words}",
            "isal alone": f"exec {sys.executable} {alone} {log}",
        }
    found |= {
        "one core": f"exec taskset -c 0 {audit.removeprefix('exec ')} --jobs 1",
        "rg -i -F": f"exec rg -i -F -f {words} {log}",
        "rg -F": f"exec rg -F -f {words} {log}",
        "cat": f"exec cat {log} > /dev/null",
    }
    if case.indicators > 1000:
        del found["rg -i -F"]  # minutes a gigabyte
    if not case.limits:
        found = {name: found[name] for name in ("shadowit", "one core")}  # compared with other rows
    return found


def path_of(case, folder):
    """Where a case's log lies."""
    return folder / f"{case.name}-{case.megabytes}.log{'.gz' if case.gz else ''}"


def beside(case):
    """The case whose log is audited beside another one's, of the same size."""
    return replace(next(one for one in CASES if one.name == case.beside), megabytes=case.megabytes)


def prepare(case, folder):
    """Write the log, its signatures and the list of domains."""
    import corpus

    rules = folder / f"signatures-{case.indicators}"
    words = folder / f"domains-{case.indicators}.txt"
    if words.exists():  # a kept folder: its logs are of the catalogue of that day
        names = words.read_text().split()
    else:
        names = corpus.domains(case.indicators)
        rules.mkdir()
        corpus.signatures(rules, names)
        words.write_text("\n".join(names) + "\n")
    for one in [case, *([beside(case)] if case.beside else [])]:
        log = path_of(one, folder)
        if not log.exists():
            plain = log.with_suffix("") if one.gz else log
            corpus.write(plain, corpus.LAYOUTS[one.layout], one.megabytes * MB, names, one.rate)
            if one.gz:
                subprocess.run(["gzip", "-f", str(plain)], check=True)
    return path_of(case, folder), names


def check(case, log, names, output):
    """Compare an audit's JSON with the oracle."""
    import oracle

    report = json.loads(Path(output).read_text())
    totals = report["totals"]
    people = {finding["actor"]["id"] for finding in report["findings"]}
    got = (totals["sightings"], len(people), totals["bytes"], totals["lines"])
    wanted = oracle.audit(log, case.layout, names)
    if got != wanted:
        raise SystemExit(f"{case.name}: sightings, people, bytes, lines are {got}, should be {wanted}")
    return dict(zip(("sightings", "people", "bytes", "lines"), got, strict=True))


def apart(work, *arguments):
    """Run something big in a process of its own: what is measured is forked from here, and would inherit our peak."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def bench(case, folder, *, keep):
    """One case: prepared, run five times side by side, checked."""
    log, names = apart(prepare, case, folder)
    shown = commands(case, log, folder)
    results = {name: Measured() for name in shown}
    timed(shown["shadowit"], Measured(), os.devnull)  # fills the page cache and the cache of compiled signatures
    for _ in range(ROUNDS):
        for name, command in shown.items():
            timed(command, results[name], folder / f"out-{name.replace(' ', '').replace('|', '-')}")
    facts = apart(check, case, log, names, folder / "out-shadowit")
    if not keep:
        for one in [case, *([beside(case)] if case.beside else [])]:
            path_of(one, folder).unlink()
    ours = results["shadowit"]
    row = {"case": case.name, "indicators": case.indicators, "rate": case.rate, **facts}
    row["seconds"] = {name: round(one.median, 3) for name, one in results.items()}
    row["peak_mb"] = {
        name: round(results[name].peak_kb / 1024, 1) for name in ("shadowit", "one core") if name in results
    }
    row["ratios"] = {
        name: round(ours.median / one.median, 3)
        for name, one in results.items()
        if name not in ("shadowit", "one core")
    }
    if "one core" in results and "rg -i -F" in results:
        row["ratios"]["one core"] = round(results["one core"].median / results["rg -i -F"].median, 3)
    row["kept"] = {name: row["ratios"][name] <= limit for name, limit in case.limits.items()}
    return row


def across(rows):
    """Limits that hold between cases: memory, and its growth with the log."""
    known = {row["case"]: row for row in rows}
    kept = {"peak <= 128 MB": all(max(row["peak_mb"].values()) <= MOST_MB for row in rows if "peak_mb" in row)}
    small, large = known.get("squid-200m"), known.get("squid-4g")
    if small and large:
        grown = {name: large["peak_mb"][name] / small["peak_mb"][name] for name in small["peak_mb"]}
        kept["200 MB to 4 GB: peak <= +15 %"] = max(grown.values()) <= MOST_GROWTH
    return kept


def startup():
    """`shadowit --version` beside an empty Python."""
    results = {"shadowit --version": Measured(), "python -c pass": Measured()}
    for _ in range(ROUNDS * 4):
        timed(f"exec {SHADOWIT} --version", results["shadowit --version"], os.devnull)
        timed(f"exec {sys.executable} -c pass", results["python -c pass"], os.devnull)
    ratio = results["shadowit --version"].median / results["python -c pass"].median
    seconds = {name: round(one.median, 4) for name, one in results.items()}
    return {
        "case": "startup",
        "seconds": seconds,
        "ratios": {"python": round(ratio, 2)},
        "kept": {"python": ratio <= 2.5},
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the sizes")
    parser.add_argument("--only", default="", help="names of cases, comma-separated")
    parser.add_argument("--keep", default="", help="folder in which the logs stay for the next run")
    options = parser.parse_args()
    if not shutil.which("rg"):
        raise SystemExit("ripgrep is missing: apt-get install ripgrep")
    only = set(options.only.split(",")) - {""}
    compileall.compile_dir(Path(__file__).parents[2] / "detector", quiet=1)  # as it is in an installed package
    rows = [startup()] if not only or "startup" in only else []
    with tempfile.TemporaryDirectory() as name:
        os.environ["XDG_CACHE_HOME"] = name
        folder = Path(options.keep or name)
        folder.mkdir(parents=True, exist_ok=True)
        for case in CASES:
            if only and case.name not in only:
                continue
            sized = replace(case, megabytes=case.megabytes // (10 if options.quick else 1))
            rows.append(bench(sized, folder, keep=bool(options.keep)))
            print(json.dumps(rows[-1]), flush=True)
    record = {
        "date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "rounds": ROUNDS,
        "quick": options.quick,
        "rows": rows,
        "across": across(rows),
    }
    target = Path(__file__).parent / "runs" / f"{record['date'].replace(':', '')}.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(record, indent=1) + "\n")
    print(f"kept as {target.name}; limits kept: {sum(all(row['kept'].values()) for row in rows)} of {len(rows)} rows,")
    print(f"between rows: {record['across']}")


if __name__ == "__main__":
    main()
