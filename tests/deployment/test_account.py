"""Every resource of the transformed template is made in moto by its own API, or its request is held to AWS's model."""

import io
import json
import unittest
import zipfile

import botocore.validate
from account import Account
from template import ACCOUNT, MADE, REGION, production

# moto knows no such call, so that its request is checked and not made.
NOT_IN_MOTO = {"put_query_definition", "create_response_headers_policy", "put_function_recursion_config"}


def package():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("bootstrap", "")
    return file.getvalue()


def lower(value):
    """CloudFront's and AWS Budgets' documents are the API's own, but for quantities beside lists."""
    if isinstance(value, dict):
        return {name: lower(one) for name, one in value.items()}
    if isinstance(value, list):
        return {"Quantity": len(value), "Items": [lower(one) for one in value]}
    return value


def requests(kind, name, own, resource):
    """(service, operation, arguments) that make one resource."""
    match kind:
        case "AWS::IAM::ManagedPolicy":
            yield "iam", "create_policy", {"PolicyName": name, "Description": own["Description"], "PolicyDocument": json.dumps(own["PolicyDocument"])}
        case "AWS::IAM::Role":
            yield "iam", "create_role", {"RoleName": name, "AssumeRolePolicyDocument": json.dumps(own["AssumeRolePolicyDocument"])}
            for policy in own["Policies"]:
                # SAM writes none into those it adds for destinations, and moto wants one.
                document = {"Version": "2012-10-17", **policy["PolicyDocument"]}
                yield "iam", "put_role_policy", {"RoleName": name, "PolicyName": policy["PolicyName"], "PolicyDocument": json.dumps(document)}
        case "AWS::Lambda::Function":
            taken = {field: own[field] for field in ("FunctionName", "Description", "Runtime", "Handler", "Architectures", "Environment", "LoggingConfig")}
            numbers = {field: int(own[field]) for field in ("MemorySize", "Timeout")}
            yield "lambda", "create_function", {**taken, **numbers, "Code": {"ZipFile": package()}, "Role": own["Role"]}
            if "ReservedConcurrentExecutions" in own:
                share = int(own["ReservedConcurrentExecutions"])
                yield "lambda", "put_function_concurrency", {"FunctionName": own["FunctionName"], "ReservedConcurrentExecutions": share}
            if "RecursiveLoop" in own:
                yield "lambda", "put_function_recursion_config", {"FunctionName": own["FunctionName"], "RecursiveLoop": own["RecursiveLoop"]}
        case "AWS::Lambda::EventInvokeConfig":
            yield "lambda", "put_function_event_invoke_config", own
        case "AWS::Lambda::Url":
            yield "lambda", "create_function_url_config", {"FunctionName": own["TargetFunctionArn"], "AuthType": own["AuthType"], "InvokeMode": own["InvokeMode"]}
        case "AWS::Lambda::Permission":
            names = {"FunctionUrlAuthType", "InvokedViaFunctionUrl", "SourceArn", "Principal", "Action"} & own.keys()
            yield "lambda", "add_permission", {"StatementId": name, "FunctionName": own["FunctionName"], **{one: own[one] for one in names}}
        case "AWS::Events::Rule":
            yield "events", "put_rule", {"Name": own["Name"], "Description": own["Description"], "ScheduleExpression": own["ScheduleExpression"]}
            yield "events", "put_targets", {"Rule": own["Name"], "Targets": own["Targets"]}
        case "AWS::Logs::LogGroup":
            yield "logs", "create_log_group", {"logGroupName": own["LogGroupName"]}
            yield "logs", "put_retention_policy", {"logGroupName": own["LogGroupName"], "retentionInDays": int(own["RetentionInDays"])}
        case "AWS::Logs::MetricFilter":
            how = [{key[0].lower() + key[1:]: value for key, value in one.items()} for one in own["MetricTransformations"]]
            yield "logs", "put_metric_filter", {"logGroupName": own["LogGroupName"], "filterName": name, "filterPattern": own["FilterPattern"], "metricTransformations": how}
        case "AWS::Logs::QueryDefinition":
            yield "logs", "put_query_definition", {"name": own["Name"], "queryString": own["QueryString"], "logGroupNames": own["LogGroupNames"]}
        case "AWS::SQS::Queue":
            attributes = {"MessageRetentionPeriod": str(own["MessageRetentionPeriod"]), "SqsManagedSseEnabled": "true"}
            yield "sqs", "create_queue", {"QueueName": own["QueueName"], "Attributes": attributes}
        case "AWS::S3::Bucket":
            bucket = own["BucketName"]
            yield "s3", "create_bucket", {"Bucket": bucket}
            yield "s3", "put_bucket_ownership_controls", {"Bucket": bucket, "OwnershipControls": own["OwnershipControls"]}
            yield "s3", "put_public_access_block", {"Bucket": bucket, "PublicAccessBlockConfiguration": own["PublicAccessBlockConfiguration"]}
            rules = [{"ApplyServerSideEncryptionByDefault": one["ServerSideEncryptionByDefault"]} for one in own["BucketEncryption"]["ServerSideEncryptionConfiguration"]]
            yield "s3", "put_bucket_encryption", {"Bucket": bucket, "ServerSideEncryptionConfiguration": {"Rules": rules}}
            rules = []
            for one in own["LifecycleConfiguration"]["Rules"]:
                rule = {"ID": one["Id"], "Status": one["Status"], "Filter": {"Prefix": one.get("Prefix", "")}}
                if "ExpirationInDays" in one:
                    rule["Expiration"] = {"Days": one["ExpirationInDays"]}
                else:
                    rule["AbortIncompleteMultipartUpload"] = one["AbortIncompleteMultipartUpload"]
                rules.append(rule)
            yield "s3", "put_bucket_cors", {"Bucket": bucket, "CORSConfiguration": {"CORSRules": [{key if key != "MaxAge" else "MaxAgeSeconds": value for key, value in one.items()} for one in own["CorsConfiguration"]["CorsRules"]]}}
            yield "s3", "put_bucket_lifecycle_configuration", {"Bucket": bucket, "LifecycleConfiguration": {"Rules": rules}}
        case "AWS::S3::BucketPolicy":
            yield "s3", "put_bucket_policy", {"Bucket": own["Bucket"], "Policy": json.dumps(own["PolicyDocument"])}
        case "AWS::CloudFront::OriginAccessControl":
            yield "cloudfront", "create_origin_access_control", {"OriginAccessControlConfig": own["OriginAccessControlConfig"]}
        case "AWS::CloudFront::ResponseHeadersPolicy":
            config = dict(own["ResponseHeadersPolicyConfig"])
            if "CorsConfig" in config:
                config["CorsConfig"] = {key: lower(value["Items"]) if isinstance(value, dict) else value for key, value in config["CorsConfig"].items()}
            if "CustomHeadersConfig" in config:
                config["CustomHeadersConfig"] = lower(config["CustomHeadersConfig"]["Items"])
            yield "cloudfront", "create_response_headers_policy", {"ResponseHeadersPolicyConfig": config}
        case "AWS::CloudFront::Distribution":
            config = lower(own["DistributionConfig"])
            certificate = config["ViewerCertificate"]
            if "AcmCertificateArn" in certificate:
                certificate["ACMCertificateArn"] = certificate.pop("AcmCertificateArn")
                certificate["SSLSupportMethod"] = certificate.pop("SslSupportMethod")
            config["IsIPV6Enabled"] = config.pop("IPV6Enabled")
            yield "cloudfront", "create_distribution", {"DistributionConfig": {**config, "CallerReference": name}}
        case "AWS::SNS::Topic":
            yield "sns", "create_topic", {"Name": own["TopicName"]}
        case "AWS::SNS::Subscription":
            yield "sns", "subscribe", own
        case "AWS::CloudWatch::Alarm":
            numbers = {"Threshold": float(own["Threshold"])}
            yield "cloudwatch", "put_metric_alarm", {**own, **numbers}
        case "AWS::CloudWatch::Dashboard":
            json.loads(own["DashboardBody"])
            yield "cloudwatch", "put_dashboard", own
        case "AWS::Budgets::Budget":
            budget = dict(own["Budget"])
            budget["BudgetLimit"] = {"Amount": str(budget["BudgetLimit"]["Amount"]), "Unit": "USD"}
            yield "budgets", "create_budget", {"AccountId": ACCOUNT, "Budget": budget, "NotificationsWithSubscribers": own["NotificationsWithSubscribers"]}
        case _:
            raise AssertionError(f"nobody knows how to make {kind}")


# What others name must be there before them.
FIRST = ["AWS::IAM::ManagedPolicy", "AWS::IAM::Role", "AWS::SQS::Queue", "AWS::SNS::Topic", "AWS::Logs::LogGroup", "AWS::S3::Bucket", "AWS::CloudFront::OriginAccessControl", "AWS::Lambda::Function"]


def make_all(account, stack):
    """Makes a stack's resources; answers the operations that were carried out and those that were only checked."""
    made, checked = set(), set()
    order = sorted(stack.resources.items(), key=lambda one: FIRST.index(one[1]["Type"]) if one[1]["Type"] in FIRST else 99)
    for name, resource in order:
        for service, operation, arguments in requests(resource["Type"], name, resource["Properties"], resource):
            client = account.client(service)
            if operation not in NOT_IN_MOTO:
                getattr(client, operation)(**arguments)
                made.add(operation)
                continue
            api = client.meta.method_to_api_mapping[operation]
            shape = client.meta.service_model.operation_model(api).input_shape
            report = botocore.validate.ParamValidator().validate(arguments, shape)
            assert not report.has_errors(), f"{name}: {report.generate_report()}"
            checked.add(operation)
    return made, checked


class Resources(unittest.TestCase):
    def test_an_empty_account_takes_every_resource(self):
        account = Account()
        self.addCleanup(account.stop)
        stack = production()
        make_all(account, stack)
        functions = account.client("lambda").list_functions()["Functions"]
        self.assertEqual(len(functions), 4)
        share = account.client("lambda").get_function_concurrency(FunctionName="storytailor-timeout-handler-production")
        self.assertEqual(share["ReservedConcurrentExecutions"], 10)
        alarms = account.client("cloudwatch").describe_alarms(AlarmNamePrefix="storytailor-")["MetricAlarms"]
        self.assertEqual(len(alarms), len(stack.of_type("AWS::CloudWatch::Alarm")))
        # A first deployment that failed leaves this; the second would find the name taken.
        bucket = stack.raw["AssetsBucket"]
        self.assertEqual(bucket["DeletionPolicy"], "RetainExceptOnCreate")

    def test_a_new_account_reserves_nothing(self):
        from template import Stack

        stack = Stack("production", ApiConcurrency="0", WorkerConcurrency="0", RescuerConcurrency="0")
        for function in stack.of_type("AWS::Lambda::Function").values():
            self.assertNotIn("ReservedConcurrentExecutions", function)

    def test_going_back_to_a_commit_goes_back_to_its_settings(self):
        from template import Stack

        good, bad = Stack("production"), Stack("production", OpenAiTextModel="gpt-bad", MaxJobsInFlight="900")
        settings = lambda stack: [one["Environment"]["Variables"] for one in stack.of_type("AWS::Lambda::Function").values()]
        self.assertNotEqual(settings(good), settings(bad))
        # What is named in samconfig.toml is sent; what is not keeps its value. So all must be named.
        from template import overrides

        self.assertEqual(overrides("production").keys(), good.source["Parameters"].keys())


if __name__ == "__main__":
    unittest.main()
