"""LOLRMM: one tool's YAML file, or the whole list as JSON (``rmm_tools.json``); domains of its network artifacts.

A ``*.x`` is a domain with everything below it. What is free text, an address or a placeholder is refused. The entry's
references are kept.

Reference: https://github.com/magicsword-io/LOLRMM (unverified from here)
"""

from __future__ import annotations

from detector import documents
from detector.errors import UsageError
from detector.exchange.drafts import Draft
from detector.exchange.plug import Import, Reading
from detector.exchange.reading import Gathering, of_address, of_name, slug
from detector.exchange.trees import load, text_of, texts_of, trees

CATEGORY = "remote-access"


def read(text: str, name: str) -> Reading:
    """The tools of one file.

    Raises:
        UsageError: it is neither JSON nor YAML.
    """
    found = Gathering(f"lolrmm {name}", name)
    for tool in trees(load(text, name) if text.lstrip()[:1] in ("[", "{") else _yaml(text, name)):
        title = text_of(tool, "Name")
        references = tuple(texts_of(tool.get("References")))
        draft = Draft(slug(title), title, (), category=CATEGORY, references=references)
        for artifacts in trees(tool.get("Artifacts")):
            for network in trees(artifacts.get("Network")):
                for value in texts_of(network.get("Domains")):
                    bare = value.strip().rstrip("/")
                    read_value = of_address(bare) if "/" in bare else of_name(bare)
                    found.take(read_value, draft=draft, sources=[f"LOLRMM {title}"])
    return found.reading()


def _yaml(text: str, name: str) -> object:
    document = documents.parse(text.encode(), name)
    if document.problems:
        raise UsageError(str(document.problems[0]))
    return document.data


IMPORT = Import(name="lolrmm", read=read)
