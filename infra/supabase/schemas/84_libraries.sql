-- Shelves: list_libraries, create_library, rename_library, and move_story from one to another.

create function private.library_answer(p_library_id uuid) returns jsonb language sql stable set search_path = '' as $$
  select jsonb_build_object(
    'id', l.id,
    'name', l.name,
    'storyCount', (select count(*) from public.stories s where s.library_id = l.id),
    'createdAt', l.created_at)
  from public.libraries l where l.id = p_library_id
$$;

create function public.list_libraries(p_user_id uuid, p_email text default null, p_limit integer default 100,
  p_offset integer default 0) returns jsonb
  language plpgsql set search_path = '' as $$
begin
  -- The first one comes with the profile.
  perform private.ensure_profile(p_user_id, p_email);
  return (
    select coalesce(jsonb_agg(private.library_answer(page.id) order by page.created_at, page.id), '[]'::jsonb)
    from (select id, created_at from public.libraries where owner_user_id = p_user_id
      order by created_at, id limit p_limit offset p_offset) as page);
end $$;
comment on function public.list_libraries is
  'A user''s libraries, the oldest first, which is where stories go that name none: [{id, name, storyCount, createdAt}].';

create function public.create_library(p_user_id uuid, p_email text, p_name text, p_idempotency_key text default null,
  p_request_hash text default null) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_user public.users := private.lock_user(p_user_id, p_email);
  v_replay jsonb := private.find_idempotent_response(p_user_id, 'create_library', p_idempotency_key, p_request_hash);
  v_library uuid;
begin
  if v_replay is not null then return v_replay; end if;
  perform private.refuse_while('read_only');
  insert into public.libraries (owner_user_id, name) values (v_user.id, p_name) returning id into v_library;
  return private.save_idempotent_response(p_user_id, 'create_library', p_idempotency_key, p_request_hash,
    jsonb_build_object('library', private.library_answer(v_library)));
end $$;

create function public.rename_library(p_user_id uuid, p_library_id uuid, p_name text) returns jsonb
  language plpgsql set search_path = '' as $$
begin
  perform private.refuse_while('read_only');
  update public.libraries set name = p_name where id = p_library_id and owner_user_id = p_user_id;
  if not found then perform private.refuse(404, 'LIBRARY_NOT_FOUND'); end if;
  return private.library_answer(p_library_id);
end $$;

create function public.move_story(p_user_id uuid, p_story_id uuid, p_library_id uuid) returns jsonb
  language plpgsql set search_path = '' as $$
begin
  perform private.refuse_while('read_only');
  perform from public.stories where id = p_story_id and creator_user_id = p_user_id for update;
  if not found then perform private.refuse(404, 'STORY_NOT_FOUND'); end if;
  if not exists (select from public.libraries where id = p_library_id and owner_user_id = p_user_id) then
    perform private.refuse(404, 'LIBRARY_NOT_FOUND');
  end if;
  -- One that stands there already is left alone: nobody is told of a change that is none.
  update public.stories set library_id = p_library_id where id = p_story_id and library_id <> p_library_id;
  return private.story_answer(p_story_id);
end $$;
comment on function public.move_story is
  'Puts a story into another library of its user and answers it. Refuses with PT404 STORY_NOT_FOUND or LIBRARY_NOT_FOUND.';
