"""A client that a generator makes of openapi.json compiles and makes a story: Rust here, TypeScript in `web/` (its types are
generated, and every page and test stands on them). A minute of compiling, so only with `PROOFS=full`."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from account import local_stack
from template import ROOT

GENERATOR = ROOT / ".local/tools/bin/openapi-nexus"


@unittest.skipUnless("STACK_ENV" in os.environ and os.environ.get("PROOFS") == "full", "`cargo local test proofs --full`")
class Clients(unittest.TestCase):
    def test_a_generated_rust_client_makes_a_story(self):
        stack = local_stack()
        # Beside what is compiled for it, which stays for the next time.
        crate = ROOT / "target/tmp/rust-client"
        shutil.rmtree(crate, ignore_errors=True)
        with tempfile.TemporaryDirectory() as elsewhere:
            description = ROOT / "functions/universal-agent/openapi.json"
            generate = [GENERATOR, "generate", "--input", description, "--output", crate, "--generators", "rust-ureq"]
            subprocess.run(generate, cwd=elsewhere, check=True, capture_output=True)
        (crate / "examples").mkdir()
        shutil.copy(pathlib.Path(__file__).with_name("make_story.rs"), crate / "examples")
        with (crate / "Cargo.toml").open("a") as manifest:
            manifest.write("\n[workspace]\n")
        run = ["cargo", "run", "--quiet", "--example", "make_story", "--", stack["API_URL"], stack["DEMO_USER_TOKEN"]]
        variables = {**os.environ, "CARGO_TARGET_DIR": str(ROOT / "target/tmp/rust-client-target")}
        done = subprocess.run(run, cwd=crate, env=variables, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('"beats"', done.stdout)


if __name__ == "__main__":
    unittest.main()
