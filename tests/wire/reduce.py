#!/usr/bin/env python3
"""What of a provider's OpenAPI document is used here: `reduce.py DOCUMENT WIRE.json`, of which the file names the operations.

Words (descriptions, examples, titles) are left out. Of a request, what is never sent is kept by its name alone, so that a
member of no name is still unknown; `nullable` of OpenAPI 3.0 becomes a type of JSON Schema. What is not reached any more goes.
"""
import json
import sys

WORDS = {"description", "example", "examples", "title", "externalDocs", "deprecated", "discriminator", "default"}


def plain(value, is_named=False):
    """Without words. `is_named`: the members are names of properties, not words of a schema."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {}
    for name, member in value.items():
        if not is_named and (name in WORDS or name.startswith("x-")):
            continue
        kept[name] = plain(member, not is_named and name in ("properties", "schemas"))
    if not is_named and kept.pop("nullable", False):
        kept = {"anyOf": [kept, {"type": "null"}]}
    return kept


def references(value):
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"].rsplit("/", 1)[-1]
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from references(item)


def name_only(schema, sent, schemas):
    """Properties that are never sent take anything."""
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rsplit("/", 1)[-1]]
    for part in (part for how in ("allOf", "anyOf", "oneOf") for part in schema.get(how, [])):
        name_only(part, sent, schemas)
    for name in schema.get("properties", {}):
        if name not in sent:
            schema["properties"][name] = {}


def reduce(document, known):
    schemas = plain(document["components"]["schemas"], True)
    paths = {}
    for path, operations in known["operations"].items():
        for method, sent in operations.items():
            operation = document["paths"][path][method]
            kept = paths.setdefault(path, {}).setdefault(method, {})
            request = operation.get("requestBody", {}).get("content", {})
            kept["requestBody"] = {kind: plain(body["schema"]) for kind, body in request.items()}
            for schema in kept["requestBody"].values():
                name_only(schema, set(sent.split()), schemas)
            query = [one for one in operation.get("parameters", []) if one.get("in") == "query"]
            kept["query"] = {one["name"]: plain(one["schema"]) for one in query}
            answer = operation["responses"]["200"]["content"]
            kept["200"] = {kind: plain(body["schema"]) for kind, body in answer.items()}
    reached, new = {}, set(references(paths))
    if known.get("error"):
        new.add(known["error"])
    while new:
        name = new.pop()
        if name not in reached:
            reached[name] = schemas[name]
            new |= set(references(schemas[name]))
    return {**known, "paths": paths, "components": {"schemas": dict(sorted(reached.items()))}}


def main(source, target):
    with open(target, encoding="utf-8") as file:
        known = json.load(file)
    with open(source, encoding="utf-8") as file:
        document = json.load(file)
    head = {name: known[name] for name in ("source", "licence", "error", "operations") if name in known}
    with open(target, "w", encoding="utf-8") as file:
        json.dump(reduce(document, head), file, separators=(",", ":"), ensure_ascii=False)
        file.write("\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
