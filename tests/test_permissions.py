"""Files that hold secrets: nobody but their owner reads them, or root's group where root hands them over."""

import os

import pytest

from detector.permissions import others_may_read

ROOT, OURS, ANOTHER = 0, 1000, 1001


@pytest.mark.parametrize(
    ("mode", "owner", "open_to_others"),
    [
        (0o600, OURS, False), (0o400, OURS, False), (0o440, OURS, True), (0o604, OURS, True), (0o620, OURS, True),
        (0o440, ROOT, False), (0o640, ROOT, False), (0o660, ROOT, True), (0o644, ROOT, True), (0o444, ROOT, True),
        (0o440, ANOTHER, True),
    ],
)  # fmt: skip
def test_the_group_may_read_what_root_hands_over(mode, owner, open_to_others, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: OURS)
    assert others_may_read(os.stat_result((0o100000 | mode, 0, 0, 1, owner, OURS, 0, 0, 0, 0))) is open_to_others


def test_root_itself_shares_its_own_with_nobody(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: ROOT)
    assert others_may_read(os.stat_result((0o100640, 0, 0, 1, ROOT, ROOT, 0, 0, 0, 0)))
