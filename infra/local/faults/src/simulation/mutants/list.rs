//! The guards, each with the change that takes it away and what must notice.

use super::{Change, Guard, NoticedBy};
use crate::simulation::checks;

const fn within(function: &'static str, from: &'static str, to: &'static str) -> Change {
    Change::Within { function, from, to }
}

macro_rules! check {
    ($check:ident) => {
        NoticedBy::Check(|database| Box::pin(checks::$check(database)))
    };
}

const fn guard(name: &'static str, change: Change, noticed_by: NoticedBy) -> Guard {
    Guard {
        name,
        change,
        noticed_by,
    }
}

pub(super) const GUARDS: &[Guard] = &[
    guard(
        "the fencing token",
        within("private.is_stale", "p_job.lease_token is distinct from p_lease_token", "false"),
        check!(old_leases_are_worth_nothing),
    ),
    guard(
        "the row lock of the quota",
        within("private.lock_user", "where id = p_user_id for update", "where id = p_user_id"),
        check!(the_quota_is_exact),
    ),
    guard(
        "the replay of an idempotency key",
        within("private.find_idempotent_response", "if p_key is null then", "if true then"),
        check!(a_key_makes_one_story),
    ),
    guard(
        "the version of a story",
        within("private.bump_story_version", "old.version + 1", "old.version"),
        NoticedBy::Play,
    ),
    guard(
        "one refund a story",
        within("private.refresh_story_status", "if found then", "if true then"),
        NoticedBy::Play,
    ),
    guard(
        "the text before everything",
        within("private.settle_inputs", "then i.status <> 'ready' else", "then false else"),
        check!(nothing_is_made_before_the_text),
    ),
    guard(
        "the pictures before the book",
        within("private.settle_inputs", "else not private.is_settled(i.status) end", "else false end"),
        check!(only_what_may_be_claimed_is),
    ),
    guard(
        "the cap on jobs in flight",
        within("public.claim_asset_jobs", "least(p_limit, p_max_in_flight - private.jobs_in_flight())", "p_limit"),
        check!(only_what_may_be_claimed_is),
    ),
    guard(
        "turns between users",
        within("private.choose_jobs", "+ row_number() over", "* 0 + 0 * row_number() over"),
        check!(users_take_turns),
    ),
    guard(
        "the pause before a retry",
        Change::Statement(
            "create or replace function public.retry_delay_seconds(p_asset_type text, p_retry_count integer)
             returns double precision language sql immutable as 'select 0::double precision'",
        ),
        check!(only_what_may_be_claimed_is),
    ),
    guard(
        "the bound on retries",
        within("private.retry_or_fail_expired_job", "p_job.retry_count < public.max_retries(p_job.asset_type)", "true"),
        check!(retries_are_bounded),
    ),
    guard(
        "one owner of a started lease",
        within("private.is_started", "p_owner is not null and p_owner not like", "false and p_owner not like"),
        check!(one_invocation_owns_a_lease),
    ),
    guard(
        "the end of a cancelled job",
        within("private.is_stale", "p_job.status <> 'generating'", "p_job.status = 'ready'"),
        NoticedBy::Play,
    ),
    guard(
        "the lock of a settling job's story",
        within("private.lock_job", "where id = p_job_id) for update", "where id = p_job_id)"),
        check!(no_update_is_lost),
    ),
    guard(
        "one result of one completion",
        within("public.complete_job", "if v_job.status = 'ready' and v_job.lease_token = p_lease_token then", "if false then"),
        check!(old_leases_are_worth_nothing),
    ),
    guard(
        "the right kind of notice",
        within("private.refresh_story_status", "case v_overall when 'failed' then 'failure' else 'completion' end, v_overall", "'completion', v_overall"),
        check!(a_failed_text_is_refunded_once),
    ),
    guard(
        "the owner of a steered story",
        within("private.lock_story_and_owner", "and creator_user_id = p_user_id", ""),
        check!(strangers_find_no_story),
    ),
    guard(
        "a failed text takes the rest with it",
        within("private.settle_inputs", "c.status in ('failed', 'cancelled')", "c.status = 'nothing'"),
        check!(a_failed_text_is_refunded_once),
    ),
    guard(
        "the status rebuilt with every change",
        within("private.refresh_story_status", "'assets', v_assets)", "'assets', s.asset_generation_status -> 'assets')"),
        NoticedBy::Play,
    ),
    guard(
        "the truth of overall",
        within("public.overall_status", "'generating'", "'no such state'"),
        NoticedBy::Play,
    ),
    guard(
        "zombies are told that they lost",
        within("public.report_progress", "where private.is_stale(j, w.\"leaseToken\") is not null", "where false"),
        check!(old_leases_are_worth_nothing),
    ),
    guard(
        "zombies' progress is not written",
        within("public.report_progress", "and j.lease_token = w.\"leaseToken\"", ""),
        check!(old_leases_are_worth_nothing),
    ),
    guard(
        "the credit taken for a story",
        within("private.take_credit", "set stories_used = stories_used + 1", "set stories_used = stories_used"),
        check!(the_quota_is_exact),
    ),
    guard(
        "the lease that ends",
        within("private.expire_leases", "j.lease_expires_at < now()", "j.lease_expires_at < now() - interval '1 year'"),
        check!(retries_are_bounded),
    ),
    guard(
        "a new text takes everything with it",
        within("private.remake_dependents", "'content' = any (p_changed)", "false"),
        check!(a_new_text_leaves_nothing_of_the_old_one),
    ),
    guard(
        "what another text was made into does not stand",
        within("private.earlier_version_stands", "and p_job.result #> '{madeFrom,content}' = private.sources_of(p_job.story_id, p_job.asset_type) -> 'content'", ""),
        check!(a_new_text_leaves_nothing_of_the_old_one),
    ),
    guard(
        "the lease that a new text takes away",
        within("private.remake_dependents", "'failed', 'generating', 'queued'", "'failed', 'queued'"),
        check!(a_new_text_leaves_nothing_of_the_old_one),
    ),
    guard(
        "the art direction that goes with its text",
        within("private.requeue", "set checkpoint = checkpoint - 'art'", "set checkpoint = checkpoint"),
        check!(a_new_text_has_no_art_direction),
    ),
    guard(
        "the version that stands",
        within("private.earlier_version_stands", "p_job.asset_version > 0", "false"),
        check!(a_version_stands_until_a_better_one_is_there),
    ),
    guard(
        "the token of a cancelled try",
        within("public.cancel_assets", "set lease_token = null where", "set progress = 100 where"),
        check!(a_version_stands_until_a_better_one_is_there),
    ),
    guard(
        "the book of a picture that stayed",
        within("private.settle_inputs", "and j.queued_by_input", "and false"),
        check!(a_version_stands_until_a_better_one_is_there),
    ),
    guard(
        "the versions a result was made from",
        within("public.complete_job", "'madeFrom', sources", "'madeFrom', '{}'::jsonb"),
        check!(an_older_cover_is_marked),
    ),
    guard(
        "the credit of a story that begins again",
        within("private.begin_text_again", ">= 0 then", "> 0 then"),
        check!(a_refunded_story_costs_again),
    ),
    guard(
        "heroes as they were",
        within("private.story_payload", "(select h.characters from public.story_characters h where h.story_id = s.id)", "(select jsonb_agg(c) from public.characters c where c.id = any (s.character_ids))"),
        check!(a_story_keeps_its_heroes),
    ),
];
