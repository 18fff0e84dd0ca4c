"""``shadowit schema``: JSON Schemas of the files that people write, and of the answers that programs read."""

from __future__ import annotations

import sys

import click
import orjson
from pydantic import BaseModel

from detector.cli.examples import examples


@click.command(epilog=examples("shadowit schema signature > signature.schema.json"))
@click.argument("name", type=click.Choice(("signature", "shared-hosts", "mail-stages", "config", "policy", "answer")))
def command(name: str) -> int:
    """Print the JSON Schema of signature files, the shared data beside them, the configuration, a policy, an answer."""
    from detector import config
    from detector.policy import schema as policy
    from detector.report.answer import schema as answer
    from detector.signatures import schema

    models: dict[str, type[BaseModel]] = {
        "signature": schema.SignatureFile,
        "shared-hosts": schema.SharedHostsFile,
        "mail-stages": schema.MailStagesFile,
        "config": config.Config,
        "policy": policy.PolicyFile,
        "answer": answer.Answer,
    }
    described = models[name].model_json_schema(mode="serialization" if name == "answer" else "validation")
    document = {"$schema": "https://json-schema.org/draft/2020-12/schema", **described}
    sys.stdout.buffer.write(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    return 0
