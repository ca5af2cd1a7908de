//! What readers see while a finished story gets another text and processes die: the old story or the new one.

use crate::prelude::*;

/// Begins to note what followed stories show.
pub(crate) async fn watch(stack: &TestStack) -> Result<()> {
    stack.arrange(include_str!("new_text.sql")).await
}

/// From here on each content that this finished story shows is noted, and its next text is about somebody else, so that no
/// call for it is like one for the text before.
pub(crate) async fn follow(stack: &TestStack, story: Uuid, hero: &str) -> Result<()> {
    let rename = stack.query("rename the hero").bind(story).bind(hero);
    rename.run().await?;
    let follow = stack.sql("insert into audit.followed values ($1)");
    follow.bind(story).run().await
}

/// What was noted, once all is settled.
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
