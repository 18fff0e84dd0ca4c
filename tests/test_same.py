"""Findings of the store are those of an audit: the daemon and the audit are one program."""

import json

import pytest
from click.testing import CliRunner

from detector.cli import root as shadowit

KEPT_BUT_PLACES = ("evidence",)
"""The daemon gives a stream an id of its own, so its sightings have other ids; everything else is the same."""


def rows(*arguments):
    done = CliRunner().invoke(shadowit, list(map(str, arguments)), standalone_mode=False)
    assert done.exception is None, done.output
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return {
        (row["service"], row["actor"]["id"]): (
            {key: value for key, value in row.items() if key not in KEPT_BUT_PLACES},
            [{key: value for key, value in one.items() if key != "sighting"} for one in row["evidence"]],
        )
        for row in found
    }


@pytest.mark.parametrize("story", [pytest.param("advertised", marks=pytest.mark.repeats), "visits-only"])
def test_a_story_told_by_the_store_is_the_story_of_an_audit(story, root, tmp_path):
    folder = root / "sample_logs" / "stories" / story
    logs = sorted(path for path in (folder / "logs").rglob("*") if path.is_file())
    named = "".join(f"{key}: {folder / name}\n" for key, name in (("people", "people.csv"), ("policy", "policy.yml"))
                    if (folder / name).exists())  # fmt: skip
    (tmp_path / "key").write_text("0123456789abcdef" * 4)
    (tmp_path / "key").chmod(0o600)
    config = tmp_path / "shadowit.yml"
    config.write_text(
        f"store: sqlite:///kept/shadowit.db\n{named}privacy: {{names: false, key_file: key, k: 1}}\nsources:\n"
        + "".join(f"  - {{name: log-{number}, paths: ['{path}']}}\n" for number, path in enumerate(logs))
    )
    told = rows("audit", "-c", config, "-f", "jsonl", "-q")
    assert told
    assert rows("run", "--once", "-q", "-c", config) == {}
    assert rows("findings", "list", "-c", config, "-f", "jsonl") == told
