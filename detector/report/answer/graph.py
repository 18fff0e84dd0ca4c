"""Who brought whom, in the JSON document of an answer."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Part(BaseModel):
    """A part of the document: nothing else is in it, nothing of it changes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Edge(Part):
    """Somebody brought somebody: by the vendor's invitation, a forwarded mail, or a mail that names the service."""

    inviter: str
    invitee: str
    at: str | None
    by: Literal["invitation", "forward", "mention"]


class Comer(Part):
    """Somebody who came, and behind how many invitations."""

    actor: str
    generation: int
    first: str


class Crossing(Part):
    """From one unit to another."""

    source: str = Field(validation_alias="from", serialization_alias="from")
    target: str = Field(validation_alias="to", serialization_alias="to")
    edges: int


class Pair(Part):
    """Two who used it in the same minutes."""

    actors: list[str]
    days: int


class Spread(Part):
    """Who brought whom; only for the internal reader."""

    document: Literal["shadowit.spread/1"] = Field(validation_alias="schema", serialization_alias="schema")
    edges: list[Edge]
    patient_zero: str | None
    people: list[Comer]
    units_crossed: list[Crossing]
    clusters: list[list[str]]
    together: list[Pair]
