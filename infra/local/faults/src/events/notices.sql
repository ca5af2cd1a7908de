-- Ends of stories as they are told, and the clock of those who tell.

--- an endpoint for ends
insert into private.webhook_endpoints (user_id, url, events, secret)
values ($1, 'https://hooks.example.com/told', '{story.failed,story.partial,story.ready}', private.new_webhook_secret())

--- end a story
-- As its worker would: the text fails, or the voice does and all else is made, or everything is made.
select case when $2 = 'failed' or ($2 = 'partial' and asset_type = 'audio')
    then public.fail_job(id, lease_token, 'PROVIDER_TIMEOUT', 'The provider did not answer in time', false)
    else public.complete_job(id, lease_token, jsonb_build_object('data', jsonb_build_object('asset', asset_type))) end
from (select * from public.asset_generation_jobs where story_id = $1 and ($2 <> 'failed' or asset_type = 'content')
  order by asset_type <> 'content', asset_type) j

--- ends untold
select (select count(*) from public.notification_outbox where sent_at is null and dropped_at is null)
  + (select count(*) from private.webhook_deliveries where status = 'pending')

--- ends given up
select (select count(*) from public.notification_outbox where dropped_at is not null)
  + (select count(*) from private.webhook_deliveries where status = 'dead')

--- ends told again
with mail as (
  update public.notification_outbox set available_at = now() where available_at > now() and (lease_token is null or $1))
update private.webhook_deliveries set available_at = now() where available_at > now() and (lease_token is null or $1)
