"""A Postgres as hosted projects have it, and the Supabase CLI, both by the addresses that the run was given."""

import os
import pathlib
import subprocess

from template import ROOT

SUPERUSER, OWNER = (
    os.environ[name].split("?")[0] + "?sslmode=disable" if name in os.environ else ""
    for name in ("HOSTED_SUPERUSER_URL", "HOSTED_DATABASE_URL")
)
CLI = ROOT / ".local/tools/node/node_modules/.bin/supabase"


def sql(text, url=None, *options, check=True):
    """Rows as psql prints them, without decoration."""
    command = ["psql", url or OWNER, "-XAtq", "--set=ON_ERROR_STOP=1", *options, "-f", "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    assert done.returncode == 0 or not check, f"{text}\n{done.stderr}"
    return done.stdout.strip() if check else done


def push(workdir=ROOT / "infra"):
    """`supabase db push`, as the runbook has it, with every question answered by yes."""
    command = [CLI, "db", "push", "--workdir", workdir, f"--remote={OWNER}"]
    quiet = {"SUPABASE_YES": "1", "SUPABASE_TELEMETRY_DISABLED": "1", "DO_NOT_TRACK": "1", "CI": "1"}
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **quiet}, stdin=subprocess.DEVNULL)


def prepare():
    """The hosted project before its first migration, once."""
    if sql("select count(*) from pg_event_trigger", SUPERUSER) == "0":
        sql(pathlib.Path(__file__).with_name("hosted.sql").read_text(), SUPERUSER)


def migrated():
    prepare()
    if sql("select to_regclass('public.stories') is null") == "t":
        done = push()
        assert done.returncode == 0, done.stdout + done.stderr
