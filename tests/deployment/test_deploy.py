"""infra/deploy.sh against a simulated AWS: the documented tools in the documented order, and where it stops."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from account import Account, CommandLine
from template import ROOT, production

# Everything but `aws`: says what it was asked, and fails where the test wants it.
FAKE = """#!/bin/bash
name=$(basename "$0")
echo "$name $*" >>"$SAID"
[[ "$name $*" == *"$FAILS"* ]] && exit 22
case "$name $*" in
    "git status"*) printf %s "$DIRTY" ;;
    "git rev-parse"*) echo abcdef123456 ;;
    "sam deploy"*) aws cloudformation create-stack --stack-name "storytailor-$ENVIRONMENT" --template-body "$DEPLOYED" >/dev/null ;;
esac
exit 0
"""
DEPLOYED = '{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}, "Outputs": {"ApiUrl": {"Value": "https://api.example.com"}}}'
DATABASE = "postgresql://postgres.abcdefghijklmnopqrst:secret@pooler.example.com:5432/postgres"


class Deploy(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.account = Account()
        cls.addClassCleanup(cls.account.stop)
        ssm = cls.account.client("ssm")
        for environment in ("staging", "production"):
            for name in ("SUPABASE_SERVICE_ROLE_KEY", "OPENAI_API_KEY", "ELEVENLABS_API_KEY"):
                ssm.put_parameter(Name=f"/storytailor/{environment}/{name}", Value="key", Type="SecureString")
        cls.instead = {}
        cls.aws = CommandLine(lambda _: cls.account.url, cls.instead)
        cls.addClassCleanup(cls.aws.stop)

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.home = pathlib.Path(folder.name)
        programs = self.home / "bin"
        programs.mkdir()
        for name in ("sam", "supabase", "psql", "curl-fake", "git", "cargo", "cargo-lambda"):
            (programs / name.removesuffix("-fake")).write_text(FAKE)
            (programs / name.removesuffix("-fake")).chmod(0o755)
        # The shell function talks by the real curl; the script's own calls are faked.
        shell = CommandLine.SHELL.replace("curl -s", f"{shutil.which('curl')} -s")
        (programs / "aws").write_text(f"#!/bin/bash\n{shell}\naws \"$@\"\n")
        (programs / "aws").chmod(0o755)
        (self.home / "infra").mkdir()
        shutil.copy(ROOT / "infra/deploy.sh", self.home / "infra/deploy.sh")
        settings = (ROOT / "samconfig.toml").read_text()
        settings = settings.replace("=ALARM_EMAIL", "=operator@example.com")
        (self.home / "samconfig.toml").write_text(settings.replace("https://SUPABASE_PROJECT_REF", "https://abcdefghijklmnopqrst"))
        self.instead.clear()
        self.instead[("lambda", "get-account-settings")] = "1000\n"
        self.instead[("ssm", "get-service-setting")] = "true\n"
        self.instead[("cloudformation", "update-termination-protection")] = ""
        for environment in ("staging", "production"):
            self.account.client("cloudformation").delete_stack(StackName=f"storytailor-{environment}")
        self.aws.log.clear()

    def deploy(self, environment="staging", typed="", **changed):
        said = self.home / "said"
        said.write_text("")
        variables = {
            "PATH": f"{self.home / 'bin'}:{os.environ['PATH']}",
            "HOME": os.environ["HOME"],
            "AWS_BY_HTTP": self.aws.url,
            "DATABASE_URL": DATABASE,
            "SAID": str(said),
            "FAILS": "nothing",
            "DEPLOYED": DEPLOYED,
            **changed,
        }
        command = ["bash", self.home / "infra/deploy.sh", "--environment", environment]
        done = subprocess.run(command, env=variables, input=typed, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr, said.read_text()

    def assert_stopped(self, words, **how):
        code, output, said = self.deploy(**how)
        self.assertNotEqual(code, 0)
        self.assertIn(words, output)
        return said

    def in_order(self, said, *wanted):
        at = [said.find(one) for one in wanted]
        self.assertTrue(all(one >= 0 for one in at) and at == sorted(at), (wanted, said))

    STEPS = (
        "supabase db push --workdir infra --remote=postgresql://",
        "sam validate --lint",
        "sam build --config-env",
        "sam package --config-env",
        "sam deploy --config-env",
        "cargo local smoke --api https://api.example.com --commit abcdef123456",
    )

    def test_staging_then_production_the_database_before_the_functions_and_a_story_at_the_end(self):
        code, output, said = self.deploy()
        self.assertEqual(code, 0, output)
        self.in_order(said, *self.STEPS)
        self.assertIn("models/gpt-image-2.5-sunburst", said)
        code, output, said = self.deploy("production", "production\n")
        self.assertEqual(code, 0, output)
        self.in_order(said, *self.STEPS)
        protected = [words for _, words, _, _ in self.aws.log if "--enable-termination-protection" in words]
        self.assertEqual(len(protected), 1)
        self.assertNotIn("secret", output)
        self.assertNotIn("sk-", output)

    def test_production_waits_for_staging_and_for_a_word(self):
        said = self.assert_stopped("staging first", environment="production", typed="production\n")
        self.assertNotIn("sam deploy", said)
        self.deploy()
        said = self.assert_stopped("nothing but the database", environment="production", typed="yes\n")
        self.assertNotIn("sam deploy", said)

    def test_a_failed_step_ends_it_there(self):
        for fails, after in [(0, 1), (2, 4), (4, 5)]:
            fails, after = self.STEPS[fails].split(" --remote")[0], self.STEPS[after]
            code, output, said = self.deploy(FAILS=fails)
            self.assertNotEqual(code, 0, fails)
            self.assertNotIn(after, said)
        self.assertIn("Roll back", self.deploy(FAILS="cargo local smoke")[1])

    def test_it_stops_at_each_doubt_before_anything_is_changed(self):
        def stops(words, **how):
            with self.subTest(words):
                said = self.assert_stopped(words, **how)
                self.assertNotIn("supabase db push", said)
                self.assertNotIn("sam deploy", said)

        stops("commit first", DIRTY=" M template.yaml")
        stops("is the transaction pooler", DATABASE_URL=DATABASE.replace("5432", "6543"))
        stops("each environment has its own", DATABASE_URL=DATABASE.replace("abcdef", "zyxwvu"))
        stops("DATABASE_URL is not set", DATABASE_URL="")
        stops("OpenAI has no gpt-5.2 for this key", FAILS="models/gpt-5.2")
        stops("ElevenLabs has no such voice", FAILS="v1/voices")
        self.instead[("lambda", "get-account-settings")] = "10\n"
        stops("Shares of an account")
        self.instead[("lambda", "get-account-settings")] = "1000\n"
        self.instead[("ssm", "get-service-setting")] = "false\n"
        stops("a burst of starts would be throttled", environment="production")
        self.instead[("ssm", "get-service-setting")] = "true\n"
        self.instead[("cloudformation", "describe-stacks")] = "ROLLBACK_COMPLETE\n"
        stops("The first deployment failed")
        del self.instead[("cloudformation", "describe-stacks")]
        s3 = self.account.client("s3")
        s3.create_bucket(Bucket="storytailor-assets-staging")
        stops("is there already, or somebody else's")
        s3.delete_bucket(Bucket="storytailor-assets-staging")
        ssm = self.account.client("ssm")
        ssm.delete_parameter(Name="/storytailor/staging/OPENAI_API_KEY")
        stops("put these into the parameter store first: /storytailor/staging/OPENAI_API_KEY")
        ssm.put_parameter(Name="/storytailor/staging/OPENAI_API_KEY", Value="key", Type="SecureString")
        shutil.copy(ROOT / "samconfig.toml", self.home / "samconfig.toml")
        stops("replace SUPABASE_PROJECT_REF and ALARM_EMAIL")

    def test_the_page_names_the_same_commands(self):
        page = (ROOT / "docs/RUNBOOK.md").read_text()
        script = (ROOT / "infra/deploy.sh").read_text()
        for command in ("supabase db push --workdir infra --remote=", "sam validate --lint", "sam build --config-env", "sam package --config-env", "sam deploy --config-env", "aws cloudformation update-termination-protection --enable", "cargo local smoke --api"):
            self.assertIn(command, page)
            self.assertIn(command, script)
        for doubt in ("Tools", "Shares of an account", "Once for an account", "The first deployment failed", "Models and their end", "Once for an environment", "Roll back"):
            self.assertRegex(page, rf"(?m)^#+ {doubt}$")


if __name__ == "__main__":
    unittest.main()
