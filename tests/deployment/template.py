"""template.yaml as CloudFormation would carry it out: transformed by SAM, conditions and references resolved."""

import functools
import os
import pathlib
import re
import tomllib

os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")

from samcli.cli.types import CfnParameterOverridesType
from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

ROOT = pathlib.Path(__file__).parents[2]
ACCOUNT, REGION = "123456789012", "us-east-1"
PSEUDO = {"AWS::AccountId": ACCOUNT, "AWS::Region": REGION, "AWS::Partition": "aws", "AWS::URLSuffix": "amazonaws.com"}
ABSENT = object()
FUNCTIONS = ["universal-agent", "content-agent", "asset-worker", "timeout-handler"]

# What is not a name that the template gives, as AWS would make it.
MADE = {
    ("AssetsDistribution", "Ref"): "E2EXAMPLE",
    ("AssetsDistribution", "DomainName"): "d111111abcdef8.cloudfront.net",
    ("AssetsOriginAccess", "Id"): "E1EXAMPLE",
    ("AssetsHeaders", "Ref"): "60669652-455b-4ae9-85a4-c4c02393f86d",
    ("PageHeaders", "Ref"): "7c1b4a3e-95c1-4d1c-9d9b-1f0c3a4e5d6f",
    ("UniversalAgentFunctionUrl", "FunctionUrl"): "https://abcdefghijklmnop.lambda-url.us-east-1.on.aws/",
    ("AlarmTopic", "Ref"): f"arn:aws:sns:{REGION}:{ACCOUNT}:storytailor-alarms-production",
    ("DecryptParametersPolicy", "Ref"): f"arn:aws:iam::{ACCOUNT}:policy/decrypt-parameters",
}


def overrides(environment="production"):
    """What samconfig.toml gives, with the placeholders replaced."""
    settings = tomllib.loads((ROOT / "samconfig.toml").read_text())
    given = settings[environment]["deploy"]["parameters"]["parameter_overrides"]
    values = CfnParameterOverridesType().convert(given, None, None)
    values["SupabaseUrl"] = values["SupabaseUrl"].replace("SUPABASE_PROJECT_REF", "abcdefghijklmnopqrst")
    values["AlarmEmail"] = "operator@example.com"
    return values


class Stack:
    """One environment's resources and outputs, everything resolved that does not need AWS to be there."""

    def __init__(self, environment="production", **changed):
        source = yaml_parse((ROOT / "template.yaml").read_text())
        for resource in source["Resources"].values():
            if resource["Type"] == "AWS::Serverless::Function":
                resource["Properties"]["CodeUri"] = "s3://releases/package"
        defaults = {name: one.get("Default") for name, one in source["Parameters"].items()}
        self.parameters = {**defaults, **overrides(environment), **changed}
        self.source = source
        # SAM tells apart what Python's own types would not: references stay as they stand.
        translated = Translator({}, Parser()).translate(source, dict(self.parameters))
        self.conditions = translated["Conditions"]
        self.raw = translated["Resources"]
        self.resources = {}
        for name, resource in self.raw.items():
            condition = resource.get("Condition")
            if condition is None or self.is_so({"Condition": condition}):
                properties = self.resolve(resource.get("Properties", {}))
                self.resources[name] = {**resource, "Properties": properties}
        self.outputs = {name: self.resolve(one["Value"]) for name, one in translated["Outputs"].items()}

    def of_type(self, kind):
        return {name: one["Properties"] for name, one in self.resources.items() if one["Type"] == kind}

    def is_so(self, condition):
        ((how, what),) = condition.items()
        match how:
            case "Condition":
                return self.is_so(self.conditions[what])
            case "Fn::Equals":
                return str(self.resolve(what[0])) == str(self.resolve(what[1]))
            case "Fn::Not":
                return not self.is_so(what[0])
            case "Fn::Or":
                return any(map(self.is_so, what))
            case "Fn::And":
                return all(map(self.is_so, what))
        raise KeyError(how)

    def resolve(self, value):
        if isinstance(value, list):
            return [one for one in map(self.resolve, value) if one is not ABSENT]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((how, what),) = value.items()
            match how:
                case "Ref":
                    return self.reference(what)
                case "Fn::GetAtt":
                    return self.attribute(*(what.split(".", 1) if isinstance(what, str) else what))
                case "Fn::If":
                    return self.resolve(what[1] if self.is_so({"Condition": what[0]}) else what[2])
                case "Fn::Select":
                    return self.resolve(what[1])[int(what[0])]
                case "Fn::Split":
                    return self.resolve(what[1]).split(what[0])
                case "Fn::Join":
                    return what[0].join(map(str, self.resolve(what[1])))
                case "Fn::Sub":
                    text, own = (what, {}) if isinstance(what, str) else what
                    own = self.resolve(own)
                    return re.sub(r"\$\{([\w:.]+)\}", lambda found: str(self.named(found[1], own)), text)
        resolved = {name: self.resolve(one) for name, one in value.items()}
        return {name: one for name, one in resolved.items() if one is not ABSENT}

    def named(self, name, own):
        if name in own:
            return own[name]
        return self.attribute(*name.split(".", 1)) if "." in name else self.reference(name)

    def reference(self, name):
        if name == "AWS::NoValue":
            return ABSENT
        if name in PSEUDO:
            return PSEUDO[name]
        if name in self.parameters:
            return self.parameters[name]
        if (name, "Ref") in MADE:
            return MADE[name, "Ref"]
        properties = self.raw[name].get("Properties", {})
        for field in ("FunctionName", "BucketName", "LogGroupName", "QueueName", "RoleName", "Name"):
            if field in properties:
                return self.resolve(properties[field])
        return name

    def attribute(self, name, field):
        if (name, field) in MADE:
            return MADE[name, field]
        own = self.reference(name)
        kinds = {
            "AWS::Lambda::Function": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{own}",
            "AWS::S3::Bucket": f"arn:aws:s3:::{own}",
            "AWS::SQS::Queue": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{own}",
            "AWS::IAM::Role": f"arn:aws:iam::{ACCOUNT}:role/{own}",
            "AWS::Events::Rule": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{own}",
        }
        match field:
            case "Arn":
                return kinds[self.raw[name]["Type"]]
            case "QueueName":
                return own
            case "RegionalDomainName":
                return f"{own}.s3.{REGION}.amazonaws.com"
        raise KeyError((name, field))


@functools.cache
def production():
    return Stack("production")
