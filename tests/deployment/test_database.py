"""The migrations through the Supabase CLI into Postgres as hosted: as nobody's superuser, and back and forward again."""

import pathlib
import shutil
import tempfile
import unittest

from database import OWNER, SUPERUSER, migrated, prepare, push, sql
from template import ROOT


@unittest.skipUnless(OWNER, "`cargo local test` gives a database")
class Migrations(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        prepare()
        cls.first = push()

    def test_the_owner_who_is_no_superuser_applies_them_and_a_second_push_finds_nothing_to_do(self):
        self.assertEqual(self.first.returncode, 0, self.first.stderr)
        self.assertEqual(sql("select rolsuper from pg_roles where rolname = current_user"), "f")
        self.assertNotEqual(sql("select count(*) from supabase_migrations.schema_migrations"), "0")
        again = push()
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertIn("up to date", again.stdout + again.stderr)

    def test_the_default_grants_of_old_projects_open_nothing(self):
        open_to_strangers = """
            select p.oid::regprocedure from pg_proc p
            where p.pronamespace in ('public'::regnamespace, 'private'::regnamespace)
              and (has_function_privilege('anon', p.oid, 'execute') or has_function_privilege('authenticated', p.oid, 'execute'))
            union all
            select c.oid::regclass::text from pg_class c
            where c.relnamespace in ('public'::regnamespace, 'private'::regnamespace) and c.relkind in ('r', 'v', 'S')
              and (has_table_privilege('anon', c.oid, 'insert, update, delete')
                or has_table_privilege('authenticated', c.oid, 'insert, update, delete'))""".replace("p.oid::regprocedure from", "p.oid::regprocedure::text from")
        self.assertEqual(sql(open_to_strangers), "")
        self.assertEqual(sql("select tablename from pg_publication_tables where pubname = 'supabase_realtime'"), "stories")

    def test_a_roll_back_leaves_the_database_alone_and_rolling_forward_is_an_ordinary_push(self):
        migrated()
        with tempfile.TemporaryDirectory() as folder:
            newer = pathlib.Path(folder) / "infra"
            shutil.copytree(ROOT / "infra/supabase", newer / "supabase", ignore=shutil.ignore_patterns(".temp"))
            migration = newer / "supabase/migrations/20991231000000_next.sql"
            migration.write_text("alter table public.stories add column next_release text;")
            forward = push(newer)
            self.assertEqual(forward.returncode, 0, forward.stderr)
            # The old checkout, as after a roll back: it refuses, and what it proposes must not be done.
            back = push()
            self.assertNotEqual(back.returncode, 0)
            said = back.stdout + back.stderr
            self.assertIn("Remote migration versions not found in local migrations directory", said)
            self.assertIn("migration repair --status reverted", said)
            has_column = "select count(*) from information_schema.columns where column_name = 'next_release'"
            self.assertEqual(sql(has_column), "1")
            again = push(newer)
            self.assertEqual(again.returncode, 0, again.stderr)
            sql("alter table public.stories drop column next_release; "
                "delete from supabase_migrations.schema_migrations where version = '20991231000000'", SUPERUSER)


if __name__ == "__main__":
    unittest.main()
