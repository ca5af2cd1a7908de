-- One text job a story, claimable at once; nobody but the loops looks at them.
with made as (
  insert into public.stories (library_id, creator_user_id, title, character_ids, story_type, asset_generation_status)
  select (select id from public.libraries where owner_user_id = $1 limit 1), $1, 'A story', array[$2], 'adventure',
    '{"overall": "generating", "assets": {"content": {"status": "generating"}}}'
  from generate_series(1, $3) returning id)
insert into public.asset_generation_jobs (story_id, user_id, asset_type, inputs_settled)
select id, $1, 'content', true from made
