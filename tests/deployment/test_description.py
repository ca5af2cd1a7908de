"""openapi.json, held to the API by schemathesis: all its checks, signed in as two users. `PROOFS=full` asks far more of it."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import urllib.request

from account import local_stack
from database import sql
from template import ROOT

SEED = "20261126"
HERE = pathlib.Path(__file__).parent
CONFIG = (HERE / "schemathesis.toml").read_text()
# Ten and twenty times as many cases; a full run takes some minutes.
if os.environ.get("PROOFS") == "full":
    CONFIG = CONFIG.replace("generation.max-examples = 25", "generation.max-examples = 250").replace("max-examples = 3\n", "max-examples = 60\n")


def sign_up(stack):
    """Somebody new; their access token and id."""
    who = {"email": f"{os.urandom(8).hex()}@example.com", "password": "secret-enough"}
    headers = {"apikey": stack["SUPABASE_ANON_KEY"], "content-type": "application/json"}
    request = urllib.request.Request(f"{stack['SUPABASE_URL']}/auth/v1/signup", json.dumps(who).encode(), headers)
    with urllib.request.urlopen(request) as answer:
        session = json.load(answer)
    return session["access_token"], session["user"]["id"]


@unittest.skipUnless("STACK_ENV" in os.environ, "`cargo local test` gives a stack")
class Description(unittest.TestCase):
    def setUp(self):
        self.stack = local_stack()

    def ask(self, users, *options):
        """Runs schemathesis as these users; what it says, where it finds something."""
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "users.json")
            entries = [{"name": name, "fixedHeaders": [{"name": "Authorization", "value": f"Bearer {token}"}]} for name, token in users.items()]
            path.write_text(json.dumps({"auth": entries}))
            program = pathlib.Path(sys.executable).with_name("schemathesis")
            config = pathlib.Path(folder, "schemathesis.toml")
            config.write_text(CONFIG)
            command = [program, "--config-file", config, "run", ROOT / "functions/universal-agent/openapi.json"]
            # Who asks is said: else the other one would ask on where the first is refused, and find nothing of what that one made.
            command += ["--auth-wfc-user", "demo", "--url", self.stack["API_URL"], "--seed", SEED, *options]
            variables = {**os.environ, "USERS": str(path), "PYTHONPATH": str(HERE)}
            done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_the_api_is_as_it_is_described_for_two_users(self):
        token, id = sign_up(self.stack)
        # On the plan that has no limits, as the demo user is: what is refused for its number says nothing of a request.
        sql(f"update public.users set tier = 'school' where id = '{id}'", self.stack["DATABASE_URL"])
        # Nobody answers where it has events sent to: who sends them would go on trying, and be at work for nobody else.
        self.addCleanup(sql, "delete from private.webhook_endpoints", self.stack["DATABASE_URL"])
        self.ask({"demo": self.stack["DEMO_USER_TOKEN"], "other": token}, "--exclude-operation-id", "deleteMe")

    def test_a_user_who_leaves_is_gone(self):
        users = {name: sign_up(self.stack)[0] for name in ("demo", "other")}
        self.ask(users, "--include-operation-id", "deleteMe", "--phases", "coverage,fuzzing")


if __name__ == "__main__":
    unittest.main()
