-- The demo user (password: demo-password) with a character and no limits, where they are not there yet; their ids.
insert into auth.users (id, email, encrypted_password, raw_app_meta_data)
values ('00000000-0000-4000-8000-00000000d3e0', 'demo@storytailor.dev',
        '$2b$04$abcdefghijklmnopqrstuu8jUDX1wu4eLdLLldThoqyeisDvidC3.',
        '{"provider": "email", "providers": ["email"]}')
on conflict (id) do nothing;

update public.users set tier = 'school' where id = '00000000-0000-4000-8000-00000000d3e0';

insert into public.characters (id, owner_user_id, name, species, age, traits, appearance, personality)
values ('00000000-0000-4000-8000-0000000c4a2a', '00000000-0000-4000-8000-00000000d3e0', 'Luna', 'human child', 6,
        '{curly_hair,glasses}',
        '{"hair": "curly dark brown hair", "skin": "brown", "eyes": "brown", "clothes": "a yellow raincoat"}',
        '{curious,kind}')
on conflict (id) do nothing;

select owner_user_id as "user", id as library, '00000000-0000-4000-8000-0000000c4a2a'::uuid as character
from public.libraries where owner_user_id = '00000000-0000-4000-8000-00000000d3e0' order by created_at limit 1;
