-- Shared books: share_story makes a link, unshare_story takes it back, shared_story is what it opens.

create table private.shares (
  story_id uuid primary key references public.stories (id) on delete cascade,
  token text not null constraint shares_token_is_unguessable unique check (token ~ '^[0-9a-f]{64}$'),
  expires_at timestamptz not null,
  created_at timestamptz not null default now()
);
comment on table private.shares is 'Stories that whoever has the token may read, until it expires or is taken back. One a story.';

create function private.share_lifetime() returns interval language sql immutable set search_path = '' as $$
  select interval '30 days'
$$;

create function public.share_story(p_user_id uuid, p_story_id uuid) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_is_readable boolean;
begin
  perform private.refuse_while('read_only');
  select asset_generation_status ? 'textVersion' into v_is_readable from public.stories
  where id = p_story_id and creator_user_id = p_user_id for update;
  if not found then perform private.refuse(404, 'STORY_NOT_FOUND'); end if;
  if not v_is_readable then perform private.refuse(409, 'MISSING_REQUIRED_ASSETS', '{"missing": ["content"]}'); end if;
  -- A link that ran out stays closed: who had it then need not have it now.
  delete from private.shares where story_id = p_story_id and expires_at <= now();
  insert into private.shares (story_id, token, expires_at)
  values (p_story_id, replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), now() + private.share_lifetime())
  on conflict (story_id) do update set expires_at = excluded.expires_at;
  return (select jsonb_build_object('token', token, 'expiresAt', expires_at) from private.shares where story_id = p_story_id);
end $$;
comment on function public.share_story is
  'Lets whoever has the token read a story for 30 days; asked again, the same token for 30 days more. Refuses with PT404 '
  'STORY_NOT_FOUND, PT409 MISSING_REQUIRED_ASSETS.';

create function public.unshare_story(p_user_id uuid, p_story_id uuid) returns jsonb
  language plpgsql set search_path = '' as $$
begin
  perform private.refuse_while('read_only');
  perform from public.stories where id = p_story_id and creator_user_id = p_user_id for update;
  if not found then perform private.refuse(404, 'STORY_NOT_FOUND'); end if;
  delete from private.shares where story_id = p_story_id;
  return to_jsonb(found);
end $$;
comment on function public.unshare_story is
  'Takes a story''s link back; answers whether there was one. Refuses with PT404 STORY_NOT_FOUND.';

-- What a book needs and nothing of its user: no wishes, prompts, voices, costs or other ids.
create function public.shared_story(p_token text) returns jsonb language sql stable set search_path = '' as $$
  select coalesce((select jsonb_build_object(
    'id', s.id,
    'title', s.title,
    'content', s.content,
    'hue_extracted_colors', s.hue_extracted_colors,
    'audio_words', s.audio_words,
    'audio_blocks', s.audio_blocks,
    'asset_generation_status', jsonb_build_object(
      'overall', s.asset_generation_status -> 'overall',
      'assets', (
        select jsonb_object_agg(asset.key, jsonb_strip_nulls(jsonb_build_object(
          'status', asset.value -> 'status',
          'progress', asset.value -> 'progress',
          'url', asset.value -> 'url',
          'isPlaceholder', asset.value -> 'isPlaceholder',
          'data', asset.value -> 'data',
          'metadata', (select jsonb_object_agg(known.key, known.value) from jsonb_each(asset.value -> 'metadata') as known
            where known.key in ('htmlUrl', 'screenUrl', 'thumbnailUrl')))))
        from jsonb_each(s.asset_generation_status -> 'assets') as asset)),
    'expiresAt', h.expires_at)
  from private.shares h join public.stories s on s.id = h.story_id
  where h.token = p_token and h.expires_at > now()), 'null'::jsonb)
$$;
comment on function public.shared_story is 'The story that a token opens, as a book needs it; null when it opens none (any more).';
