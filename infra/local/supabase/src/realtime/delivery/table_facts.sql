-- The columns of table $1 as they are now, each with those of the roles $2 that may read it.
select c.relrowsecurity as row_security, a.attname::text as name, t.typname::text as type_name,
       coalesce(a.attnum = any(i.indkey), false) as in_primary_key,
       format_type(t.oid, null) as sql_type,
       array(select r.rolname::text from pg_roles r where r.rolname = any($2)
             and has_column_privilege(r.oid, c.oid, a.attnum, 'SELECT')) as readers
from pg_class c
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
join pg_type t on t.oid = a.atttypid
left join pg_index i on i.indrelid = c.oid and i.indisprimary
where c.oid = $1::bigint::oid
order by a.attnum
