"""Events become sightings: exact on label boundaries, at the right stage, of authenticated senders only."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from machine import SUFFIX, indicator, signature, small_ruleset

from detector.events import Action, Col, EventBatch, Kind, Stage, from_iso
from detector.events.batch import batch_of
from detector.match import Confidence, Index, Mail, MailIndex, Matcher, Tier, normalise, sighting_id, target_of
from detector.match import index as index_module
from detector.match.hosts import normalise_path
from detector.match.lookup import Lookup
from detector.match.mail import sender_domain

RULESET = small_ruleset()
ONE_LABEL = replace(RULESET, signatures=(signature("own", indicator("own", SUFFIX, "intranet")),))
INDEX = Index(RULESET)
MAIL = MailIndex(RULESET)
MATCHER = Matcher(RULESET)
AT = from_iso("2020-02-27T10:00:00Z")


def batch(*rows, kind=Kind.PROXY):
    lines = [b"line %d" % number for number in range(len(rows))]
    return batch_of(rows, dataset="test", kind=kind, offsets=[number * 10 for number in range(len(rows))], lines=lines)


def proven(url="", host="", **more):
    """(service, stage, confidence, denied) of one request, ``None`` for no sighting."""
    row = {Col.AT: AT, Col.DOMAIN: host or target_of(url).host or ""}
    if url:
        row[Col.URL] = url
    row |= {getattr(Col, name): value for name, value in more.items() if name != "kind"}
    found = MATCHER.match(batch(row, kind=more.get("kind", Kind.PROXY)))
    assert len(found) <= 1
    return (found[0].service, found[0].stage, found[0].confidence.value, found[0].denied) if found else None


class TestHosts:
    @pytest.mark.parametrize(("written", "host"), [
        ("clearview.ai", "clearview.ai"), ("CLEARVIEW.AI", "clearview.ai"), ("clearview.ai.", "clearview.ai"),
        ("clearview.ai:443", "clearview.ai"), ("clearview.ai.:443", "clearview.ai"), ("clearview.ai:", "clearview.ai"),
        (" clearview.ai ", "clearview.ai"), ("%63learview%2Eai", "clearview.ai"), ("clearview\u3002ai", "clearview.ai"),
        ("clearview\uff61ai", "clearview.ai"), ("clearview\uff0eai", "clearview.ai"), ("\uff23learview.ai", "clearview.ai"),  # noqa: E501
        ("%EF%BD%83learview.ai", "clearview.ai"), ("b\u00fccher.example", "xn--bcher-kva.example"), ("10.0.0.7", "10.0.0.7"),  # noqa: E501
        ("[clearview.ai]", "clearview.ai"), ("[Clearview.ai.]:443", "clearview.ai"),
        ("_dmarc.clearview.ai", "_dmarc.clearview.ai"), ("a" * 63 + ".example", "a" * 63 + ".example"),
    ])  # fmt: skip
    def test_every_spelling_of_a_name_is_one(self, written, host):
        assert normalise(written) == host

    @pytest.mark.parametrize("written", [
        "", ".", "-", "..", "clearview..ai", ".clearview.ai", "[2001:db8::7]", "[::1]:443", "[clearview.ai", "2001:db8::7",  # noqa: E501
        "[]", "clearview.ai]", "[[clearview.ai]]", "[clearview.ai].example",
        "a b.ai", "clearview.ai/", "a" * 64 + ".ai", "a." * 400 + "clearview.ai", "clearview\u200b.\u200bai", "\u212a\u0301",  # noqa: E501
        "clearview.ai%00", "clearview.ai\\x00", "*.clearview.ai", "cle(arview.ai", "b\u0075\u0308cher.example",
    ])  # fmt: skip
    def test_what_is_no_name_is_none(self, written):
        assert normalise(written) is None

    def test_normalising_twice_changes_nothing(self):
        rng = random.Random(1)
        for _ in range(20_000):
            text = "".join(rng.choice("aB-._%2e:\u3002\uff41[]@ ") for _ in range(rng.randrange(12)))
            once = normalise(text)
            assert once is None or normalise(once) == once

    @pytest.mark.parametrize(("url", "target"), [
        ("https://user@App.Clearview.ai:443/App//Login?next=/#x", ("app.clearview.ai", "/app/login", "next=/")),
        ("http://clearview.ai@example.org/", ("example.org", "/", "")),
        ("http://example.org?u=http://clearview.ai/", ("example.org", "", "u=http://clearview.ai/")),
        ("http://example.org#@clearview.ai/", ("example.org", "", "")), ("clearview.ai:443", ("clearview.ai", "", "")),
        ("//clearview.ai/a", ("clearview.ai", "/a", "")), ("http://clearview.ai\\@example.org/", ("clearview.ai", "/@example.org/", "")),  # noqa: E501
        ("", (None, "", "")), ("/path", (None, "/path", "")), ("http:///x", (None, "/x", "")),
    ])  # fmt: skip
    def test_only_the_authority_is_host(self, url, target):
        assert tuple(target_of(url)) == target

    @pytest.mark.parametrize(("path", "plain"), [
        ("/a/./b//../%43/", "/a/c/"), ("/A", "/a"), ("/../../x", "/x"), ("//", "/"), ("/a/..", "/"), ("/a/b/.", "/a/b"),
    ])  # fmt: skip
    def test_paths_have_one_spelling(self, path, plain):
        assert normalise_path(path) == plain


class TestIndex:
    def oracle(self, host):
        """Services of a normalised host, slowly: label by label."""
        labels = host.split(".")
        for size in range(len(labels), 0, -1):
            name = ".".join(labels[-size:])
            if size == len(labels) and name == "app.clearview.ai":
                return "clearview"
            if size == len(labels) == 4 and labels[0] == "rekognition" and labels[2:] == ["amazonaws", "com"]:
                return "cloud"
            owners = {"clearview.ai": "clearview", "deep.clearview.ai": "sub", "dated.example": "dated",
                      "xn--bcher-kva.example": "idn"}  # fmt: skip
            if name in owners:
                return owners[name]
        return None

    def test_a_hundred_thousand_random_hosts_are_as_the_slow_oracle_says(self):
        rng = random.Random(2)
        labels = ["clearview", "ai", "app", "deep", "dated", "example", "rekognition", "amazonaws", "com", "x", "not",
                  "xn--bcher-kva", "clearviewai", "a-i", "eu-west-1", "org", "www"]  # fmt: skip
        sighted = 0
        for _ in range(100_000):
            parts = [rng.choice(labels) for _ in range(rng.randrange(1, 6))]
            if rng.random() < 0.1:
                parts[0] += rng.choice(parts)
            if rng.random() < 0.5:
                parts += rng.choice([["clearview", "ai"], ["dated", "example"], ["xn--bcher-kva", "example"]])
            host = ".".join(parts)
            found = INDEX.candidates(host if rng.random() < 0.5 else host.upper() + ".:443")
            service = found.hosts[0].service if found and found.hosts else None
            assert service == self.oracle(host), host
            sighted += service is not None
        assert sighted > 20_000

    @pytest.mark.parametrize("host", [
        "\u0441learview.ai", "cle\u0430rview.ai", "clearv\u0456ew.ai", "clearvi\u0435w.ai", "cl\u0435arview.ai",
        "clearvie\u051d.ai", "\u217dlearview.ai", "cleaview.ai", "clear-view.ai", "clearvlew.ai", "c1earview.ai",
        "clearview.a\u0131", "clearview.\u0430i", "cl\u00e9arview.ai", "clearview\u00b7ai", "clearview\u2024ai",
        "clear\u00adview.ai", "clear\u200dview.ai", "xn--learview-27h.ai", "clearview.ai.example", "clearvi\u212fw.ai",
        "rekognition.eu.west.amazonaws.com", "rekognition.amazonaws.com", "xrekognition.eu.amazonaws.com",
    ])  # fmt: skip
    def test_look_alikes_are_not_the_service(self, host):
        found = INDEX.candidates(host)
        assert found is None

    @pytest.mark.parametrize(("host", "service", "inner"), [
        ("app.clearview.ai.mcas.ms", "clearview", "app.clearview.ai"), ("clearview.ai.MCAS.ms:443", "clearview", "clearview.ai"),  # noqa: E501
        ("clearview-ai.translate.goog", "clearview", "clearview.ai"), ("www-clearview-ai.translate.goog", "clearview", "www.clearview.ai"),  # noqa: E501
        ("rekognition-eu--west--1-amazonaws-com.translate.goog", "cloud", "rekognition.eu-west-1.amazonaws.com"),
    ])  # fmt: skip
    def test_names_behind_session_proxies_and_translators_are_found(self, host, service, inner):
        found = INDEX.candidates(host)
        assert (found.hosts[0].service, found.tier, found.host) == (service, Tier.PROXIED, inner)

    @pytest.mark.parametrize("host", ["mcas.ms", "example.org.mcas.ms", "translate.goog", "notclearview-ai.translate.goog",  # noqa: E501
                                      "clearview.ai.notmcas.ms", "clearview.ai.mcas.ms.example"])  # fmt: skip
    def test_proxies_in_front_of_other_sites_are_nothing(self, host):
        assert INDEX.candidates(host) is None

    def test_the_longest_suffix_comes_first(self):
        assert [one.service for one in INDEX.candidates("x.deep.clearview.ai").hosts] == ["sub", "clearview"]
        assert INDEX.candidates("clearview.ai").tier is Tier.DIRECT

    @pytest.mark.parametrize("ruleset", [RULESET, ONE_LABEL], ids=["usual", "one label"])
    @given(
        st.sampled_from(("", ".", "www.", "a.b.", "x", "-", "W.")),
        st.sampled_from((*sorted({one.host for one in RULESET.indicators()}), "mcas.ms", "intranet", "new.com", "")),
        st.sampled_from(("", ".", "..", ":443", ".com", "/", "%2Ecom", ".mcas.ms", "\u3002", ".intranet")),
    )
    def test_what_is_told_early_is_what_a_whole_search_tells(self, ruleset, front, name, behind):
        index, host = Index(ruleset), f"{front}{name}{behind}"
        assert index.candidates(host) == index._find(host)  # noqa: SLF001
        assert Lookup(ruleset).of(f"//{host}") == Lookup(ruleset).of(host)

    def test_the_memory_of_hosts_is_bounded(self, monkeypatch):
        monkeypatch.setattr(index_module, "MEMORY_LIMIT", 3)
        index = Index(RULESET)
        for number in range(10):
            index.candidates(f"h{number}.clearview.ai")
        assert len(index._memory) <= 3  # noqa: SLF001
        assert index.candidates("h9.clearview.ai").hosts[0].service == "clearview"


class TestStages:
    @pytest.mark.parametrize(("url", "more", "wanted"), [
        ("http://app.clearview.ai/", {}, ("clearview", "visited", "confirmed", False)),
        ("http://app.clearview.ai/app/signup", {}, ("clearview", "signed_up", "confirmed", False)),
        ("http://app.clearview.ai/APP/%73ignup/x?y", {}, ("clearview", "signed_up", "confirmed", False)),
        ("http://app.clearview.ai/app/signups", {}, ("clearview", "used", "probable", False)),
        ("http://app.clearview.ai/app/signup.html", {}, ("clearview", "signed_up", "confirmed", False)),
        ("http://app.clearview.ai/application", {}, ("clearview", "visited", "confirmed", False)),
        ("http://www.clearview.ai/app/signup", {}, ("clearview", "visited", "confirmed", False)),
        ("http://app.clearview.ai/uploads", {"METHOD": "POST"}, ("clearview", "uploaded", "confirmed", False)),
        ("http://app.clearview.ai/uploads", {"METHOD": "post"}, ("clearview", "uploaded", "confirmed", False)),
        ("http://app.clearview.ai/uploads", {"METHOD": "GET"}, ("clearview", "visited", "confirmed", False)),
        ("http://app.clearview.ai/uploads", {}, ("clearview", "uploaded", "confirmed", False)),
        ("http://app.clearview.ai/app/signup", {"STATUS": 404}, ("clearview", "visited", "confirmed", False)),
        ("http://app.clearview.ai/app/signup", {"STATUS": 302}, ("clearview", "signed_up", "confirmed", False)),
        ("http://app.clearview.ai/app/signup", {"STATUS": 503}, ("clearview", "resolved", "confirmed", True)),
        ("http://app.clearview.ai/app/signup", {"ACTION": Action.DENIED}, ("clearview", "resolved", "confirmed", True)),
        ("http://app.clearview.ai/app/signup", {"ACTION": Action.CHALLENGE}, None),
        ("http://app.clearview.ai/app/signup", {"STATUS": 407}, None),
        ("http://app.clearview.ai/app/signup", {"STATUS": 401}, None),
        ("http://app.clearview.ai/x", {"METHOD": "POST", "BYTES_SENT": 30_000}, ("clearview", "uploaded", "probable", False)),  # noqa: E501
        ("http://app.clearview.ai/x", {"METHOD": "POST", "BYTES_SENT": 29_999}, ("clearview", "visited", "confirmed", False)),  # noqa: E501
        ("http://app.clearview.ai/x", {"METHOD": "GET", "BYTES_SENT": 30_000}, ("clearview", "visited", "confirmed", False)),  # noqa: E501
        ("http://app.clearview.ai/x", {"METHOD": "PUT", "BYTES_SENT": 99_999, "STATUS": 413}, ("clearview", "visited", "confirmed", False)),  # noqa: E501
        ("http://www.clearview.ai/x", {"METHOD": "POST", "BYTES_SENT": 99_999}, ("clearview", "visited", "confirmed", False)),  # noqa: E501
        ("http://shared.example/face/7?ID=1", {}, ("shared", "used", "confirmed", False)),
        ("http://shared.example/face?a=1&id", {}, ("shared", "used", "confirmed", False)),
        ("http://shared.example/face/7?idx=1", {}, None), ("http://shared.example/faces?id=1", {}, None),
        ("http://x.shared.example/put", {"BYTES_SENT": 1000}, ("shared", "uploaded", "confirmed", False)),
        ("http://x.shared.example/put", {"BYTES_SENT": 999}, None),
        ("http://x.shared.example/put", {}, ("shared", "uploaded", "confirmed", False)),
        ("http://x.y.shared.example/put", {}, None), ("http://shared.example/", {}, None),
        ("http://example.org/?u=clearview.ai", {}, None),
    ])  # fmt: skip
    def test_a_request_proves_its_stage_and_no_more(self, url, more, wanted):
        assert proven(url, **more) == wanted

    @pytest.mark.parametrize(("more", "wanted"), [
        ({}, ("clearview", "visited", "confirmed", False)), ({"STATUS": 200}, ("clearview", "visited", "confirmed", False)),  # noqa: E501
        ({"STATUS": 302}, ("clearview", "resolved", "confirmed", True)), ({"STATUS": 407}, None),
        ({"BYTES_SENT": 30_000, "STATUS": 200}, ("clearview", "uploaded", "probable", False)),
        ({"URL": "app.clearview.ai:443"}, ("clearview", "visited", "confirmed", False)),
        ({"URL": "tcp://app.clearview.ai:443/"}, ("clearview", "visited", "confirmed", False)),
    ])  # fmt: skip
    def test_a_tunnel_proves_a_visit_or_probably_more(self, more, wanted):
        assert proven(host="app.clearview.ai", METHOD="CONNECT", **more) == wanted

    def test_dns_proves_a_look_up_only(self):
        row = {Col.AT: AT, Col.QUESTION: "App.Clearview.AI."}
        (found,) = MATCHER.match(batch(row, kind=Kind.DNS))
        assert (found.stage, found.denied, found.host) == (Stage.RESOLVED, False, "App.Clearview.AI.")
        (found,) = MATCHER.match(batch(row | {Col.ACTION: Action.DENIED}, kind=Kind.DNS))
        assert (found.stage, found.denied) == (Stage.RESOLVED, True)

    @pytest.mark.parametrize(("at", "counts"), [
        ("2020-01-31T23:59:59Z", False), ("2020-02-01", True), ("2020-02-29T23:59:59Z", True), ("2020-03-01", False), ("", True),  # noqa: E501
    ])  # fmt: skip
    def test_an_indicator_counts_while_it_is_valid(self, at, counts):
        row = {Col.DOMAIN: "x.dated.example"} | ({Col.AT: from_iso(at)} if at else {})
        assert bool(MATCHER.match(batch(row))) is counts


class TestEvents:
    def test_sightings_come_in_the_order_of_events_with_their_places(self):
        rows = [{Col.DOMAIN: host, Col.USER: "u1", Col.SOURCE_IP: "10.0.0.7", Col.BYTES_SENT: 5} for host in
                ("clearview.ai", "example.org", "deep.clearview.ai")]  # fmt: skip
        found = MATCHER.match(batch(*rows))
        assert [(one.service, one.offset, one.line) for one in found] == [
            ("clearview", 0, b"line 0"),
            ("sub", 20, b"line 2"),
        ]
        assert {(one.account, one.address, one.bytes_sent, one.at) for one in found} == {("u1", "10.0.0.7", 5, None)}

    def test_one_event_is_one_sighting_of_a_service_and_may_be_of_two(self):
        row = {Col.DOMAIN: "clearview.ai", Col.SERVER_NAME: "app.clearview.ai"}
        assert len(MATCHER.match(batch(row))) == 1
        row[Col.SERVER_NAME] = "deep.clearview.ai"
        assert [one.service for one in MATCHER.match(batch(row))] == ["clearview", "sub"]

    def test_denied_requests_count_no_bytes(self):
        (found,) = MATCHER.match(batch({Col.DOMAIN: "clearview.ai", Col.BYTES_SENT: 9, Col.ACTION: Action.DENIED}))
        assert (found.denied, found.bytes_sent) == (True, 0)

    @pytest.mark.parametrize("kind", [Kind.LEASE, Kind.LOGIN])
    def test_logs_that_only_name_people_prove_nothing(self, kind):
        assert MATCHER.match(batch({Col.DOMAIN: "clearview.ai"}, kind=kind)) == ()

    def test_rows_of_several_kinds_are_judged_by_their_own(self):
        found = MATCHER.match(batch(
            {Col.KIND: Kind.MAIL, Col.FROM: "a@clearview.ai", Col.TO: ["u@example.org"]},
            {Col.KIND: Kind.DNS, Col.QUESTION: "clearview.ai"},
            {Col.DOMAIN: "clearview.ai"},
        ))  # fmt: skip
        assert [(one.stage, one.offset) for one in found] == [
            (Stage.SOLICITED, 0), (Stage.RESOLVED, 10), (Stage.VISITED, 20),
        ]  # fmt: skip

    def test_an_empty_batch_gives_nothing(self):
        assert MATCHER.match(EventBatch("test", Kind.PROXY, {}, [], [])) == ()

    def test_ids_are_of_the_place_and_the_indicator(self):
        assert len({sighting_id("s", 0, "i"), sighting_id("s", 1, "i"), sighting_id("s", 0, "j"), sighting_id("t", 0, "i"),  # noqa: E501
                    sighting_id("s", 0, "i", 1)}) == 5  # fmt: skip


def mail(**said):
    found = MAIL.prove(Mail(**({"direction": "inbound", "subject": "Verify your email"} | said)))
    return (found.service, found.stage, found.certain) if found else None


class TestMail:
    @pytest.mark.parametrize(("said", "wanted"), [
        ({"header_from": "a@clearview.ai", "authentication": "pass"}, ("clearview", "signed_up", True)),
        ({"header_from": "a@clearview.ai", "dkim_domain": "clearview.ai"}, ("clearview", "signed_up", True)),
        ({"header_from": "a@mail.clearview.ai", "dkim_domain": "clearview.ai."}, ("clearview", "signed_up", True)),
        ({"header_from": "<A@Clearview.AI>"}, ("clearview", "signed_up", False)),
        ({"envelope_from": "bounce+u=example.org@em.clearview.ai"}, ("clearview", "signed_up", False)),
        ({"header_from": "a@clearview.ai", "envelope_from": "b@em.clearview.ai"}, ("clearview", "signed_up", False)),
        ({"header_from": "a@clearview.ai", "subject": "You were invited"}, ("clearview", "invited", False)),
        ({"header_from": "a@clearview.ai", "subject": "Your RECEIPT"}, ("clearview", "paid", False)),
        ({"header_from": "a@clearview.ai", "subject": "News"}, ("clearview", "solicited", False)),
        ({"header_from": "a@clearview.ai", "subject": "Re: Verify your email"}, ("clearview", "contacted", False)),
        ({"header_from": "a@clearview.ai", "subject": "AW[2]: receipt"}, ("clearview", "contacted", False)),
        ({"header_from": "a@clearview.ai", "subject": ""}, ("clearview", "solicited", False)),
    ])  # fmt: skip
    def test_a_services_own_mail_proves_what_its_subject_says(self, said, wanted):
        assert mail(**said) == wanted

    @pytest.mark.parametrize("said", [
        {"header_from": "a@clearview.ai", "authentication": "fail"}, {"header_from": "a@clearview.ai", "direction": "outbound"},  # noqa: E501
        {"header_from": "a@clearview.ai", "direction": "internal"}, {"header_from": "a@notclearview.ai"},
        {"header_from": "a@clearview.ai.example"}, {"header_from": "clearview.ai"}, {"header_from": ""}, {},
        {"header_from": "a@clearview.ai", "envelope_from": "b@evil.example"},
        {"header_from": "a@clearview.ai", "dkim_domain": "evil.example"},
        {"header_from": "a@clearview.ai", "dkim_domain": "ai", "envelope_from": "x=clearview.ai@evil.example"},
        {"header_from": "a@clearview.ai", "dkim_domain": "evil.example", "envelope_from": "x@evil.example"},
        {"header_from": "a@example.org", "envelope_from": "clearview.ai=u@example.org"},
        {"envelope_from": "u=clearview.ai@example.org"}, {"header_from": "a@\u0441learview.ai"}, {"header_from": "@"},
        {"header_from": "a@sendgrid.net", "from_name": "Somebody else"}, {"header_from": "a@example.org", "from_name": "Clearview AI"},  # noqa: E501
    ])  # fmt: skip
    def test_forged_foreign_and_own_mail_proves_nothing(self, said):
        assert mail(**said) is None

    @pytest.mark.parametrize(("said", "wanted"), [
        ({"header_from": "a@em.sendgrid.net", "from_name": "Clearview AI"}, ("clearview", "signed_up", False)),
        ({"header_from": "a@sendgrid.net", "subject": "Receipt from Clearview AI"}, ("clearview", "paid", False)),
        ({"header_from": "a@sendgrid.net", "envelope_from": "b@x.sendgrid.net", "from_name": "clearview ai"}, ("clearview", "signed_up", False)),  # noqa: E501
        ({"header_from": "a@sendgrid.net", "from_name": "Subway"}, None), ({"header_from": "a@sendgrid.net", "from_name": "Sub"}, ("sub", "signed_up", False)),  # noqa: E501
        ({"header_from": "a@sendgrid.net", "envelope_from": "b@intercom.io", "from_name": "Sub"}, None),
        ({"header_from": "a@sendgrid.net", "subject": "Clearview AI in the news", "from_name": "A paper"}, None),
    ])  # fmt: skip
    def test_mail_of_a_platform_needs_the_name(self, said, wanted):
        assert mail(**said) == wanted

    @pytest.mark.parametrize(("address", "domain"), [
        ("SRS0=HHH=TT=clearview.ai=a@fwd.example", "clearview.ai"), ("srs0+HHH=TT=clearview.ai=a@fwd.example", "clearview.ai"),  # noqa: E501
        ("SRS1=X=fwd.example==HHH=TT=Clearview.ai=a@two.example", "clearview.ai"), ("SRS0=broken@fwd.example", "fwd.example"),  # noqa: E501
        ("<a@Clearview.ai.>", "clearview.ai"), ("nobody", ""), ("<>", ""), ("a@", ""),
    ])  # fmt: skip
    def test_forwarding_is_undone(self, address, domain):
        assert sender_domain(address) == domain

    def test_a_forwarder_vouches_only_for_itself(self):
        assert mail(envelope_from="SRS0=h=t=clearview.ai=a@fwd.example") is None
        assert mail(header_from="a@clearview.ai", envelope_from="SRS0=h=t=clearview.ai=a@fwd.example") is None
        assert mail(
            header_from="a@clearview.ai", dkim_domain="clearview.ai", envelope_from="SRS0=h=t=clearview.ai=a@f.example"
        )
        assert mail(header_from="noreply=clearview.ai@lists.example", authentication="pass") is None
        assert mail(header_from="noreply=clearview.ai@lists.example", dkim_domain="clearview.ai")[0] == "clearview"

    def test_the_domains_of_all_services_are_known(self):
        assert MAIL.domains() == {"clearview.ai", "sub-mail.example"}

    def test_every_recipient_is_sighted(self):
        row = {
            Col.FROM: "a@clearview.ai",
            Col.TO: ["u1@example.org", "u2@example.org"],
            Col.SUBJECT: "Verify your email",
            Col.AT: AT,
        }
        found = MATCHER.match(batch(row, kind=Kind.MAIL))
        assert [(one.mailbox, one.part, one.stage, one.confidence) for one in found] == [
            ("u1@example.org", 0, Stage.SIGNED_UP, Confidence.PROBABLE), ("u2@example.org", 1, Stage.SIGNED_UP, Confidence.PROBABLE),  # noqa: E501
        ]  # fmt: skip
        (found,) = MATCHER.match(batch(row | {Col.TO: ["u1@example.org"], Col.AUTHENTICATION: "pass"}, kind=Kind.MAIL))
        assert found.confidence is Confidence.CONFIRMED

    def test_mail_that_was_refused_is_an_attempt(self):
        row = {
            Col.FROM: "a@clearview.ai",
            Col.TO: ["u1@example.org"],
            Col.SUBJECT: "Verify your email",
            Col.ACTION: Action.DENIED,
        }
        (found,) = MATCHER.match(batch(row, kind=Kind.MAIL))
        assert (found.stage, found.denied) == (Stage.SOLICITED, True)

    def test_mail_to_a_service_is_a_contact_of_its_author(self):
        row = {
            Col.FROM: "U1@example.org",
            Col.TO: ["info@clearview.ai", "x@clearview.ai", "y@sub-mail.example"],
            Col.DIRECTION: "outbound",
        }
        found = MATCHER.match(batch(row, kind=Kind.MAIL))
        assert [(one.service, one.mailbox, one.stage) for one in found] == [
            ("clearview", "u1@example.org", Stage.CONTACTED), ("sub", "u1@example.org", Stage.CONTACTED),
        ]  # fmt: skip

    @pytest.mark.parametrize("row", [
        {Col.TO: ["info@clearview.ai"]}, {Col.FROM: "u@example.org", Col.TO: ["info@clearview.ai"], Col.AUTHENTICATION: "fail"},  # noqa: E501
        {Col.FROM: "a@clearview.ai", Col.TO: ["b@clearview.ai"], Col.DIRECTION: "internal"},
        {Col.FROM: "u@example.org", Col.TO: ["u2@example.org"]}, {Col.FROM: "u@example.org"},
    ])  # fmt: skip
    def test_mail_that_nobody_of_us_wrote_to_a_service_is_nothing(self, row):
        assert MATCHER.match(batch(row, kind=Kind.MAIL)) == ()


class TestLookup:
    def test_single_values_are_told_apart(self, catalogue):
        from detector.match.lookup import Lookup  # noqa: PLC0415

        lookup = Lookup(catalogue)
        assert lookup.of("https://app.clearview.ai/api/v1/searches").stage == "used"
        assert lookup.of("app.clearview.ai.mcas.ms").tier == "proxied"
        assert lookup.of("noreply@clearview.ai").stage == "contacted"
        for nothing in ("example.org", "a@example.org", "", "[::1]", "http://", "-"):
            assert lookup.of(nothing) is None

    @pytest.mark.parametrize(("value", "stage"), [
        ("mailto:info@clearview.ai?subject=x", "contacted"), ("Clearview <info@clearview.ai>", "contacted"),
        ("joe:pw@app.clearview.ai:443", "visited"), ("clearview.ai?u=a@b", "visited"),
        ("clearview.ai#@example.org", "visited"), ("example.org?x@clearview.ai", None),
        ("example.org#@clearview.ai", None), ("example.org\\@clearview.ai", None),
        ("clearview.ai:443@example.org", None),
    ])  # fmt: skip
    def test_an_at_sign_makes_no_address_of_a_url(self, catalogue, value, stage):
        found = Lookup(catalogue).of(value)
        assert (found.stage if found else None) == stage

    def test_the_tests_in_the_signatures_hold(self, catalogue):
        from detector.match.embedded import failures  # noqa: PLC0415

        failed, total = failures(catalogue)
        assert failed == []
        assert total > 4 * len(catalogue.signatures)
        assert failures(catalogue, frozenset({"clearview-ai"}))[1] < 40

    def test_a_test_that_fails_is_told(self, catalogue):
        from dataclasses import replace  # noqa: PLC0415

        from detector.match.embedded import failures  # noqa: PLC0415

        one = catalogue["clearview-ai"]
        wrong = one._replace(
            tests=one.tests._replace(positive=(("example.org", "visited"),), negative=("app.clearview.ai",))
        )
        ruleset = replace(catalogue, signatures=(wrong,))
        failed, _ = failures(ruleset)
        assert [sentence.split()[1] for sentence in failed] == ["example.org", "app.clearview.ai"]
