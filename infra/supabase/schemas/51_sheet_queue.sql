-- Sheets that are to be drawn: claim_sheet, note_sheet.

create function private.sheet_attempts_max() returns integer language sql immutable set search_path = '' as $$ select 3 $$;

create function private.has_sheets() returns boolean language plpgsql stable set search_path = '' as $$
begin
  return private.takes_work()
    and exists (select from private.character_sheets where status = 'pending' and available_at <= now());
end $$;
comment on function private.has_sheets is 'Whether claim_sheet would find one that is due.';

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
