DROP FUNCTION move_progress(text, int, bigint, bigint, bigint, text);
DROP FUNCTION take_over_progress(text, int, uuid);
DROP FUNCTION save_checkpoint(text, int, bigint, bigint, bigint, bigint);
DROP TABLE progress;
DROP TABLE actor_checkpoints;
DROP TABLE subject_keys;
