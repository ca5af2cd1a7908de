"""Every call that the functions made in a local run is allowed to whoever made it and denied to the others."""

import fnmatch
import json
import re
import unittest

from template import ACCOUNT, FUNCTIONS, REGION, ROOT, production

CALLS = ROOT / "target/aws-calls.json"
LAMBDA = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:"
SSM = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter"
KMS = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
BUCKET = "arn:aws:s3:::storytailor-assets-production"
# What Lambda adds of the region's default key.
THROUGH_SSM = {"kms:ViaService": f"ssm.{REGION}.amazonaws.com", "kms:ResourceAliases": "alias/aws/ssm"}


# Who wakes the sender when a command, or a lease that ran out, ends a story: in no run where all goes well.
ALSO = {
    ("lambda:InvokeFunction", LAMBDA + "storytailor-timeout-handler-production"): {"universal-agent", "asset-worker"},
}


def as_list(value):
    return value if isinstance(value, list) else [value]


def statements(function):
    """All that the role of a function carries, but for AWS's own policy for logging."""
    stack = production()
    (role,) = [
        stack.resources[name]["Properties"]
        for name in stack.resources
        if name.startswith(function.title().replace("-", "")) and stack.resources[name]["Type"] == "AWS::IAM::Role"
    ]
    documents = [policy["PolicyDocument"] for policy in role["Policies"]]
    shared = stack.resources["DecryptParametersPolicy"]["Properties"]["PolicyDocument"]
    for arn in role["ManagedPolicyArns"]:
        if arn.endswith("/decrypt-parameters"):
            documents.append(shared)
        elif not arn.endswith("service-role/AWSLambdaBasicExecutionRole"):
            raise AssertionError(f"{function} has {arn}")
    found = []
    for document in documents:
        found += as_list(document["Statement"])
    return found


def matches(pattern, value):
    return fnmatch.fnmatchcase(value, pattern.replace("[", "[[]"))


def holds(condition, context):
    for operator, wanted in condition.items():
        kind = operator.split(":")[-1]
        for key, patterns in wanted.items():
            given = context.get(key)
            compare = {"StringEquals": lambda one, value: one == value, "StringLike": matches}[kind]
            if given is None or not any(compare(one, given) for one in as_list(patterns)):
                return False
    return True


def is_allowed(function, action, resource, context):
    verdicts = [
        statement["Effect"]
        for statement in statements(function)
        if any(matches(one.lower(), action.lower()) for one in as_list(statement["Action"]))
        and any(matches(one, resource) for one in as_list(statement["Resource"]))
        and holds(statement.get("Condition", {}), context)
    ]
    return "Allow" in verdicts and "Deny" not in verdicts


def needs(call):
    """(action, resource, context) for each right that a recorded request needs (AWS's Service Authorization Reference)."""
    method, path, query = call["method"], call["path"], call["query"]
    if call["service"] == "ssm":
        for name in call["names"]:
            yield "ssm:GetParameters", SSM + name, {}
        yield "kms:Decrypt", KMS, THROUGH_SSM
    elif call["service"] == "lambda":
        yield "lambda:InvokeFunction", LAMBDA + path.split("/")[3], {}
    elif call["service"] == "cloudfront":
        distribution = production().reference("AssetsDistribution")
        yield "cloudfront:CreateInvalidation", f"arn:aws:cloudfront::{ACCOUNT}:distribution/{distribution}", {}
    else:
        key = path.split("/", 2)[2] if path.count("/") > 1 else ""
        if "list-type" in query:
            yield "s3:ListBucket", BUCKET, {"s3:prefix": re.search(r"prefix=([^&]*)", query)[1].replace("%2F", "/")}
        elif method == "PUT":
            yield "s3:PutObject", f"{BUCKET}/{key}", {}
            if call["copied"]:
                yield "s3:GetObject", f"{BUCKET}/{call['copied'].split('/', 1)[1]}", {}
        else:
            action = {"GET": "s3:GetObject", "HEAD": "s3:GetObject", "DELETE": "s3:DeleteObject"}[method]
            yield action, f"{BUCKET}/{key}", {}


def kind(action, resource, context):
    """One of each kind is enough: a folder of the bucket, not each file."""
    folder = re.search(r"/(characters|drafts|exchanges|snapshots|stories|uploads)/", f"{resource}/{context.get('s3:prefix', '')}")
    return action, folder[1] if folder else resource


class Policies(unittest.TestCase):
    def setUp(self):
        self.assertTrue(CALLS.exists(), "the black-box test `deployed` writes what the functions call")
        self.needed = {}
        for call in json.loads(CALLS.read_text()):
            for need in needs(call):
                self.needed.setdefault(kind(*need), (need, set()))[1].add(call["caller"])

    def test_each_call_is_allowed_to_those_who_make_it_and_to_nobody_else(self):
        self.assertGreater(len(self.needed), 15, self.needed.keys())
        for need, callers in self.needed.values():
            callers = callers | ALSO.get(need[:2], set())
            for function in FUNCTIONS:
                with self.subTest(function=function, need=need):
                    self.assertEqual(is_allowed(function, *need), function in callers)

    def test_what_lambda_does_with_a_roles_rights_is_allowed(self):
        stack = production()
        for name, config in stack.of_type("AWS::Lambda::EventInvokeConfig").items():
            destination = config["DestinationConfig"]["OnFailure"]["Destination"]
            action = "sqs:SendMessage" if ":sqs:" in destination else "lambda:InvokeFunction"
            function = config["FunctionName"].removeprefix("storytailor-").removesuffix("-production")
            self.assertTrue(is_allowed(function, action, destination, {}), name)

    def test_nothing_beyond_is_allowed_to_anybody(self):
        elsewhere = {"s3:prefix": "private/"}
        for need in [
            ("ssm:GetParameters", f"{SSM}/storytailor/staging/SUPABASE_SERVICE_ROLE_KEY", {}),
            ("ssm:GetParametersByPath", f"{SSM}/storytailor/production/", {}),
            ("ssm:PutParameter", f"{SSM}/storytailor/production/OPENAI_API_KEY", {}),
            ("kms:Decrypt", KMS, {"kms:ViaService": f"s3.{REGION}.amazonaws.com", "kms:ResourceAliases": "alias/aws/ssm"}),
            ("kms:Decrypt", KMS, {}),
            ("s3:GetObject", f"{BUCKET}/private/file", {}),
            ("s3:ListBucket", BUCKET, elsewhere),
            ("s3:ListBucket", BUCKET, {}),
            ("s3:DeleteBucket", BUCKET, {}),
            ("s3:GetObject", "arn:aws:s3:::storytailor-assets-staging/stories/1", {}),
            ("lambda:InvokeFunction", f"{LAMBDA}storytailor-content-agent-staging", {}),
            ("lambda:InvokeFunction", f"{LAMBDA}storytailor-universal-agent-production", {}),
            ("lambda:UpdateFunctionCode", f"{LAMBDA}storytailor-content-agent-production", {}),
            ("cloudfront:CreateInvalidation", f"arn:aws:cloudfront::{ACCOUNT}:distribution/EOTHER", {}),
            ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/any", {}),
        ]:
            for function in FUNCTIONS:
                with self.subTest(function=function, need=need):
                    self.assertFalse(is_allowed(function, *need))

    def test_the_address_of_the_api_takes_a_path(self):
        self.assertEqual(production().outputs["ApiUrl"], "https://abcdefghijklmnop.lambda-url.us-east-1.on.aws")


if __name__ == "__main__":
    unittest.main()
