"""A story audited with its directory and its policy, every sighting kept."""

from detector import identity, policy, signatures
from detector.audit import Terms, audited, plan
from detector.audit.plan import Named, Site
from detector.formats import Formats
from detector.identity import References


def audited_story(story, references=None):
    """(policy, sightings) of a story's folder."""
    decided = policy.load(story / "policy.yml")
    terms = Terms(
        version="0", services=frozenset({"clearview-ai"}), policy=decided, keep=True,
        people=identity.load(story / "people.csv"), references=references or References(),
    )  # fmt: skip
    formats = Formats()
    inputs = plan([Named([str(story / "logs")], Site())], formats)
    return decided, audited(inputs, signatures.load(), terms).sightings
