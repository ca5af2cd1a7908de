"""What a description cannot say of a valid request, put right before it is sent; what is meant to be invalid stays as it is."""

import re
import unicodedata
import uuid

import schemathesis
from schemathesis import GenerationMode


KEY = re.compile(r"[!-+\--~]{1,255}")


def visible(part):
    """Texts without control characters, and with something that can be seen."""
    if isinstance(part, dict):
        return {visible(name): visible(value) for name, value in part.items()}
    if isinstance(part, list):
        return [visible(value) for value in part]
    if not isinstance(part, str):
        return part
    shown = "".join("-" if unicodedata.category(letter) in ("Cc", "Cs", "Cn", "Co", "Cf") else letter for letter in part)
    return shown if not shown or any(unicodedata.category(letter)[0] in "LNPS" for letter in shown) else f"a{shown[1:]}"


@schemathesis.hook
def before_call(context, case, kwargs):
    # Under one key there is one request, and its answer comes again though what it made is gone.
    if KEY.fullmatch((case.headers or {}).get("Idempotency-Key") or ""):
        case.headers["Idempotency-Key"] = str(uuid.uuid4())
    if case.meta is None or case.meta.generation.mode != GenerationMode.POSITIVE:
        return
    # A cursor says where the page begins.
    if "cursor" in (case.query or {}):
        case.query.pop("offset", None)
    if not isinstance(case.body, dict):
        return
    case.body = visible(case.body)
    for body in [case.body, *(case.body.get("stories") or [])]:
        # Voices are those that the provider has.
        for wish in (body, body.get("options")):
            if isinstance(wish, dict) and wish.get("voiceId"):
                wish["voiceId"] = "alloy"
        # Either the text alone, or what is made beside it.
        if body.get("assetTypes") and body.get("generateAssets") is False:
            del body["generateAssets"]
