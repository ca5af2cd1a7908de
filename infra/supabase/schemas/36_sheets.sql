-- Character sheets: a hero drawn once from all sides, which the covers of all its stories are drawn from. Asked for by its
-- user, drawn under a lease, and kept as long as its character, for the looks that it shows.

create table private.character_sheets (
  character_id uuid not null references public.characters (id) on delete cascade,
  looks text not null,
  hero jsonb not null,
  status text not null default 'pending' constraint sheet_status_is_known check (status in ('pending', 'ready', 'failed')),
  reason text constraint sheet_reason_is_of_a_failure check ((reason is not null) = (status = 'failed')),
  available_at timestamptz not null,
  attempts integer not null default 0,
  lease_token uuid,
  lease_owner text,
  primary key (character_id, looks)
);
comment on table private.character_sheets is 'The sheets of characters that were asked for, one for each of their looks.';
comment on column private.character_sheets.looks is 'Digest of what the sheet shows (private.looks_of).';
comment on column private.character_sheets.hero is 'The character as it was when its sheet was asked for.';
comment on column private.character_sheets.reason is 'A failure code of jobs.';
comment on column private.character_sheets.available_at is
  'Not taken up by a sweep before: whoever was asked at once has its time, a failure its pause, a lease its end.';
comment on column private.character_sheets.attempts is 'Claims since it was asked for.';
create index idx_sheets_due on private.character_sheets (available_at) where status = 'pending';
alter table private.character_sheets enable row level security;

-- Of a character as a row or a story has it: all that decides how it is drawn, and not its name.
create function private.looks_of(p_hero jsonb) returns text language sql immutable set search_path = '' as $$
  select left(encode(sha256(convert_to(jsonb_build_array(p_hero -> 'species', p_hero -> 'age', p_hero -> 'traits',
    p_hero -> 'appearance', p_hero -> 'reference_images')::text, 'UTF8')), 'hex'), 32)
$$;

create function private.sheet_answer(p_character_id uuid, p_looks text) returns jsonb
  language sql stable set search_path = '' as $$
  select jsonb_strip_nulls(jsonb_build_object('status', status, 'reason', reason))
  from private.character_sheets where character_id = p_character_id and looks = p_looks
$$;

-- The row shows the sheet of the looks it has.
create function private.before_looks_changed() returns trigger
  language plpgsql security definer set search_path = '' as $$
begin
  new.sheet := private.sheet_answer(new.id, private.looks_of(to_jsonb(new)));
  return new;
end $$;
create trigger characters_show_their_sheet
  before update of species, age, traits, appearance, reference_images on public.characters
  for each row execute function private.before_looks_changed();

create function private.after_sheet_changed() returns trigger language plpgsql set search_path = '' as $$
begin
  update public.characters c set sheet = private.sheet_answer(c.id, new.looks)
  where c.id = new.character_id and private.looks_of(to_jsonb(c)) = new.looks;
  return null;
end $$;
create trigger sheets_are_shown after insert or update of status on private.character_sheets
  for each row execute function private.after_sheet_changed();

-- The sheets of heroes as a story keeps them, {id: looks}.
create function private.sheets_of(p_heroes jsonb) returns jsonb language sql stable set search_path = '' as $$
  select coalesce(jsonb_object_agg(s.character_id, s.looks), '{}')
  from jsonb_array_elements(p_heroes) as heroes (kept) join private.character_sheets s
    on s.character_id = (kept ->> 'id')::uuid and s.looks = private.looks_of(kept)
  where s.status = 'ready'
$$;
