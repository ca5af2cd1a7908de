-- Notes every content that a row shows once its story is followed, whatever else of the row changes.
drop schema if exists audit cascade;
create schema audit;
create table audit.followed (story_id uuid primary key);
create table audit.shown (story_id uuid, content text, primary key (story_id, content));
create function audit.note_shown() returns trigger language plpgsql security definer as $$
begin
  insert into audit.shown
  select new.id, md5(concat_ws('|', new.title, new.content, new.audio_words, new.audio_blocks, new.hue_extracted_colors,
    (select string_agg(concat_ws(' ', a.key, a.value -> 'url', a.value -> 'data', a.value -> 'textVersion'), '|' order by a.key)
     from jsonb_each(new.asset_generation_status -> 'assets') as a)))
  where exists (select from audit.followed f where f.story_id = new.id)
  on conflict do nothing;
  return null;
end $$;
create trigger audit_shown after update on public.stories for each row execute function audit.note_shown();
