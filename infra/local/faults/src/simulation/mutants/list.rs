//! The guards, each with the change that takes it away and what must notice.

use super::{Guard, NoticedBy};
use crate::simulation::checks;

/// A guard a row: its name, the function it stands in, its words there, what takes their place, and what must notice:
/// `play`, or one of the directed checks.
macro_rules! guards {
    ($($name:literal: $function:literal $from:literal => $to:literal; $noticed_by:ident,)*) => {
        &[$(Guard {
            name: $name,
            function: $function,
            from: $from,
            to: $to,
            noticed_by: noticed_by!($noticed_by),
        },)*]
    };
}

macro_rules! noticed_by {
    (play) => {
        NoticedBy::Play
    };
    ($check:ident) => {
        NoticedBy::Check(|database| Box::pin(checks::$check(database)))
    };
}

pub(super) const GUARDS: &[Guard] = guards! {
    "the fencing token":
        "private.is_stale" "p_job.lease_token is distinct from p_lease_token" => "false"; old_leases_are_worth_nothing,
    "the row lock of the quota":
        "private.lock_user" "where id = p_user_id for update" => "where id = p_user_id"; the_quota_is_exact,
    "the replay of an idempotency key":
        "private.find_idempotent_response" "if p_key is null then" => "if true then"; a_key_makes_one_story,
    "the version of a story": "private.bump_story_version" "old.version + 1" => "old.version"; play,
    "one refund a story": "private.refresh_story_status" "if found then" => "if true then"; a_cancelled_text_is_refunded,
    "the text before everything":
        "private.settle_inputs" "else i.status <> 'ready' end" => "else false end"; nothing_is_made_before_the_text,
    "the pictures before the book":
        "private.settle_inputs" "then not private.is_settled(i.status)" => "then false"; only_what_may_be_claimed_is,
    "the cap on jobs in flight":
        "public.claim_asset_jobs" "least(p_limit, p_max_in_flight - private.jobs_in_flight())" => "p_limit"; only_what_may_be_claimed_is,
    "turns between users":
        "private.choose_jobs" "+ row_number() over" => "* 0 + 0 * row_number() over"; users_take_turns,
    "the pause before a retry":
        "public.retry_delay_seconds" "::double precision\n" => "::double precision * 0\n"; only_what_may_be_claimed_is,
    "the bound on retries":
        "private.retry_or_fail_expired_job" "p_job.retry_count < public.max_retries(p_job.asset_type)" => "true"; retries_are_bounded,
    "one owner of a started lease":
        "private.is_started" "p_owner is not null and p_owner not like" => "false and p_owner not like"; one_invocation_owns_a_lease,
    "the end of a cancelled job": "private.is_stale" "p_job.status <> 'generating'" => "p_job.status = 'ready'"; play,
    "the lock of a settling job's story":
        "private.lock_job" "where id = p_job_id) for update" => "where id = p_job_id)"; no_update_is_lost,
    "one result of one completion":
        "public.complete_job" "if v_job.status = 'ready' and v_job.lease_token = p_lease_token then" => "if false then"; old_leases_are_worth_nothing,
    "the right kind of notice":
        "private.refresh_story_status" "case v_overall when 'failed' then 'failure' else 'completion' end, v_overall" => "'completion', v_overall"; a_failed_text_is_refunded_once,
    "the owner of a steered story":
        "private.lock_story_and_owner" "and creator_user_id = p_user_id" => ""; strangers_find_no_story,
    "a failed text takes the rest with it":
        "private.settle_inputs" "c.status in ('failed', 'cancelled')" => "c.status = 'nothing'"; a_failed_text_is_refunded_once,
    "the status rebuilt with every change":
        "private.refresh_story_status" "'assets', v_assets)" => "'assets', s.asset_generation_status -> 'assets')"; play,
    "the truth of overall": "public.overall_status" "'generating'" => "'no such state'"; play,
    "zombies are told that they lost":
        "public.report_progress" "where private.is_stale(j, w.\"leaseToken\") is not null" => "where false"; old_leases_are_worth_nothing,
    "zombies' progress is not written":
        "public.report_progress" "and j.lease_token = w.\"leaseToken\"" => ""; old_leases_are_worth_nothing,
    "the credit taken for a story":
        "private.take_credit" "set stories_used = stories_used + 1" => "set stories_used = stories_used"; the_quota_is_exact,
    "the lease that ends":
        "private.expire_leases" "j.lease_expires_at < now()" => "j.lease_expires_at < now() - interval '1 year'"; retries_are_bounded,
    "a new text takes everything with it":
        "private.begin_new_text" "status in ('ready', 'failed', 'generating', 'queued')" => "asset_type = 'content'"; a_new_text_leaves_nothing_of_the_old_one,
    "the lease that a new text takes away":
        "private.begin_new_text" "status in ('ready', 'failed', 'generating', 'queued')" => "status in ('ready', 'failed', 'queued')"; a_new_text_leaves_nothing_of_the_old_one,
    "nothing of the old text where the new one is made":
        "private.begin_new_text" "result = '{}'::jsonb" => "result = result"; a_new_text_leaves_nothing_of_the_old_one,
    "nothing of a new text before all of it":
        "public.complete_job" "case when v_job.shown is null then" => "case when true then"; readers_see_one_text,
    "what readers are shown meanwhile":
        "private.refresh_story_status" "jsonb_populate_record(j, j.shown)" => "jsonb_populate_record(j, null)"; readers_see_one_text,
    "all of a new text before any of it":
        "private.publish_new_text" "or exists" => "or not exists"; readers_see_one_text,
    "what is asked for beside a new text":
        "private.add_to_new_text" "private.new_text_is_made(p_story_id)" => "false"; readers_see_one_text,
    "a new text that cannot bring what readers have":
        "private.end_without_version" "p_job.shown ->> 'status' = 'ready'" => "false"; a_new_text_that_fails_is_given_up,
    "the text that is shown again with the rest":
        "private.give_up_new_text" "url = s.url" => "url = j.url"; a_new_text_that_fails_is_given_up,
    "workers of a text that was given up":
        "private.give_up_new_text" "p_asset_type then null" => "p_asset_type then j.lease_token"; a_new_text_that_fails_is_given_up,
    "what goes on is made from the text that is shown":
        "private.may_continue" "p_job.sources -> 'content' = to_jsonb(private.text_version_to_be(p_job.story_id))" => "true"; a_new_text_that_fails_is_given_up,
    "no book of two texts":
        "private.settle_inputs" "private.pages_of_another_text(p_story_id) <> '{}'" => "false"; a_book_is_of_one_text,
    "no book asked for of two texts":
        "private.refuse_impossible_book" "v_stale := private.pages_of_another_text(p_story_id)" => "v_stale := '{}'"; a_book_is_of_one_text,
    "a text that is to stand alone":
        "private.requeue" "or (p_cascade and" => "or ("; a_book_is_of_one_text,
    "the mark of what a text left behind":
        "private.asset_state" "source.value <> p_versions -> source.key" => "false"; a_book_is_of_one_text,
    "a version beside the text it was made from":
        "public.restore_asset" "v_wanted.text_version <> v_text" => "false"; a_text_is_restored_whole,
    "what a restored text brings along":
        "public.restore_asset" "p_asset_type = 'content' and text_version = v_wanted.text_version" => "false"; a_text_is_restored_whole,
    "the words of a restored narration":
        "public.restore_asset" "v_patch := v_patch || private.story_columns" => "perform private.story_columns"; a_text_is_restored_whole,
    "a new text that is given up for a restored one":
        "public.restore_asset" "if private.new_text_is_made(p_story_id) then" => "if false then"; a_text_is_restored_whole,
    "workers of another text than the restored one":
        "public.restore_asset" "where story_id = p_story_id and status = 'generating'" => "where false"; a_text_is_restored_whole,
    "the book of restored pages":
        "public.restore_asset" "if v_done && public.asset_inputs('pdf') then" => "if false then"; a_text_is_restored_whole,
    "the credit of a text that was cancelled":
        "private.refresh_story_status" "if v_overall in ('failed', 'cancelled') then" => "if v_overall = 'failed' then"; a_cancelled_text_is_refunded,
    "no news of what the user cancelled":
        "private.refresh_story_status" "v_overall not in ('generating', 'cancelled')" => "v_overall <> 'generating'"; a_cancelled_text_is_refunded,
    "the art direction that goes with its text":
        "private.art_checkpoint" "'art-' || p_text_version" => "'art-1'"; a_new_text_has_no_art_direction,
    "the version that stands":
        "private.earlier_version_stands" "p_job.asset_version > 0" => "false"; a_version_stands_until_a_better_one_is_there,
    "the token of a cancelled try":
        "public.cancel_assets" "set lease_token = null where" => "set progress = 100 where"; a_version_stands_until_a_better_one_is_there,
    "the book of a picture that stayed":
        "private.settle_inputs" "and j.queued_by_input" => "and false"; a_version_stands_until_a_better_one_is_there,
    "the versions a result was made from":
        "public.complete_job" "'madeFrom', v_job.sources" => "'madeFrom', '{}'::jsonb"; an_older_cover_is_marked,
    "the credit of a story that begins again":
        "private.begin_text_again" ">= 0 then" => "> 0 then"; a_refunded_story_costs_again,
    "heroes as they were":
        "private.story_payload" "(select h.characters from public.story_characters h where h.story_id = s.id)" => "(select jsonb_agg(c) from public.characters c where c.id = any (s.character_ids))"; a_story_keeps_its_heroes,
    "the allowance of a story":
        "private.take_remakes" "> v_tier.remakes_per_story" => "> v_tier.remakes_per_story + 1000"; an_allowance_is_exact,
    "what a failed try gives back":
        "private.settle_remake" "else 'failed' end" => "else 'made' end"; an_allowance_is_exact,
    "the money of the platform's day":
        "private.jobs_within_budget" "continue when v_job.usd > (v_room ->> private.platform()::text)::numeric" => "continue when false"; the_platform_s_day_is_kept,
    "what is set aside for leases under way":
        "private.spending_room" "where j.status = 'generating')" => "where false)"; the_platform_s_day_is_kept,
    "what is set aside for leases that were taken away":
        "private.note_taken_lease" "and reserve_usd > 0" => "and false"; the_platform_s_day_is_kept,
    "what was spent": "private.record_usage" "if v_cost_usd > 0 then" => "if false then"; the_platform_s_day_is_kept,
    "the money of a user's day":
        "private.jobs_within_budget" "if v_job.payer = v_job.user_id and" => "if false and"; a_user_s_day_is_kept,
    "the money of a job that is gone":
        "public.report_progress" "left join public.asset_generation_jobs j on j.id = w.\"jobId\" where w.\"usage\"" => "join public.asset_generation_jobs j on j.id = w.\"jobId\" where w.\"usage\""; no_money_is_lost,
    "the priorities of a plan":
        "private.refuse_priority_outside_tier" "p_priority = any (priorities)" => "true"; a_plan_has_its_priorities,
    "the plan of what is asked for again":
        "private.requeue" "perform private.refuse_assets_outside_tier(p_user.tier, v_done);" => ""; a_plan_makes_what_it_includes,
    "the plan of what a change takes with it":
        "private.remake_dependents" "private.plan_includes(p_story_id, 'pdf')" => "true"; a_plan_makes_what_it_includes,
    "a payment that was told before":
        "private.find_purchase" "return v_known.answer || '{\"replayed\": true}'::jsonb" => "return null"; a_purchase_counts_once,
    "whose payment it was":
        "private.find_purchase" "v_known.user_id is distinct from p_user_id or" => ""; a_purchase_counts_once,
    "the owner of a library":
        "public.move_story" "where id = p_library_id and owner_user_id = p_user_id" => "where id = p_library_id"; libraries_have_owners,
    "the rest of a row that shows progress":
        "public.report_progress" "s.updated_at <= now() - interval '1 second'" => "true"; progress_is_shown_with_measure,
    "the end that progress does not reach": "private.progress_max" "95::" => "100::"; progress_is_shown_with_measure,
    "the files of a deleted story":
        "private.before_story_deleted" "perform private.queue_deletion(old.id, 'files', interval '0');" => ""; a_deleted_story_leaves_nothing,
    "the names that leave the ledger":
        "private.before_story_deleted" "perform private.forget_names_of_usage(null, old.id);" => ""; a_deleted_story_leaves_nothing,
    "the texts that leave the answers":
        "private.before_story_deleted" "set response = '{\"gone\": true}'" => "set response = response"; a_deleted_story_leaves_nothing,
    "calls that may be reported again":
        "private.sum_up_nameless_usage" "created_at < now() - private.late_writer_grace() * 2" => "created_at <= now()"; a_deleted_story_leaves_nothing,
    "the second look for files":
        "public.complete_deletion" "v_deletion.claimed_at < v_deletion.wanted_since + private.late_writer_grace()" => "false"; files_are_deleted_under_a_lease_and_twice,
    "the lease of a deletion":
        "public.complete_deletion" "v_deletion.lease_token is distinct from p_lease_token" => "false"; files_are_deleted_under_a_lease_and_twice,
    "the token of a deleted user":
        "private.refuse_deleted_user" "if exists (" => "if false and exists ("; a_deleted_user_comes_to_nothing_but_sums,
    "the sums of credits":
        "private.before_user_deleted" "delta = credit_sums.delta + excluded.delta" => "delta = credit_sums.delta"; a_deleted_user_comes_to_nothing_but_sums,
};
