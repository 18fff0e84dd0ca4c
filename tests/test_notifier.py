"""The outbox is emptied: at least once, in order, under the same key, and never at the cost of anything else."""

import logging
import threading
import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kept import AT, alert
from servers import Http, answer

from detector.cli import run
from detector.daemon.notifier import LONG_QUEUE, LONGEST_DELAY_S, Notifier, Worker, delay_s
from detector.errors import StoreFault
from detector.findings import AlertKind
from detector.outward import Channel, Outcome, Result
from detector.sinks import sink_of
from detector.sinks.webhook import WebhookOptions
from detector.store import Store

SECOND = 1_000_000
DELIVERED, POSTPONED, PARKED = (Outcome(result, result.value) for result in Result)


@pytest.fixture
def store(tmp_path):
    with Store.open(f"sqlite:///{tmp_path}/kept/shadowit.db", writable=True, key=b"k" * 32) as one:
        yield one


class Clock:
    """Time that passes when it is told to."""

    def __init__(self):
        self.now = AT

    def __call__(self):
        return self.now


class Script:
    """A sink that answers as it was told, and keeps what it was sent."""

    def __init__(self, *outcomes, **more):
        self.sent, self.repeats, self._outcomes = [], [], list(outcomes)
        self.channel = Channel("sink", "script", self._deliver, **more)

    def _deliver(self, alert, _now):
        self.sent.append(alert)
        outcome = self._outcomes.pop(0) if self._outcomes else DELIVERED
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def repeat(self, alerts, _now):
        self.repeats.append(alerts)
        return self._outcomes.pop(0) if self._outcomes else DELIVERED

    @property
    def keys(self):
        return [one.key for one in self.sent]


def repeating(*outcomes, repeat_s=60):
    script = Script(*outcomes)
    script.channel = replace(script.channel, repeat=script.repeat, repeat_s=repeat_s)
    return script


def queued(store, *alerts, now=AT):
    with store.batch(now) as batch:
        batch.enqueue(alerts, ["sink"])


def worked(store, script, clock=None, chance=0.0):
    """One worker after all steps that it can make without waiting."""
    worker = Worker(store, script.channel, clock or Clock(), lambda: chance)
    while worker.step():
        pass
    return worker


def backlog(store):
    (one,) = store.backlogs()
    return one.pending, one.parked, one.sent


class TestDelivery:
    def test_alerts_of_an_incident_go_out_in_their_order(self, store):
        queued(
            store,
            alert("a1", service="a"),
            alert("b1", service="b"),
            alert("a2", service="a"),
            alert("a3", service="a"),
        )
        script = Script()
        worker = worked(store, script)
        assert [key for key in script.keys if key[0] == "a"] == ["a1", "a2", "a3"]
        assert backlog(store) == (0, 0, 4)
        assert worker.counts == {"delivered": 4}

    def test_what_does_not_arrive_is_tried_again_under_the_same_key_and_before_what_is_behind_it(self, store):
        queued(store, alert("k1"), alert("k2"))
        script, clock = Script(POSTPONED, POSTPONED), Clock()
        worker = Worker(store, script.channel, clock, lambda: 0.001)
        for _ in range(50):
            worker.step()
            clock.now += SECOND
            time.sleep(0.002)
        assert script.keys == ["k1", "k1", "k1", "k2"]
        assert worker.counts == {"postponed": 2, "delivered": 2}

    def test_a_sink_that_does_not_answer_is_left_alone(self, store):
        queued(store, *[alert(f"k{n}", service=f"s{n}") for n in range(5)])
        script = Script(POSTPONED)
        worker = worked(store, script, chance=1.0)
        assert script.keys == ["k0"]
        assert not worker.step()
        assert backlog(store) == (5, 0, 0)

    def test_one_alert_that_always_fails_does_not_hold_up_the_others(self, store):
        queued(store, alert("bad", service="a"), alert("good", service="b"))
        script, clock = Script(POSTPONED), Clock()
        worker = Worker(store, script.channel, clock, lambda: 0.0)
        worker.step()
        (first,) = store.waiting("sink", "service:a")
        store.postponed(first.id, "", AT + 100 * SECOND)
        worker.step()
        assert script.keys == ["bad", "good"]

    def test_what_is_refused_for_good_is_parked_and_the_next_one_goes(self, store):
        queued(store, alert("k1"), alert("k2"))
        script = Script(PARKED)
        worked(store, script)
        assert (script.keys, backlog(store)) == (["k1", "k2"], (0, 1, 1))
        assert store.revived("sink", AT) == 1

    def test_what_the_other_side_asks_for_is_kept(self, store):
        queued(store, alert("k1"))
        worked(store, Script(Outcome(Result.POSTPONED, "busy", 120)))
        assert store.due(AT + 119 * SECOND, "sink") == []
        (one,) = store.due(AT + 120 * SECOND, "sink")
        assert (one.tries, one.last_error) == (1, "busy")

    def test_a_clock_that_was_put_back_keeps_nothing_from_going_out(self, store):
        queued(store, alert("k1"))
        script, clock = Script(POSTPONED), Clock()
        Worker(store, script.channel, clock, lambda: 1.0).step()
        clock.now -= 3600 * SECOND
        worked(store, script, clock)
        assert script.keys == ["k1", "k1"]

    @given(st.integers(1, 200), st.floats(0, 1), st.integers(0, LONGEST_DELAY_S))
    def test_delays_double_up_to_a_bound_and_honour_what_was_asked(self, tries, chance, asked):
        assert min(asked, LONGEST_DELAY_S) <= delay_s(tries, chance, asked) <= LONGEST_DELAY_S
        assert delay_s(tries, chance) <= 2.0 ** (tries - 1)


class TestDigest:
    def many(self, count):
        return [alert(f"k{n:03}") for n in range(count)]

    def test_a_long_queue_of_one_incident_goes_out_as_one_and_nothing_is_dropped(self, store):
        queued(store, *self.many(LONG_QUEUE), alert("other", service="b"))
        script = Script()
        worked(store, script)
        assert [one.kind for one in script.sent] == [AlertKind.DIGEST, alert("x").kind]
        assert script.sent[0].facts["alerts"] == LONG_QUEUE
        assert backlog(store) == (0, 0, LONG_QUEUE + 1)

    def test_a_short_one_does_not(self, store):
        queued(store, *self.many(LONG_QUEUE - 1))
        script = Script()
        worked(store, script)
        assert script.keys[0] == "k000"

    def test_a_file_gets_every_alert(self, store):
        queued(store, *self.many(LONG_QUEUE + 5))
        script = Script(is_digestible=False)
        worked(store, script)
        assert script.keys == [one.key for one in self.many(LONG_QUEUE + 5)]

    def test_one_that_did_not_arrive_is_tried_again_as_it_was(self, store):
        queued(store, *self.many(LONG_QUEUE))
        script, clock = Script(POSTPONED), Clock()
        worker = Worker(store, script.channel, clock, lambda: 0.0)
        worker.step()
        queued(store, alert("late"))
        while worker.step():
            pass
        assert [one.facts.get("alerts") for one in script.sent] == [LONG_QUEUE, LONG_QUEUE, None]
        assert script.keys[0] == script.keys[1]
        assert backlog(store) == (0, 0, LONG_QUEUE + 1)

    def test_one_that_is_refused_is_parked_whole(self, store):
        queued(store, *self.many(LONG_QUEUE))
        worked(store, Script(PARKED))
        assert backlog(store) == (0, LONG_QUEUE, 0)


class TestRepeating:
    def test_open_incidents_are_told_again_and_their_end_once(self, store):
        queued(store, alert("k1"), alert("k2", service="b"))
        script = repeating(repeat_s=0)
        worker = worked(store, script)
        script.repeats.clear()
        worker.step()
        assert [sorted(one.key for one in told) for told in script.repeats] == [["k1", "k2"]]
        store.close_incident("service:b", by="me", note="", now=AT + 1)
        worker.step()
        assert [(one.key, one.resolved) for one in script.repeats[1]] == [("k1", False), ("k2/resolved", True)]
        worker.step()
        assert [one.key for one in script.repeats[2]] == ["k1"]

    def test_not_more_often_than_it_is_needed(self, store):
        queued(store, alert("k1"))
        script = repeating()
        worker = worked(store, script)
        for _ in range(5):
            worker.step()
        assert len(script.repeats) == 1

    def test_what_is_acknowledged_is_not_told_again(self, store):
        queued(store, alert("k1"))
        worked(store, repeating())
        store.ack("service:clearview-ai", by="me", note="", now=AT + 1)
        assert store.standing("sink") == []

    def test_what_was_told_before_an_incident_was_opened_again_is_over(self, store):
        queued(store, alert("k1"))
        worked(store, Script())
        store.close_incident("service:clearview-ai", by="me", note="", now=AT + 1)
        queued(store, alert("k2"), now=AT + 2)
        worked(store, Script(), lambda: AT + 2)
        assert [one.key for one in store.standing("sink")] == ["k2"]

    def test_a_failure_is_tried_again_soon(self, store):
        queued(store, alert("k1"))
        script = repeating(DELIVERED, POSTPONED)
        worker = worked(store, script)
        worker.step()
        assert len(script.repeats) == 2
        assert worker.counts == {"delivered": 1, "postponed": 1}


def until(is_so, limit_s=10):
    end = time.monotonic() + limit_s
    while not is_so() and time.monotonic() < end:
        time.sleep(0.01)
    assert is_so()


class TestNotifier:
    def test_it_wakes_at_once_and_ends_in_time(self, store):
        script, notifier = Script(), Notifier(store)
        notifier.use([script.channel])
        assert notifier.sinks == ["sink"]
        queued(store, alert("k1"))
        notifier.wake()
        until(lambda: notifier.counts()["sink", "delivered"] == 1)
        assert notifier.stop(5)
        assert notifier.counts() == {("sink", "delivered"): 1, ("sink", "postponed"): 0, ("sink", "parked"): 0}

    def test_new_sinks_take_over_and_counts_go_on(self, store):
        first, second, notifier = Script(), Script(), Notifier(store)
        notifier.use([first.channel])
        queued(store, alert("k1"))
        until(lambda: notifier.counts()["sink", "delivered"] == 1)
        notifier.use([second.channel])
        queued(store, alert("k2"))
        until(lambda: notifier.counts()["sink", "delivered"] == 2)
        assert (first.keys, second.keys) == (["k1"], ["k2"])
        assert notifier.stop(5)

    def test_a_sink_that_hangs_holds_up_neither_the_others_nor_the_store(self, store):
        begun_slow, released = threading.Event(), threading.Event()

        def hang(_alert, _now):
            begun_slow.set()
            return released.wait(60) and DELIVERED

        slow = Channel("slow", "script", hang)
        script, notifier = Script(), Notifier(store)
        notifier.use([slow, script.channel])
        with store.batch(AT) as batch:
            batch.enqueue([alert("k1")], ["slow", "sink"])
        notifier.wake()
        until(lambda: script.keys == ["k1"])
        assert begun_slow.wait(20)
        begun = time.monotonic()
        queued(store, alert("k2"))
        assert time.monotonic() - begun < 20
        assert not notifier.stop(0.1)
        released.set()
        assert notifier.stop(5)

    def test_nothing_that_goes_wrong_ends_a_worker_or_tells_a_secret(self, store, caplog):
        script, notifier = Script(RuntimeError("canary-of-a-secret")), Notifier(store, chance=lambda: 0.0)
        queued(store, alert("k1"))
        with caplog.at_level(logging.ERROR):
            notifier.use([script.channel])
            until(lambda: script.keys == ["k1", "k1"])
            assert notifier.stop(5)
        assert "RuntimeError" in caplog.text
        assert "canary-of-a-secret" not in caplog.text

    def test_a_store_that_fails_loses_nothing(self, store, monkeypatch, caplog):
        script, notifier = Script(), Notifier(store, chance=lambda: 0.0)
        queued(store, alert("k1"))
        delivered = store.delivered
        faults = [StoreFault("full"), StoreFault("full")]
        monkeypatch.setattr(store, "delivered", lambda *said: delivered(*said) if not faults else _raise(faults.pop()))
        with caplog.at_level(logging.CRITICAL):
            notifier.use([script.channel])
            until(lambda: store.backlogs()[0].sent == 1)
            assert notifier.stop(5)
        assert set(script.keys) == {"k1"}


def _raise(fault):
    raise fault


def test_an_hour_of_faults_loses_nothing_and_keeps_the_order(store, tmp_path, monkeypatch):
    """Against a real server: errors, too many requests, a hang-up, garbage; then it is well. Hours pass in moments."""
    monkeypatch.setattr("detector.daemon.notifier._POLL_S", 0.01)
    (tmp_path / "secret").write_text("s")
    (tmp_path / "secret").chmod(0o600)
    rude = [answer(500), answer(429, Retry_After="0"), b"garbage\r\n\r\n", b"", answer(503), answer(200)] * 3
    with Http(*rude, answer(204)) as server:
        options = WebhookOptions(type="webhook", name="sink", url=server.url, secret_file=tmp_path / "secret")
        notifier = Notifier(store, chance=lambda: 0.0)
        queued(store, *[alert(f"k{n:02}") for n in range(12)])
        notifier.use([sink_of("webhook").channel(options)])
        until(lambda: store.backlogs()[0].sent == 12, 40)
        assert notifier.stop(5)
    keys = [headers["idempotency-key"] for _, headers, _ in server.requests]
    assert list(dict.fromkeys(keys)) == [f"k{n:02}" for n in range(12)]
    assert keys == sorted(keys)


class TestCommand:
    def configuration(self, tmp_path, url):
        path = tmp_path / "shadowit.yml"
        path.write_text(
            f"sinks:\n  - {{type: webhook, url: '{url}', secret_file: secret}}\n  - {{type: jsonl, path: a.jsonl}}\n"
        )
        (tmp_path / "secret").write_text("canary-of-a-secret")
        (tmp_path / "secret").chmod(0o600)
        return str(path)

    def test_it_says_what_happened(self, tmp_path, capsys):
        with Http(answer(202)) as server:
            status = run(["notify", "test", "webhook", "-c", self.configuration(tmp_path, server.url)])
        assert status == 0
        assert capsys.readouterr().out == f"webhook: delivered: http://127.0.0.1:{server.port} answered 202\n"
        assert b'"kind":"test"' in server.requests[0][2]

    def test_what_did_not_arrive_is_status_5(self, tmp_path, capsys):
        with Http(answer(403, b"who are you")) as server:
            status = run(["notify", "test", "webhook", "-c", self.configuration(tmp_path, server.url)])
        assert status == 5
        said = capsys.readouterr().err
        assert f"webhook: not delivered: http://127.0.0.1:{server.port} answered 403 who are you" in said
        assert "refused for good" in said
        assert "canary-of-a-secret" not in said
        assert "hidden" not in said

    def test_what_may_arrive_later_says_so(self, tmp_path, capsys):
        with Http(answer(503)) as server:
            assert run(["notify", "test", "webhook", "-c", self.configuration(tmp_path, server.url)]) == 5
        assert "would be tried again" in capsys.readouterr().err

    def test_a_file_beside_the_configuration(self, tmp_path):
        assert run(["notify", "test", "jsonl", "-c", self.configuration(tmp_path, "http://127.0.0.1:9/")]) == 0
        assert (tmp_path / "a.jsonl").read_text().count("\n") == 1

    def test_a_sink_that_is_not_there(self, tmp_path, capsys):
        path = self.configuration(tmp_path, "http://127.0.0.1:9/")
        assert run(["notify", "test", "mail", "-c", path]) == 2
        assert "there are webhook, jsonl" in capsys.readouterr().err
        (tmp_path / "none.yml").write_text("interval_s: 5\n")
        assert run(["notify", "test", "mail", "-c", str(tmp_path / "none.yml")]) == 2
        assert "it has none" in capsys.readouterr().err

    def test_what_is_parked_goes_out_again_when_somebody_says_so(self, store, tmp_path, capsys):
        path = self.configuration(tmp_path, "http://127.0.0.1:9/")
        with (tmp_path / "shadowit.yml").open("a") as file:
            file.write("store: sqlite:///kept/shadowit.db\nprivacy: {names: false, key_file: key}\n")
        (tmp_path / "key").write_bytes(b"k" * 32)
        (tmp_path / "key").chmod(0o600)
        with store.batch(AT) as batch:
            batch.enqueue([alert("k1"), alert("k2", service="other")], ["webhook", "jsonl"])
        for one in (*store.due(AT, "webhook"), *store.due(AT, "jsonl")):
            store.parked(one.id, "410 Gone", AT)
        assert run(["notify", "retry", "webhook", "-c", path]) == 0
        assert capsys.readouterr().out == "webhook: 2 parked, now waiting to be sent\n"
        assert [(one.sink, one.pending, one.parked) for one in store.backlogs()] == [("jsonl", 0, 2), ("webhook", 2, 0)]
        assert [one.alert.key for one in store.due(time.time_ns() // 1000, "webhook")] == ["k1", "k2"]
        assert run(["notify", "retry", "webhook", "-c", path]) == 0
        assert capsys.readouterr().out == "webhook: nothing is parked\n"
        assert run(["notify", "retry", "mail", "-c", path]) == 2
