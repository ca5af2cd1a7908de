-- Who may touch what, in one place. New tables of a hosted project come without grants (since 2026-10-30), those of an older
-- one with all of them, and Postgres lets PUBLIC execute every new function: so everything is revoked first, then granted.
-- A test reads the catalogue and fails on a table or function that is not named here.

revoke all on schema private from public, anon, authenticated;
grant usage on schema private to service_role;

revoke all on all tables in schema private from anon, authenticated, service_role;
revoke all on all sequences in schema private from anon, authenticated, service_role;
revoke all on all sequences in schema public from anon, authenticated;
revoke all on
  public.asset_generation_history,
  public.asset_generation_jobs,
  public.asset_job_records,
  public.asset_versions,
  public.characters,
  public.credit_ledger,
  public.dead_letters,
  public.idempotency_keys,
  public.libraries,
  public.notification_history,
  public.notification_outbox,
  public.packs,
  public.provider_limits,
  public.purchases,
  public.stories,
  public.story_characters,
  public.story_summaries,
  public.tiers,
  public.usage_ledger,
  public.users
from anon, authenticated, service_role;

-- What row-level security narrows to a user's own rows.
grant select on
  public.characters,
  public.credit_ledger,
  public.libraries,
  public.packs,
  public.stories,
  public.tiers,
  public.users
to authenticated;
-- Leases, checkpoints (prompts among them) and options stay inside.
grant select (id, story_id, user_id, asset_type, status, priority, retry_count, progress, url, is_placeholder, error_code,
  error_message, started_at, completed_at, created_at, updated_at) on public.asset_generation_jobs to authenticated;

grant select, insert, update, delete on
  public.asset_generation_history,
  public.asset_generation_jobs,
  public.asset_versions,
  public.characters,
  public.credit_ledger,
  public.idempotency_keys,
  public.libraries,
  public.notification_history,
  public.notification_outbox,
  public.packs,
  public.provider_limits,
  public.purchases,
  public.stories,
  public.story_characters,
  public.tiers,
  public.usage_ledger,
  public.users
to service_role;
grant select on
  public.asset_job_records,
  public.dead_letters,
  public.story_summaries,
  private.asset_calls,
  private.asset_costs,
  private.retry_policies
to service_role;
grant select, update on private.limit_waiter to service_role;
grant select, update on private.platform_limits, private.platform_state to service_role;
grant select, insert, update, delete on private.remake_ledger, private.request_windows, private.spending, private.taken_leases
to service_role;
grant select, insert, update, delete on
  private.credit_sums,
  private.deleted_users,
  private.deletion_queue,
  private.reference_queue,
  private.shares,
  private.shop_products,
  private.shops,
  private.snapshot_queue,
  private.usage_sums,
  private.webhook_deliveries,
  private.webhook_endpoints
to service_role;
grant select, insert, update on private.asset_medians, private.voice_list to service_role;
grant select, update on sequence private.queued_scan_floor, private.generating_scan_floor to service_role;

-- Every verb is for our functions alone.
revoke all on all functions in schema private from public, anon, authenticated;
grant execute on all functions in schema private to service_role;
revoke all on function
  public.apply_purchase,
  public.asset_inputs,
  public.asset_medians,
  public.cancel_assets,
  public.change_webhook,
  public.claim_asset_jobs,
  public.claim_deletions,
  public.claim_notices,
  public.claim_references,
  public.claim_snapshots,
  public.complete_deletion,
  public.complete_job,
  public.complete_snapshots,
  public.connect_shop,
  public.continue_story,
  public.create_character,
  public.create_library,
  public.create_product,
  public.create_stories,
  public.create_story,
  public.create_webhook,
  public.delete_story,
  public.delete_user,
  public.delete_webhook,
  public.disconnect_shop,
  public.expire_stuck_jobs,
  public.extend_leases,
  public.fail_job,
  public.generate_assets,
  public.keep_voices,
  public.kept_voices,
  public.list_libraries,
  public.list_plans,
  public.list_webhooks,
  public.max_retries,
  public.move_story,
  public.next_job_status,
  public.note_mail_event,
  public.note_references,
  public.overall_status,
  public.platform_state,
  public.recover_story,
  public.redeliver_webhook,
  public.regenerate_assets,
  public.release_job,
  public.rename_library,
  public.report_progress,
  public.restore_asset,
  public.retry_assets,
  public.retry_delay_seconds,
  public.rotate_webhook,
  public.save_manuscript,
  public.save_story_content,
  public.set_platform_state,
  public.settle_notices,
  public.share_story,
  public.shared_story,
  public.shop_connection,
  public.shop_product,
  public.start_assets,
  public.start_content,
  public.story_history,
  public.story_why,
  public.support_bundle,
  public.switch_off_notices,
  public.text_needed,
  public.take_requests,
  public.tidy_history,
  public.unshare_story,
  public.user_settings,
  public.user_usage,
  public.webhook_deliveries
from public, anon, authenticated;
grant execute on function
  public.apply_purchase,
  public.asset_inputs,
  public.asset_medians,
  public.cancel_assets,
  public.change_webhook,
  public.claim_asset_jobs,
  public.claim_deletions,
  public.claim_notices,
  public.claim_references,
  public.claim_snapshots,
  public.complete_deletion,
  public.complete_job,
  public.complete_snapshots,
  public.connect_shop,
  public.continue_story,
  public.create_character,
  public.create_library,
  public.create_product,
  public.create_stories,
  public.create_story,
  public.create_webhook,
  public.delete_story,
  public.delete_user,
  public.delete_webhook,
  public.disconnect_shop,
  public.expire_stuck_jobs,
  public.extend_leases,
  public.fail_job,
  public.generate_assets,
  public.keep_voices,
  public.kept_voices,
  public.list_libraries,
  public.list_plans,
  public.list_webhooks,
  public.max_retries,
  public.move_story,
  public.next_job_status,
  public.note_mail_event,
  public.note_references,
  public.overall_status,
  public.platform_state,
  public.recover_story,
  public.redeliver_webhook,
  public.regenerate_assets,
  public.release_job,
  public.rename_library,
  public.report_progress,
  public.restore_asset,
  public.retry_assets,
  public.retry_delay_seconds,
  public.rotate_webhook,
  public.save_manuscript,
  public.save_story_content,
  public.set_platform_state,
  public.settle_notices,
  public.share_story,
  public.shared_story,
  public.shop_connection,
  public.shop_product,
  public.start_assets,
  public.start_content,
  public.story_history,
  public.story_why,
  public.support_bundle,
  public.switch_off_notices,
  public.text_needed,
  public.take_requests,
  public.tidy_history,
  public.unshare_story,
  public.user_settings,
  public.user_usage,
  public.webhook_deliveries
to service_role;

-- PostgREST knows the new functions at once, not when it happens to look again.
notify pgrst, 'reload schema';
