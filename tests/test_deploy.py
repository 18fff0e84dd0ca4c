"""The deploy folder: every file is read by the program that it is for, where that program is installed."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from detector import config
from detector.metrics import FAMILIES

DEPLOY = Path(__file__).parent.parent / "deploy"
RULES = DEPLOY / "prometheus" / "shadowit.rules.yml"
SBIN = f"{os.environ['PATH']}:/usr/sbin:/sbin"


def run(program, *arguments, cwd=DEPLOY, **environment):
    """What a program says of a file; the test is skipped where it is not installed."""
    found = shutil.which(program, path=SBIN)
    if found is None:
        pytest.skip(f"{program} is not installed")
    return subprocess.run(
        [found, *map(str, arguments)], cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


def read(path):
    return yaml.safe_load(path.read_text())


def written(loaded):
    """The folders of the store and of the key of the pseudonyms."""
    return str(Path(loaded.store.removeprefix("sqlite:///")).parent), str(loaded.privacy.key_file.parent)


def rules(path=RULES):
    return [rule for group in read(path)["groups"] for rule in group["rules"]]


class TestSystemd:
    def test_the_unit_is_hardened(self, tmp_path):
        units = tmp_path / "etc" / "systemd" / "system"
        units.mkdir(parents=True)
        shutil.copy(DEPLOY / "systemd" / "shadowit.service", units)
        said = run("systemd-analyze", "security", "--offline=yes", f"--root={tmp_path}", "shadowit.service").stdout
        assert float(re.search(r"Overall exposure level for shadowit.service: ([\d.]+)", said)[1]) <= 1.5

    def test_the_unit_waits_for_readiness_and_is_watched(self):
        unit = (DEPLOY / "systemd" / "shadowit.service").read_text()
        for line in ("Type=notify", "WatchdogSec=60", "ExecReload=/bin/kill -HUP $MAINPID", "IPAddressDeny=any"):
            assert f"\n{line}\n" in unit

    def test_the_canary_timer_starts_its_service(self):
        said = run("systemd-analyze", "verify", DEPLOY / "systemd" / "shadowit-canary.timer")
        assert "shadowit-canary" not in said.stderr


class TestRules:
    def test_promtool_reads_them(self):
        done = run("promtool", "check", "rules", RULES)
        assert done.returncode == 0, done.stdout + done.stderr

    def test_each_fires_once_and_stays_silent_once(self):
        done = run("promtool", "test", "rules", "shadowit.rules.test.yml", cwd=RULES.parent)
        assert done.returncode == 0, done.stdout + done.stderr
        cases = [
            (case["alertname"], bool(case["exp_alerts"]))
            for test in read(RULES.parent / "shadowit.rules.test.yml")["tests"]
            for case in test["alert_rule_test"]
        ]
        assert sorted(cases) == sorted((rule["alert"], fires) for rule in rules() for fires in (True, False))

    def test_each_has_a_page_in_the_runbook(self):
        headings = re.findall(r"^## (\w+)$", (RULES.parent / "runbook.md").read_text(), re.MULTILINE)
        assert headings == [rule["alert"] for rule in rules()]
        for rule in rules():
            assert rule["annotations"]["runbook"] == f"deploy/prometheus/runbook.md#{rule['alert'].lower()}"
            assert rule["labels"]["severity"] in ("critical", "warning", "info")

    def test_kubernetes_has_the_same(self):
        assert read(DEPLOY / "kubernetes" / "prometheusrule.yaml")["spec"] == read(RULES)


class TestDashboard:
    def test_it_is_what_its_script_writes(self):
        path = DEPLOY / "grafana" / "generate.py"
        spec = importlib.util.spec_from_file_location("dashboard", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        written = json.loads((DEPLOY / "grafana" / "shadowit.json").read_text())
        assert written == module.dashboard()

    def test_no_panel_covers_another(self):
        panels = json.loads((DEPLOY / "grafana" / "shadowit.json").read_text())["panels"]
        taken = [
            (place["x"] + column, place["y"] + row)
            for place in (panel["gridPos"] for panel in panels)
            for column in range(place["w"])
            for row in range(place["h"])
        ]
        assert len(taken) == len(set(taken))
        assert all(0 <= column < 24 for column, _ in taken)


def asked_for(query):
    """(metric, labels) that a query names; Prometheus itself renames a metric's own ``job``."""
    found = re.findall(r"\b(shadowit_\w+)(?:\{([^}]*)\})?", query)
    return [(name, set(re.findall(r"(\w+)=~?", labels))) for name, labels in found]


QUERIES = [rule["expr"] for rule in rules()] + [
    target["expr"]
    for panel in json.loads((DEPLOY / "grafana" / "shadowit.json").read_text())["panels"]
    for target in panel.get("targets", ())
]


@pytest.mark.parametrize("query", QUERIES)
def test_every_metric_and_label_that_is_asked_for_exists(query):
    known = {one.name: set(one.labels) for one in FAMILIES}
    for name, labels in asked_for(query):
        assert name in known
        assert labels <= known[name], name
    for group in re.findall(r"by \(([^)]*)\)", query):
        labels = {label.strip().replace("exported_job", "job") for label in group.split(",")}
        assert all(labels <= known[name] for name, _ in asked_for(query))


def test_every_metric_is_on_the_dashboard_or_in_a_rule():
    named = {name for query in QUERIES for name, _ in asked_for(query)}
    assert {one.name for one in FAMILIES} == named


class TestContainers:
    @pytest.mark.parametrize("name", ["docker/shadowit.yml", "kubernetes/shadowit.yml", "systemd/shadowit.yml"])
    def test_the_configurations_are_good(self, name):
        loaded = config.load(DEPLOY / name)
        assert {one.format for one in loaded.sources} == {"squid", "unbound", "postfix"}

    def test_the_image_runs_as_nobody_and_installs_what_is_locked(self):
        lines = (DEPLOY / "docker" / "Dockerfile").read_text().splitlines()
        stages = [line for line in lines if line.startswith("FROM ")]
        assert len(stages) == 2
        assert "USER 10001:10001" in lines[lines.index(stages[1]) :]
        assert any("--require-hashes" in line for line in lines)

    def test_compose_gives_no_rights_away_and_listens_on_loopback(self):
        services = read(DEPLOY / "docker" / "compose.yml")["services"]
        daemon = services["shadowit"]
        assert daemon["read_only"]
        assert daemon["cap_drop"] == ["ALL"]
        assert all(port.startswith("127.0.0.1:") for port in daemon["ports"])
        assert {name for name, one in services.items() if "ports" in one} == {"shadowit"}
        for one in services.values():
            for volume in one["volumes"]:
                path = volume.split(":")[0]
                assert not path.startswith(".") or (DEPLOY / "docker" / path).exists()

    def test_all_that_the_container_writes_lies_in_volumes_of_its_user(self):
        """The root file system is read-only: nothing else can be written, and what the image makes has its owner."""
        mounts = [
            volume.split(":") for volume in read(DEPLOY / "docker" / "compose.yml")["services"]["shadowit"]["volumes"]
        ]
        writable = {mount[1] for mount in mounts if mount[2:] != ["ro"]}
        assert writable == set(written(config.load(DEPLOY / "docker" / "shadowit.yml")))
        image = (DEPLOY / "docker" / "Dockerfile").read_text()
        made = re.search(r"install -d -m 0700 -o shadowit -g shadowit (.*)", image)[1].split()
        assert set(made) == set(json.loads(re.search(r"^VOLUME (.*)", image, re.MULTILINE)[1])) == writable

    def test_prometheus_and_alertmanager_read_their_files(self, tmp_path):
        for path in (DEPLOY / "docker" / "prometheus.yml", RULES):
            shutil.copy(path, tmp_path)
        done = run("promtool", "check", "config", "prometheus.yml", cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        done = run("amtool", "check-config", DEPLOY / "docker" / "alertmanager.yml")
        assert done.returncode == 0, done.stdout + done.stderr

    def test_kustomize_builds_one_of_everything(self):
        done = run("kubectl", "kustomize", DEPLOY / "kubernetes")
        assert done.returncode == 0, done.stderr
        kinds = [one["kind"] for one in yaml.safe_load_all(done.stdout)]
        assert sorted(kinds) == [
            "ConfigMap", "Deployment", "Namespace", "NetworkPolicy", "PersistentVolumeClaim", "PodMonitor",
            "PrometheusRule",
        ]  # fmt: skip

    def test_the_pod_is_restricted_and_never_doubled(self):
        spec = read(DEPLOY / "kubernetes" / "deployment.yaml")["spec"]
        assert (spec["replicas"], spec["strategy"]["type"]) == (1, "Recreate")
        pod = spec["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"]
        places = {mount["mountPath"]: mount["name"] for mount in pod["containers"][0]["volumeMounts"]}
        store, key = written(config.load(DEPLOY / "kubernetes" / "shadowit.yml"))
        assert (places[store], places[key]) == ("store", "key")
        for container in pod["containers"]:
            security = container["securityContext"]
            assert security["readOnlyRootFilesystem"]
            assert not security["allowPrivilegeEscalation"]
            assert security["capabilities"] == {"drop": ["ALL"]}


class TestCollectors:
    def test_rsyslog_reads_its_file(self):
        done = run("rsyslogd", "-N1", "-f", DEPLOY / "collectors" / "rsyslog.conf")
        assert done.returncode == 0, done.stderr
        assert "error" not in done.stderr.lower()

    def test_syslog_ng_reads_its_file(self, tmp_path):
        root = os.environ.get("SYSLOG_NG_ROOT")  # it conflicts with rsyslog's package: CI unpacks it beside the system
        file = DEPLOY / "collectors" / "syslog-ng.conf"
        if root:
            libraries = f"{root}/usr/lib/syslog-ng"
            arguments = [f"--module-path={libraries}/3.38", f"--persist-file={tmp_path}/p", "--no-caps", "-sf", file]
            paths = f"{libraries}:{libraries}/3.38"
            done = run(f"{root}/usr/sbin/syslog-ng", *arguments, LD_LIBRARY_PATH=paths)
        else:
            done = run("syslog-ng", "-s", "--no-caps", "-f", file)
        assert done.returncode == 0, done.stderr

    @pytest.mark.parametrize("name", ["vector.yaml", "fluent-bit.yaml"])
    def test_the_others_name_the_same_logs(self, name):
        text = (DEPLOY / "collectors" / name).read_text()
        assert read(DEPLOY / "collectors" / name)
        assert {"squid", "unbound", "bind", "postfix"} <= set(re.findall(r"[a-z]+", text))


def test_every_file_has_its_place_in_the_page():
    page = (DEPLOY / "README.md").read_text()
    folders = {path.name for path in DEPLOY.iterdir() if path.is_dir()}
    assert folders == set(re.findall(r"^\| `(\w+)/`", page, re.MULTILINE))
