-- Pictures that users bring of their characters: each is fetched once, looked at and kept. What is to be fetched stands in a
-- queue under leases; how it went, in the character's row.

create table private.reference_queue (
  character_id uuid primary key references public.characters (id) on delete cascade,
  available_at timestamptz not null,
  attempts integer not null default 0,
  lease_token uuid,
  lease_owner text
);
comment on table private.reference_queue is 'Characters that have references which nobody has looked at.';
comment on column private.reference_queue.available_at is
  'Not taken up by a sweep before: whoever was asked at once has its time, a failure its pause, a lease its end.';
comment on column private.reference_queue.attempts is 'Claims since its references were changed.';
create index idx_references_due on private.reference_queue (available_at);
alter table private.reference_queue enable row level security;

create function private.has_references() returns boolean language sql stable set search_path = '' as $$
  select exists (select from private.reference_queue where available_at <= now())
$$;
comment on function private.has_references is 'Whether claim_references would find something that is due.';

create function private.pending_references(p_states jsonb) returns text[] language sql immutable set search_path = '' as $$
  select array(select key from jsonb_each(p_states) where value = '"pending"' order by key)
$$;

-- What is named again keeps its state.
create function private.before_references_changed() returns trigger language plpgsql set search_path = '' as $$
begin
  new.reference_states := (
    select coalesce(jsonb_object_agg(source, coalesce(old.reference_states -> source, '"pending"'::jsonb)), '{}')
    from unnest(new.reference_images) as source);
  return new;
end $$;
create trigger characters_keep_reference_states before insert or update of reference_images on public.characters
  for each row execute function private.before_references_changed();

create function private.after_references_changed() returns trigger
  language plpgsql security definer set search_path = '' as $$
begin
  if cardinality(private.pending_references(new.reference_states)) > 0 then
    insert into private.reference_queue (character_id, available_at) values (new.id, now() + interval '10 seconds')
    on conflict (character_id) do update
    set
      attempts = 0,
      available_at = case when reference_queue.lease_token is null then excluded.available_at
        else reference_queue.available_at end;
  else
    delete from private.reference_queue where character_id = new.id;
  end if;
  if not coalesce(old.reference_images, '{}') <@ new.reference_images then
    perform private.queue_reference_deletion(new.id);
  end if;
  return null;
end $$;
create trigger characters_queue_references after insert or update of reference_images on public.characters
  for each row execute function private.after_references_changed();

-- What was sent and never named, the bucket forgets by itself.
create function private.before_character_deleted() returns trigger
  language plpgsql security definer set search_path = '' as $$
begin
  if old.reference_states <> '{}' or exists (select from private.character_sheets where character_id = old.id) then
    perform private.queue_reference_deletion(old.id);
  end if;
  return old;
end $$;
create trigger characters_leave_no_files before delete on public.characters
  for each row execute function private.before_character_deleted();

-- Whoever names characters does not wait until they are due. Each call names itself, so that one whose answer was lost is
-- answered again.
create function public.claim_references(p_owner text, p_character_ids uuid[] default null, p_limit integer default 1,
  p_lease_seconds integer default 120) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_ids uuid[] := array(select character_id from private.reference_queue where lease_owner = p_owner);
begin
  if cardinality(v_ids) = 0 then
    v_ids := array(select character_id from private.reference_queue
      where (p_character_ids is null and available_at <= now())
        or (character_id = any (p_character_ids) and (lease_token is null or available_at <= now()))
      order by available_at, character_id limit case when p_character_ids is null then p_limit end
      for update skip locked);
    update private.reference_queue
    set
      lease_token = gen_random_uuid(),
      lease_owner = p_owner,
      available_at = now() + make_interval(secs => p_lease_seconds),
      attempts = attempts + 1
    where character_id = any (v_ids);
  end if;
  return jsonb_build_object(
    'leased', (
      select coalesce(jsonb_agg(jsonb_build_object(
        'characterId', q.character_id,
        'leaseToken', q.lease_token,
        'attempts', q.attempts,
        'sources', private.pending_references(c.reference_states))), '[]')
      from private.reference_queue q join public.characters c on c.id = q.character_id where c.id = any (v_ids)),
    'states', (
      select coalesce(jsonb_object_agg(id, reference_states), '{}')
      from public.characters where id = any (p_character_ids)),
    'more', p_character_ids is null and private.has_references());
end $$;
comment on function public.claim_references is
  'Leases references to be fetched, of these characters or of p_limit that are due: {leased: [{characterId, leaseToken, '
  'attempts, sources}], states, more}; states are those of the characters named.';

-- p_outcomes: {source: status}; what could not be had this time is pending still.
create function public.note_references(p_character_id uuid, p_lease_token uuid, p_outcomes jsonb) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_states jsonb;
  v_pending text[];
  v_is_new boolean;
begin
  select reference_states into v_states from public.characters where id = p_character_id for update;
  perform from private.reference_queue where character_id = p_character_id and lease_token = p_lease_token for update;
  if not found then return '{"accepted": false, "more": false}'::jsonb; end if;
  -- What was taken away meanwhile stays away.
  v_states := v_states || (select coalesce(jsonb_object_agg(key, value), '{}') from jsonb_each(p_outcomes)
    where v_states ->> key = 'pending');
  update public.characters set reference_states = v_states where id = p_character_id;
  v_pending := private.pending_references(v_states);
  -- Named while the others were fetched.
  v_is_new := exists (select from unnest(v_pending) as source where not p_outcomes ? source);
  if cardinality(v_pending) = 0 then
    delete from private.reference_queue where character_id = p_character_id;
  else
    update private.reference_queue
    set
      lease_token = null,
      lease_owner = null,
      available_at = now() + case when v_is_new then interval '0' else make_interval(secs => 30 * 2 ^ least(attempts, 6)) end
    where character_id = p_character_id;
  end if;
  return jsonb_build_object('accepted', true, 'more', v_is_new);
end $$;
comment on function public.note_references is
  'Says how references turned out, and ends their lease: {accepted, more}; more = others were named meanwhile. Changes nothing '
  'under another lease.';
