-- What support is given of a story: everything that tells how it was made, and nothing of what it tells.

-- Which members an object has, for theirs may be anybody's words.
create function private.members_of(p_object jsonb) returns jsonb language sql immutable set search_path = '' as $$
  select coalesce(jsonb_agg(member order by member), '[]'::jsonb) from jsonb_object_keys(p_object) as member
$$;

create function public.support_bundle(p_story_id uuid) returns jsonb
  language plpgsql stable set search_path = '' as $$
declare
  v_story public.stories;
  v_heroes jsonb;
begin
  select * into v_story from public.stories where id = p_story_id;
  if not found then perform private.refuse(404, 'STORY_NOT_FOUND'); end if;
  select c.characters into v_heroes from public.story_characters c where c.story_id = p_story_id;
  return jsonb_build_object(
    -- To be struck out of whatever else is told, and told nobody themselves.
    'names', (select coalesce(jsonb_agg(hero -> 'name'), '[]'::jsonb)
      from jsonb_array_elements(coalesce(v_heroes, '[]'::jsonb)) as hero),
    'story', jsonb_build_object(
      'id', v_story.id,
      'version', v_story.version,
      'status', v_story.status,
      'overall', v_story.asset_generation_status ->> 'overall',
      'createdAt', v_story.created_at,
      'startedAt', v_story.asset_generation_started_at,
      'completedAt', v_story.asset_generation_completed_at,
      'updatedAt', v_story.updated_at,
      'characters', cardinality(v_story.character_ids),
      'themes', cardinality(v_story.themes),
      'titleLength', char_length(v_story.title),
      'beatLengths', (select coalesce(jsonb_agg(char_length(beat ->> 'text')), '[]'::jsonb)
        from jsonb_array_elements(coalesce(v_story.content -> 'beats', '[]'::jsonb)) as beat),
      'spokenWords', jsonb_array_length(coalesce(v_story.audio_words, '[]'::jsonb)),
      'wishedFor', private.members_of(v_story.request),
      'language', v_story.request -> 'language',
      'readerAge', v_story.request -> 'readerAge',
      'assetTypes', v_story.request -> 'asset_types'),
    'jobs', (select coalesce(jsonb_agg(to_jsonb(j) - '{user_id,url,result,shown,metadata,checkpoint,options,lease_token}'::text[]
        || jsonb_build_object(
          'hasFile', j.url is not null,
          'result', private.members_of(j.result),
          'metadata', private.members_of(j.metadata),
          'checkpoint', private.members_of(j.checkpoint),
          'options', private.members_of(j.options)) order by j.asset_type), '[]'::jsonb)
      from (select * from public.asset_generation_jobs where story_id = p_story_id
        union all select * from public.asset_generation_history where story_id = p_story_id) as j),
    'versions', (select coalesce(jsonb_agg(jsonb_build_object(
          'assetType', v.asset_type,
          'version', v.version,
          'textVersion', v.text_version,
          'askedBy', v.asked_by,
          'startedAt', v.started_at,
          'createdAt', v.created_at) order by v.created_at), '[]'::jsonb)
      from public.asset_versions v where v.story_id = p_story_id),
    'calls', (select coalesce(jsonb_agg(to_jsonb(u) - '{user_id,story_id}'::text[] order by u.id), '[]'::jsonb)
      from public.usage_ledger u where u.story_id = p_story_id),
    'notices', (select coalesce(jsonb_agg(to_jsonb(n) - '{user_id,story_id,lease_token}'::text[] order by n.id), '[]'::jsonb)
      from (select * from public.notification_outbox where story_id = p_story_id
        union all select * from public.notification_history where story_id = p_story_id) as n),
    'deliveries', (select coalesce(jsonb_agg(to_jsonb(d) - '{story_id,lease_token,data}'::text[] order by d.created_at),
        '[]'::jsonb)
      from private.webhook_deliveries d where d.story_id = p_story_id));
end $$;
comment on function public.support_bundle is
  'How a story was made: states, attempts, errors, versions, calls, notices and deliveries, without anybody''s words; and the '
  'names to strike out of what is told beside it. For operators, of any story. Refuses with PT404 STORY_NOT_FOUND.';
