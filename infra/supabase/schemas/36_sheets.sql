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

create function private.sheet_attempts_max() returns integer language sql immutable set search_path = '' as $$ select 3 $$;

create function private.has_sheets() returns boolean language plpgsql stable set search_path = '' as $$
begin
  return private.takes_work()
    and exists (select from private.character_sheets where status = 'pending' and available_at <= now());
end $$;
comment on function private.has_sheets is 'Whether claim_sheet would find one that is due.';

-- What the sheets that are asked for may still come to, of one payer: reserved from the moment they are.
create function private.reserved_for_sheets(p_payer uuid) returns numeric language plpgsql stable set search_path = '' as $$
begin
  return (select count(*) * (select reserve_usd from private.asset_costs where asset_type = 'sheet')
    from private.character_sheets s join public.characters c on c.id = s.character_id
    where s.status = 'pending' and p_payer in (c.owner_user_id, private.platform()));
end $$;

create function public.request_sheet(p_user_id uuid, p_character_id uuid) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_user public.users := private.lock_user(p_user_id);
  v_hero public.characters;
  v_looks text;
begin
  perform private.refuse_while('read_only');
  select * into v_hero from public.characters where id = p_character_id and owner_user_id = p_user_id for update;
  if not found then perform private.refuse(404, 'CHARACTER_NOT_FOUND'); end if;
  v_looks := private.looks_of(to_jsonb(v_hero));
  if v_hero.sheet ->> 'status' in ('pending', 'ready') then
    return jsonb_build_object('sheet', v_hero.sheet, 'begun', false);
  end if;
  if not (select character_sheets from public.tiers where code = v_user.tier) then
    perform private.refuse_outside_tier(v_user.tier, '{"characterSheets": true}'::jsonb);
  end if;
  perform private.refuse_over_spend_limit(v_user, '{sheet}');
  perform private.refuse_over_platform_limit('{sheet}');
  insert into private.character_sheets (character_id, looks, hero, available_at)
  values (v_hero.id, v_looks, to_jsonb(v_hero) - '{owner_user_id,created_at,updated_at,reference_states,sheet}'::text[],
    now() + interval '10 seconds')
  on conflict (character_id, looks) do update
  set status = 'pending', reason = null, attempts = 0, available_at = excluded.available_at, hero = excluded.hero;
  return jsonb_build_object('sheet', private.sheet_answer(v_hero.id, v_looks), 'begun', true);
end $$;
comment on function public.request_sheet is
  'Asks for the sheet of a character as it is now: {sheet: {status, reason}, begun}. One that is there or is to be drawn is '
  'not drawn again. Refuses with CHARACTER_NOT_FOUND, ERR_6002, SPEND_LIMIT and PLATFORM_PAUSED.';

-- Whoever names a character does not wait until it is due. Each call names itself, so that one whose answer was lost is
-- answered again.
create function public.claim_sheet(p_owner text, p_character_id uuid default null, p_lease_seconds integer default 240)
  returns jsonb language plpgsql set search_path = '' as $$
declare
  v_sheet private.character_sheets;
begin
  select * into v_sheet from private.character_sheets where lease_owner = p_owner;
  if not found and private.takes_work() then
    select s.* into v_sheet from private.character_sheets s join public.characters c on c.id = s.character_id
    where s.status = 'pending' and (s.available_at <= now() or (s.character_id = p_character_id and s.lease_token is null))
      and (p_character_id is null or s.character_id = p_character_id)
    order by s.available_at limit 1 for update skip locked;
    if found and v_sheet.attempts >= private.sheet_attempts_max() then
      -- Whoever held it each time never told.
      update private.character_sheets
      set status = 'failed', reason = 'JOB_TIMEOUT', lease_token = null, lease_owner = null
      where character_id = v_sheet.character_id and looks = v_sheet.looks;
      v_sheet := null;
    elsif found then
      update private.character_sheets
      set
        lease_token = gen_random_uuid(),
        lease_owner = p_owner,
        available_at = now() + make_interval(secs => p_lease_seconds),
        attempts = attempts + 1
      where character_id = v_sheet.character_id and looks = v_sheet.looks
      returning * into v_sheet;
    end if;
  end if;
  return jsonb_build_object(
    'leased', case when v_sheet.character_id is not null then jsonb_build_object(
      'hero', v_sheet.hero,
      'looks', v_sheet.looks,
      'leaseToken', v_sheet.lease_token,
      'references', (select reference_states from public.characters where id = v_sheet.character_id)) end,
    'more', p_character_id is null and private.has_sheets());
end $$;
comment on function public.claim_sheet is
  'Leases the sheet of this character, or one that is due: {leased: null or {hero, looks, leaseToken, references}, more}.';

-- p_outcome: null while it is drawn, {status: ready}, or {status: pending or failed, reason}. What was paid for is recorded
-- whether or not the lease is in force.
create function public.note_sheet(p_character_id uuid, p_looks text, p_lease_token uuid, p_usage jsonb,
  p_outcome jsonb default null) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_payer public.asset_generation_jobs;
  v_sheet private.character_sheets;
  v_holds boolean;
  v_status text := p_outcome ->> 'status';
begin
  select owner_user_id into v_payer.user_id from public.characters where id = p_character_id for update;
  select * into v_sheet from private.character_sheets
  where character_id = p_character_id and looks = p_looks and lease_token = p_lease_token for update;
  v_holds := found;
  perform private.add_usage(v_payer, p_usage, not v_holds, v_payer.user_id);
  if v_holds and p_outcome is not null then
    if v_status = 'pending' and v_sheet.attempts >= private.sheet_attempts_max() then v_status := 'failed'; end if;
    update private.character_sheets
    set
      status = v_status,
      reason = case when v_status = 'failed' then p_outcome ->> 'reason' end,
      lease_token = null,
      lease_owner = null,
      available_at = now() + make_interval(secs => 30 * 2 ^ attempts)
    where character_id = p_character_id and looks = p_looks;
  end if;
  return jsonb_build_object('accepted', v_holds);
end $$;
comment on function public.note_sheet is
  'Says what was paid for a sheet, and how it turned out, which ends its lease: {accepted}. Under another lease only what was '
  'paid is noted. What is pending still is due again after a pause, and has failed after three claims.';
