DROP FUNCTION log_commit(text, smallint, int, bigint, bigint, smallint[], int[], int[], bytea[], bytea[]);
DROP FUNCTION log_append(uuid, bigint, smallint[], int[], int[], bytea[], bytea[]);
DROP FUNCTION log_insert(smallint[], int[], int[], bytea[], bytea[]);
DROP TABLE log_producers;
DROP TABLE log_groups;
DROP TABLE log_records;
DROP TABLE log_heads;
DROP TABLE log_topics;
DROP TABLE log_identity;
