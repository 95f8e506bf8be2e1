DROP FUNCTION swap_in_shadow(name[], text, text, bigint[], bigint[], text[]);
DROP FUNCTION dependent_views(regclass);
DROP FUNCTION table_belongings(name);
DROP FUNCTION create_shadow_hypertable(name);
DROP FUNCTION create_shadow(name);
DROP TABLE processor_runs;
DROP SCHEMA replaced CASCADE;
DROP SCHEMA rebuild CASCADE;
DELETE FROM progress WHERE consumer LIKE 'rebuild:%';
