//! What readers see while a finished story gets another text and processes die: the old story or the new one.

use crate::{Figures, Result, TestStack, figures};
use uuid::Uuid;

/// Notes every content that a row shows once it is followed, whatever else of the row changes.
const WATCH: &str = "
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
    create trigger audit_shown after update on public.stories for each row execute function audit.note_shown()";

pub(crate) async fn watch(stack: &TestStack) -> Result<()> {
    stack.arrange(WATCH).await
}

/// From here on each content that this finished story shows is noted, and its next text is about somebody else, so that no
/// call for it is like one for the text before.
pub(crate) async fn follow(stack: &TestStack, story: Uuid, hero: &str) -> Result<()> {
    stack
        .sql("update public.story_characters set characters = jsonb_set(characters, '{0,name}', to_jsonb($2 || 'anew'::text)) where story_id = $1")
        .bind(story)
        .bind(hero)
        .run()
        .await?;
    stack
        .sql("insert into audit.followed values ($1)")
        .bind(story)
        .run()
        .await
}

pub(crate) async fn figures(stack: &TestStack) -> Result<Figures> {
    let followed = stack.count("select count(*) from audit.followed").await?;
    let mixed = "select count(*) from (select story_id from audit.shown group by story_id having count(*) > 2) as mixed";
    let second = "select count(*) from public.stories s join audit.followed f on f.story_id = s.id
        where s.asset_generation_status ->> 'textVersion' = '2'";
    Ok(figures! {
        "stories that got another text" => stack.count(second).await?, "stories", is followed;
        "stories of which readers saw more than the old and the new" => stack.count(mixed).await?, "stories", is 0;
    })
}
