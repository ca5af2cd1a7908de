-- The speech provider's voices as they were listed last, for a process that begins while the provider does not answer.

create table private.voice_list (
  only_row boolean primary key default true constraint voice_list_is_one_row check (only_row),
  voices jsonb not null constraint voice_list_has_voices check (jsonb_array_length(voices) > 0),
  listed_at timestamptz not null
);
comment on table private.voice_list is 'One row, as soon as the provider has answered once.';
alter table private.voice_list enable row level security;

create function public.keep_voices(p_voices jsonb) returns void language sql set search_path = '' as $$
  insert into private.voice_list (voices, listed_at) values (p_voices, now())
  on conflict (only_row) do update set voices = excluded.voices, listed_at = excluded.listed_at
  -- Every process lists them every ten minutes, and hardly ever is there anything new.
  where voice_list.voices <> excluded.voices or voice_list.listed_at < now() - interval '1 hour'
$$;
comment on function public.keep_voices is 'Keeps the voices of the provider''s last answer: [{id, name, …}].';

create function public.kept_voices() returns jsonb language sql stable set search_path = '' as $$
  select voices from private.voice_list
$$;
comment on function public.kept_voices is 'The voices that keep_voices was told of last; null before the first time.';
