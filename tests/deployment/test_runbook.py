"""docs/RUNBOOK.md, carried out: its commands against the local stack, a simulated AWS and a hosted-like Postgres, in the
page's own order, and its answers compared with what it says. A block that nobody knows here fails."""

import contextlib
import os
import re
import subprocess
import time
import unittest
import urllib.error
import urllib.request

import botocore.exceptions

from account import Account, CommandLine, local_stack
from database import OWNER, SUPERUSER, migrated, sql
from template import ROOT, Stack
from test_account import make_all

PAGE = (ROOT / "docs/RUNBOOK.md").read_text()

# What needs what is not here; each with its reason. The block's other commands run.
STUBS = """
cargo() {
    case $2 in
        test) ;;                                    # we are in it
        deploy) "$LOCAL" deploy "${@:3}" --dry-run ;;
        *) "$LOCAL" "${@:2}" ;;
    esac
}
sam() { echo "sam $*"; grep -q "^\\[production.${1}.parameters\\]" samconfig.toml; }  # a build takes minutes
git() { case $1 in checkout) ;; *) command git "$@" ;; esac; }                     # the tree stays
rustup() { :; }                                                                    # needs the network
supabase() { "$SUPABASE" "$@" </dev/null; }
"""

# (how the block begins, what its output must hold). In the order of the page.
BLOCKS = [
    ("export ENVIRONMENT=production", r""),
    ("cargo local doctor", r'(?s)✓ database connection.*"status":\s*"ok".*"MetricAlarms"'),
    ("aws lambda get-function --function-name", r'(?s)"State": "ENABLED".*"StatusCode": 200.*"StatusCode": 200'),
    ("curl -X POST \"$API_URL/api/v1/stories/$STORY_ID/assets/retry\"", r'"success":\s*true'),
    ("cut -d. -f2", r"/auth/v1$"),
    ("aws lambda invoke --function-name storytailor-content-agent", r'"StatusCode": 202'),
    ("QUEUE=$(aws sqs get-queue-url", r""),
    ("aws sqs purge-queue", r""),
    ("for f in asset-worker content-agent; do", r'"ReservedConcurrentExecutions": 0'),
    ("aws lambda delete-function-concurrency", r'"ReservedConcurrentExecutions": 20'),
    ("cargo local deploy --environment staging", r"(?s)sam deploy --config-env staging.*sam deploy --config-env production"),
    ("rustup target add", r""),
    ("aws sts get-caller-identity", r"^123456789012$"),
    ("aws lambda get-account-settings", r""),
    ("ACCOUNT=$(aws sts", r""),
    ("aws ce update-cost-allocation-tags-status", r""),
    ("# The password percent-encoded", r"^postgres$"),
    ("for name in SUPABASE_SERVICE_ROLE_KEY", r""),
    ("aws s3api head-bucket --bucket", r"404"),
    ("CERTIFICATE=$(aws acm request-certificate", r'"Type": "CNAME"'),
    ("curl -s \"$SUPABASE_URL/auth/v1/admin/users\"", r"(?s)^[0-9a-f-]{36}.*(generating|ready)$"),
    ("cargo local test", r"(?s)up to date.*sam deploy --config-env production"),
    ("API_URL=$(aws cloudformation", r"(?s)✓ ready after.*nobody was at work.*✓ user, character and story removed"),
    ("git checkout \"$GOOD\"", r"sam deploy --config-env production --template-file"),
    ("aws cloudformation describe-stack-events", r""),
    ("cargo local recover", r"Story not recoverable: there is no snapshot of it"),
    ("aws lambda invoke --function-name storytailor-content-agent", r'"StatusCode": 200'),
    ("pg_dump \"$DATABASE_URL\"", r""),
    ("{ echo 'SET session_replication_role", r""),
    ("aws cloudformation update-termination-protection --no-enable", r"delete: s3://storytailor-assets-production/stories/1"),
    ("for f in universal-agent content-agent asset-worker timeout-handler; do\n  aws lambda update", r""),
    ("curl -s https://api.openai.com/v1/models", r"(?m)^gpt-5.2\tno date\n"),
]

# What moto has not: the command line has still checked the arguments against AWS's model (it ends with 254, not 252).
NOT_IN_MOTO = {
    ("lambda", "get-account-settings"),
    ("service-quotas", "request-service-quota-increase"),
    ("ssm", "update-service-setting"),
    ("ce", "update-cost-allocation-tags-status"),
    ("cloudformation", "update-termination-protection"),
}
# Of version 2 of the command line alone.
ONLY_V2 = {("logs", "tail")}
# What says that something is not there, as the page expects.
MAY_BE_ABSENT = {("s3api", "head-bucket"), ("cloudformation", "describe-stacks"), ("logs", "delete-log-group")}

BUCKET = "storytailor-assets-production"
# New projects have such a key; the local stack knows one of each kind.
SECRET_KEY = re.search(r'"(sb_secret_[^"]+)"', (ROOT / "infra/local/supabase/src/gateway/api_keys.rs").read_text())[1]

# A deployed stack as far as moto's CloudFormation goes.
LIKE_DEPLOYED = """{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}, "Outputs": {"ApiUrl": {"Value": "%s"}}}"""


def blocks(kind):
    return re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.M | re.S)


@unittest.skipUnless(OWNER and "STACK_ENV" in os.environ, "`cargo local test` gives a stack and a database")
class Runbook(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        migrated()
        cls.local = local_stack()
        # The stack keeps its database from one run to the next.
        sql("delete from auth.users where email = 'first@example.com'", cls.local["DATABASE_URL"])
        cls.account = Account()
        cls.addClassCleanup(cls.account.stop)
        make_all(cls.account, Stack("production"))
        cls.deploy()
        lambda_here = cls.local["AWS_ENDPOINT_URL_LAMBDA"]
        for function in ("asset-worker", "timeout-handler"):
            cls.wait_for(f"{lambda_here}/2015-03-31/functions/storytailor-{function}-production/invocations")
        cls.aws = CommandLine(lambda words: lambda_here if words[:2] == ["lambda", "invoke"] else cls.account.url)
        cls.addClassCleanup(cls.aws.stop)
        cls.state = {}
        for written in ("response.json", "rows.sql"):
            cls.addClassCleanup((ROOT / written).unlink, missing_ok=True)

    @classmethod
    def wait_for(cls, invocations):
        """Until the function has done what an earlier test had it begin: all its places were taken."""
        until = time.monotonic() + 90
        while True:
            try:
                with urllib.request.urlopen(invocations, b"{}"):
                    return
            except urllib.error.HTTPError as refused:
                if refused.code != 429 or time.monotonic() > until:
                    raise
            time.sleep(0.5)

    @classmethod
    def deploy(cls):
        """Makes sure of a stack and its bucket."""
        for make in (
            lambda: cls.account.client("cloudformation").create_stack(
                StackName="storytailor-production", TemplateBody=LIKE_DEPLOYED % cls.local["API_URL"]
            ),
            lambda: cls.account.client("s3").create_bucket(Bucket=BUCKET),
        ):
            with contextlib.suppress(botocore.exceptions.ClientError):
                make()

    def environment(self):
        own = {
            "HOME": os.environ["HOME"],
            "PATH": os.environ["PATH"],
            "AWS_BY_HTTP": self.aws.url,
            "LOCAL": os.environ["LOCAL"],
            "SUPABASE": str(ROOT / ".local/tools/node/node_modules/.bin/supabase"),
            "SUPABASE_YES": "1",
            "GOOD": "abc",
            "SUPABASE_SERVICE_ROLE_KEY": SECRET_KEY,
        }
        return {**self.local, **own, "DATABASE_URL": OWNER, **self.state}

    def carry_out(self, text, environment):
        """One block in a shell of its own that hands its variables on to the next."""
        text = text.replace("https://api.openai.com", self.local["STANDIN_OPENAI_URL"])
        text = re.sub(r"^export DATABASE_URL=.*$", "", text, flags=re.M)
        # What the operator types.
        typed = "".join(f"{one}\n" for one in ("sb_secret_1", "sk-1 \"'$x", "xi-1"))
        kept = "\nprintf '\\n--- kept\\n'; for v in TOKEN STORY_ID API_URL QUEUE CERTIFICATE; do declare -p $v 2>/dev/null; done; true"
        script = f"{STUBS}{CommandLine.SHELL}{text}{kept}"
        self.aws.log.clear()
        variables = {**self.environment(), "ENVIRONMENT": environment}
        done = subprocess.run(["bash", "-c", script], cwd=ROOT, env=variables, input=typed, capture_output=True, text=True)
        output, _, kept = done.stdout.partition("\n--- kept\n")
        for name, value in re.findall(r'^declare -[-x]+ (\w+)="(.*)"$', kept, re.M):
            self.state[name] = value
        return output, done.stderr

    def assert_commands_went_well(self):
        for code, words, out, err in self.aws.log:
            command = tuple(words[:2])
            if command in NOT_IN_MOTO | MAY_BE_ABSENT:
                self.assertIn(code, (0, 254, 255), (words, err))
                self.assertNotIn("Parameter validation failed", err)
            elif command in ONLY_V2:
                self.assertIn(code, (2, 252))
            else:
                self.assertEqual(code, 0, (words, out, err))

    def test_every_block_of_commands_runs_and_answers_as_the_page_says(self):
        found = blocks("bash")
        self.assertEqual(len(found), len(BLOCKS))
        # Blocks that need a token or a story come before the chapter that makes them.
        first_user = [at for at, (begin, _) in enumerate(BLOCKS) if "admin/users" in begin]
        order = first_user + [at for at in range(len(BLOCKS)) if at not in first_user]
        for at in order:
            (begin, expected), text = BLOCKS[at], found[at]
            with self.subTest(block=begin):
                self.assertTrue(text.startswith(begin), text)
                # Before a first deployment there is none.
                environment = "elsewhere" if begin.startswith("aws s3api head-bucket") else "production"
                if begin.startswith(("aws cloudformation describe-stack-events", "aws cloudformation update-term")):
                    self.deploy()
                if begin.startswith("aws cloudformation update-term"):
                    self.account.client("s3").put_object(Bucket=BUCKET, Key="stories/1", Body=b"")
                output, errors = self.carry_out(text, environment)
                if expected:
                    self.assertRegex(output.strip() or errors.strip(), expected, errors)
                self.assert_commands_went_well()
                if begin.startswith("for name in"):
                    self.assert_secrets_are_kept()

    def assert_secrets_are_kept(self):
        ssm = self.account.client("ssm")
        kept = ssm.get_parameter(Name="/storytailor/production/OPENAI_API_KEY", WithDecryption=True)["Parameter"]
        self.assertEqual((kept["Value"], kept["Type"]), ("sk-1 \"'$x", "SecureString"))

    def test_every_sql_block_runs_as_the_owner(self):
        user = "00000000-0000-4000-8000-0000000000aa"
        sql(f"insert into auth.users (id, email) values ('{user}', 'operator@example.com') on conflict do nothing", SUPERUSER)
        found = blocks("sql")
        self.assertGreater(len(found), 25)
        for text in found:
            with self.subTest(block=text.splitlines()[0]):
                sql(text, OWNER, f"--set=story_id={user}", f"--set=user_id={user}")


if __name__ == "__main__":
    unittest.main()
