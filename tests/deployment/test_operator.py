"""What operators type beside the runbook's blocks, against the local stack."""

import json
import os
import subprocess
import unittest
import urllib.request

from account import local_stack


@unittest.skipUnless("STACK_ENV" in os.environ, "`cargo local test` gives a stack")
class Operator(unittest.TestCase):
    def setUp(self):
        self.stack = local_stack()

    def type(self, *words):
        variables = {**self.stack, "HOME": os.environ["HOME"], "PATH": os.environ["PATH"]}
        return subprocess.run([os.environ["LOCAL"], *words], env=variables, capture_output=True, text=True)

    def test_the_switch_is_turned_and_a_state_that_is_none_is_named(self):
        self.addCleanup(self.type, "platform", "running")
        self.assertIn("running -> read_only:", self.type("platform", "read_only", "--reason", "a drill").stdout)
        self.assertIn("read_only -> running:", self.type("platform", "running").stdout)
        refused = self.type("platform", "off")
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("no_new_stories", refused.stderr)

    def test_a_story_says_what_it_waits_for_and_an_unknown_one_that_it_is_none(self):
        wish = {"character_ids": [self.stack["DEMO_CHARACTER_ID"]], "story_type": "adventure", "themes": []}
        request = urllib.request.Request(
            f"{self.stack['API_URL']}/api/v1/stories",
            json.dumps(wish).encode(),
            {"authorization": f"Bearer {self.stack['DEMO_USER_TOKEN']}", "content-type": "application/json"},
        )
        with urllib.request.urlopen(request) as answer:
            story = json.load(answer)["data"]["id"]
        told = self.type("why", story)
        self.assertTrue(told.stdout.startswith(f"Story {story}: "), told)
        unknown = self.type("why", "00000000-0000-4000-8000-000000000000")
        self.assertNotEqual(unknown.returncode, 0)


if __name__ == "__main__":
    unittest.main()
