-- Every row returned is a fault: (rule, object). Run as superuser on a freshly migrated database.
WITH tenant AS (SELECT oid, nspname FROM pg_namespace WHERE nspname IN ('placewise')),
     ours AS (SELECT oid, nspname FROM pg_namespace WHERE nspname IN ('placewise', 'guard', 'audit', 'ref')),
     logins AS (SELECT oid, rolname FROM pg_roles WHERE rolname IN ('placewise_app', 'placewise_door', 'placewise_worker'))
SELECT 'table without ENABLE and FORCE row-level security' AS rule, c.oid::regclass::text AS object
  FROM pg_class c JOIN ours s ON s.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND s.nspname IN ('placewise', 'ref') AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
UNION ALL SELECT 'audit log without row-level security', c.oid::regclass::text FROM pg_class c
 WHERE c.oid = 'audit.event'::regclass AND NOT c.relrowsecurity
UNION ALL SELECT 'table without a RESTRICTIVE tenant policy for the pages'' login', c.oid::regclass::text
  FROM pg_class c JOIN tenant s ON s.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND NOT EXISTS (
    SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND NOT p.polpermissive AND p.polcmd = '*'
       AND p.polroles @> ARRAY[(SELECT oid FROM pg_roles WHERE rolname = 'placewise_app')]
       AND pg_get_expr(p.polqual, p.polrelid) ~ 'partnership_id = \( SELECT guard.partnership\(\)'
       AND pg_get_expr(p.polwithcheck, p.polrelid) ~ 'partnership_id = \( SELECT guard.partnership\(\)')
UNION ALL SELECT 'table whose primary key does not lead with partnership_id', c.oid::regclass::text
  FROM pg_class c JOIN tenant s ON s.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND NOT EXISTS (
    SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
     WHERE i.indrelid = c.oid AND i.indisprimary AND a.attname = 'partnership_id')
UNION ALL SELECT 'policy open to PUBLIC', polname || ' on ' || polrelid::regclass FROM pg_policy WHERE polroles = '{0}'
UNION ALL SELECT 'view without security_invoker', c.oid::regclass::text FROM pg_class c JOIN ours s ON s.oid = c.relnamespace
 WHERE c.relkind = 'v' AND NOT coalesce(c.reloptions::text ~ 'security_invoker=(true|on|1)', false)
UNION ALL SELECT 'materialised view, which has no row-level security', c.oid::regclass::text
  FROM pg_class c JOIN ours s ON s.oid = c.relnamespace WHERE c.relkind = 'm'
UNION ALL SELECT 'a login owns something', c.oid::regclass::text FROM pg_class c JOIN logins l ON l.oid = c.relowner
UNION ALL SELECT 'a role of ours may bypass row-level security or make roles and databases', rolname FROM pg_roles
 WHERE rolname LIKE 'placewise%' AND (rolbypassrls OR rolsuper OR rolcreaterole OR rolcreatedb)
UNION ALL SELECT 'a login is a member of another role', pg_get_userbyid(m.roleid) FROM pg_auth_members m JOIN logins l ON l.oid = m.member
UNION ALL SELECT 'SECURITY DEFINER function without a fixed search_path', p.oid::regprocedure::text
  FROM pg_proc p JOIN ours s ON s.oid = p.pronamespace
 WHERE p.prosecdef AND NOT coalesce(p.proconfig::text ~ 'search_path=.*pg_temp', false)
UNION ALL SELECT 'function anyone may execute', p.oid::regprocedure::text FROM pg_proc p JOIN ours s ON s.oid = p.pronamespace
 WHERE p.proacl IS NULL OR p.proacl::text ~ '[{,]=X'
UNION ALL SELECT 'identity function marked IMMUTABLE or PARALLEL SAFE', p.oid::regprocedure::text
  FROM pg_proc p JOIN ours s ON s.oid = p.pronamespace
 WHERE s.nspname = 'guard' AND (p.provolatile = 'i' OR p.proparallel = 's') AND p.prorettype <> 'trigger'::regtype
UNION ALL SELECT 'the pages'' login holds ' || privilege_type, table_schema || '.' || table_name
  FROM information_schema.role_table_grants
 WHERE grantee = 'placewise_app' AND table_schema NOT LIKE 'pg_temp%'
   AND privilege_type IN ('DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER')
UNION ALL SELECT 'the pages'' login reaches a private table', c.oid::regclass::text
  FROM pg_class c JOIN ours s ON s.oid = c.relnamespace
 WHERE c.relkind = 'r' AND (s.nspname = 'guard' OR c.oid = 'audit.head'::regclass)
   AND has_table_privilege('placewise_app', c.oid, 'SELECT,INSERT,UPDATE,DELETE')
UNION ALL SELECT 'the pages'' login reads the identity vault', 'placewise.identity'
 WHERE has_any_column_privilege('placewise_app', 'placewise.identity', 'SELECT,UPDATE')
UNION ALL SELECT 'the door reaches a table', c.oid::regclass::text FROM pg_class c JOIN ours s ON s.oid = c.relnamespace
 WHERE c.relkind = 'r' AND has_any_column_privilege('placewise_door', c.oid, 'SELECT,INSERT,UPDATE')
UNION ALL SELECT 'the worker reaches a table', c.oid::regclass::text
  FROM pg_class c JOIN ours s ON s.oid = c.relnamespace
 WHERE c.relkind = 'r' AND has_any_column_privilege('placewise_worker', c.oid, 'SELECT,INSERT,UPDATE')
UNION ALL SELECT 'the pages'' login reaches the queue', c.oid::regclass::text
  FROM pg_class c WHERE c.relnamespace = 'queue'::regnamespace AND c.relkind = 'r'
   AND has_any_column_privilege('placewise_app', c.oid, 'SELECT,INSERT,UPDATE')
UNION ALL SELECT 'the pages'' login may act as the worker', p.oid::regprocedure::text FROM pg_proc p
 WHERE p.proname IN ('start_analysis', 'note_analysis', 'end_analysis', 'forget_analyses')
   AND has_function_privilege('placewise_app', p.oid, 'EXECUTE')
UNION ALL SELECT 'the worker may act as the pages or the door', p.oid::regprocedure::text
  FROM pg_proc p JOIN ours s ON s.oid = p.pronamespace
 WHERE has_function_privilege('placewise_worker', p.oid, 'EXECUTE')
   AND p.proname NOT IN ('start_analysis', 'note_analysis', 'end_analysis', 'forget_analyses')
UNION ALL SELECT 'the pages'' login may start a session', p.oid::regprocedure::text FROM pg_proc p
 WHERE p.proname IN ('start_session', 'credentials', 'memberships', 'may_try') AND has_function_privilege('placewise_app', p.oid, 'EXECUTE')
UNION ALL SELECT 'a login may create objects or temporary tables', l.rolname FROM logins l
 WHERE has_database_privilege(l.oid, current_database(), 'TEMP,CREATE')
    OR EXISTS (SELECT FROM ours s WHERE has_schema_privilege(l.oid, s.oid, 'CREATE')) OR has_schema_privilege(l.oid, 'public', 'CREATE')
UNION ALL SELECT 'foreign key that does not lead with partnership_id', conrelid::regclass || '.' || conname
  FROM pg_constraint k JOIN tenant s ON s.oid = k.connamespace
  JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
 WHERE contype = 'f' AND a.attname <> 'partnership_id'
UNION ALL SELECT 'unique key that does not lead with partnership_id', conrelid::regclass || '.' || conname
  FROM pg_constraint k JOIN tenant s ON s.oid = k.connamespace
  JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
 WHERE contype = 'u' AND a.attname <> 'partnership_id'
UNION ALL SELECT 'constraint without a chosen name', conrelid::regclass || '.' || conname
  FROM pg_constraint k JOIN tenant s ON s.oid = k.connamespace
 WHERE contype IN ('c', 'u') AND conname ~ '(_check|_key)[0-9]*$'
UNION ALL SELECT 'geometry operator not leakproof: spatial indexes would be useless', 'geometry_overlaps'
 WHERE NOT (SELECT proleakproof FROM pg_proc WHERE oid = 'public.geometry_overlaps(public.geometry, public.geometry)'::regprocedure)
UNION ALL SELECT 'other sessions'' statements are readable', 'pg_stat_get_activity'
 WHERE has_function_privilege('placewise_app', 'pg_stat_get_activity(integer)', 'EXECUTE')
UNION ALL SELECT 'login whose statements show in pg_stat_activity', l.rolname FROM logins l
  JOIN pg_roles r ON r.oid = l.oid WHERE NOT coalesce(r.rolconfig::text ~ 'track_activities=off', false)
